"""The line below a thread that says what the bot is doing. Losing it does no harm.

A thread has one such line, which Slack takes away after two minutes or when the bot says something. Whoever
is at work longer shows it again, and then as it was.
"""

import asyncio
import re
from collections import OrderedDict

from adapters.slack.client import CallError, Client, LimitError, RefusedError
from gateway.model.address import Route
from gateway.ports import Clock

WORKING = "is working…"
LENGTH = 50
"""Characters of a line; more is not seen on a phone."""

_SECONDS = 5
_MESSAGES = 10  # that Slack takes at once
_KEPT = 4096
_NONE = frozenset({"missing_scope", "unknown_method", "not_allowed_token_type"})
_MARKUP = re.compile(r"[*_~`]|^\s*(?:[-•>#]+\s+)+")


class Status:
    """The lines of one account."""

    def __init__(self, client: Client, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._shown: OrderedDict[tuple[str, str], list[str]] = OrderedDict()
        self._quiet_until = float("-inf")
        self._offered = True  # as far as is known, Slack has such lines

    def quiet(self) -> bool:
        """Whether Slack has asked for rest."""
        return self._clock.monotonic() < self._quiet_until

    def rest(self, seconds: float) -> None:
        """Slack asks for rest."""
        self._quiet_until = self._clock.monotonic() + seconds

    def shows(self, route: Route) -> bool:
        """Whether there is such a line, as far as is known."""
        return bool(route.thread) and self._offered

    async def work(self, route: Route) -> None:
        """Show that the bot is at work, or still at what was told last."""
        await self._set(route, self._shown.get((route.chat, route.thread)) or [WORKING])

    async def tell(self, route: Route, progress: str) -> None:
        """Show what the agent is doing, if it is something else than before."""
        lines = lines_of(progress)
        key = route.chat, route.thread
        if not route.thread or lines == self._shown.get(key, []):
            return
        self._shown[key] = lines
        self._shown.move_to_end(key)
        if len(self._shown) > _KEPT:
            self._shown.popitem(last=False)
        await self._set(route, lines)

    async def over(self, route: Route) -> None:
        """The answer is there. What was told last is taken away, where Slack might leave it."""
        if self._shown.pop((route.chat, route.thread), None):
            await self._set(route, [])

    async def _set(self, route: Route, lines: list[str]) -> None:
        if not route.thread or not self._offered or self.quiet():
            return
        try:
            async with asyncio.timeout(_SECONDS):
                await self._client.write(
                    "assistant.threads.setStatus",
                    channel_id=route.chat,
                    thread_ts=route.thread,
                    status=lines[-1] if lines else "",
                    loading_messages=lines if len(lines) > 1 else None,  # shown in turn
                )
        except TimeoutError:
            return
        except CallError as error:
            if isinstance(error, LimitError):
                self.rest(error.seconds)
            if isinstance(error, RefusedError) and error.word in _NONE:
                self._offered = False


def lines_of(progress: str) -> list[str]:
    """The last lines of a text, without markup, each as long as a status may be."""
    lines = [line for line in (_MARKUP.sub("", one).strip() for one in progress.splitlines()) if line]
    return [line if len(line) <= LENGTH else f"{line[: LENGTH - 1].rstrip()}…" for line in lines[-_MESSAGES:]]
