"""What the ledger knows of a session that may have to be resumed, and what was decided about it."""

from dataclasses import dataclass
from enum import StrEnum

from gateway.model.session import Session


@dataclass(frozen=True, slots=True)
class Candidate:
    """A session with a marker or with waiting messages.

    `waiting` counts waiting messages from people; `scheduled` says that a resume event already waits.
    `spent` says that this interruption was resumed before, or is not to be.
    `open_kinds` are the kinds of the tool calls in the interrupted turn whose outcome is unknown.
    """

    session: Session
    waiting: int
    scheduled: bool
    open_kinds: frozenset[str] = frozenset()
    spent: bool = False


class Verdict(StrEnum):
    """What happens to a candidate: `resume` and `answer` put it in its lane."""

    RESUME = "resume"
    ASK = "ask"
    ANSWER = "answer"
    SKIP = "skip"
    SUSPEND = "suspend"


@dataclass(frozen=True, slots=True)
class Decision:
    """A verdict on one candidate, with the reason in plain words."""

    candidate: Candidate
    verdict: Verdict
    why: str
