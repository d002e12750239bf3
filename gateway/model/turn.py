"""Turns: one prompt to the agent and everything it produced."""

from dataclasses import dataclass
from enum import StrEnum

from gateway.model.attachment import StoredAttachment
from gateway.model.delivery import Draft, GrowingStream
from gateway.model.message import Message
from gateway.model.session import ResumeMode, Session
from gateway.model.states import Transitions
from gateway.model.usage import Usage


class TurnState(StrEnum):
    """`running`, or one of the ways in which a turn can end."""

    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    SUPERSEDED = "superseded"
    INTERRUPTED = "interrupted"

    @property
    def terminal(self) -> bool:
        """Whether nothing follows."""
        return self is not TurnState.RUNNING

    @property
    def ended_well(self) -> bool:
        """Whether a turn that ends like this clears its session's marker. Only one kind does."""
        return self is TurnState.COMPLETED


TURN_TRANSITIONS = Transitions(
    "turn",
    {
        TurnState.RUNNING: frozenset(set(TurnState) - {TurnState.RUNNING}),
        **{state: frozenset[TurnState]() for state in TurnState if state.terminal},
    },
)


class StepKind(StrEnum):
    """What a step is."""

    TOOL = "tool"
    TEXT = "text"
    THOUGHT = "thought"


class StepStatus(StrEnum):
    """`running` until the agent says otherwise, or until its turn is interrupted."""

    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True, slots=True)
class Step:
    """One tool call, thought or text segment of a turn. `seq` orders it within the turn."""

    seq: int
    kind: StepKind
    status: StepStatus
    title: str = ""
    tool_call_id: str = ""
    tool_kind: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Interruption:
    """What is known of the turn that a session is marked for.

    `reason` and `marked_at` come from the session's marker, and so do `attempts`, the times that it was gone
    on with. `request` is the text that the interrupted turn was working on, and `answered` what it had said
    so far. `steps` are its tool calls, in order.
    """

    turn_id: int
    reason: str
    marked_at: float
    request: str
    answered: str = ""
    steps: tuple[Step, ...] = ()
    attachments: tuple[StoredAttachment, ...] = ()
    attempts: int = 0

    @property
    def open_steps(self) -> tuple[Step, ...]:
        """The tool calls whose outcome nobody knows."""
        return tuple(
            step
            for step in self.steps
            if step.kind is StepKind.TOOL and step.status is StepStatus.INTERRUPTED
        )


@dataclass(frozen=True, slots=True)
class TurnStart:
    """A turn that was just begun in the ledger, with all that is needed to run it.

    `more` says that further messages wait behind it. `streams` are messages in which an interrupted turn's
    answer grew, to be gone on with or to be ended.
    """

    turn_id: int
    session: Session
    message: Message
    interruption: Interruption | None
    ended_turns: int
    more: bool = True
    streams: tuple[GrowingStream, ...] = ()


@dataclass(frozen=True, slots=True)
class TurnEnd:
    """How a turn ended, and what is owed for it.

    `completed` clears the session's marker; `interrupted`, and `failed` with a `reason`, set it; any other
    end leaves it as it was. `steps` are those not yet recorded. `idle_at` is when the session is to be
    replaced by a new one unless it is used before. `mode` is how the agent session was continued, where that
    is not in the ledger yet. `receipts`: the messages of the turn are owed a sign of how it ended.
    """

    state: TurnState
    reason: str | None = None
    stop_reason: str | None = None
    text: str = ""
    steps: tuple[Step, ...] = ()
    drafts: tuple[Draft, ...] = ()
    idle_at: float | None = None
    mode: ResumeMode | None = None
    usage: Usage | None = None
    receipts: bool = False


@dataclass(frozen=True, slots=True)
class HistoryTurn:
    """One past turn of a session, for a transcript. `answer` is what the user was (or would be) told."""

    turn_id: int
    state: TurnState
    author: str
    request: str
    answer: str
    steps: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True)
class TurnRecord:
    """A row of the ledger's turns, for people who look at it."""

    id: int
    session_id: int
    boot_id: int
    state: TurnState
    started_at: float
    ended_at: float | None = None
    reason: str | None = None
    resume_mode: ResumeMode | None = None
    mode_reason: str | None = None
    stop_reason: str | None = None
    text: str = ""
    resumes_turn_id: int | None = None
    usage: Usage | None = None
