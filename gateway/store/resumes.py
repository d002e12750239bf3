"""Interrupted sessions in the ledger: who they are, and what was decided about them."""

import sqlite3
from collections.abc import Sequence

from gateway.model.delivery import Delivery, Draft
from gateway.model.recovery import Candidate
from gateway.model.session import Session
from gateway.store import marks
from gateway.store import statements as sql
from gateway.store.inbox import insert_session, owe_all
from gateway.store.rows import origin_text, session_of


def candidates(tx: sqlite3.Connection, account: str | None) -> tuple[Candidate, ...]:
    """Sessions with a marker or with waiting messages, by id. Partial indexes keep this small."""
    waiting = {row[0]: (row[1], row[2]) for row in tx.execute(sql.WAITING_BY_SESSION)}
    sessions = {row[0]: session_of(row) for row in tx.execute(sql.PENDING_SESSIONS)}
    for session_id in waiting.keys() - sessions.keys():
        sessions[session_id] = _session(tx, session_id)
    return tuple(
        Candidate(session, *_counts(waiting.get(session.id)))
        for _, session in sorted(sessions.items())
        if account is None or session.address.account == account
    )


def _counts(row: tuple[int, int] | None) -> tuple[int, bool]:
    return (row[0], row[1] > 0) if row else (0, False)


def schedule_resumes(tx: sqlite3.Connection, session_ids: Sequence[int], now: float) -> tuple[int, ...]:
    """One empty event per interrupted turn: its event id makes a second one impossible."""
    inserted: list[int] = []
    for session_id in session_ids:
        session = _session(tx, session_id)
        if session.resume_turn_id is None or session.origin is None:
            continue
        event_id = f"resume:{session.resume_turn_id}"
        values = (session.address.account, event_id, session_id, origin_text(session.origin), now)
        if tx.execute(sql.INSERT_RESUME_EVENT, values).rowcount:
            inserted.append(session_id)
    return tuple(inserted)


def withdraw_resumes(tx: sqlite3.Connection, session_ids: Sequence[int]) -> None:
    """Take back resume events that were scheduled and never begun."""
    for session_id in session_ids:
        tx.execute(sql.WITHDRAW_RESUMES, (session_id,))


def suspend(
    tx: sqlite3.Connection, session_id: int, reason: str, drafts: Sequence[Draft], now: float
) -> tuple[Delivery, ...]:
    """Only a person lets the session go on from here; its chat is told in the same transaction."""
    marks.suspend(tx, session_id, reason, now)
    tx.execute(sql.WITHDRAW_RESUMES, (session_id,))
    return owe_all(tx, session_id, None, drafts, now)


def reactivate(tx: sqlite3.Connection, session_id: int, event_id: str, now: float) -> bool:
    """A person lets the session go on; whether there is unfinished work to go on with."""
    session = _session(tx, session_id)
    if session.resume_turn_id is None or session.origin is None:
        marks.clear_mark(tx, session_id, now)
        return False
    tx.execute(sql.REACTIVATE_SESSION, (now, now, session_id))
    values = (session.address.account, event_id, session_id, origin_text(session.origin), now)
    tx.execute(sql.INSERT_RESUME_EVENT, values)
    return True


def next_generation(tx: sqlite3.Connection, session_id: int, now: float) -> int:
    """A new conversation at the same address."""
    session = _session(tx, session_id)
    tx.execute(sql.WITHDRAW_WAITING, (session_id,))
    return insert_session(tx, session.address, session.generation + 1, now)


def _session(tx: sqlite3.Connection, session_id: int) -> Session:
    return session_of(tx.execute(sql.SESSION_BY_ID, (session_id,)).fetchone())
