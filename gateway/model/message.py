"""Inbound items: what a platform told us, and what the ledger made of it."""

from dataclasses import dataclass
from enum import StrEnum

from gateway.model.address import Address, ChatKind
from gateway.model.attachment import Attachment, StoredAttachment
from gateway.model.states import Transitions


class MessageKind(StrEnum):
    """What an inbound item is. `internal` is the empty event that resumes an interrupted turn."""

    USER = "user"
    COMMAND = "command"
    BUTTON = "button"
    INTERNAL = "internal"


class MessageState(StrEnum):
    """`waiting` for its turn, `taken` by one, `done` without one (a command), or `withdrawn` unprocessed."""

    WAITING = "waiting"
    TAKEN = "taken"
    DONE = "done"
    WITHDRAWN = "withdrawn"


MESSAGE_TRANSITIONS = Transitions(
    "message",
    {
        MessageState.WAITING: frozenset({MessageState.TAKEN, MessageState.DONE, MessageState.WITHDRAWN}),
        MessageState.TAKEN: frozenset(),
        MessageState.DONE: frozenset(),
        MessageState.WITHDRAWN: frozenset(),
    },
)


class Change(StrEnum):
    """Whether an event is something new, or changes or takes back a message that came before."""

    NEW = "new"
    EDITED = "edited"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class Inbound:
    """One event as an adapter understood it, before anything was decided about it.

    `event_id` is unique within the account and survives redelivery; `message_ref` is the platform's id of
    the message, for quoting it in a reply; `to_bot` says that a group message names the bot or answers it;
    `command` is the bare name of a leading slash command meant for this bot, else empty; `button` is the data
    of a button that was pressed, and then there is no text; `sent_at` is the platform's time, in seconds
    since the epoch; `backfilled` marks what was read back after the gateway had been away; `attachments` are
    its files, in order. A `change` other than `new` is about the message `message_ref`, whose whole new text
    it gives; where the platform does not say who took a message back, `author_id` is empty.
    """

    event_id: str
    chat: str
    chat_kind: ChatKind
    author_id: str
    author_name: str
    text: str
    sent_at: float
    thread: str = ""
    message_ref: str = ""
    to_bot: bool = False
    from_bot: bool = False
    command: str = ""
    button: str = ""
    backfilled: bool = False
    attachments: tuple[Attachment, ...] = ()
    change: Change = Change.NEW


@dataclass(frozen=True, slots=True)
class Origin:
    """How to answer the message that a turn was about, even after a restart."""

    chat_kind: ChatKind
    author_id: str
    author_name: str
    message_ref: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """An inbound item that was let in, ready to be written to the ledger.

    `renews` starts the next conversation at the address, for what comes after it.
    It is written as withdrawn, and its chat is told, when `max_queued` messages of its session wait already.
    `too_old` is written as withdrawn and told to nobody but the operator. `refused` is written as withdrawn
    and told to its chat, once per `refused_key`: its author writes more than is allowed.
    `receipt` owes its message a sign that it was accepted.
    """

    event_id: str
    address: Address
    origin: Origin
    kind: MessageKind
    text: str
    command: str = ""
    max_queued: int = 50
    renews: bool = False
    too_old: bool = False
    attachments: tuple[Attachment, ...] = ()
    receipt: bool = False
    refused: str = ""
    refused_key: str = ""


@dataclass(frozen=True, slots=True)
class Amendment:
    """A person changed a message, or took it back (`text` is None). It counts while the message waits.

    `author_id` is empty where the platform does not say who it was; it then lets nobody but the author do it.
    """

    account: str
    chat: str
    message_ref: str
    author_id: str
    text: str | None


@dataclass(frozen=True, slots=True)
class Refusal:
    """An inbound item that was not let in. `notice` is told to its chat, once per `notice_key`.

    `pairing`: its author is given a code to be let in with, as far as the limits on codes allow; `name` is
    what they are called.
    """

    event_id: str
    address: Address
    reason: str
    notice: str = ""
    notice_key: str = ""
    pairing: bool = False
    person: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    """A row of the ledger's messages."""

    id: int
    session_id: int
    event_id: str
    kind: MessageKind
    state: MessageState
    text: str
    origin: Origin
    received_at: float
    turn_id: int | None = None
    attachments: tuple[StoredAttachment, ...] = ()
