"""How a turn ends in the ledger and what its chat is told, from how its prompt did and who cut it. Pure."""

from enum import StrEnum
from typing import assert_never

from gateway.engine.recorder import Recorder
from gateway.model.address import ChatKind
from gateway.model.agent import AgentFailed, CancelledPrompt, Ended, PromptEnd
from gateway.model.delivery import DeliveryKind, Draft
from gateway.model.session import Reason
from gateway.model.text import storable
from gateway.model.turn import StepStatus, TurnEnd, TurnStart, TurnState
from gateway.rules.chunking import chunk

INTERNAL_ERROR = (
    "Something went wrong inside the gateway while it worked on this; it was logged. "
    "The conversation can go on: please send the message again."
)
SAID_NOTHING = "(The agent finished without saying anything.)"
REFUSED = "(The agent declined to answer this.)"
MOST_PIECES = 50
"""Messages of one reply. Beyond that nobody reads on, and the chat would be blocked for minutes."""

TOO_LONG = "(The answer goes on: it has {} characters in all. Ask for a part of it.)"
GAVE_UP = "⚠ The agent stopped before it had finished."
KEPT = "Messages that wait: {}. They are kept: send /resume to have them answered, or just write on."
TRY_AGAIN = "Send /resume to have it tried again."


class Cut(StrEnum):
    """Why somebody stopped a running turn."""

    USER = "user"
    OPERATOR = "operator"
    DRAIN = "drain"
    NEWER = "newer"


def ending(start: TurnStart, end: PromptEnd, cut: Cut | None, recorder: Recorder, limit: int) -> TurnEnd:
    """How a turn ends. `limit` is the longest text of one message."""
    match end:
        case Ended(stop_reason) if stop_reason != "cancelled":
            # Kept even if it was cut meanwhile: the agent's history holds a finished turn, and so must ours.
            text = recorder.text or (REFUSED if stop_reason == "refusal" else SAID_NOTHING)
            return TurnEnd(
                TurnState.COMPLETED,
                stop_reason=stop_reason,
                text=text,
                steps=recorder.rest(StepStatus.COMPLETED),
                drafts=drafts(start, text, limit),
            )
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
            return failed(start, recorder, f"⚠ {storable(message)}", Reason.AGENT_LOST, limit)
        case AgentFailed(message):
            line = f"⚠ {storable(message)} {TRY_AGAIN}"
            return failed(start, recorder, line, Reason.AGENT_FAILED, limit)
        case Ended() | CancelledPrompt():
            return failed(start, recorder, f"{GAVE_UP} {TRY_AGAIN}", Reason.AGENT_FAILED, limit)
        case _:
            assert_never(end)


def _cut_short(recorder: Recorder, state: TurnState, reason: Reason | None) -> TurnEnd:
    return TurnEnd(state, reason, text=recorder.text, steps=recorder.rest(StepStatus.INTERRUPTED))


def failed(start: TurnStart, recorder: Recorder, line: str, reason: Reason | None, limit: int) -> TurnEnd:
    """What was said so far is not thrown away; one line says what happened."""
    text = recorder.text
    return TurnEnd(
        TurnState.FAILED,
        reason,
        text=text,
        steps=recorder.rest(StepStatus.INTERRUPTED),
        drafts=drafts(start, f"{text}\n\n{line}" if text else line, limit),
    )


def drafts(start: TurnStart, text: str, limit: int) -> tuple[Draft, ...]:
    """The reply in pieces. In groups the first one quotes the message that it answers."""
    reply_to = quote(start)
    pieces = chunk(text, limit)
    if len(pieces) > MOST_PIECES:
        pieces = (*pieces[:MOST_PIECES], TOO_LONG.format(len(text)))
    return tuple(
        Draft(DeliveryKind.REPLY, piece, "" if index else reply_to) for index, piece in enumerate(pieces)
    )


def quote(start: TurnStart) -> str:
    """The message that an answer quotes: in groups, the one that it answers."""
    origin = start.message.origin
    return origin.message_ref if origin.chat_kind is ChatKind.GROUP else ""
