"""Reading the ledger, for people."""

from gateway.model.boot import Boot
from gateway.model.delivery import Delivery
from gateway.model.message import Message, Origin
from gateway.model.session import Session
from gateway.model.turn import TurnRecord
from gateway.store import queue_statements as own
from gateway.store import statements as sql
from gateway.store.rows import boot_of, delivery_of, message_of, origin_of, session_of, turn_of
from gateway.store.tx import Tx

CURSORS_READ = 5000
"""How many chats and threads of an account are remembered for reading back what was missed there."""


def cursors(tx: Tx, account: str) -> dict[str, str]:
    """Scope to value, of the scopes that moved last."""
    return dict(tx.execute(sql.CURSORS, (account, CURSORS_READ)))


def session(tx: Tx, session_id: int) -> Session | None:
    """One session."""
    row = tx.execute(sql.SESSION_BY_ID, (session_id,)).fetchone()
    return session_of(row) if row else None


def sessions(tx: Tx, limit: int) -> tuple[Session, ...]:
    """The sessions that were used last."""
    return tuple(session_of(row) for row in tx.execute(sql.RECENT_SESSIONS, (limit,)))


def turns(tx: Tx, session_id: int) -> tuple[TurnRecord, ...]:
    """A session's turns, oldest first."""
    return tuple(turn_of(row) for row in tx.execute(sql.TURNS_OF, (session_id,)))


def messages(tx: Tx, session_id: int) -> tuple[Message, ...]:
    """A session's messages, oldest first."""
    return tuple(message_of(row) for row in tx.execute(sql.MESSAGES_OF, (session_id,)))


def origin(tx: Tx, message_id: int) -> Origin:
    """Who wrote a message, and how to answer it."""
    (text,) = tx.execute(sql.MESSAGE_ORIGIN, (message_id,)).fetchone()
    return origin_of(text)


def delivery(tx: Tx, delivery_id: int) -> Delivery | None:
    """One delivery."""
    row = tx.execute(sql.DELIVERY_BY_ID, (delivery_id,)).fetchone()
    return delivery_of(row) if row else None


def deliveries(tx: Tx, limit: int) -> tuple[Delivery, ...]:
    """What is owed, held or was rejected: the latest, oldest first."""
    rows = tx.execute(sql.TROUBLED, (limit,)).fetchall()
    return tuple(delivery_of(row) for row in reversed(rows))


def boots(tx: Tx, limit: int) -> tuple[Boot, ...]:
    """The latest boots, newest first."""
    return tuple(boot_of(row) for row in tx.execute(sql.LATEST_BOOTS, (limit,)))


def generations(tx: Tx, session_id: int, limit: int) -> tuple[Session, ...]:
    """The conversations at a session's address in which something was said, the latest first."""
    return tuple(session_of(row) for row in tx.execute(own.GENERATIONS, (session_id, limit)))
