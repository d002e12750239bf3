"""Sessions: the durable conversation at an address.

A session that was interrupted carries a marker (`resume_pending` with a reason). The marker is the only
thing that makes it eligible for being resumed, and only a turn that ended well takes it away.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from gateway.model.address import Address
from gateway.model.choices import Chosen
from gateway.model.message import Origin
from gateway.model.states import Transitions


class SessionState(StrEnum):
    """`active` is the normal state; `suspended` waits for a person and beats `resume_pending`."""

    ACTIVE = "active"
    RESUME_PENDING = "resume_pending"
    SUSPENDED = "suspended"


class Reason(StrEnum):
    """Why a session is pending or suspended, or why a turn was interrupted.

    The ledger keeps reasons as text: one that this version does not know is kept, shown, and never
    resumed without being asked.
    """

    DRAIN_TIMEOUT = "drain_timeout"
    RESTART_INTERRUPTED = "restart_interrupted"
    AGENT_LOST = "agent_lost"
    MANUAL = "manual"
    RESUME_LOOP = "resume_loop"
    STOPPED = "stopped"
    SUPERSEDED = "superseded"
    AGENT_FAILED = "agent_failed"
    RESTORED = "restored"

    @property
    def given_up(self) -> bool:
        """Whether the work is not gone on with unless a person says so."""
        return self in (Reason.STOPPED, Reason.SUPERSEDED, Reason.AGENT_FAILED)


def is_given_up(reason: str | None) -> bool:
    """The same of a reason as the ledger keeps it."""
    return reason in set(Reason) and Reason(reason).given_up


SESSION_TRANSITIONS = Transitions(
    "session",
    {
        SessionState.ACTIVE: frozenset({SessionState.RESUME_PENDING, SessionState.SUSPENDED}),
        SessionState.RESUME_PENDING: frozenset({SessionState.ACTIVE, SessionState.SUSPENDED}),
        SessionState.SUSPENDED: frozenset({SessionState.ACTIVE}),
    },
)


class ResumeMode(StrEnum):
    """How an agent session was continued, best first.

    `live`: the process still held it. `native`: the agent loaded it and proved it. `bootstrap`: a new agent
    session was given the transcript. `fresh`: there was nothing to continue.
    """

    LIVE = "live"
    NATIVE = "native"
    BOOTSTRAP = "bootstrap"
    FRESH = "fresh"


@dataclass(frozen=True, slots=True)
class Session:
    """A row of the ledger's sessions. Times are seconds since the epoch.

    `resume_marked_at` is when the work stopped, as exactly as is known: for a crash, the dead boot's last
    sign of life and not the time of the next start. `resume_turn_id` is the turn that was interrupted.
    """

    id: int
    address: Address
    generation: int
    state: SessionState
    created_at: float
    updated_at: float
    reason: str | None = None
    resume_turn_id: int | None = None
    resume_marked_at: float | None = None
    resume_attempts: int = 0
    agent: str | None = None
    agent_session_id: str | None = None
    cwd: str | None = None
    origin: Origin | None = None
    last_mode: ResumeMode | None = None
    title: str = ""
    chosen: Chosen = field(default_factory=Chosen)
