"""What is owed to chats, and what became of it."""

import sqlite3
from typing import assert_never

from gateway.model.delivery import (
    DELIVERY_TRANSITIONS,
    Delivered,
    Delivery,
    DeliveryState,
    Rejected,
    RetryAfter,
    SendOutcome,
    Unknown,
)
from gateway.model.states import IllegalTransitionError
from gateway.store import statements as sql
from gateway.store.rows import delivery_of


def owed(tx: sqlite3.Connection, account: str) -> tuple[Delivery, ...]:
    """Everything that is still to be sent or reconciled, oldest first."""
    return tuple(delivery_of(row) for row in tx.execute(sql.OWED, (account,)))


def claim(tx: sqlite3.Connection, delivery_id: int) -> bool:
    """From here on, a crash leaves the outcome unknown. False if it was dropped or sent meanwhile."""
    (before,) = tx.execute(sql.DELIVERY_STATE, (delivery_id,)).fetchone()
    if DeliveryState(before).terminal:
        return False
    DELIVERY_TRANSITIONS.check(DeliveryState(before), DeliveryState.SENDING)
    tx.execute(sql.CLAIM, (delivery_id,))
    return True


def settle(tx: sqlite3.Connection, delivery_id: int, outcome: SendOutcome, now: float) -> None:
    """What became of a claimed delivery."""
    match outcome:
        case Delivered(message_id):
            _check(tx, delivery_id, DeliveryState.SENT)
            tx.execute(sql.SETTLE_SENT, (message_id, now, delivery_id))
        case Rejected(reason):
            _check(tx, delivery_id, DeliveryState.REJECTED)
            tx.execute(sql.SETTLE_REJECTED, (reason, now, delivery_id))
        case RetryAfter(_, reason):
            _move(tx, delivery_id, DeliveryState.PENDING, reason)
        case Unknown(reason):
            _move(tx, delivery_id, DeliveryState.UNKNOWN, reason)
        case _:
            assert_never(outcome)


def retry_doubtful(tx: sqlite3.Connection, delivery_id: int) -> None:
    """To be sent once more, and marked as a possible repeat."""
    (before,) = tx.execute(sql.DELIVERY_STATE, (delivery_id,)).fetchone()
    if before != DeliveryState.UNKNOWN:  # others may become pending too, but not like this: one was dropped
        raise IllegalTransitionError(f"a delivery that is {before} is not repeated as doubtful")
    tx.execute(sql.RETRY_DOUBTFUL, (delivery_id,))


def hold(tx: sqlite3.Connection, delivery_id: int) -> None:
    """Not to be sent until a person says so."""
    _move(tx, delivery_id, DeliveryState.HELD, "held: it may have arrived already")


def revive(tx: sqlite3.Connection, delivery_id: int) -> Delivery | None:
    """A person wants it sent."""
    row = tx.execute(sql.REVIVE, (delivery_id,)).fetchone()
    return delivery_of(row) if row else None


def drop(tx: sqlite3.Connection, delivery_id: int, now: float) -> bool:
    """A person does not want it sent."""
    return tx.execute(sql.DROP, (now, delivery_id)).rowcount > 0


def _move(tx: sqlite3.Connection, delivery_id: int, state: DeliveryState, error: str) -> None:
    _check(tx, delivery_id, state)
    tx.execute(sql.SETTLE_STATE, (state, error, delivery_id))


def _check(tx: sqlite3.Connection, delivery_id: int, after: DeliveryState) -> None:
    (before,) = tx.execute(sql.DELIVERY_STATE, (delivery_id,)).fetchone()
    DELIVERY_TRANSITIONS.check(DeliveryState(before), after)
