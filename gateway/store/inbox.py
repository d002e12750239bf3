"""What comes in: messages, the cursor that acknowledges them, and what strangers are told."""

from collections.abc import Mapping, Sequence

from gateway.model.attachment import StoredAttachment
from gateway.model.delivery import Delivery, DeliveryKind, Draft, Receipt
from gateway.model.grant import Pairing
from gateway.model.intake import Accepted, BatchResult
from gateway.model.message import Amendment, Entry, MessageKind, MessageState, Refusal
from gateway.model.text import storable
from gateway.rules.words import counted
from gateway.store import files, grants
from gateway.store import statements as sql
from gateway.store.generations import next_generation, session_at
from gateway.store.owing import owe, owe_all
from gateway.store.rows import origin_of, origin_text
from gateway.store.tx import Tx

LEFT_NOTICE = "A new conversation begins, so what waited here for an answer gets none: {}."
FULL_NOTICE = "{} of your messages are waiting already; this one was not taken. Please send it again later."


def accept(
    tx: Tx,
    account: str,
    entries: Sequence[Entry],
    refusals: Sequence[Refusal],
    cursors: Mapping[str, str],
    now: float,
    amendments: Sequence[Amendment] = (),
) -> BatchResult:
    """Write a batch and its cursors. An event id that is known is reported and changes nothing."""
    asked: list[Pairing] = []
    owed: list[Delivery | None] = []
    accepted = tuple(_accept_one(tx, entry, owed, now) for entry in entries)
    for refusal in refusals:
        tx.execute(sql.PUT_REFUSED_EVENT, (account, refusal.event_id, now))
        if refusal.notice:
            draft = Draft(DeliveryKind.NOTICE, refusal.notice)
            owed.append(owe(tx, refusal.address.route, draft, now, key=refusal.notice_key))
        if refusal.pairing and (given := grants.ask(tx, refusal, now)):
            asked.append(given)
            draft = Draft(DeliveryKind.NOTICE, grants.code_text(given))
            owed.append(owe(tx, refusal.address.route, draft, now))
    for amendment in amendments:
        _amend(tx, amendment)
    for scope, value in cursors.items():
        tx.execute(sql.SET_CURSOR, (account, scope, value, now))
    return BatchResult(accepted, tuple(delivery for delivery in owed if delivery), tuple(asked))


def _amend(tx: Tx, amendment: Amendment) -> None:
    """A message that waits reads otherwise, or is taken back. One that is worked on stays as it was."""
    ref = _ref(amendment.chat, amendment.message_ref)
    for message_id, origin in tx.execute(sql.WAITING_AT, (amendment.account, ref)).fetchall():
        if amendment.author_id and origin_of(origin).author_id != amendment.author_id:
            continue
        if amendment.text is None:
            tx.execute(sql.WITHDRAW_MESSAGE, (message_id,))
        else:
            tx.execute(sql.CHANGE_TEXT, (amendment.text, message_id))


def _ref(chat: str, message_ref: str) -> str:
    """What an amendment finds a message by; nothing for what the platform gives no id."""
    return storable(f"{chat}/{message_ref}") if message_ref else ""


