"""What is done about a session that may have to be resumed: every combination, and the laws in words."""

import itertools
from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model.address import Address, ChatKind
from gateway.model.message import Message, MessageKind, MessageState, Origin
from gateway.model.recovery import Candidate, Verdict
from gateway.model.session import Reason, Session, SessionState
from gateway.rules.access import AccessPolicy
from gateway.rules.recovery import ResumePolicy, breaker_open, recover, screen, shared

NOW = 1_000_000.0
HOUR = 3600.0
ANN = Origin(ChatKind.DIRECT, "1", "Ann")
KNOWN = AccessPolicy(allow=("telegram:1",))
STRANGERS = AccessPolicy(allow=("telegram:2",))
AUTOMATIC = {Reason.DRAIN_TIMEOUT, Reason.RESTART_INTERRUPTED}

POLICIES = {
    "off": ResumePolicy(finish=False),
    "ask": ResumePolicy(finish=False, ask=True),
    "continue": ResumePolicy(),
    "disabled": ResumePolicy(enabled=False),
    "careful": ResumePolicy(ask_for=frozenset({"execute"})),
}


@dataclass(frozen=True)
class Case:
    state: SessionState
    reason: str | None
    age: float | None
    allowed: bool
    origin: bool
    waiting: int
    scheduled: bool
    tripped: bool
    attempts: int
    turn: bool
    open_kinds: frozenset[str]
    policy: str

    def decide(self) -> Verdict:
        session = Session(
            1,
            Address("telegram", "1"),
            1,
            self.state,
            0.0,
            0.0,
            self.reason,
            7 if self.turn else None,
            None if self.age is None else NOW - self.age,
            self.attempts,
            origin=ANN if self.origin else None,
        )
        candidate = Candidate(session, self.waiting, self.scheduled, self.open_kinds)
        access = KNOWN if self.allowed else STRANGERS
        decision = recover(candidate, POLICIES[self.policy], access, NOW, tripped=self.tripped)
        assert decision.candidate is candidate
        assert decision.why
        return decision.verdict


CASES = itertools.starmap(
    Case,
    itertools.product(
        SessionState,
        [None, *Reason, "from_the_future"],
        [None, HOUR, HOUR + 1],
        [True, False],
        [True, False],
        [0, 2],
        [True, False],
        [True, False],
        [2, 3],
        [True, False],
        [frozenset({"execute", "read"}), frozenset({"read"})],
        POLICIES,
    ),
)


def oracle(case: Case) -> Verdict:
    """The laws, each as one condition."""
    answerable = case.origin and case.allowed
    pending = case.state is SessionState.RESUME_PENDING
    loops = case.attempts >= 3 and case.reason != Reason.AGENT_FAILED  # an error endangers nobody
    by_hand = case.scheduled and case.reason == Reason.MANUAL
    fresh = case.age is not None and case.age <= HOUR
    automatic = case.reason in AUTOMATIC and fresh and case.turn and case.policy not in ("off", "disabled")
    asks = case.policy == "ask" or (case.policy == "careful" and "execute" in case.open_kinds)
    conditions = {
        Verdict.SUSPEND: answerable and pending and loops,
        Verdict.ANSWER: answerable
        and case.waiting > 0
        and (case.state is SessionState.ACTIVE or (pending and not loops)),
        Verdict.RESUME: answerable
        and pending
        and not loops
        and not case.waiting
        and not case.tripped
        and (by_hand or (automatic and not asks)),
        Verdict.ASK: answerable
        and pending
        and not loops
        and not case.waiting
        and not case.tripped
        and not by_hand
        and automatic
        and asks,
    }
    true = [verdict for verdict, holds in conditions.items() if holds]
    assert len(true) <= 1, "the laws contradict each other"
    return true[0] if true else Verdict.SKIP


def test_law_07_every_combination():
    wrong = [case for case in CASES if case.decide() is not oracle(case)]
    assert not wrong, f"{len(wrong)} combinations, the first: {wrong[0]}"


PLAIN = Case(
    SessionState.RESUME_PENDING,
    Reason.RESTART_INTERRUPTED,
    60.0,
    allowed=True,
    origin=True,
    waiting=0,
    scheduled=False,
    tripped=False,
    attempts=0,
    turn=True,
    open_kinds=frozenset(),
    policy="continue",
)


