"""What the ledger knows of a session that may have to be resumed, and what was decided about it."""

from dataclasses import dataclass
from enum import StrEnum

from gateway.model.session import Session


@dataclass(frozen=True, slots=True)
class Candidate:
    """A session with a marker or with waiting messages.

    `waiting` counts waiting messages from people; `scheduled` says that a resume event already waits.
    """

    session: Session
    waiting: int
    scheduled: bool


class Verdict(StrEnum):
    """What happens to a candidate: the first two put it in its lane, the others do not."""

    RESUME = "resume"
    ANSWER = "answer"
    SKIP = "skip"
    SUSPEND = "suspend"


@dataclass(frozen=True, slots=True)
class Decision:
    """A verdict on one candidate, with the reason in plain words."""

    candidate: Candidate
    verdict: Verdict
    why: str
