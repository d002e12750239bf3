"""What a growing answer shows of the steps that the agent takes. It folds away: no answer contains it."""

from collections.abc import Sequence
from enum import StrEnum

from gateway.model.turn import Step, StepKind, StepStatus
from gateway.rules.words import one_line

WORKING = "⏳ At work…"
"""The message in which an answer grows that has no words yet."""

TITLE_LENGTH = 70
MOST_LINES = 12

_MARKS = {
    StepStatus.RUNNING: "⚙",
    StepStatus.COMPLETED: "✓",
    StepStatus.FAILED: "✗",
    StepStatus.INTERRUPTED: "✗",
}


class Progress(StrEnum):
    """`compact` is the present step, `full` are all of them."""

    OFF = "off"
    COMPACT = "compact"
    FULL = "full"


def progress(steps: Sequence[Step], how: Progress) -> str:
    """The tool calls of a turn in a few lines of Markdown; empty when there is nothing to tell."""
    tools = [step for step in steps if step.kind is StepKind.TOOL]
    if not tools or how is Progress.OFF:
        return ""
    if how is Progress.FULL:
        hidden = len(tools) - MOST_LINES
        first = [f"… {hidden} earlier"] if hidden > 0 else []
        return "\n".join([*first, *map(_line, tools[-MOST_LINES:])])
    open_ones = [step for step in tools if step.status is StepStatus.RUNNING]
    if not open_ones:
        return ""  # between two steps the words speak for themselves
    done = len(tools) - len(open_ones)
    return f"{_line(open_ones[-1])}{f' ({done} done)' if done else ''}"


def _line(step: Step) -> str:
    title = one_line(step.title, TITLE_LENGTH).replace("`", "'")  # within code nothing else has a meaning
    return f"{_MARKS[step.status]} `{title or 'a step'}`"
