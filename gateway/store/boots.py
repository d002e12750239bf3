"""Boots in the ledger: opening one takes stock of what dead ones left behind."""

from gateway.model.address import Route
from gateway.model.boot import BOOT_TRANSITIONS, BootOpening, BootState
from gateway.model.delivery import DeliveryKind, Draft
from gateway.model.session import Reason
from gateway.store import approvals
from gateway.store import restore_statements as restoring
from gateway.store import statements as sql
from gateway.store.marks import mark_interrupted
from gateway.store.owing import owe
from gateway.store.tx import Tx

CRASHES_REMEMBERED = 50
"""How many unclean boots the loop breaker is told about."""

REFUSALS_REMEMBERED = 30 * 86_400.0
"""How long a refused event is known, in seconds: longer than platforms are read back."""

BACK = "Back online."


def open_boot(tx: Tx, replica: str, pid: int, now: float) -> BootOpening:
    """Insert a boot; what ran in dead boots is interrupted and marked in the same transaction, and what was
    asked in them is void.

    The caller holds the lock on the state, so that every other open boot is dead.
    """
    # Also of boots that stopped cleanly: they stop even if a turn that they cut does not end in time.
    running: list[tuple[int, int, float, float]] = tx.execute(sql.RUNNING_TURNS).fetchall()
    for turn_id, session_id, started_at, seen_at in running:
        # Dated by the last sign of life: the time of this start says nothing about the work's age.
        died_at = max(seen_at, started_at)
        mark_interrupted(tx, session_id, turn_id, Reason.RESTART_INTERRUPTED, died_at)
        tx.execute(sql.INTERRUPT_TURN, (Reason.RESTART_INTERRUPTED, died_at, turn_id))
        tx.execute(sql.INTERRUPT_STEPS, (turn_id,))
    approvals.void_all(tx, now)
    dead: list[tuple[int]] = tx.execute(sql.OPEN_BOOTS).fetchall()
    for (boot_id,) in dead:
        tx.execute(sql.BURY_BOOT, (now, boot_id))
    tx.execute(sql.DROP_UNSENT_STREAMS, (now,))
    tx.execute(sql.FORGET_REFUSED_EVENTS, (now - REFUSALS_REMEMBERED,))
    unknown = tx.execute(sql.SENDING_TO_UNKNOWN).rowcount
    _announce_return(tx, now)
    crashes = tuple(row[0] for row in tx.execute(sql.CRASHES, (CRASHES_REMEMBERED,)))
    (boot_id,) = tx.execute(sql.INSERT_BOOT, (replica, pid, BootState.STARTING, now, now)).fetchone()
    (answer_since,) = tx.execute(restoring.ANSWER_SINCE).fetchone()
    return BootOpening(boot_id, len(dead), len(running), unknown, crashes, answer_since)


def _announce_return(tx: Tx, now: float) -> None:
    """Owe "back online" to the chat that asked for the restart. The key makes it once, however often."""
    found = tx.execute(sql.RESTART_ASKED_BY).fetchone()
    if found is None:
        return
    boot_id, session_id = found
    place = tx.execute(sql.SESSION_ROUTE, (session_id,)).fetchone()
    if place is None:
        return  # forgotten meanwhile
    route = Route(*place)
    owe(tx, route, Draft(DeliveryKind.NOTICE, BACK), now, key=f"back:{boot_id}", session_id=session_id)


def beat(tx: Tx, boot_id: int, now: float) -> None:
    """A sign of life."""
    tx.execute(sql.BEAT, (now, boot_id))


def set_boot_state(
    tx: Tx, boot_id: int, state: BootState, intent: str | None, session_id: int | None
) -> None:
    """Move a boot along its table."""
    _check(tx, boot_id, state)
    tx.execute(sql.SET_BOOT_STATE, (state, intent, session_id, boot_id))


def stop_boot(tx: Tx, boot_id: int, now: float, intent: str | None) -> None:
    """The clean-shutdown marker."""
    _check(tx, boot_id, BootState.STOPPED)
    tx.execute(sql.STOP_BOOT, (now, now, intent, boot_id))


def _check(tx: Tx, boot_id: int, after: BootState) -> None:
    (before,) = tx.execute(sql.BOOT_STATE, (boot_id,)).fetchone()
    BOOT_TRANSITIONS.check(BootState(before), after)