@pytest.mark.parametrize(
    ("change", "verdict"),
    [
        ({}, Verdict.RESUME),
        ({"reason": Reason.DRAIN_TIMEOUT}, Verdict.RESUME),
        ({"state": SessionState.SUSPENDED}, Verdict.SKIP),
        ({"state": SessionState.SUSPENDED, "waiting": 1}, Verdict.SKIP),
        ({"state": SessionState.SUSPENDED, "scheduled": True}, Verdict.SKIP),
        ({"reason": "from_the_future"}, Verdict.SKIP),
        ({"reason": Reason.AGENT_LOST}, Verdict.SKIP),
        ({"reason": Reason.AGENT_LOST, "waiting": 1}, Verdict.ANSWER),
        ({"age": HOUR + 1}, Verdict.SKIP),
        ({"origin": False}, Verdict.SKIP),
        ({"allowed": False}, Verdict.SKIP),
        ({"allowed": False, "waiting": 1}, Verdict.SKIP),
        ({"waiting": 1}, Verdict.ANSWER),
        ({"waiting": 1, "tripped": True}, Verdict.ANSWER),
    ],
)
def test_law_07_in_words(change, verdict):
    assert replace(PLAIN, **change).decide() is verdict


@pytest.mark.parametrize(
    ("attempts", "verdict"), [(2, Verdict.RESUME), (3, Verdict.SUSPEND), (9, Verdict.SUSPEND)]
)
def test_law_08_a_session_that_was_resumed_too_often_is_suspended(attempts, verdict):
    assert replace(PLAIN, attempts=attempts).decide() is verdict


def test_law_08_too_many_crashes_lately_resume_nothing():
    assert replace(PLAIN, tripped=True).decide() is Verdict.SKIP


@pytest.mark.parametrize(
    ("ages", "tripped"),
    [
        ([], False),
        ([1, 2, 3], False),
        ([1, 2, 3, 4], True),
        ([1, 2, 3, 301], False),
        ([0, 100, 200, 300], True),
        ([-5, 1, 2, 3], False),
        ([1000] * 50, False),
    ],
)
def test_law_08_the_breaker_counts_unclean_boots_in_its_window(ages, tripped):
    crashes = [NOW - age for age in ages]
    assert breaker_open(crashes, ResumePolicy(breaker_boots=3, breaker_window=300.0), NOW) == tripped


@given(st.lists(st.floats(0, 2 * NOW)), st.integers(0, 5), st.floats(0, 1000))
def test_the_breaker_is_a_count(crashes, boots, window):
    policy = ResumePolicy(breaker_boots=boots, breaker_window=window)
    recent = [at for at in crashes if NOW - window <= at <= NOW]
    assert breaker_open(crashes, policy, NOW) == (len(recent) > boots)


# Several people in one conversation, of whom some may not use the bot any more.

BOB = Origin(ChatKind.GROUP, "2", "Bob")
EVE = Origin(ChatKind.GROUP, "9", "Eve")


def group(state=SessionState.RESUME_PENDING, origin=EVE, user=""):
    address = Address("telegram", "-5", "beds", user)
    return Session(1, address, 1, state, 0.0, 0.0, Reason.RESTART_INTERRUPTED, 7, NOW - 60.0, origin=origin)


def waiting(*origins):
    return [
        Message(number, 1, f"e{number}", MessageKind.USER, MessageState.WAITING, "x", origin, 0.0)
        for number, origin in enumerate(origins, 1)
    ]


@pytest.mark.parametrize(
    ("state", "origin", "left", "verdict"),
    [
        (SessionState.RESUME_PENDING, EVE, [EVE, BOB], Verdict.ANSWER),
        (SessionState.RESUME_PENDING, EVE, [EVE], Verdict.SKIP),
        (SessionState.RESUME_PENDING, BOB, [EVE], Verdict.RESUME),
        (SessionState.RESUME_PENDING, BOB, [BOB, EVE], Verdict.ANSWER),
        (SessionState.ACTIVE, EVE, [EVE, BOB], Verdict.ANSWER),
        (SessionState.ACTIVE, EVE, [EVE], Verdict.SKIP),
        (SessionState.SUSPENDED, EVE, [BOB], Verdict.SKIP),
    ],
)
def test_law_07_who_waits_is_answered_if_allowed_whoever_was_cut_short(state, origin, left, verdict):
    candidate = Candidate(group(state, origin), len(left), scheduled=False)
    found = screen(candidate, waiting(*left), STRANGERS)
    assert found.waiting == left.count(BOB)
    assert recover(found, ResumePolicy(), STRANGERS, NOW, tripped=False, screened=True).verdict is verdict


def test_law_07_unscreened_messages_are_nobodys():
    candidate = Candidate(group(), 2, scheduled=False)
    assert recover(candidate, ResumePolicy(), STRANGERS, NOW, tripped=False).verdict is Verdict.SKIP


def test_a_conversation_without_an_origin_is_not_answered():
    candidate = Candidate(group(origin=None), 2, scheduled=False)
    decision = recover(candidate, ResumePolicy(), STRANGERS, NOW, tripped=False, screened=True)
    assert decision.verdict is Verdict.SKIP


def test_which_conversations_are_shared():
    assert shared(group())
    assert not shared(group(user="2"))
    assert not shared(group(origin=ANN))
    assert not shared(group(origin=None))
