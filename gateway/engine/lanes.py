"""Lanes: the FIFO of one session while it has work.

A lane holds no messages. It asks the ledger for the next one until there is none, so that what is waiting is
the same before and after a restart. There is at most one lane per session, and one turn at a time in it.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from gateway import log

_log = log.get()

RunNext = Callable[[int], Awaitable[bool]]
"""Runs the next turn of a session; false when none is known to follow it."""


@dataclass(slots=True)
class _Lane:
    woken: bool = True
    idle: asyncio.Event = field(default_factory=asyncio.Event)


class Lanes:
    """The lanes that have work. At most `concurrent` of them run a turn at once."""

    def __init__(self, group: asyncio.TaskGroup, run_next: RunNext, concurrent: int) -> None:
        self._group = group
        self._run_next = run_next
        self._slots = asyncio.Semaphore(concurrent)
        self._lanes: dict[int, _Lane] = {}
        self._admitting = True
        self._all_idle = asyncio.Event()
        self._all_idle.set()

    def wake(self, session_id: int) -> asyncio.Event | None:
        """There may be work for a session. The event is set when its lane has none left.

        While draining nothing is begun: what waits in the ledger is answered after the restart.
        """
        if not self._admitting:
            return None
        lane = self._lanes.get(session_id)
        if lane is None:
            lane = self._lanes[session_id] = _Lane()
            self._all_idle.clear()
            self._group.create_task(self._run(session_id, lane), name=f"lane-{session_id}")
        lane.woken = True
        return lane.idle

    def busy(self, session_id: int) -> bool:
        """Whether the session has a lane right now."""
        return session_id in self._lanes

    def __len__(self) -> int:
        return len(self._lanes)

    def stop_admitting(self) -> None:
        """Begin no more turns; those that run go on."""
        self._admitting = False

    def admit_again(self) -> None:
        """Turns may begin again. What waits has to be woken; lanes at work look again by themselves."""
        self._admitting = True
        for lane in self._lanes.values():
            lane.woken = True

    async def all_idle(self) -> None:
        """Wait until no lane is left."""
        await self._all_idle.wait()

    async def _run(self, session_id: int, lane: _Lane) -> None:
        try:
            while self._admitting and lane.woken:
                lane.woken = False
                while await self._turn(session_id):
                    pass
        except Exception:  # noqa: BLE001  supervisor: one session's bug must not end the others
            _log.exception("lane.failed", session=session_id)
        finally:
            # No await between the last look at `woken` and this: a message cannot slip in between.
            del self._lanes[session_id]
            lane.idle.set()
            if not self._lanes:
                self._all_idle.set()

    async def _turn(self, session_id: int) -> bool:
        # A slot for each turn: a chat with a long queue must not keep others from their first answer.
        async with self._slots:
            return self._admitting and await self._run_next(session_id)
