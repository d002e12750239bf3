"""The marker of a session: set before its turn is interrupted, cleared only by a turn that ended well."""

from gateway.model.session import SESSION_TRANSITIONS, SessionState
from gateway.store import statements as sql
from gateway.store.tx import Tx


def mark_interrupted(tx: Tx, session_id: int, turn_id: int, reason: str, at: float) -> None:
    """Mark a session for the turn that is, or was, cut short.

    A suspended session stays suspended, and knows what a person could let it go on with. One that is marked
    for this very turn keeps its reason and date: it was marked by whoever was about to interrupt it. One that
    is marked for an earlier turn is marked anew, because each interruption is resumed once.
    """
    state, marked_turn = tx.execute(sql.SESSION_MARK, (session_id,)).fetchone()
    if state == SessionState.SUSPENDED:
        tx.execute(sql.MARK_SUSPENDED, (turn_id, at, session_id))
        return
    if state == SessionState.RESUME_PENDING and marked_turn == turn_id:
        return
    tx.execute(sql.MARK_SESSION, (reason, turn_id, at, session_id))


def clear_mark(tx: Tx, session_id: int, now: float) -> None:
    """A turn ended well: nothing is unfinished, and attempts are forgotten. Suspended stays suspended."""
    tx.execute(sql.CLEAR_MARK, (now, session_id))


def activate(tx: Tx, session_id: int, now: float) -> None:
    """A person gives up what was unfinished: the session is as good as new."""
    tx.execute(sql.ACTIVATE_SESSION, (now, session_id))


def suspend(tx: Tx, session_id: int, reason: str, now: float) -> None:
    """Only a person lets it go on from here."""
    (before,) = tx.execute(sql.SESSION_STATE, (session_id,)).fetchone()
    SESSION_TRANSITIONS.check(SessionState(before), SessionState.SUSPENDED)
    tx.execute(sql.SUSPEND_SESSION, (reason, now, session_id))
