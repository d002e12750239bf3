"""What a run of the demo showed, and whether that is what was promised. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gateway.demo.count import Question, Reply, Tally, answered_at, tally
from gateway.model.session import ResumeMode
from gateway.model.turn import TurnState


@dataclass(frozen=True, slots=True)
class Continuation:
    """What the ledger says about the interrupted turn and the turn that continued it, if one did."""

    interrupted: TurnState
    state: TurnState | None = None
    mode: ResumeMode | None = None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is left when the curtain falls.

    `restarted_at` is in monotonic seconds, like the times of questions and replies. `exit_code` is how the
    second gateway ended when it was told to stop.
    """

    questions: tuple[Question, ...]
    replies: tuple[Reply, ...]
    interrupted: Question
    restarted_at: float
    continuation: Continuation | None
    exit_code: int

    @property
    def tally(self) -> Tally:
        """The count, from the chats alone."""
        return tally(self.questions, self.replies)

    @property
    def resumed_after(self) -> float | None:
        """Seconds from the second start to the answer of the interrupted question; below 0 came too early."""
        at = answered_at(self.interrupted, self.replies)
        return None if at is None else at - self.restarted_at


def problems(outcome: Outcome) -> tuple[str, ...]:
    """Everything that was not as promised, one line each. Empty means: proved."""
    return (*_miscounts(outcome.tally), *_continuity(outcome), *_ending(outcome))


def _miscounts(counted: Tally) -> Iterator[str]:
    for question in counted.lost:
        yield f"lost: {question.who}'s message about {question.word} was never answered"
    for question in counted.duplicated:
        yield f"duplicated: {question.who}'s message about {question.word} was answered once more"
    for reply in counted.unsolicited:
        yield f'unsolicited: nobody had asked for "{" ".join(reply.text.split())[:60]}"'


def _continuity(outcome: Outcome) -> Iterator[str]:
    found, after = outcome.continuation, outcome.resumed_after
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


def rows(outcome: Outcome, thinking: float) -> Sequence[tuple[str, str, str]]:
    """The table: what, how much, and a remark. `thinking` is how many seconds the answer takes by itself."""
    counted, found, after = outcome.tally, outcome.continuation, outcome.resumed_after
    repeats = f"and {counted.repeats} labelled as a possible repeat" if counted.repeats else ""
    mode = found.mode if found else None
    waited = f"seconds from the second start; the agent itself takes {thinking:g} of them"
    return (
        ("asked", str(counted.asked), "messages with a word of their own"),
        ("answered", str(counted.answered), "words found in a message of the bot"),
        ("lost", str(len(counted.lost)), ""),
        ("duplicated", str(len(counted.duplicated)), repeats),
        ("unsolicited", str(len(counted.unsolicited)), ""),
        ("resume mode", mode or "none", found.why if found and mode else ""),
        ("resumed reply", "none" if after is None else f"{after:.1f}", "" if after is None else waited),
    )
