"""Time that moves when a test says so."""

import asyncio
from collections.abc import Callable


class ManualClock:
    """The `Clock` port. It also moves the running event loop's own time, which timeouts are measured by."""

    def __init__(self, start: float = 1_000_000.0) -> None:
        self._time = start
        self._sleepers: list[tuple[float, asyncio.Future[None]]] = []
        self.slept: list[float] = []
        loop = asyncio.get_running_loop()
        real = loop.time
        self._ahead = 0.0
        loop.time = lambda: real() + self._ahead

    def now(self) -> float:
        return self._time

    def monotonic(self) -> float:
        return self._time

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        future = asyncio.get_running_loop().create_future()
        self._sleepers.append((self._time + seconds, future))
        await future

    def advance(self, seconds: float) -> None:
        """Let time pass. Who sleeps until then wakes up."""
        self._time += seconds
        self._ahead += seconds
        due = [sleeper for sleeper in self._sleepers if sleeper[0] <= self._time]
        self._sleepers = [sleeper for sleeper in self._sleepers if sleeper not in due]
        for _, future in due:
            if not future.done():
                future.set_result(None)


async def until(condition: Callable[[], object]) -> None:
    """Give way until something is so. The test's own timeout ends a wait in vain."""
    while not condition():  # noqa: ASYNC110  a condition of the test, not an event of the product
        await asyncio.sleep(0)
