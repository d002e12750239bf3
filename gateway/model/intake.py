"""What the ledger made of a batch of inbound events."""

from dataclasses import dataclass

from gateway.model.delivery import Delivery
from gateway.model.message import MessageKind
from gateway.model.session import SessionState


@dataclass(frozen=True, slots=True)
class Accepted:
    """What the ledger made of one entry. `fresh` is false for an event id that it already knew.

    `too_old` was found too late to be answered.

    `command` is a command's name, and `text` what came with it, or a button's data.
    """

    message_id: int
    session_id: int
    fresh: bool
    kind: MessageKind
    command: str = ""
    text: str = ""
    session_state: SessionState = SessionState.ACTIVE
    too_old: bool = False


@dataclass(frozen=True, slots=True)
class BatchResult:
    """The entries of a batch in its order, and the notices that are owed because of it."""

    accepted: tuple[Accepted, ...] = ()
    owed: tuple[Delivery, ...] = ()
