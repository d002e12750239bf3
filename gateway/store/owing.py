"""What chats are owed: each message is a row before anything is sent."""

import secrets
from collections.abc import Sequence

from gateway.model.address import Route
from gateway.model.delivery import Delivery, DeliveryState, Draft
from gateway.store import statements as sql
from gateway.store.rows import buttons_text, delivery_of, file_text
from gateway.store.tx import Tx


def owe_all(
    tx: Tx,
    session_id: int,
    turn_id: int | None,
    drafts: Sequence[Draft],
    now: float,
    key: str = "",
) -> tuple[Delivery, ...]:
    """Owe drafts to a session's chat, in order. With a key there is one draft, and it is owed once."""
    if not drafts:
        return ()
    account, chat, thread = tx.execute(sql.SESSION_ROUTE, (session_id,)).fetchone()
    route = Route(account, chat, thread)
    owed = [owe(tx, route, draft, now, key=key, session_id=session_id, turn_id=turn_id) for draft in drafts]
    return tuple(delivery for delivery in owed if delivery)


def owe(
    tx: Tx,
    route: Route,
    draft: Draft,
    now: float,
    *,
    key: str = "",
    session_id: int | None = None,
    turn_id: int | None = None,
) -> Delivery | None:
    """Owe one message to a chat; None when the key says that it was owed before."""
    values = (
        route.account,
        route.chat,
        route.thread,
        session_id,
        turn_id,
        draft.kind,
        draft.body,
        draft.reply_to,
        buttons_text(draft.buttons),
        DeliveryState.PENDING,
        key or secrets.token_urlsafe(15),  # 20 characters: Discord's nonce takes 25
        now,
        file_text(draft.file),
    )
    row = tx.execute(sql.INSERT_DELIVERY, values).fetchone()
    return delivery_of(row) if row else None
