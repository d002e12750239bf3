"""Work that keeps its order within a channel and waits for no other channel.

A lane is a queue with one worker that lives as long as there is work. What is queued is bounded over all
lanes: beyond that, the connection is not read from, and Discord keeps what comes.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

LIMIT = 10_000
"""How many jobs may wait before reading stops."""

Job = Callable[[], Awaitable[None]]


class Lanes:
    """The lanes of one account. Their workers belong to the task group; a job must not raise."""

    def __init__(self, tasks: asyncio.TaskGroup, limit: int = LIMIT) -> None:
        self._tasks = tasks
        self._limit = limit
        self._lanes: dict[int, deque[Job]] = {}
        self._workers: dict[int, asyncio.Task[None]] = {}
        self._waiting = 0
        self._room = asyncio.Event()
        self._room.set()

    def put(self, key: int, job: Job) -> None:
        """Do this after all that was put into the same lane before."""
        lane = self._lanes.get(key)
        if lane is None:
            lane = self._lanes[key] = deque()
            self._workers[key] = self._tasks.create_task(self._work(key, lane))
        lane.append(job)
        self._waiting += 1
        if self._waiting >= self._limit:
            self._room.clear()

    async def room(self) -> None:
        """Return when there is room for more."""
        await self._room.wait()

    def stop(self) -> None:
        """Leave everything undone."""
        for worker in self._workers.values():
            worker.cancel()

    async def _work(self, key: int, lane: deque[Job]) -> None:
        try:
            while lane:
                await lane.popleft()()
                self._waiting -= 1
                if self._waiting < self._limit:
                    self._room.set()
        finally:
            del self._lanes[key], self._workers[key]
