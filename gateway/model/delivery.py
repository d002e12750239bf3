"""Deliveries: what is owed to a chat, and what became of it.

A delivery is claimed (`sending`) before the platform hears of it and settled after. One found `sending` at
startup was cut between the two: its outcome is `unknown`, and it is never blindly sent again.
"""

from dataclasses import dataclass
from enum import StrEnum

from gateway.model.address import Route
from gateway.model.attachment import OutFile
from gateway.model.states import Transitions


class DeliveryState(StrEnum):
    """`sending` is what the platform may have heard of; `held` waits for a person to decide."""

    PENDING = "pending"
    SENDING = "sending"
    UNKNOWN = "unknown"
    HELD = "held"
    SENT = "sent"
    REJECTED = "rejected"

    @property
    def terminal(self) -> bool:
        """Whether nothing more is owed, unless a person revives it."""
        return self in (DeliveryState.SENT, DeliveryState.REJECTED)


DELIVERY_TRANSITIONS = Transitions(
    "delivery",
    {
        DeliveryState.PENDING: frozenset({DeliveryState.SENDING, DeliveryState.REJECTED}),
        DeliveryState.SENDING: frozenset(
            {DeliveryState.SENT, DeliveryState.REJECTED, DeliveryState.PENDING, DeliveryState.UNKNOWN}
        ),
        DeliveryState.UNKNOWN: frozenset(
            {DeliveryState.PENDING, DeliveryState.SENT, DeliveryState.HELD, DeliveryState.REJECTED}
        ),
        DeliveryState.HELD: frozenset({DeliveryState.PENDING, DeliveryState.REJECTED}),
        DeliveryState.SENT: frozenset[DeliveryState](),
        DeliveryState.REJECTED: frozenset({DeliveryState.PENDING}),
    },
)


class DeliveryKind(StrEnum):
    """`reply` is an agent's answer; `notice` is the gateway speaking for itself.

    `stream` opens a message in which an answer grows; the reply that ends it is an edit of that message.
    `file` is a file that belongs to an answer, with its body as the caption. `receipt` is a sign at the
    message `reply_to`, one of `Receipt`; to give it twice is to give it once.
    """

    REPLY = "reply"
    NOTICE = "notice"
    STREAM = "stream"
    FILE = "file"
    RECEIPT = "receipt"


class Receipt(StrEnum):
    """What the sign at a person's message says; a later one takes the place of an earlier one."""

    ACCEPTED = "accepted"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Button:
    """A button below a message. Pressed, it comes back as `data`: at most 64 bytes, no secret, no payload."""

    label: str
    data: str


GIVEN_UP = "dropped by a person"
"""What the ledger notes about a delivery that a person gave up: nobody needs to be told."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A chunk that is to be owed: the part of a delivery that the engine decides."""

    kind: DeliveryKind
    body: str
    reply_to: str = ""
    buttons: tuple[Button, ...] = ()
    file: OutFile | None = None


@dataclass(frozen=True, slots=True)
class Delivery:
    """A row of the ledger's deliveries.

    `key` is the idempotency key that platforms with such a thing are given. `doubtful` marks a repeat of
    something that may already have arrived. `reply_to` is the platform's id of the message to quote.
    `edits` is the id of the delivery whose message this one changes, instead of being a message of its own.
    `claimed_at` is when the platform may have heard of it first, in seconds since the epoch.
    """

    id: int
    route: Route
    kind: DeliveryKind
    body: str
    state: DeliveryState
    key: str
    attempt: int = 0
    doubtful: bool = False
    reply_to: str = ""
    turn_id: int | None = None
    session_id: int | None = None
    platform_message_id: str | None = None
    error: str | None = None
    buttons: tuple[Button, ...] = ()
    edits: int | None = None
    claimed_at: float | None = None
    file: OutFile | None = None


@dataclass(frozen=True, slots=True)
class GrowingStream:
    """A message in which an answer grew that has not ended.

    `text` is what the ledger knows of the answer. `last` says that nothing came after it in its chat.
    """

    opening: Delivery
    text: str
    last: bool


@dataclass(frozen=True, slots=True)
class Delivered:
    """The platform accepted it and gave it this id."""

    message_id: str


@dataclass(frozen=True, slots=True)
class Rejected:
    """The platform will never accept it: blocked, chat gone, malformed."""

    reason: str


@dataclass(frozen=True, slots=True)
class RetryAfter:
    """It was certainly not sent, and may be tried again after so many seconds."""

    seconds: float
    reason: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """It may or may not have been sent: the connection broke, or the platform failed half-way."""

    reason: str


SendOutcome = Delivered | Rejected | RetryAfter | Unknown


@dataclass(frozen=True, slots=True)
class Absent:
    """The platform was asked: it never got it, so sending it repeats nothing."""


Reconciled = Delivered | Absent | Rejected | RetryAfter | Unknown
