"""A conversation as text, for an agent that has lost it.

Pure. The transcript is bounded three times: each message, each tool call, and the whole, where the oldest
part is dropped first. It is written only from the ledger, and never contains another transcript.
"""

import re
from collections.abc import Iterable, Iterator, Sequence

from gateway.model.turn import HistoryTurn, Step, StepKind, StepStatus, TurnState
from gateway.rules.note import TRANSCRIPT_MARKER

HEADER = (
    "The conversation history below is from a prior session whose live context was lost. "
    "Treat it as background and continue from where the previous session left off."
)
FOOTER = "--- End of prior session ---"

TOTAL_LIMIT = 60_000
MESSAGE_LIMIT = 8_000
TOOL_LIMIT = 2_000

_CUT = "..."
_STRUCTURE = re.compile(
    rf"^(?=\[(?:USER|ASSISTANT|AGENT|TOOL USE)\b|{re.escape(FOOTER)}|{re.escape(TRANSCRIPT_MARKER)})",
    re.MULTILINE,
)
_STATUS = {
    StepStatus.COMPLETED: "completed",
    StepStatus.FAILED: "failed",
    StepStatus.RUNNING: "interrupted, outcome unknown",
    StepStatus.INTERRUPTED: "interrupted, outcome unknown",
}


def render(history: Sequence[HistoryTurn], limit: int = TOTAL_LIMIT) -> str:
    """The transcript of a history, oldest turn first; empty when there is nothing to tell.

    `limit` bounds the whole in characters. One that is too small for marker and footer gives no transcript.
    """
    named = len({turn.author for turn in history if turn.author}) > 1
    blocks = [block for turn in history for block in _turn_blocks(turn, named=named)]
    head, foot = f"{TRANSCRIPT_MARKER}\n{HEADER}\n\n", f"\n\n{FOOTER}"
    room = limit - len(head) - len(foot)
    if not blocks or room <= len(_CUT) + 1:
        return ""
    body = "\n\n".join(blocks)
    return f"{head}{_newest(body, room)}{foot}"


def unwrapped(text: str) -> str:
    """What follows a transcript, where a text begins with one: a transcript is never wrapped in another."""
    return text.rpartition(FOOTER)[2].strip() if text.startswith(TRANSCRIPT_MARKER) else text


def _newest(body: str, room: int) -> str:
    """The end of the body, behind a sign that something was dropped where it is not the whole."""
    if len(body) <= room:
        return body
    return f"{_CUT}\n{body[len(body) - room + len(_CUT) + 1 :]}"


def _turn_blocks(turn: HistoryTurn, *, named: bool) -> Iterator[str]:
    if request := unwrapped(turn.request).strip():
        author = f"{turn.author}: " if named and turn.author else ""
        yield f"[USER]: {_head(author + _quoted(request), MESSAGE_LIMIT)}"
    for step in _last_of_each(turn.steps):
        yield _tool_block(step)
    if answer := turn.answer.strip():
        label = "" if turn.state is TurnState.COMPLETED else f" ({turn.state})"
        yield f"[ASSISTANT]{label}: {_head(_quoted(answer), MESSAGE_LIMIT)}"


def _last_of_each(steps: Iterable[Step]) -> Iterator[Step]:
    """Tool calls only, each once in its last state, in the order in which they began."""
    calls: dict[str, Step] = {}
    for step in steps:
        if step.kind is StepKind.TOOL:
            calls[step.tool_call_id or f"#{step.seq}"] = step
    yield from calls.values()


def _tool_block(step: Step) -> str:
    name = " ".join((step.title or step.tool_kind or "tool").replace("]", ")").split())
    head = f"[TOOL USE: {name}] ({_STATUS[step.status]})"
    output = "\n".join(f"  {line}" for line in step.text.strip().splitlines())
    return _head(f"{head}\n  output:\n{output}" if output else head, TOOL_LIMIT)


def _head(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - len(_CUT)] + _CUT


def _quoted(text: str) -> str:
    """A text in which no line looks like a part of the transcript's own structure."""
    return _STRUCTURE.sub(" ", text)
