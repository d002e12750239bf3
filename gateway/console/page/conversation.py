"""A session as people read it: each turn with what was asked, what was answered and what became of that."""

from collections import Counter
from dataclasses import dataclass

from gateway.model.browsing import Conversation, Part
from gateway.model.delivery import DeliveryState
from gateway.model.message import Message, MessageKind
from gateway.model.session import ResumeMode, Session
from gateway.model.turn import Step, StepStatus, TurnRecord, TurnState
from gateway.rules.words import counted

MODES = {
    ResumeMode.LIVE: "the agent still held the conversation",
    ResumeMode.NATIVE: "the agent loaded the conversation",
    ResumeMode.BOOTSTRAP: "a new agent session was given the transcript",
    ResumeMode.FRESH: "there was nothing to continue",
}


@dataclass(frozen=True, slots=True)
class Exchange:
    """One turn. `open_steps` are tool calls of unknown outcome; `sent` is what became of its answer."""

    turn: TurnRecord
    messages: tuple[Message, ...]
    steps: tuple[Step, ...]
    open_steps: tuple[Step, ...]
    parts: tuple[Part, ...]
    sent: str
    seconds: float | None
    mode: str
    troubled: bool


@dataclass(frozen=True, slots=True)
class Talk:
    """A stretch of a session; `loose` are messages without a turn, the latest first."""

    found: Conversation
    exchanges: tuple[Exchange, ...]
    loose: tuple[Message, ...]

    @property
    def session(self) -> Session:
        """The session."""
        return self.found.session


def shown(found: Conversation) -> Talk:
    """Put together what belongs together."""
    loose = tuple(one for one in found.messages if one.turn_id is None)
    return Talk(found, tuple(_exchange(found, turn) for turn in found.turns), loose)


def _exchange(found: Conversation, turn: TurnRecord) -> Exchange:
    messages = tuple(one for one in found.messages if one.turn_id == turn.id)
    steps = found.steps.get(turn.id, ())
    unknown = (StepStatus.INTERRUPTED, StepStatus.RUNNING)
    parts = tuple(part for part in found.parts if part.turn_id == turn.id)
    return Exchange(
        turn,
        tuple(one for one in messages if one.kind is not MessageKind.INTERNAL),
        steps,
        tuple(step for step in steps if step.status in unknown)
        if turn.state is not TurnState.RUNNING
        else (),
        parts,
        _sent(parts),
        None if turn.ended_at is None else max(0.0, turn.ended_at - turn.started_at),
        MODES[turn.resume_mode] if turn.resume_mode else "",
        turn.state not in (TurnState.COMPLETED, TurnState.RUNNING),
    )


def _sent(parts: tuple[Part, ...]) -> str:
    """What became of what a turn owed, in words."""
    states = Counter(part.state for part in parts)
    return ", ".join(
        f"{counted(states[state], 'part')} {state.value}" for state in DeliveryState if states[state]
    )
