"""What the ledger says at a glance, for people who watch a gateway. Times are seconds since the epoch."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from gateway.model.address import Address
from gateway.model.boot import Boot
from gateway.model.session import ResumeMode, SessionState
from gateway.model.turn import TurnState


@dataclass(frozen=True, slots=True)
class Pending:
    """A session that does not go on by itself right now: marked for a resume, or suspended.

    `marked_at` is when its work stopped, None where nothing in it was cut short.
    """

    session_id: int
    address: Address
    state: SessionState
    reason: str | None
    marked_at: float | None
    attempts: int
    title: str


@dataclass(frozen=True, slots=True)
class Queue:
    """A session with messages that wait for their turn, and when the first of them came."""

    session_id: int
    address: Address
    waiting: int
    oldest_at: float


@dataclass(frozen=True, slots=True)
class Overview:
    """What waits, what is pending and what is owed.

    `pending` and `queues` hold the first ones, oldest first; the counts are of all. `deliveries` counts those
    that are not settled, or were refused, by state; `owed_since` is when the oldest that is still to be sent
    was owed. `running` turns are those without an end: of a gateway that is not there any more, cut short.
    """

    pending: tuple[Pending, ...]
    queues: tuple[Queue, ...]
    pending_by_reason: Mapping[str, int]
    suspended: int
    waiting: int
    waiting_since: float | None
    deliveries: Mapping[str, int]
    owed_since: float | None
    running: int = 0

    @property
    def interrupted(self) -> int:
        """All sessions that are marked for a resume."""
        return sum(self.pending_by_reason.values())


class BootEnd(StrEnum):
    """How a boot ended, as far as the ledger knows: `running` may also be one that has just died."""

    RUNNING = "running"
    STOPPED = "stopped"
    RESTARTED = "restarted"
    CRASHED = "crashed"


@dataclass(frozen=True, slots=True)
class Continuation:
    """A turn that a boot's end cut short, and what became of it.

    `by_turn` is the turn that went on with it first; without one it is still open, or was given up.
    """

    turn_id: int
    session_id: int
    reason: str | None
    by_turn: int | None
    by_boot: int | None
    mode: ResumeMode | None
    mode_reason: str | None
    state: TurnState | None


@dataclass(frozen=True, slots=True)
class Restart:
    """One boot in the timeline: how it ended, what it left unfinished, and how that was gone on with.

    `cut` holds the first ones; `interrupted` counts all.
    """

    boot: Boot
    end: BootEnd
    interrupted: int
    cut: tuple[Continuation, ...]


@dataclass(frozen=True, slots=True)
class Passage:
    """The way of one message: when it came, when its turn began and ended, and when the answer had been sent.

    What has not happened yet is None.
    """

    message_id: int
    session_id: int
    account: str
    turn_id: int | None
    received_at: float
    started_at: float | None
    ended_at: float | None
    answered_at: float | None
    state: TurnState | None
    mode: ResumeMode | None
