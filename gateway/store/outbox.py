"""What is owed to chats, and what became of it."""

import math
from typing import assert_never

from gateway.model.delivery import (
    DELIVERY_TRANSITIONS,
    GIVEN_UP,
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
from gateway.store.tx import Tx


def owed(tx: Tx, account: str) -> tuple[Delivery, ...]:
    """Everything that is still to be sent or reconciled, oldest first."""
    return tuple(delivery_of(row) for row in tx.execute(sql.OWED, (account,)))


def claim(tx: Tx, delivery_id: int, now: float) -> bool:
    """From here on, a crash leaves the outcome unknown. False if it was dropped or sent meanwhile."""
    (before,) = tx.execute(sql.DELIVERY_STATE, (delivery_id,)).fetchone()
    if DeliveryState(before).terminal:
        return False
    DELIVERY_TRANSITIONS.check(DeliveryState(before), DeliveryState.SENDING)
    tx.execute(sql.CLAIM, (now, delivery_id))
    return True


def settle(tx: Tx, delivery_id: int, outcome: SendOutcome, now: float) -> None:
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


def retry(tx: Tx, delivery_id: int) -> None:
    """To be sent once more: it is known not to have arrived, or doing it twice is the same as once."""
    _check_unknown(tx, delivery_id)
    tx.execute(sql.RETRY, (delivery_id,))


def last_sent(tx: Tx, delivery: Delivery) -> str | None:
    """The platform's id of the last message that was sent to the same place before a delivery."""
    route = delivery.route
    claimed = math.inf if delivery.claimed_at is None else delivery.claimed_at
    place = (route.account, route.chat, route.thread)
    row = tx.execute(sql.LAST_SENT, (delivery.id, *place, claimed)).fetchone()
    return None if row is None else str(row[0])


def retry_doubtful(tx: Tx, delivery_id: int) -> None:
    """To be sent once more, and marked as a possible repeat."""
    _check_unknown(tx, delivery_id)
    tx.execute(sql.RETRY_DOUBTFUL, (delivery_id,))


def _check_unknown(tx: Tx, delivery_id: int) -> None:
    (before,) = tx.execute(sql.DELIVERY_STATE, (delivery_id,)).fetchone()
    if before != DeliveryState.UNKNOWN:  # others may become pending too, but not like this: one was dropped
        raise IllegalTransitionError(f"a delivery that is {before} is not repeated")


def detach(tx: Tx, delivery_id: int, *, doubtful: bool) -> Delivery:
    """An edit becomes a message of its own, because there is nothing that it could change."""
    _check_detachable(tx, delivery_id)
    return delivery_of(tx.execute(sql.DETACH, (int(doubtful), delivery_id)).fetchone())


def _check_detachable(tx: Tx, delivery_id: int) -> None:
    (before,) = tx.execute(sql.DELIVERY_STATE, (delivery_id,)).fetchone()
    if before not in (DeliveryState.PENDING, DeliveryState.UNKNOWN):
        raise IllegalTransitionError(f"an edit that is {before} does not become a message")


def abandon(tx: Tx, delivery_id: int, now: float) -> None:
    """Not to be tried again, although it may have arrived: what follows it says so."""
    _check(tx, delivery_id, DeliveryState.REJECTED)
    tx.execute(sql.ABANDON, (now, delivery_id))


def hold(tx: Tx, delivery_id: int) -> None:
    """Not to be sent until a person says so."""
    _move(tx, delivery_id, DeliveryState.HELD, "held: it may have arrived already")


def revive(tx: Tx, delivery_id: int) -> Delivery | None:
    """A person wants it sent."""
    row = tx.execute(sql.REVIVE, (delivery_id,)).fetchone()
    return delivery_of(row) if row else None


def drop(tx: Tx, delivery_id: int, now: float) -> bool:
    """A person does not want it sent."""
    return tx.execute(sql.DROP, (GIVEN_UP, now, delivery_id)).rowcount > 0


def _move(tx: Tx, delivery_id: int, state: DeliveryState, error: str) -> None:
    _check(tx, delivery_id, state)
    tx.execute(sql.SETTLE_STATE, (state, error, delivery_id))


def _check(tx: Tx, delivery_id: int, after: DeliveryState) -> None:
    (before,) = tx.execute(sql.DELIVERY_STATE, (delivery_id,)).fetchone()
    DELIVERY_TRANSITIONS.check(DeliveryState(before), after)
