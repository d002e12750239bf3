"""One job that is wished for again and again."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Coalesced(Generic[T]):
    """Never runs twice at once. Wishes that come before it begins are one; the next run is for later ones."""

    def __init__(self, group: asyncio.TaskGroup, job: Callable[[], Awaitable[T]], name: str) -> None:
        self._group = group
        self._job = job
        self._name = name
        self._running = asyncio.Lock()
        self._wished: asyncio.Task[T] | None = None

    def wish(self) -> asyncio.Task[T]:
        """Have it run from its beginning, soon."""
        if self._wished is None:
            self._wished = self._group.create_task(self._run(), name=self._name)
        return self._wished

    async def _run(self) -> T:
        async with self._running:
            self._wished = None
            return await self._job()
