"""Stopping: finish what can be finished, mark the rest before it is cut, and leave the clean-shutdown marker.

The marks come before the cuts. Killed between the two, the next boot finds a marked session with a running
turn and knows all that it needs; killed before both, it is a crash like any other.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from gateway import log
from gateway.engine.lanes import Lanes
from gateway.engine.outbox import Outbox
from gateway.engine.turns import Turns
from gateway.failpoints import reach
from gateway.model.boot import BootState
from gateway.model.delivery import DeliveryKind, Draft
from gateway.model.happening import Drained, Witness, unseen
from gateway.model.operation import Intent, Phase, StopRequest
from gateway.model.session import Reason
from gateway.ports import Agents, Clock, LedgerUnavailableError, Store

_log = log.get()

CUT_SECONDS = 10.0
"""How long cut turns may take to end in the ledger. Those that do not are a crash to the next boot."""

FLUSH_SECONDS = 10.0
"""How long the outbox may take to send what is owed. What is left is sent after the restart."""

CUT_NOTICE = {
    Intent.RESTART: "The gateway restarts now. I will go on with this right after.",
    Intent.STOP: "The gateway stops now. I will go on with this when it is back.",
}


@dataclass(frozen=True, slots=True)
class DrainParts:
    """What is stopped. `reopen` puts waiting messages back into their lanes when a stop is undone."""

    store: Store
    lanes: Lanes
    turns: Turns
    outbox: Outbox
    agents: Agents
    clock: Clock
    reopen: Callable[[], Awaitable[None]]
    saw: Witness = unseen


@dataclass(frozen=True, slots=True)
class Stopped:
    """How a gateway stopped. Not `clean`: the ledger could not be written, so it will look like a crash."""

    intent: Intent
    clean: bool


class Drain:
    """The one way in which a gateway stops, whoever asked for it."""

    def __init__(self, parts: DrainParts, boot_id: int) -> None:
        self._parts = parts
        self._boot_id = boot_id
        self._asked = asyncio.Event()
        self._news = asyncio.Event()
        self._undone = False
        self._noted = False
        self._until: float | None = None
        self.phase = Phase.SERVING
        self.request: StopRequest | None = None

    @property
    def deadline(self) -> float | None:
        """Seconds of waiting that are left."""
        return None if self._until is None else max(0.0, self._until - self._parts.clock.monotonic())

    def stop(self, request: StopRequest) -> bool:
        """Ask for a stop; false if one is under way. Asked again by an operator, the later wish counts.

        Once turns are being cut, nothing changes any more. Nor does it when a chat asks once more: impatience
        there must not cut other people's turns.
        """
        if self.request is None:
            self.request = request
            self._asked.set()
            return True
        if request.session_id is None and self.may_change:
            self.request = replace(self.request, intent=request.intent, wait=request.wait)
            self._until = self._parts.clock.monotonic() + request.wait
            self._news.set()
            _log.info("drain.asked_again", intent=request.intent, wait=request.wait)
        return False

    @property
    def may_change(self) -> bool:
        """Whether it has not yet begun to cut turns."""
        return self.phase in (Phase.SERVING, Phase.WAITING)

    def undo(self) -> bool:
        """Go on serving after all; false once turns are being cut, or when no stop was asked for."""
        if self.request is None or not self.may_change:
            return False
        self._undone = True
        self._news.set()
        return True

    async def run(self) -> Stopped:
        """Wait to be asked, then stop; returns when everything is settled."""
        while True:
            await self._asked.wait()
            begun = self._parts.clock.monotonic()
            if await self._wait():
                request = self._wish
                cut = len(self._parts.turns.running)
                clean = await self._finish(request)
                self._parts.saw(Drained(self._parts.clock.monotonic() - begun, cut, clean))
                return Stopped(request.intent, clean)
            await self._go_on()

    @property
    def _wish(self) -> StopRequest:
        assert self.request is not None
        return self.request

    async def _wait(self) -> bool:
        """Give running turns their time; false when the stop was undone."""
        parts, request = self._parts, self._wish
        _log.info("drain.started", intent=request.intent, running=len(parts.turns.running), wait=request.wait)
        parts.lanes.stop_admitting()
        self._until = parts.clock.monotonic() + request.wait
        self.phase = Phase.WAITING
        self._noted = await self._note_state(BootState.DRAINING, request)
        while not self._undone:
            self._news.clear()
            try:
                # What is left, not the whole: writing the line above may have taken its time.
                async with asyncio.timeout(self.deadline):
                    await _first(parts.lanes.all_idle(), self._news.wait())
            except TimeoutError:
                _log.info("drain.time_is_up", running=len(parts.turns.running))
                break
            if not self._news.is_set():
                break
        if self._undone:
            return False
        self.phase = Phase.CUTTING
        return True

    async def _go_on(self) -> None:
        self.request, self._until, self._undone = None, None, False
        self._asked.clear()
        self._news.clear()
        self.phase = Phase.SERVING
        self._parts.lanes.admit_again()
        if self._noted:
            await self._note_state(BootState.SERVING, None)
        _log.info("drain.undone")
        await self._parts.reopen()

    async def _finish(self, request: StopRequest) -> bool:
        """From here there is no way back."""
        parts = self._parts
        clean = True
        try:
            await self._mark(request)
        except LedgerUnavailableError as error:
            clean = False
            _log.error("drain.unclean", why=str(error))
        # Also when no mark could be written: a turn that is still running then is interrupted by definition.
        await _bounded(parts.turns.cut_all(), CUT_SECONDS)
        await parts.agents.close()
        await _bounded(parts.lanes.all_idle(), CUT_SECONDS)
        self.phase = Phase.FLUSHING
        await _bounded(parts.outbox.empty(), FLUSH_SECONDS)
        parts.outbox.close()
        await _bounded(parts.outbox.empty(), FLUSH_SECONDS)
        reach("drain.flushed")
        self.phase = Phase.STOPPED
        return clean and await self._leave_marker(request.intent)

    async def _mark(self, request: StopRequest) -> None:
        parts = self._parts
        turns = parts.turns.running
        if not turns:
            return
        notice = Draft(DeliveryKind.NOTICE, CUT_NOTICE[request.intent])
        owed = await parts.store.mark_pending(turns, Reason.DRAIN_TIMEOUT, parts.clock.now(), notice)
        reach("drain.marked")
        parts.outbox.push(owed)
        _log.info("drain.cutting", turns=len(turns))

    async def _leave_marker(self, intent: Intent) -> bool:
        """The last write of this boot, and only if every turn has ended in the ledger."""
        if len(self._parts.lanes):
            _log.error("drain.unclean", why="a turn did not end in time", lanes=len(self._parts.lanes))
            return False
        try:
            await self._parts.store.stop_boot(self._boot_id, self._parts.clock.now(), intent)
        except LedgerUnavailableError as error:
            _log.error("drain.unclean", why=str(error))
            return False
        _log.info("drain.done")
        return True

    async def _note_state(self, state: BootState, request: StopRequest | None) -> bool:
        """For people who look at the ledger; a stop does not depend on it. Whether it was written."""
        intent = request.intent if request else None
        session = request.session_id if request else None
        try:
            await self._parts.store.set_boot_state(self._boot_id, state, intent, session)
        except LedgerUnavailableError as error:
            _log.warning("drain.state_not_stored", why=str(error))
            return False
        return True


async def _first(*waits: Awaitable[object]) -> None:
    """Return when one of them does."""
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()


async def _bounded(work: Awaitable[object], seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await work
    except TimeoutError:
        _log.warning("drain.slow", seconds=seconds)
