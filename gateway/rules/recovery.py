"""What is done at startup, or when a platform comes back, about a session that may have to be resumed.

Only the marker and today's rules count; nothing is guessed from how recently a chat was used.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from gateway.model.address import ChatKind
from gateway.model.message import Message
from gateway.model.recovery import Candidate, Decision, Verdict
from gateway.model.session import Reason, Session, SessionState
from gateway.rules.access import AccessPolicy, permits


@dataclass(frozen=True, slots=True)
class ResumePolicy:
    """The `resume` section of the config. Durations are in seconds.

    `finish`: the agent is to go on unasked. `ask`: where it is not, the person is offered to let it.
    `ask_for` are kinds of tool calls whose unknown outcome makes it ask even so.
    """

    enabled: bool = True
    reasons: frozenset[str] = frozenset({Reason.DRAIN_TIMEOUT, Reason.RESTART_INTERRUPTED})
    freshness: float = 3600.0
    finish: bool = True
    ask: bool = False
    ask_for: frozenset[str] = frozenset()
    max_attempts: int = 3
    breaker_boots: int = 3
    breaker_window: float = 300.0


def breaker_open(crashes: Sequence[float], policy: ResumePolicy, now: float) -> bool:
    """Whether so many boots died lately that nothing is resumed without being asked.

    `crashes` are the starting times of boots that ended without the clean-shutdown marker.
    """
    return sum(now - policy.breaker_window <= at <= now for at in crashes) > policy.breaker_boots


def recover(
    candidate: Candidate,
    policy: ResumePolicy,
    access: AccessPolicy,
    now: float,
    *,
    tripped: bool,
    screened: bool = False,
) -> Decision:
    """Decide about one candidate. `tripped` says that the boots' loop breaker is open.

    `screened`: whatever waits was written by people who may use the bot today. Where several share a
    conversation they are answered, although what was interrupted in it was for somebody who may not.
    """
    session = candidate.session
    if session.state is SessionState.SUSPENDED:
        return _skip(candidate, f"suspended ({session.reason})")
    if (why := _outsider(session, access)) and not (screened and session.origin and candidate.waiting):
        return _skip(candidate, why)
    if _loops(session, policy):
        attempts = session.resume_attempts
        return Decision(
            candidate, Verdict.SUSPEND, f"resumed {attempts} times without a turn that ended well"
        )
    if candidate.waiting:
        return Decision(candidate, Verdict.ANSWER, f"{candidate.waiting} waiting")
    if session.state is SessionState.ACTIVE:
        return _skip(candidate, "nothing was interrupted")
    if tripped:
        return _skip(candidate, "the gateway crashed too often lately; waits for the next message")
    if candidate.scheduled and session.reason == Reason.MANUAL:
        return Decision(candidate, Verdict.RESUME, "a person asked for it")
    if why := _ineligible(candidate, policy, now):
        return _skip(candidate, why)
    if why := _question(candidate, policy):
        return Decision(candidate, Verdict.ASK, why)
    return Decision(candidate, Verdict.RESUME, str(session.reason))


def shared(session: Session) -> bool:
    """Whether several people may write in this conversation."""
    group = session.origin is not None and session.origin.chat_kind is ChatKind.GROUP
    return group and not session.address.user


def is_outsider(session: Session, access: AccessPolicy) -> bool:
    """Whether what was last worked on in a session was for somebody who may not use the bot any more."""
    return session.origin is not None and _outsider(session, access) is not None


def screen(candidate: Candidate, waiting: Sequence[Message], access: AccessPolicy) -> Candidate:
    """The same candidate without what people have waiting who may not use the bot any more.

    `waiting` are the messages of people that wait in it, the next one first.
    """
    session = candidate.session
    account = session.address.account
    mine = [one for one in waiting if permits(access, account, one.origin.author_id)]
    if mine and session.state is SessionState.ACTIVE:
        session = replace(session, origin=mine[0].origin)  # without a marker, who waits is answered
    return replace(candidate, session=session, waiting=len(mine))


def _loops(session: Session, policy: ResumePolicy) -> bool:
    """Whether it was cut short again and again. Errors that its agent reports endanger nobody."""
    marked = session.state is SessionState.RESUME_PENDING and session.reason != Reason.AGENT_FAILED
    return marked and session.resume_attempts >= policy.max_attempts


def _question(candidate: Candidate, policy: ResumePolicy) -> str | None:
    """Why a person is asked before the work goes on."""
    if not policy.finish:
        return "resume.instruction says to ask first"
    if risky := sorted(candidate.open_kinds & policy.ask_for):
        return f"the outcome of a step is unknown: {', '.join(risky)}"
    return None


def _ineligible(candidate: Candidate, policy: ResumePolicy, now: float) -> str | None:
    session = candidate.session
    if not policy.enabled or not (policy.finish or policy.ask):
        return "resuming is switched off"
    if session.reason not in policy.reasons:
        return f"the reason {session.reason!r} is not resumed without being asked"
    if session.resume_turn_id is None or session.resume_marked_at is None:
        return "nothing is known of the interrupted turn"
    if candidate.spent:
        return "it was resumed once, or stopped, and waits for the next message"
    age = now - session.resume_marked_at
    if age > policy.freshness:
        return f"interrupted {age:.0f} s ago, which is longer than {policy.freshness:.0f} s"
    return None


def _outsider(session: Session, access: AccessPolicy) -> str | None:
    if session.origin is None:
        return "nobody knows where to answer"
    if not permits(access, session.address.account, session.origin.author_id):
        return f"{session.address.account}:{session.origin.author_id} is no longer allowed"
    return None


def _skip(candidate: Candidate, why: str) -> Decision:
    return Decision(candidate, Verdict.SKIP, why)
