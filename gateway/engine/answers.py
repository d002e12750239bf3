"""/approve and /deny: the oldest question of a conversation answered in words instead of by its buttons.

An answer is the press of a button, so that there is one way in which questions are decided, by whoever may
press. It counts for what was asked before it: a crash voids that, and what is asked next is not meant.
"""

from dataclasses import dataclass, replace

from gateway.engine.buttons import Buttons
from gateway.model.intake import Accepted
from gateway.model.message import MessageKind
from gateway.model.permission import Approval, ApprovalState, OptionKind
from gateway.ports import Store
from gateway.rules.offers import MAY, settled_text
from gateway.rules.words import counted

NOTHING_ASKED = "Nothing is asked here at the moment."
ONLY_ONCE = "For this once only: the agent offers no answer that lasts."
HOW = "Send /{0}, or /{0} always where it is to hold for later steps of the same sort."
VOID = "The gateway was restarted, so what was asked before is void. What is still needed is asked anew."
NOT_OFFERED = "The agent does not offer that. Press one of the buttons below its question."

_ORDER = {
    ("approve", False): (OptionKind.ALLOW_ONCE, OptionKind.ALLOW_ALWAYS),
    ("approve", True): (OptionKind.ALLOW_ALWAYS, OptionKind.ALLOW_ONCE),
    ("deny", False): (OptionKind.REJECT_ONCE, OptionKind.REJECT_ALWAYS),
    ("deny", True): (OptionKind.REJECT_ALWAYS, OptionKind.REJECT_ONCE),
}
"""What each word means, and what comes nearest where that is not offered."""


@dataclass(frozen=True, slots=True)
class AnswerParts:
    """What questions are answered with."""

    store: Store
    buttons: Buttons


class Answers:
    """Carries out /approve and /deny."""

    def __init__(self, parts: AnswerParts) -> None:
        self._parts = parts

    async def answer(self, accepted: Accepted) -> str:
        """Answer the oldest question."""
        words = accepted.text.lower().split()
        if words not in ([], ["always"]):
            return HOW.format(accepted.command)
        questions = await self._parts.store.pending_approvals(accepted.session_id)
        if not questions:
            return NOTHING_ASKED
        first, *more = questions
        chosen = first.request.of_kind(*_ORDER[accepted.command, bool(words)])
        if chosen is None:
            return NOT_OFFERED
        data = f"{MAY}:{first.id}:{first.request.options.index(chosen)}"
        problem = await self._parts.buttons.press(replace(accepted, kind=MessageKind.BUTTON, text=data))
        told = _told(first, chosen.kind, len(more))
        return problem or (told if chosen.kind.lasts or not words else f"{told}\n{ONLY_ONCE}")

    async def too_late(self, accepted: Accepted) -> str:
        """After a crash: what was seen when this was written is not what would be answered now."""
        del accepted
        return VOID


def _told(question: Approval, kind: OptionKind, more: int) -> str:
    """In the words in which the question's own message ends, which may stand far above."""
    state = ApprovalState.ALLOWED if kind.allows else ApprovalState.REFUSED
    said = settled_text(question.request, state, None, lasts=kind.lasts)
    return f"{said}\n{counted(more, 'more question')} open." if more else said
