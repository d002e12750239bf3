"""What waits in a session, for people who look at it, take something back, or ask once more."""

from collections.abc import Sequence
from dataclasses import replace

from gateway.model.attachment import AttachmentState
from gateway.model.message import Message, MessageKind, MessageState, Origin
from gateway.model.session import SessionState
from gateway.store import files, marks
from gateway.store import queue_statements as own
from gateway.store import statements as sql
from gateway.store.rows import message_of, origin_of, origin_text, session_of
from gateway.store.tx import Tx


def queue(tx: Tx, session_id: int) -> tuple[Message, ...]:
    """The messages of people that wait, the next one first."""
    waiting = [message_of(row) for row in tx.execute(sql.WAITING_FROM_PEOPLE, (session_id,)).fetchall()]
    return tuple(replace(one, attachments=files.attached_to(tx, one.id)) for one in waiting)


def withdraw(tx: Tx, session_id: int, message_ids: Sequence[int]) -> int:
    """Take waiting messages of a session back; how many still waited."""
    return sum(tx.execute(own.TAKE_BACK, (message, session_id)).rowcount for message in message_ids)


def ask_again(tx: Tx, session_id: int, event_id: str, by: Origin, now: float) -> bool:
    """Queue what people last asked once more, files and all; false when nothing was ever asked.

    Several messages that were answered together are one message now. It is a request of whoever wants it
    asked again. What was left unfinished is not gone on with beside it.
    """
    session = session_of(tx.execute(sql.SESSION_BY_ID, (session_id,)).fetchone())
    account = session.address.account
    if tx.execute(sql.KNOWN_EVENT, (account, event_id)).fetchone():
        return True  # asked for before a crash
    asked = tx.execute(own.LAST_REQUEST, (session_id,)).fetchall()
    if not asked:
        return False
    _, _, origin, ref = asked[-1]
    own_words = origin_of(origin).author_id == by.author_id
    values = (
        account,
        event_id,
        session_id,
        MessageKind.USER,
        MessageState.WAITING,
        "",
        "\n\n".join(text for _, text, _, _ in asked if text),
        origin if own_words else origin_text(by),
        now,
        # As long as it waits, its author may change the original: that of one message, not of several.
        ref if len(asked) == 1 and own_words else "",
    )
    (message_id,) = tx.execute(sql.INSERT_MESSAGE, values).fetchone()
    for earlier_id, *_ in asked:
        _copy_files(tx, earlier_id, message_id)
    if session.state is SessionState.RESUME_PENDING:
        _give_up(tx, session_id, now)
    return True


def _copy_files(tx: Tx, earlier_id: int, message_id: int) -> None:
    """The files of an earlier message, to be fetched again: what is on the disk may be gone by now."""
    for one in files.attached_to(tx, earlier_id):
        file = one.attachment
        values = (message_id, one.account, file.ref, file.name, file.mime, file.size, file.kind, one.name)
        tx.execute(sql.INSERT_ATTACHMENT, (*values, AttachmentState.WAITING)).fetchone()


def _give_up(tx: Tx, session_id: int, now: float) -> None:
    """Asked anew, it is not to be finished besides. Only steps whose outcome is unknown are worth a note."""
    if tx.execute(own.STEPS_IN_DOUBT, (session_id,)).fetchone():
        tx.execute(own.GIVE_UP, (session_id,))
    else:
        marks.activate(tx, session_id, now)
