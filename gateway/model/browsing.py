"""Parts of the ledger as people leaf through it. Times are seconds since the epoch."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.model.delivery import Delivery, DeliveryKind, DeliveryState
from gateway.model.grant import Grant, Pairing
from gateway.model.message import Message
from gateway.model.session import Session
from gateway.model.turn import Step, TurnRecord


class LedgerUnreadableError(Exception):
    """The ledger could not be read, or not in good time. Nothing is known of what it holds."""


class LedgerDamagedError(LedgerUnreadableError):
    """What was read is not what was written: pages of the ledger are damaged, and no waiting mends them."""


@dataclass(frozen=True, slots=True)
class Owed:
    """A delivery that is not sent, and since when it has been owed."""

    delivery: Delivery
    since: float


@dataclass(frozen=True, slots=True)
class Unsent:
    """What was not sent: `undecided` waits for a person, the latest first; `owed` is sent by itself, the
    oldest first. Both hold a bounded number.
    """

    undecided: tuple[Owed, ...]
    owed: tuple[Owed, ...]


@dataclass(frozen=True, slots=True)
class SessionList:
    """Some sessions, the last used first.

    `older` is where to go on, None at the end. `more` says that not all were found that there are.
    """

    sessions: tuple[Session, ...]
    older: int | None = None
    more: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """What a turn owes or owed to its chat: one message, and what became of it."""

    delivery_id: int
    turn_id: int
    kind: DeliveryKind
    state: DeliveryState
    error: str | None


@dataclass(frozen=True, slots=True)
class Conversation:
    """A stretch of a session: some turns, the latest first, and what belongs to them.

    `messages` also holds the latest of those without a turn: they wait, were withdrawn, or are commands.
    `files` names the files of messages. `older` is the turn before which to go on. Long texts are cut.
    """

    session: Session
    turns: tuple[TurnRecord, ...]
    messages: tuple[Message, ...]
    parts: tuple[Part, ...]
    steps: Mapping[int, tuple[Step, ...]]
    files: Mapping[int, tuple[str, ...]] = field(default_factory=dict[int, tuple[str, ...]])
    older: int | None = None


@dataclass(frozen=True, slots=True)
class People:
    """Who asks to be let in, and who was let in by a person; `more` says that the list was cut."""

    pairings: tuple[Pairing, ...]
    grants: tuple[Grant, ...]
    more: bool = False
