"""Stopping: finish what can be finished, mark the rest before it is cut, and leave the clean-shutdown marker.

The marks come before the cuts. Killed between the two, the next boot finds a marked session with a running
turn and knows all that it needs; killed before both, it is a crash like any other.
"""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass

from gateway import log
from gateway.engine.lanes import Lanes
from gateway.engine.outbox import Outbox
from gateway.engine.turns import Turns
from gateway.failpoints import reach
from gateway.model.boot import BootState
from gateway.model.session import Reason
from gateway.ports import Agents, Clock, LedgerUnavailableError, Store

_log = log.get()

CUT_SECONDS = 10.0
"""How long cut turns may take to end in the ledger. Those that do not are a crash to the next boot."""

FLUSH_SECONDS = 10.0
"""How long the outbox may take to send what is owed. What is left is sent after the restart."""


@dataclass(frozen=True, slots=True)
class DrainParts:
    """What is stopped."""

    store: Store
    lanes: Lanes
    turns: Turns
    outbox: Outbox
    agents: Agents
    clock: Clock


async def drain(parts: DrainParts, boot_id: int, timeout: float, hurry: asyncio.Event) -> bool:  # noqa: ASYNC109
    """Stop, waiting up to `timeout` seconds for running turns, less when `hurry` is set.

    Returns whether the stop was clean. False means that the ledger could not be written: nothing is lost, but
    the next boot has to treat this one as crashed.
    """
    _log.info("drain.started", running=len(parts.turns.running), timeout=timeout)
    parts.lanes.stop_admitting()
    try:
        await parts.store.set_boot_state(boot_id, BootState.DRAINING, "stop")
        await _wait_for_turns(parts, timeout, hurry)
        await _cut_turns(parts)
        await parts.agents.close()
        await _bounded(parts.lanes.all_idle(), CUT_SECONDS)
        await _bounded(parts.outbox.empty(), FLUSH_SECONDS)
        parts.outbox.close()
        await _bounded(parts.outbox.empty(), FLUSH_SECONDS)
        reach("drain.flushed")
        await parts.store.stop_boot(boot_id, parts.clock.now())
    except LedgerUnavailableError as error:
        _log.error("drain.unclean", why=str(error))
        return False
    _log.info("drain.done")
    return True


async def _wait_for_turns(parts: DrainParts, timeout: float, hurry: asyncio.Event) -> None:  # noqa: ASYNC109
    """Until nothing runs, or the time is up, or somebody cannot wait."""
    idle = asyncio.ensure_future(parts.lanes.all_idle())
    hurried = asyncio.ensure_future(hurry.wait())
    try:
        await asyncio.wait({idle, hurried}, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
    finally:
        idle.cancel()
        hurried.cancel()


async def _cut_turns(parts: DrainParts) -> None:
    turns = parts.turns.running
    if turns:
        await parts.store.mark_pending(turns, Reason.DRAIN_TIMEOUT, parts.clock.now())
        reach("drain.marked")
        _log.info("drain.cutting", turns=len(turns))
    await _bounded(parts.turns.cut_all(), CUT_SECONDS)


async def _bounded(work: Awaitable[object], seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await work
    except TimeoutError:
        return False
    return True
