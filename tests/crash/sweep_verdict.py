"""What the chats of a sweep show, and the table at its end."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.harness.chat import Chat, Line
from tests.harness.stage import Stage


@dataclass(slots=True)
class Tally:
    """What became of the points of one kind."""

    points: int = 0
    killed: int = 0
    again: int = 0
    labelled: int = 0
    seconds: float = 0
    violations: list[str] = field(default_factory=list[str])
    lost: int = 0
    doubled: int = 0


@dataclass(frozen=True, slots=True)
class Finding:
    """What one chat shows."""

    lost: bool
    doubled: bool
    labelled: int
    trouble: str

    @classmethod
    def of(cls, chat: Chat, stage: Stage, tool: str, notices: Sequence[str] = ()) -> "Finding":
        """Read a chat. Each of the `notices` may be in it once, and repeated with the label that says so."""
        answers = [chat.answers(asked) for asked in chat.asked]
        lost = any(not lines for lines in answers)
        told = [[line for line in chat.replies if notice in line.text] for notice in notices]
        doubled = any(_plainly(lines) > 1 for lines in (*answers, *told))
        labelled = sum(line.labelled for line in chat.replies)
        heard = [line for lines in told for line in lines]
        unasked = [line for line in chat.unsolicited if line not in heard]
        troubles = [
            "lost" if lost else "",
            "silently doubled" if doubled else "",
            "repeated too often" if labelled > 2 else "",
            f"unasked-for: {unasked[0].text!r}" if unasked else "",
            f"ran its tool {ran} times" if (ran := stage.memory.ran(tool)) > 1 else "",
        ]
        return cls(lost, doubled, labelled, "; ".join(filter(None, troubles)))


def _plainly(lines: Sequence[Line]) -> int:
    return sum(not line.labelled for line in lines)


def say(text: str) -> None:
    """A line for people."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def report(tallies: dict[str, Tally], seconds: float) -> int:
    """The table; the exit code."""
    heads = ("points", "killed", "again", "lost", "doubled", "labelled", "wrong", "seconds")
    say(f"\n{'where':32}" + "".join(f"{head:>9}" for head in heads))
    total = Tally()
    others = 0
    for name, tally in sorted(tallies.items()):
        other = len(tally.violations)
        others += other
        say(_row(name, tally, other))
        total.points += tally.points
        total.killed += tally.killed
        total.again += tally.again
        total.lost += tally.lost
        total.doubled += tally.doubled
        total.labelled += tally.labelled
    total.seconds = seconds
    say(_row("total", total, others))
    return 1 if others or not total.points else 0


def _row(name: str, tally: Tally, violations: int) -> str:
    numbers = (tally.points, tally.killed, tally.again, tally.lost, tally.doubled, tally.labelled, violations)
    return f"{name:32}" + "".join(f"{number:9}" for number in numbers) + f"{tally.seconds:9.1f}"
