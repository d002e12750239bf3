"""The loop that stays connected: log in, listen, and come back when the connection is over.

Coming back means resuming the session where that can be done, which costs nothing and loses nothing. A fresh
login costs one of a limited number, so they are spaced, waited for and counted.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable

from aiohttp import ClientConnectorError, ClientError, WSServerHandshakeError
from structlog.typing import FilteringBoundLogger

from adapters.discord.intake import Intake
from adapters.discord.lanes import Lanes
from adapters.discord.login import entrance, identify, rationed
from adapters.discord.outcomes import NO_CONNECTION, NO_SENSE, Trouble, TroubleKind, closed
from adapters.discord.rest import Rest
from adapters.discord.sdk import ConnectionClosed, ReconnectWebSocket
from adapters.discord.wire import GarbledError, Resume, Wire
from adapters.endpoints import whether_running
from adapters.offering import Backoff
from gateway.ports import Clock, InboundSink, Past

LOGIN_SECONDS = 5.0
"""What has to lie between two logins of a bot."""

RESUME_TRIES = 3
"""How often resuming may fail before a fresh login is worth its price."""

PATIENCE = 3
"""How often in a row Discord may move its client before somebody hears of it."""

_BROKE = "The connection to Discord broke."


class Receiver:
    """One account's connection. `ready` is told once everything that was missed has been accepted."""

    def __init__(
        self,
        account: str,
        rest: Rest,
        wire: Wire,
        intake: Intake,
        log: FilteringBoundLogger,
        api_url: str | None,
        gateway_url: str | None,
    ) -> None:
        self._account = account
        self._rest = rest
        self._wire = wire
        self._intake = intake
        self._log = log
        self._api_url = api_url
        self._gateway_url = gateway_url
        self._identified = False
        self._resume: Resume | None = None
        self._logged_in_at: float | None = None
        self._troubles = 0  # since it was ready last
        self._trouble: TroubleKind | None = None
        self._backoff = Backoff()
        self._settling: asyncio.Task[None] | None = None

    async def run(self, clock: Clock, sink: InboundSink, past: Past) -> None:
        """Receive until cancelled; returns when the account is beyond help."""
        self._clock = clock
        self._sink = sink
        async with asyncio.TaskGroup() as self._tasks:
            self._lanes = Lanes(self._tasks)

            async def begin() -> None:
                await self._intake.begin(clock, sink, past, self._lanes)

            await self._stay(begin)
            self._lanes.stop()

    async def _stay(self, begin: Callable[[], Awaitable[None]]) -> None:
        while True:
            found = await self._prepare(begin)
            if not isinstance(found, Trouble):
                found = await self._connect(found)
            self._tell(found)
            if found.kind.final:
                return
            seconds = found.seconds if found.kind is not TroubleKind.LOGINS else None
            await self._clock.sleep(self._backoff.next() if seconds is None else seconds)

    async def _prepare(self, begin: Callable[[], Awaitable[None]]) -> str | Trouble:
        """Where to connect."""
        if not self._identified:
            found = await identify(self._rest)
            if found is not None:
                return found
            self._identified = True
            await begin()
        return self._resume.url if self._resume is not None else await self._entrance()

    async def _entrance(self) -> str | Trouble:
        """Where to log in, once that may be done."""
        while True:
            found = await entrance(self._rest, self._gateway_url)
            if isinstance(found, Trouble):
                return found
            if found.wait:
                self._tell(rationed(found))
                await self._clock.sleep(found.wait)
                if found.left <= 0:
                    continue
            if self._logged_in_at is not None:
                await self._clock.sleep(
                    max(0.0, self._logged_in_at + LOGIN_SECONDS - self._clock.monotonic())
                )
            self._logged_in_at = self._clock.monotonic()
            return found.url

    async def _connect(self, url: str) -> Trouble:
        """One connection, from its opening to its end."""
        for_good = True  # as far as a cancelled one is concerned
        try:
            await self._wire.open(url, self._resume)
            return await self._listen()
        except ReconnectWebSocket as moved:
            for_good = False
            return self._moved(resumable=moved.resume)
        except ConnectionClosed as error:
            self._resume = None
            return closed(error.code)
        except (ClientError, OSError) as error:  # which a timeout is, too
            for_good = False
            self._keep_session()
            missing = isinstance(error, ClientConnectorError | WSServerHandshakeError)
            why = self._no_gateway(url) if missing or self._trouble is not None else _BROKE
            return Trouble(TroubleKind.NETWORK, why, type(error).__name__)
        except GarbledError as error:
            for_good = False
            self._keep_session()
            return Trouble(TroubleKind.RUBBISH, NO_SENSE, str(error))
        finally:
            if self._settling is not None:
                self._settling.cancel()
            await self._wire.close(for_good=for_good)

    def _no_gateway(self, url: str) -> str:
        discords_own = self._api_url is None and self._gateway_url is None
        return NO_CONNECTION + whether_running("gateway_url", None if discords_own else url)

    async def _listen(self) -> Trouble:
        while True:
            for told in await self._wire.read():
                self._intake.hear(told.name, told.data)
                if told.name in {"READY", "RESUMED"}:
                    self._settling = self._tasks.create_task(self._settle(told.name))
            await self._lanes.room()

    def _moved(self, *, resumable: bool) -> Trouble:
        """Discord asked to come back, or the connection ended in a way that allows it."""
        if not resumable:
            self._resume = None
            # Discord wants sessions that it has ended not to come back all at once.
            return Trouble(TroubleKind.SESSION, _BROKE, "session ended", random.uniform(1, 5))  # noqa: S311
        self._keep_session()
        kind = TroubleKind.ASKED if self._wire.asked_to_leave else TroubleKind.NETWORK
        return Trouble(kind, _BROKE, "closed")

    def _keep_session(self) -> None:
        """Go on with the session, unless that has failed too often."""
        self._resume = self._wire.session or self._resume
        if self._troubles >= RESUME_TRIES:
            self._resume = None

    async def _settle(self, how: str) -> None:
        """The gateway took the bot in: it is ready once what was missed has been accepted."""
        await self._intake.settle()
        self._troubles = 0
        self._trouble = None
        self._backoff.reset()
        self._log.info("discord.connected", how=how.lower(), bot=self._intake.bot_name)
        await self._sink.ready(self._account)

    def _tell(self, found: Trouble) -> None:
        """Say it once per change of state, not at every attempt; and not at all what happens every day."""
        self._troubles += 1
        if found.kind.everyday and self._troubles <= PATIENCE:
            self._log.info("discord.reconnecting", detail=found.detail)
            return
        if found.kind is self._trouble:
            return
        self._trouble = found.kind
        tell = self._log.error if found.kind.final else self._log.warning
        unreachable = found.why == NO_CONNECTION
        why = found.why + (whether_running("api_url", self._api_url) if unreachable else "")
        tell(f"discord.{found.kind.value}", why=why, detail=found.detail)
        self._sink.lost(self._account, why)
