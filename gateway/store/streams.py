"""Messages in which an answer grows: opened in the ledger, and ended by an edit that is owed like any reply.

What is shown in between is not written down. So whatever ends a stream (the end of its turn, or of one that
continues it, or a person who wants none of it) owes an edit of its message, and no half answer stays behind.
"""

from collections.abc import Sequence
from dataclasses import replace

from gateway.model.delivery import Delivery, DeliveryKind, DeliveryState, Draft, GrowingStream
from gateway.model.turn import TurnState
from gateway.rules.progress import WORKING
from gateway.store import statements as sql
from gateway.store.owing import owe_all
from gateway.store.rows import delivery_of
from gateway.store.tx import Tx

NEVER_BEGUN = "the answer was there before the message was opened"


def open_stream(tx: Tx, turn_id: int, draft: Draft, now: float) -> Delivery | None:
    """Owe the message in which a running turn's answer grows; None when the turn has ended."""
    state, session_id = tx.execute(sql.TURN_STATE, (turn_id,)).fetchone()
    if state != TurnState.RUNNING:
        return None
    (opened,) = owe_all(tx, session_id, turn_id, (draft,), now)
    tx.execute(sql.SET_GROWING, (1, opened.id))
    return opened


def growing(tx: Tx, session_id: int) -> tuple[GrowingStream, ...]:
    """A session's streams whose end is not owed yet, oldest first."""
    return tuple(_stream(tx, *row) for row in tx.execute(sql.GROWING, (session_id,)))


def stray(tx: Tx, account: str) -> tuple[GrowingStream, ...]:
    """Streams that nothing will ever go on with: their sessions neither work nor are to be resumed."""
    return tuple(_stream(tx, *row) for row in tx.execute(sql.STRAY_STREAMS, (account,)))


def _stream(tx: Tx, delivery_id: int, turn_id: int, last: int) -> GrowingStream:
    delivery = delivery_of(tx.execute(sql.DELIVERY_BY_ID, (delivery_id,)).fetchone())
    said = "\n\n".join(row[0].strip() for row in tx.execute(sql.SAID_IN, (turn_id,)))
    (told, _) = tx.execute(sql.TURN_FOR_NOTE, (turn_id,)).fetchone()  # of a turn that was cut and not killed
    shown = "" if delivery.body.startswith(WORKING) else delivery.body
    return GrowingStream(delivery, max(said, told, shown, key=len), bool(last))


def close_stream(tx: Tx, stream_id: int, draft: Draft, now: float) -> Delivery | None:
    """Owe the edit that ends a stream; None when there is no message to be ended."""
    row = tx.execute(sql.DELIVERY_BY_ID, (stream_id,)).fetchone()
    (was_growing,) = tx.execute(sql.IS_GROWING, (stream_id,)).fetchone()
    stream = delivery_of(row)
    if not was_growing or stream.session_id is None or not _shown(tx, stream, now):
        return None
    if stream.state is DeliveryState.REJECTED:
        return None  # refused, or given up: what cannot be found cannot be changed
    (owed,) = owe_all(tx, stream.session_id, stream.turn_id, (draft,), now)
    return edit_of(tx, owed, stream)


def end_with(
    tx: Tx, session_id: int, turn_id: int, drafts: Sequence[Draft], now: float
) -> tuple[Delivery, ...]:
    """Owe a turn's reply; its first piece takes the place of what grew so far, if anything did."""
    owed = owe_all(tx, session_id, turn_id, drafts, now)
    if owed and tx.execute(sql.IN_DOUBT, (turn_id,)).fetchone():
        # The platform may show a part of it already, which nobody can change: so this says what it is.
        tx.execute(sql.SET_DOUBTFUL, (owed[0].id,))
        owed = (replace(owed[0], doubtful=True), *owed[1:])
    open_ids = [row[0] for row in tx.execute(sql.GROWING, (session_id,))]
    if not open_ids or not owed:
        return owed
    stream = delivery_of(tx.execute(sql.DELIVERY_BY_ID, (open_ids[-1],)).fetchone())
    if owed[0].kind is DeliveryKind.REPLY and _shown(tx, stream, now):
        return (edit_of(tx, owed[0], stream), *owed[1:])
    return owed


def _shown(tx: Tx, stream: Delivery, now: float) -> bool:
    """Whether the platform may show the stream's message; one that was not tried yet is given up.

    From here on the stream does not grow any more.
    """
    tx.execute(sql.SET_GROWING, (0, stream.id))
    if stream.state is DeliveryState.PENDING:
        tx.execute(sql.SETTLE_REJECTED, (NEVER_BEGUN, now, stream.id))
        return False
    return True


def edit_of(tx: Tx, owed: Delivery, shown: Delivery) -> Delivery:
    """Make a delivery change the message of another one, instead of being a message of its own."""
    tx.execute(sql.SET_EDITS, (shown.id, owed.id))
    return replace(owed, edits=shown.id)