def _accept_one(tx: Tx, entry: Entry, owed: list[Delivery | None], now: float) -> Accepted:
    known = tx.execute(sql.KNOWN_EVENT, (entry.address.account, entry.event_id)).fetchone()
    if known:
        return Accepted(known[0], known[1], fresh=False, kind=entry.kind, command=entry.command)
    if tx.execute(sql.REFUSED_EVENT, (entry.address.account, entry.event_id)).fetchone():
        # Its author was not let in when it came. What is read back after that has changed stays refused.
        return Accepted(0, 0, fresh=False, kind=entry.kind, command=entry.command)
    session_id, state = session_at(tx, entry.address, now)
    full = not entry.too_old and not entry.refused and _is_full(tx, entry, session_id)
    untaken = full or entry.too_old or bool(entry.refused)
    values = (
        entry.address.account,
        entry.event_id,
        session_id,
        entry.kind,
        MessageState.WITHDRAWN if untaken else MessageState.WAITING,
        entry.command,
        entry.text,
        origin_text(entry.origin),
        now,
        _ref(entry.address.chat, entry.origin.message_ref),
    )
    (message_id,) = tx.execute(sql.INSERT_MESSAGE, values).fetchone()
    renews = entry.renews and not untaken
    attached = () if renews else files.attach(tx, message_id, entry.address.account, entry.attachments)
    if renews:
        # Here and not when the command is carried out: what follows it, maybe in this very batch, belongs to
        # the new conversation.
        attached = _renew(tx, entry, session_id, message_id, owed, now)
    if full:
        notice = Draft(DeliveryKind.NOTICE, FULL_NOTICE.format(entry.max_queued), entry.origin.message_ref)
        owed.append(owe(tx, entry.address.route, notice, now, session_id=session_id))
    if entry.refused:
        notice = Draft(DeliveryKind.NOTICE, entry.refused, entry.origin.message_ref)
        key = entry.refused_key
        owed.append(owe(tx, entry.address.route, notice, now, key=key, session_id=session_id))
    if entry.receipt and not untaken:
        sign = Draft(DeliveryKind.RECEIPT, Receipt.ACCEPTED, entry.origin.message_ref)
        owed.append(owe(tx, entry.address.route, sign, now, session_id=session_id))
    return Accepted(
        message_id,
        session_id,
        fresh=True,
        kind=entry.kind,
        command=entry.command,
        text=entry.text,
        session_state=state,
        too_old=entry.too_old,
        withdrawn=untaken,
        attachments=attached,
    )


def _renew(
    tx: Tx,
    entry: Entry,
    session_id: int,
    command_id: int,
    owed: list[Delivery | None],
    now: float,
) -> tuple[StoredAttachment, ...]:
    """A new conversation, and what was said together with the command as its first request; its files."""
    left = waiting(tx, session_id)
    following = next_generation(tx, session_id, now)
    if left:
        notice = Draft(DeliveryKind.NOTICE, LEFT_NOTICE.format(counted(left, "message")))
        owed.append(owe(tx, entry.address.route, notice, now, session_id=session_id))
    if not entry.text.strip() and not entry.attachments:
        return ()
    values = (
        entry.address.account,
        f"new:{command_id}",
        following,
        MessageKind.USER,
        MessageState.WAITING,
        "",
        entry.text.strip(),
        origin_text(entry.origin),
        now,
        _ref(entry.address.chat, entry.origin.message_ref),
    )
    (message_id,) = tx.execute(sql.INSERT_MESSAGE, values).fetchone()
    return files.attach(tx, message_id, entry.address.account, entry.attachments)


def _is_full(tx: Tx, entry: Entry, session_id: int) -> bool:
    if entry.kind is not MessageKind.USER:
        return False
    return waiting(tx, session_id) >= entry.max_queued


def waiting(tx: Tx, session_id: int) -> int:
    """How many messages of people wait for their turn."""
    (count,) = tx.execute(sql.COUNT_WAITING, (session_id,)).fetchone()
    return int(count)


def waiting_commands(tx: Tx, account: str) -> tuple[Accepted, ...]:
    """Commands and pressed buttons that nobody has acted on yet."""
    rows = tx.execute(sql.WAITING_COMMANDS, (account,))
    return tuple(
        Accepted(message, session, fresh=True, kind=MessageKind(kind), command=command, text=text)
        for message, session, kind, command, text in rows
    )


def notify(
    tx: Tx,
    session_id: int,
    drafts: Sequence[Draft],
    now: float,
    done: int | None,
    key: str,
) -> tuple[Delivery, ...]:
    """Owe notices to a session's chat, once per key, and settle the command that caused them."""
    if done is not None and not tx.execute(sql.FINISH_COMMAND, (done,)).rowcount:
        return ()  # carried out before: a command has its effect once
    return owe_all(tx, session_id, None, drafts, now, key)
