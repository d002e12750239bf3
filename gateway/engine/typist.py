"""Shows people that the bot is at work, for as long as it is.

One task for all chats: a task per turn would cost more than most answers do.
"""

import asyncio
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from gateway import log
from gateway.model.address import Route
from gateway.ports import ChatAdapter, Clock

_log = log.get()

GRACE_SECONDS = 0.25
"""An answer that comes sooner needs no sign that it is coming."""

PATIENCE_SECONDS = 5.0
"""How long a platform may take over it before the others are no longer kept waiting."""


@dataclass(slots=True, eq=False)
class _Work:
    route: Route
    due: float


class Typist:
    """Keeps `typing` alive in every chat with a running turn."""

    def __init__(self, adapters: Mapping[str, ChatAdapter], clock: Clock) -> None:
        self._adapters = adapters
        self._clock = clock
        self._works: set[_Work] = set()

    @contextmanager
    def at_work(self, route: Route) -> Generator[None]:
        """The bot is at work in this chat until the block is left."""
        work = _Work(route, self._clock.monotonic() + GRACE_SECONDS)
        self._works.add(work)
        try:
            yield
        finally:
            self._works.discard(work)

    async def run(self) -> None:
        """Show it, until cancelled."""
        while True:
            await self._clock.sleep(GRACE_SECONDS)
            now = self._clock.monotonic()
            due = [work for work in self._works if work.due <= now]
            for work in due:
                work.due = now + self._adapters[work.route.account].typing_seconds
            if due:
                await self._show({work.route for work in due})

    async def _show(self, routes: set[Route]) -> None:
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                outcomes = await asyncio.gather(
                    *(self._adapters[route.account].typing(route) for route in routes), return_exceptions=True
                )
        except TimeoutError:
            return
        for outcome in outcomes:
            if isinstance(outcome, Exception):
                _log.error("typing.failed", why=f"{type(outcome).__name__}: {outcome}")
