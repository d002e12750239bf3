"""Interrupted sessions in the ledger: who they are, and what was decided about them."""

from collections.abc import Collection, Sequence
from dataclasses import replace

from gateway.model.delivery import Delivery, Draft
from gateway.model.message import MessageState
from gateway.model.recovery import Candidate
from gateway.model.session import Session, SessionState
from gateway.store import marks
from gateway.store import queue_statements as own
from gateway.store import statements as sql
from gateway.store.owing import owe_all
from gateway.store.rows import message_of, origin_text, session_of
from gateway.store.tx import Tx


def candidates(tx: Tx, account: str | None) -> tuple[Candidate, ...]:
    """Sessions with a marker or with waiting messages, by id. Partial indexes keep this small."""
    waiting = {row[0]: (row[1], row[2]) for row in tx.execute(sql.WAITING_BY_SESSION)}
    sessions = {row[0]: session_of(row) for row in tx.execute(sql.PENDING_SESSIONS)}
    for session_id in waiting.keys() - sessions.keys():
        sessions[session_id] = _with_author(tx, _session(tx, session_id))
    return tuple(
        candidate(tx, session, *waiting.get(session.id, (0, 0)))
        for _, session in sorted(sessions.items())
        if account is None or session.address.account == account
    )


def left_alone(tx: Tx, cut: Collection[int], known: Sequence[Candidate]) -> tuple[Session, ...]:
    """Sessions with interrupted work that are no candidates, by id: suspended, or replaced by newer ones.

    `cut` are those that the last boot left running, `known` the candidates.
    """
    paused = {row[0] for row in tx.execute(own.SUSPENDED_AT_WORK)}
    left = (paused | set(cut)) - {one.session.id for one in known}
    return tuple(_session(tx, session_id) for session_id in sorted(left))


def candidate(tx: Tx, session: Session, waiting: int, events: int) -> Candidate:
    """What decides about a session in which so many messages of people, and resume events, wait."""
    return Candidate(session, waiting, events > 0, _open_kinds(tx, session), spent=_is_spent(tx, session))


def _with_author(tx: Tx, session: Session) -> Session:
    """Without a marker, the author of what waits is answered: a new session knows nobody yet."""
    row = tx.execute(sql.NEXT_WAITING, (session.id,)).fetchone()
    return replace(session, origin=message_of(row).origin) if row else session


def _is_spent(tx: Tx, session: Session) -> bool:
    """Whether the present interruption was resumed, or kept from it, before."""
    if session.resume_turn_id is None:
        return False
    event_id = f"resume:{session.resume_turn_id}"
    return tx.execute(sql.SPENT_EVENT, (session.address.account, event_id)).fetchone() is not None


def _open_kinds(tx: Tx, session: Session) -> frozenset[str]:
    if session.resume_turn_id is None:
        return frozenset()
    return frozenset(row[0] for row in tx.execute(sql.OPEN_STEP_KINDS, (session.resume_turn_id,)))


def schedule_resumes(tx: Tx, session_ids: Sequence[int], now: float) -> tuple[int, ...]:
    """One empty event per interrupted turn: its event id makes a second one impossible.

    A session that began to work, or was suspended, since it was looked at needs none; nor does one where a
    person's own wish to go on waits already.
    """
    inserted: list[int] = []
    for session_id in session_ids:
        session = _session(tx, session_id)
        idle = tx.execute(sql.RUNNING_IN, (session_id,)).fetchone() is None
        wished = tx.execute(sql.RESUME_WAITS, (session_id,)).fetchone() is not None
        if session.state is SessionState.RESUME_PENDING and idle and not wished:
            event_id = f"resume:{session.resume_turn_id}"
            if _put_event(tx, session, event_id, MessageState.WAITING, now):
                inserted.append(session_id)
    return tuple(inserted)


def _put_event(tx: Tx, session: Session, event_id: str, state: MessageState, now: float) -> bool:
    """Write a resume event; false when it is known, or when nothing is known of what it would resume."""
    if session.resume_turn_id is None or session.origin is None:
        return False
    values = (session.address.account, event_id, session.id, state, origin_text(session.origin), now)
    return tx.execute(sql.INSERT_RESUME_EVENT, values).rowcount > 0


def withdraw_resumes(tx: Tx, session_ids: Sequence[int]) -> None:
    """Take back resume events that were scheduled and never begun, and those that might be scheduled yet.

    The event of the present interruption is written as withdrawn, so that a stop is not undone by the next
    time that an account becomes ready.
    """
    for session_id in session_ids:
        tx.execute(sql.WITHDRAW_RESUMES, (session_id,))
        session = _session(tx, session_id)
        _put_event(
            tx, session, f"resume:{session.resume_turn_id}", MessageState.WITHDRAWN, session.updated_at
        )


def stop_resuming(tx: Tx, session_id: int) -> bool:
    """The user stopped it: nothing goes on by itself any more. Whether anything would have."""
    withdraw_resumes(tx, [session_id])
    return tx.execute(sql.STOP_SESSION, (session_id,)).rowcount > 0


def suspend(
    tx: Tx, session_id: int, reason: str, drafts: Sequence[Draft], now: float
) -> tuple[Delivery, ...]:
    """Only a person lets the session go on from here; its chat is told in the same transaction."""
    marks.suspend(tx, session_id, reason, now)
    tx.execute(sql.WITHDRAW_RESUMES, (session_id,))
    return owe_all(tx, session_id, None, drafts, now)


def reactivate(tx: Tx, session_id: int, event_id: str, now: float) -> bool:
    """A person lets the session go on; whether there is unfinished work to go on with."""
    session = _session(tx, session_id)
    if session.resume_turn_id is None or session.origin is None:
        marks.activate(tx, session_id, now)
        return False
    if tx.execute(sql.KNOWN_EVENT, (session.address.account, event_id)).fetchone():
        return True  # asked for before a crash, and on its way
    tx.execute(sql.REACTIVATE_SESSION, (now, now, session_id))
    tx.execute(sql.WITHDRAW_RESUMES, (session_id,))
    _put_event(tx, session, event_id, MessageState.WAITING, now)
    return True


def dismiss(tx: Tx, session_id: int, turn_id: int, now: float) -> bool:
    """A person does not want an interrupted turn to be gone on with; false when it is not open any more."""
    if not tx.execute(sql.DISMISS_MARK, (now, session_id, turn_id)).rowcount:
        return False
    tx.execute(sql.WITHDRAW_RESUMES, (session_id,))
    return True


def _session(tx: Tx, session_id: int) -> Session:
    return session_of(tx.execute(sql.SESSION_BY_ID, (session_id,)).fetchone())
