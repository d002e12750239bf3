"""What happens in a gateway, told to whoever counts or traces it.

A witness is called in passing, from the event loop, after the ledger has it: it must be quick, must not raise
and changes nothing. Times are seconds since the epoch, durations seconds.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never

from gateway.model.delivery import Delivered, DeliveryKind, Rejected, RetryAfter, SendOutcome, Unknown
from gateway.model.session import ResumeMode
from gateway.model.turn import TurnState


class Reception(StrEnum):
    """What became of an inbound item. `limited`: its author writes too much, or too much waits already."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    REFUSED = "refused"
    LIMITED = "limited"
    TOO_OLD = "too_old"


@dataclass(frozen=True, slots=True)
class Received:
    """An item was committed. `found`: it was sent while the gateway was away.

    `message_id` is its number in the ledger, None for one of somebody who may not use the bot.
    """

    account: str
    outcome: Reception
    at: float
    found: bool = False
    message_id: int | None = None
    sent_at: float | None = None


@dataclass(frozen=True, slots=True)
class TurnBegan:
    """A turn took the message that waited first. `resumes` is the reason of the interruption that it goes on
    with, if it does.
    """

    turn_id: int
    session_id: int
    account: str
    message_id: int
    received_at: float
    at: float
    resumes: str | None


@dataclass(frozen=True, slots=True)
class SessionOpened:
    """An agent holds the conversation; `seconds` is what that took."""

    turn_id: int
    agent: str
    mode: ResumeMode
    why: str
    at: float
    seconds: float
    resumes: str | None


@dataclass(frozen=True, slots=True)
class TurnEnded:
    """A turn ended in the ledger."""

    turn_id: int
    session_id: int
    account: str
    agent: str
    state: TurnState
    reason: str | None
    began_at: float
    at: float
    resumed: bool


class Sending(StrEnum):
    """What became of one attempt to send. `held` and `repeated` decide about an outcome that is unknown."""

    SENT = "sent"
    REJECTED = "rejected"
    DELAYED = "delayed"
    UNKNOWN = "unknown"
    HELD = "held"
    REPEATED = "repeated"
    FOUND = "found"


def sending_of(outcome: SendOutcome) -> Sending:
    """The same of what an adapter returned."""
    match outcome:
        case Delivered():
            return Sending.SENT
        case Rejected():
            return Sending.REJECTED
        case RetryAfter():
            return Sending.DELAYED
        case Unknown():
            return Sending.UNKNOWN
        case _:
            assert_never(outcome)


@dataclass(frozen=True, slots=True)
class DeliverySettled:
    """An attempt at a delivery came to something; `claimed_at` is when the platform first heard of it."""

    delivery_id: int
    account: str
    kind: DeliveryKind
    outcome: Sending
    turn_id: int | None
    claimed_at: float | None
    at: float


@dataclass(frozen=True, slots=True)
class Committed:
    """The ledger wrote a group of steps, or could not."""

    steps: int
    seconds: float
    failed: int


@dataclass(frozen=True, slots=True)
class Started:
    """The gateway serves. `seconds`: from the process's start; `after_crash`: the boot before did not stop.

    `interrupted` turns were found, and `down` is how long nobody served, None at the first boot ever.
    """

    boot_id: int
    at: float
    seconds: float
    after_crash: bool
    interrupted: int
    down: float | None


@dataclass(frozen=True, slots=True)
class Drained:
    """A stop went through: `cut` turns did not end in time."""

    seconds: float
    cut: int
    clean: bool


Happening = Received | TurnBegan | SessionOpened | TurnEnded | DeliverySettled | Committed | Started | Drained

Witness = Callable[[Happening], None]


def unseen(happening: Happening) -> None:
    """The witness where nobody watches."""
