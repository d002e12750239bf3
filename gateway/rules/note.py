"""The one recovery note: what an agent is told when it goes on with an interrupted turn.

Composed here and nowhere else, from what the ledger knows, so that there is exactly one note whoever
triggers the continuation: the empty resume event or the user's own next message.
"""

from dataclasses import dataclass

from gateway.model.agent import Opened, Prompt
from gateway.model.session import Reason, ResumeMode, is_given_up
from gateway.model.turn import Interruption

NOTE_MARKER = "<<GATEWAY NOTE>>"
TRANSCRIPT_MARKER = "<<RESUMED CONVERSATION>>"

REQUEST_LIMIT = 60_000
"""Characters of an interrupted request that a note repeats at most."""

_CAUSES = {
    Reason.RESTART_INTERRUPTED: "The gateway stopped unexpectedly and was started again",
    Reason.DRAIN_TIMEOUT: "The gateway was restarted",
    Reason.AGENT_LOST: "Your process ended unexpectedly",
    Reason.STOPPED: "You were stopped by the user",
    Reason.SUPERSEDED: "You were stopped, because the user has written something new,",
    Reason.AGENT_FAILED: "An error ended your work",
    Reason.MANUAL: "Your work was interrupted",
}


@dataclass(frozen=True, slots=True)
class NotePolicy:
    """`freshness` is in seconds; an older interruption is not mentioned. `finish`: the agent is to go on.

    `ask_for` are kinds of tool calls whose unknown outcome a person has to look at first, even so. What was
    gone on with `max_attempts` times without a turn that ended well is not to be gone on with unasked.
    """

    freshness: float
    finish: bool = True
    ask_for: frozenset[str] = frozenset()
    max_attempts: int = 3


def compose(
    text: str, opened: Opened, interruption: Interruption | None, policy: NotePolicy, now: float
) -> Prompt:
    """The prompt for a turn: transcript, note and text, each empty where there is nothing to say."""
    if interruption is None or now - interruption.marked_at > policy.freshness:
        return Prompt(opened.preamble, "", text)
    return Prompt(opened.preamble, _note(text, opened, interruption, policy), text)


def knows_files(opened: Opened, interruption: Interruption) -> bool:
    """Whether the agent holds the files of the interrupted request. A transcript only names them."""
    return opened.mode is ResumeMode.NATIVE and _already_told(opened, interruption)


def _note(text: str, opened: Opened, interruption: Interruption, policy: NotePolicy) -> str:
    cause = _CAUSES.get(Reason(interruption.reason)) if interruption.reason in set(Reason) else None
    lines = [
        NOTE_MARKER,
        f"{cause or 'Your work was interrupted'} while you were working on the request before this note.",
    ]
    finish = _finish(interruption, policy)
    if finish:
        lines.append(
            "Its author has had no answer to it. "
            "One that you had ready did not arrive: give it again, in full."
        )
    if open_steps := interruption.open_steps:
        lines.append(
            "These steps had started and their outcome is unknown: check before repeating any of them."
        )
        lines += [f"- {step.title or step.tool_call_id}" for step in open_steps]
    if not _already_told(opened, interruption):
        lines.append("The unfinished request was:")
        lines += [f"> {line}" for line in interruption.request[:REQUEST_LIMIT].splitlines()]
        if len(interruption.request) > REQUEST_LIMIT:
            lines.append("It was longer than this; ask its author for the rest.")
    lines.append(_instruction(bool(text), finish))
    return "\n".join(lines)


def _already_told(opened: Opened, interruption: Interruption) -> bool:
    """Whether the agent's own history, or the transcript that it is about to get, ends with the request."""
    if not interruption.request:
        return True
    if opened.mode is ResumeMode.BOOTSTRAP:
        # Of several requests in a row, the transcript does not say which are unfinished.
        return _folded(interruption.request) in _folded(opened.preamble)
    if opened.mode is ResumeMode.NATIVE and opened.last_replayed is not None:
        return f" {_folded(opened.last_replayed)}".endswith(f" {_folded(interruption.request)}")
    return False


def _finish(interruption: Interruption, policy: NotePolicy) -> bool:
    """Whether the agent is to go on by itself."""
    if interruption.reason == Reason.MANUAL:
        return True
    if interruption.attempts >= policy.max_attempts:
        return False  # it may be this very request that its agent dies of each time
    risky = any(step.tool_kind in policy.ask_for for step in interruption.open_steps)
    # After an error a person says whether it is worth another try: else it would fail every message to come.
    return policy.finish and not is_given_up(interruption.reason) and not risky


def _instruction(new_text: bool, finish: bool) -> str:
    if not finish:
        return "Do not go on with it unless you are asked to."
    if new_text:
        return "Finish that request, and answer the new message that follows, in one reply."
    return "Nothing new was written. Finish that request now; do not announce that you are back."


def _folded(text: str) -> str:
    return " ".join(text.split())
