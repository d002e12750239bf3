"""Files that people sent: what the ledger knows of them."""

from collections.abc import Sequence
from dataclasses import replace

from gateway.model.attachment import Attachment, AttachmentState, StoredAttachment
from gateway.model.message import Message
from gateway.model.text import storable
from gateway.rules.files import INCOMING, safe_name, with_mentions
from gateway.store import statements as sql
from gateway.store.rows import attachment_of, file_of
from gateway.store.tx import Tx

LARGEST = 2**63 - 1
"""Bytes. What a platform says beyond that fits into no database, and is no size."""


def attach(
    tx: Tx, message_id: int, account: str, attachments: Sequence[Attachment]
) -> tuple[StoredAttachment, ...]:
    """Note the files of a message. They are fetched later."""
    return tuple(_insert(tx, message_id, account, one) for one in attachments)


def _insert(tx: Tx, message_id: int, account: str, one: Attachment) -> StoredAttachment:
    given, mime = storable(one.name), storable(one.mime)
    size = one.size if one.size is not None and 0 <= one.size <= LARGEST else None
    values = (message_id, account, storable(one.ref), given, mime, size, one.kind, safe_name(given))
    row = tx.execute(sql.INSERT_ATTACHMENT, (*values, AttachmentState.WAITING)).fetchone()
    return attachment_of(row)


def attached_to(tx: Tx, message_id: int) -> tuple[StoredAttachment, ...]:
    """The files of a message."""
    return tuple(attachment_of(row) for row in tx.execute(sql.ATTACHMENTS_OF, (message_id,)))


def with_attachments(tx: Tx, message: Message) -> Message:
    """A message as its agent gets it: with its files, each named in its words."""
    attached = attached_to(tx, message.id)
    if not attached:
        return message
    return replace(message, text=with_mentions(message.text, attached), attachments=attached)


def settle_attachment(tx: Tx, attachment_id: int, state: AttachmentState, error: str) -> None:
    """What became of fetching a file."""
    tx.execute(sql.SETTLE_ATTACHMENT, (state, storable(error), attachment_id))


def files_in_use(tx: Tx) -> frozenset[str]:
    """Paths below media of files that may still be needed, whatever their age."""
    came = {f"{INCOMING}/{ident}-{name}" for ident, name in tx.execute(sql.FILES_AWAITED)}
    owed = {file_of(row[0]).path for row in tx.execute(sql.FILES_OWED)}
    return frozenset(came | owed)
