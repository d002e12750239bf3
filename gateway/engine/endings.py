"""How a turn ends in the ledger and what its chat is told, from how its prompt did and who cut it. Pure."""

from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never

from gateway.engine.recorder import Recorder
from gateway.model.agent import AgentFailed, CancelledPrompt, Ended, PromptEnd
from gateway.model.session import Reason
from gateway.model.text import storable
from gateway.model.turn import StepStatus, TurnEnd, TurnState

INTERNAL_ERROR = (
    "Something went wrong inside the gateway while it worked on this; it was logged. "
    "The conversation can go on: please send the message again."
)
SAID_NOTHING = "(The agent finished without saying anything.)"
REFUSED = "(The agent declined to answer this.)"
GAVE_UP = "⚠ The agent stopped before it had finished."
KEPT = "Messages that wait behind it: {}. They are kept, and answered after /resume or the next message."
TRY_AGAIN = "Send /resume to have it tried again."


class Cut(StrEnum):
    """Why somebody stopped a running turn."""

    USER = "user"
    OPERATOR = "operator"
    DRAIN = "drain"
    NEWER = "newer"


@dataclass(frozen=True, slots=True)
class Ending:
    """How a turn ends, without what its chat is owed for it: that is `reply`, nothing where it is None.

    An empty one goes with files.
    """

    end: TurnEnd
    reply: str | None = None


def ending(end: PromptEnd, cut: Cut | None, recorder: Recorder) -> Ending:
    """How a turn ends."""
    match end:
        case Ended(stop_reason) if stop_reason != "cancelled":
            # Kept even if it was cut meanwhile: the agent's history holds a finished turn, and so must ours.
            text = recorder.text
            if not text and not recorder.files:
                text = REFUSED if stop_reason == "refusal" else SAID_NOTHING
            done = TurnEnd(
                TurnState.COMPLETED,
                stop_reason=stop_reason,
                text=text,
                steps=recorder.rest(StepStatus.COMPLETED),
                usage=end.usage or recorder.usage,
            )
            return Ending(done, text)
        case _ if cut is Cut.DRAIN:
            return _cut_short(recorder, TurnState.INTERRUPTED, Reason.DRAIN_TIMEOUT)
        case _ if cut is Cut.OPERATOR:
            return _cut_short(recorder, TurnState.INTERRUPTED, Reason.MANUAL)
        case _ if cut is Cut.NEWER:
            return _cut_short(recorder, TurnState.SUPERSEDED, Reason.SUPERSEDED)
        case _ if cut is Cut.USER:
            # An agent that was stopped in the middle of a step has to be told: several forget such steps.
            return _cut_short(recorder, TurnState.CANCELLED, Reason.STOPPED if recorder.open_tools else None)
        case AgentFailed(message, _, True):
            return failed(recorder, f"⚠ {storable(message)}", Reason.AGENT_LOST)
        case AgentFailed(message):
            return failed(recorder, f"⚠ {storable(message)} {TRY_AGAIN}", Reason.AGENT_FAILED)
        case Ended() | CancelledPrompt():
            return failed(recorder, f"{GAVE_UP} {TRY_AGAIN}", Reason.AGENT_FAILED)
        case _:
            assert_never(end)


def _cut_short(recorder: Recorder, state: TurnState, reason: Reason | None) -> Ending:
    steps = recorder.rest(StepStatus.INTERRUPTED)
    return Ending(TurnEnd(state, reason, text=recorder.text, steps=steps, usage=recorder.usage))


def failed(recorder: Recorder, line: str, reason: Reason | None) -> Ending:
    """What was said so far is not thrown away; one line says what happened."""
    text, steps = recorder.text, recorder.rest(StepStatus.INTERRUPTED)
    end = TurnEnd(TurnState.FAILED, reason, text=text, steps=steps, usage=recorder.usage)
    return Ending(end, f"{text}\n\n{line}" if text else line)
