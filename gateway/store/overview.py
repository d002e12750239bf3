"""The ledger at a glance. What it costs grows with what is owed, not with how much the ledger holds."""

from typing import Final

from gateway.model.address import Address
from gateway.model.boot import Boot
from gateway.model.overview import BootEnd, Continuation, Overview, Passage, Pending, Queue, Restart
from gateway.model.session import ResumeMode
from gateway.model.turn import TurnState
from gateway.store import library
from gateway.store.rows import TROUBLE, session_state
from gateway.store.tx import Tx

SHOWN: Final = 200
"""How many sessions of a kind are listed."""

_ADDRESS = "account, chat, thread, person"
_PENDING = (
    f"SELECT id, {_ADDRESS}, state, reason, resume_marked_at, resume_attempts, title FROM sessions "  # noqa: S608
    "WHERE state = ? ORDER BY id LIMIT ?"
)
_PENDING_BY_REASON = (
    "SELECT coalesce(reason, ''), count(*) FROM sessions WHERE state = 'resume_pending' GROUP BY reason"
)
_SUSPENDED = "SELECT count(*) FROM sessions WHERE state = 'suspended'"
_QUEUES = (
    "SELECT s.id, s.account, s.chat, s.thread, s.person, w.waiting, w.oldest FROM "
    "(SELECT session_id, count(*) AS waiting, min(received_at) AS oldest FROM messages "
    "WHERE state = 'waiting' AND kind = 'user' GROUP BY session_id) AS w "
    "JOIN sessions AS s ON s.id = w.session_id ORDER BY w.oldest LIMIT ?"
)
_WAITING = "SELECT count(*), min(received_at) FROM messages WHERE state = 'waiting' AND kind = 'user'"
_RUNNING = "SELECT count(*) FROM turns WHERE state = 'running'"
_DELIVERIES = f"SELECT state, count(*), min(created_at) FROM deliveries WHERE {TROUBLE} GROUP BY state"  # noqa: S608
_STILL_TO_BE_SENT: Final = frozenset({"pending", "sending", "unknown"})
_INTERRUPTED = "SELECT count(*) FROM turns WHERE boot_id = ? AND state = 'interrupted'"
_CUT = (
    "SELECT t.id, t.session_id, t.reason, n.id, n.boot_id, n.resume_mode, n.mode_reason, n.state "
    "FROM (SELECT id, session_id, reason FROM turns WHERE boot_id = ? AND state = 'interrupted' "
    "ORDER BY id LIMIT ?) AS t "
    "LEFT JOIN turns AS n ON n.id = (SELECT min(id) FROM turns WHERE resumes_turn_id = t.id) ORDER BY t.id"
)
_PASSAGES = (
    "SELECT m.id, m.session_id, m.account, m.turn_id, m.received_at, t.started_at, t.ended_at, "
    "(SELECT max(settled_at) FROM deliveries AS d WHERE d.turn_id = m.turn_id AND d.kind = 'reply' "
    "AND d.state = 'sent'), t.state, t.resume_mode "
    "FROM (SELECT id, session_id, account, turn_id, received_at FROM messages WHERE kind = 'user' "
    "ORDER BY id DESC LIMIT ?) AS m LEFT JOIN turns AS t ON t.id = m.turn_id ORDER BY m.id"
)


def overview(tx: Tx) -> Overview:
    """What waits, what is pending and what is owed."""
    states = tuple(tx.execute(_DELIVERIES))
    waiting, since = tx.execute(_WAITING).fetchone()
    (running,) = tx.execute(_RUNNING).fetchone()
    (suspended,) = tx.execute(_SUSPENDED).fetchone()
    return Overview(
        (*_pending(tx, "resume_pending"), *_pending(tx, "suspended")),
        tuple(Queue(row[0], Address(*row[1:5]), row[5], row[6]) for row in tx.execute(_QUEUES, (SHOWN,))),
        dict(tx.execute(_PENDING_BY_REASON).fetchall()),
        suspended,
        waiting,
        since,
        {state: count for state, count, _ in states},
        min((oldest for state, _, oldest in states if state in _STILL_TO_BE_SENT), default=None),
        running,
    )


def _pending(tx: Tx, state: str) -> tuple[Pending, ...]:
    return tuple(
        Pending(row[0], Address(*row[1:5]), session_state(row[5]), row[6], row[7], row[8], row[9])
        for row in tx.execute(_PENDING, (state, SHOWN))
    )


def restarts(tx: Tx, limit: int) -> tuple[Restart, ...]:
    """The latest boots, newest first, with what each left unfinished."""
    found = library.boots(tx, limit)
    newest = found[0].id if found else 0
    return tuple(_restart(tx, boot, newest) for boot in found)


def _restart(tx: Tx, boot: Boot, newest: int) -> Restart:
    (interrupted,) = tx.execute(_INTERRUPTED, (boot.id,)).fetchone()
    cut = tuple(
        Continuation(
            turn,
            session,
            reason,
            by_turn,
            by_boot,
            ResumeMode(mode) if mode else None,
            why,
            TurnState(state) if state else None,
        )
        for turn, session, reason, by_turn, by_boot, mode, why, state in tx.execute(_CUT, (boot.id, SHOWN))
    )
    return Restart(boot, _end(boot, newest), interrupted, cut)


def _end(boot: Boot, newest: int) -> BootEnd:
    if boot.stopped_at is not None:
        return BootEnd.RESTARTED if boot.intent == "restart" else BootEnd.STOPPED
    return BootEnd.RUNNING if boot.id == newest else BootEnd.CRASHED


def passages(tx: Tx, limit: int) -> tuple[Passage, ...]:
    """The way of the latest messages of people, oldest first."""
    return tuple(
        Passage(
            message,
            session,
            account,
            turn,
            received,
            started,
            ended,
            answered,
            TurnState(state) if state else None,
            ResumeMode(mode) if mode else None,
        )
        for message, session, account, turn, received, started, ended, answered, state, mode in tx.execute(
            _PASSAGES, (limit,)
        )
    )
