"""What a run of the demo showed, and whether that is what was promised. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gateway.demo.count import Question, Reply, Tally, answered_at, tally
from gateway.model.session import ResumeMode
from gateway.model.turn import TurnState

Row = tuple[str, tuple[str, ...], str]
"""A row of the table: what, how much on each platform, and a remark."""


@dataclass(frozen=True, slots=True)
class Continuation:
    """What the ledger says about the interrupted turn and the turn that continued it, if one did."""

    interrupted: TurnState
    state: TurnState | None = None
    mode: ResumeMode | None = None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Act:
    """What is left of one platform when the curtain falls.

    `restarted_at` is in monotonic seconds, like the times of questions and replies.
    """

    platform: str
    questions: tuple[Question, ...]
    replies: tuple[Reply, ...]
    interrupted: Question
    restarted_at: float
    continuation: Continuation | None

    @property
    def tally(self) -> Tally:
        """The count, from the chats alone."""
        return tally(self.questions, self.replies)

    @property
    def resumed_after(self) -> float | None:
        """Seconds from the second start to the answer of the interrupted question; below 0 came too early."""
        at = answered_at(self.interrupted, self.replies)
        return None if at is None else at - self.restarted_at


@dataclass(frozen=True, slots=True)
class Outcome:
    """All platforms, and how the second gateway ended when it was told to stop."""

    acts: tuple[Act, ...]
    exit_code: int


def problems(outcome: Outcome) -> tuple[str, ...]:
    """Everything that was not as promised, one line each. Empty means: proved."""
    found: list[str] = []
    for act in outcome.acts:
        found += (f"{act.platform}: {problem}" for problem in (*_miscounts(act.tally), *_continuity(act)))
    return (*found, *_ending(outcome))


def _miscounts(counted: Tally) -> Iterator[str]:
    for question in counted.lost:
        yield f"lost: {question.who}'s message about {question.word} was never answered"
    for question in counted.duplicated:
        yield f"duplicated: {question.who}'s message about {question.word} was answered once more"
    for reply in counted.unsolicited:
        yield f'unsolicited: nobody had asked for "{" ".join(reply.text.split())[:60]}"'


def _continuity(act: Act) -> Iterator[str]:
    found, after = act.continuation, act.resumed_after
    if found is None or found.interrupted is not TurnState.INTERRUPTED or (after is not None and after < 0):
        yield "not interrupted: the turn was over before the gateway was killed, so this run shows nothing"
    elif found.state is None:
        yield "not continued: no turn took up the interrupted one"
    elif found.state is not TurnState.COMPLETED:
        yield f"not continued: the turn that took up the interrupted one is {found.state}"
    elif found.mode not in {ResumeMode.NATIVE, ResumeMode.BOOTSTRAP}:
        yield f"not continued: the agent had forgotten the conversation (mode {found.mode}: {found.why})"


def _ending(outcome: Outcome) -> Iterator[str]:
    if outcome.exit_code:
        yield f"not stopped cleanly: the gateway ended with exit code {outcome.exit_code}"


def rows(outcome: Outcome, thinking: float) -> Sequence[Row]:
    """The table. `thinking` is how many seconds the interrupted answer takes by itself."""
    acts = outcome.acts
    tallies = [act.tally for act in acts]
    repeats = sum(one.repeats for one in tallies)
    reasons = dict.fromkeys(
        act.continuation.why for act in acts if act.continuation and act.continuation.mode
    )
    waited = f"seconds from the second start; {thinking:g} are the agent's own"
    return (
        ("", tuple(act.platform for act in acts), ""),
        ("asked", tuple(str(one.asked) for one in tallies), "messages with a word of their own"),
        ("answered", tuple(str(one.answered) for one in tallies), "words found in a message of the bot"),
        ("lost", tuple(str(len(one.lost)) for one in tallies), ""),
        (
            "duplicated",
            tuple(str(len(one.duplicated)) for one in tallies),
            f"and {repeats} labelled as a possible repeat" if repeats else "",
        ),
        ("unsolicited", tuple(str(len(one.unsolicited)) for one in tallies), ""),
        ("resume mode", tuple(_mode(act) for act in acts), "; ".join(reasons)),
        ("resumed reply", tuple(_after(act) for act in acts), waited if any(map(_answered, acts)) else ""),
    )


def _mode(act: Act) -> str:
    return (act.continuation.mode if act.continuation else None) or "none"


def _after(act: Act) -> str:
    return "none" if act.resumed_after is None else f"{act.resumed_after:.1f}"


def _answered(act: Act) -> bool:
    return act.resumed_after is not None
