"""Asking Discord for what one cannot do without: every trouble is waited out, only a refusal stands."""

from collections.abc import Mapping

from structlog.typing import FilteringBoundLogger

from adapters.discord.outcomes import limit_seconds
from adapters.discord.rest import Answer, Broken, NotSent, Reply, Rest
from adapters.offering import Backoff
from gateway.ports import Clock

_PATIENCE = 3  # failures before the log hears of it


class Reader:
    """The reads of one account. Asking twice changes nothing, so it is asked until there is an answer."""

    def __init__(self, rest: Rest, clock: Clock, log: FilteringBoundLogger) -> None:
        self._rest = rest
        self._clock = clock
        self._log = log

    async def get(self, path: str, query: Mapping[str, str] | None = None) -> Answer:
        """What was asked for, or Discord's refusal (then it is not `good`)."""
        backoff = Backoff()
        failures = 0
        while True:
            reply = await self._rest.call("GET", path, query=query)
            if isinstance(reply, Answer):
                if reply.good and reply.body is not None:
                    return reply
                if reply.status in {400, 403, 404} and reply.code:
                    return reply
            failures += 1
            if failures == _PATIENCE:
                self._log.warning("discord.read_failing", path=path, detail=_detail(reply))
            if isinstance(reply, Answer) and reply.slow_down:
                await self._clock.sleep(limit_seconds(reply))
            else:
                await self._clock.sleep(backoff.next())


def _detail(reply: Reply) -> str:
    match reply:
        case NotSent(detail) | Broken(detail):
            return detail
        case Answer(status=status):
            return f"HTTP status {status}"
