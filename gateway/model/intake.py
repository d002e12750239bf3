"""What the ledger made of a batch of inbound events."""

from dataclasses import dataclass

from gateway.model.attachment import StoredAttachment
from gateway.model.delivery import Delivery
from gateway.model.grant import Pairing
from gateway.model.message import MessageKind
from gateway.model.session import SessionState


@dataclass(frozen=True, slots=True)
class Accepted:
    """What the ledger made of one entry. `fresh` is false for an event id that it already knew.

    `too_old` was found too late to be answered.

    `command` is a command's name, and `text` what came with it, or a button's data. `withdrawn`: it was not
    taken, because too much waits already or its author writes too much.
    """

    message_id: int
    session_id: int
    fresh: bool
    kind: MessageKind
    command: str = ""
    text: str = ""
    session_state: SessionState = SessionState.ACTIVE
    too_old: bool = False
    withdrawn: bool = False
    attachments: tuple[StoredAttachment, ...] = ()


@dataclass(frozen=True, slots=True)
class BatchResult:
    """The entries of a batch in its order, the notices that are owed because of it, and the codes given."""

    accepted: tuple[Accepted, ...] = ()
    owed: tuple[Delivery, ...] = ()
    pairings: tuple[Pairing, ...] = ()
