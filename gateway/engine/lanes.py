"""Lanes: the FIFO of one session while it has work.

A lane holds no messages. It asks the ledger for the next one until there is none, so that what is waiting is
the same before and after a restart. There is at most one lane per session, and one turn at a time in it.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import Enum, auto

from gateway import log
from gateway.engine.slots import Slots

_log = log.get()


class Next(Enum):
    """What follows a turn: another one, none that is known, or none although some may wait."""

    GO = auto()
    IDLE = auto()
    HALT = auto()


RunNext = Callable[[int], Awaitable[Next]]
"""Runs the next turn of a session."""


@dataclass(slots=True)
class _Lane:
    woken: bool = True
    idle: asyncio.Event = field(default_factory=asyncio.Event)


class Lanes:
    """The lanes that have work. At most `concurrent` of them run a turn at once."""

    def __init__(self, group: asyncio.TaskGroup, run_next: RunNext, concurrent: int) -> None:
        self._group = group
        self._run_next = run_next
        self._slots = Slots(concurrent)
        self._lanes: dict[int, _Lane] = {}
        self._admitting = True
        self._all_idle = asyncio.Event()
        self._all_idle.set()

    def reconfigure(self, concurrent: int) -> None:
        """From now on so many turns at once. Where more are running, they are finished."""
        self._slots.resize(concurrent)

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
            after = Next.IDLE
            while self._admitting and lane.woken and after is not Next.HALT:
                lane.woken = False
                while (after := await self._turn(session_id)) is Next.GO:
                    pass
        except Exception:  # noqa: BLE001  supervisor: one session's bug must not end the others
            _log.exception("lane.failed", session=session_id)
        finally:
            # No await between the last look at `woken` and this: a message cannot slip in between.
            del self._lanes[session_id]
            lane.idle.set()
            if not self._lanes:
                self._all_idle.set()

    async def _turn(self, session_id: int) -> Next:
        # A slot for each turn: a chat with a long queue must not keep others from their first answer.
        async with self._slots:
            return await self._run_next(session_id) if self._admitting else Next.IDLE
