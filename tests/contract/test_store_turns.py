"""What the ledger promises about turns, their markers and their replies."""

import pytest

from gateway.model.delivery import DeliveryKind, DeliveryState
from gateway.model.message import MessageKind
from gateway.model.session import Reason, ResumeMode, SessionState
from gateway.model.states import IllegalTransitionError
from gateway.model.turn import StepStatus, TurnState
from tests.helpers.ledgers import ledger_fixture, notice, tool

ledger = ledger_fixture()
ENDS = [state for state in TurnState if state.terminal]


async def marked(ledger, text="work"):
    """A session that is marked for an interrupted turn, with that turn's id."""
    start = await ledger.interrupted(text)
    return start.session.id, start.turn_id


async def test_law_10_one_running_turn_per_session(ledger):
    said = await ledger.say("one")
    await ledger.say("two")
    start = await ledger.begin(said.session_id)
    with pytest.raises(Exception, match=r"(?i)unique"):
        await ledger.begin(said.session_id)
    assert await ledger.texts(said.session_id) == [("one", "taken"), ("two", "waiting")]
    await ledger.end(start.turn_id)
    assert (await ledger.begin(said.session_id)).message.text == "two"


async def test_sessions_work_side_by_side(ledger):
    one, two = await ledger.say("one", "1"), await ledger.say("two", "2")
    starts = [await ledger.begin(said.session_id) for said in (one, two)]
    assert [start.message.text for start in starts] == ["one", "two"]


async def test_nothing_to_begin(ledger):
    said = await ledger.say("one")
    await ledger.end((await ledger.begin(said.session_id)).turn_id)
    assert await ledger.idle(said.session_id)


async def test_what_a_turn_is_begun_with(ledger):
    said = await ledger.say("  hello\n")
    start = await ledger.begin(said.session_id)
    assert start.message.id == said.message_id
    assert start.message.kind is MessageKind.USER
    assert start.interruption is None
    assert start.ended_turns == 0
    await ledger.end(start.turn_id, TurnState.COMPLETED, "hi")
    await ledger.say("more")
    assert (await ledger.begin(said.session_id)).ended_turns == 1
    (first, second) = await ledger.store.turns(said.session_id)
    assert (first.state, first.text, first.boot_id) == (TurnState.COMPLETED, "hi", ledger.boot)
    assert first.ended_at > first.started_at
    assert (second.state, second.ended_at) == (TurnState.RUNNING, None)
    assert (await ledger.session(said.session_id)).title == "hello"


async def test_law_02_a_reply_is_owed_from_the_moment_its_turn_ends(ledger):
    said = await ledger.say("one", thread="9")
    start = await ledger.begin(said.session_id)
    owed = await ledger.end(start.turn_id, TurnState.COMPLETED, "part 1", "part 2")
    assert [(d.body, d.kind, d.state, d.turn_id) for d in owed] == [
        (f"part {n}", DeliveryKind.REPLY, DeliveryState.PENDING, start.turn_id) for n in (1, 2)
    ]
    assert owed[0].route.thread == "9"
    assert len({delivery.key for delivery in owed}) == 2
    assert await ledger.store.owed("telegram") == owed


@pytest.mark.parametrize("state", ENDS)
async def test_law_02_a_turn_ends_once(ledger, state):
    said = await ledger.say("one")
    start = await ledger.begin(said.session_id)
    await ledger.end(start.turn_id, state, "reply")
    for after in TurnState:
        with pytest.raises(IllegalTransitionError):
            await ledger.end(start.turn_id, after, "another")
    assert len(await ledger.store.owed("telegram")) == 1
    with pytest.raises(IllegalTransitionError):
        await ledger.store.record_opening(start.turn_id, "demo", "s", "/w", ResumeMode.FRESH, "")


@pytest.mark.parametrize(
    ("state", "reason", "expected"),
    [
        (TurnState.COMPLETED, None, SessionState.ACTIVE),
        (TurnState.FAILED, None, SessionState.ACTIVE),
        (TurnState.FAILED, Reason.AGENT_LOST, SessionState.RESUME_PENDING),
        (TurnState.CANCELLED, None, SessionState.ACTIVE),
        (TurnState.SUPERSEDED, None, SessionState.ACTIVE),
        (TurnState.INTERRUPTED, Reason.DRAIN_TIMEOUT, SessionState.RESUME_PENDING),
    ],
)
async def test_what_an_end_makes_of_an_unmarked_session(ledger, state, reason, expected):
    said = await ledger.say("one")
    start = await ledger.begin(said.session_id)
    await ledger.end(start.turn_id, state, reason=reason)
    session = await ledger.session(said.session_id)
    assert (session.state, session.reason) == (expected, reason)
    assert session.resume_turn_id == (start.turn_id if reason else None)


@pytest.mark.parametrize("state", [state for state in ENDS if state is not TurnState.COMPLETED])
async def test_law_06_only_a_turn_that_ended_well_clears_the_marker(ledger, state):
    session_id, turn_id = await marked(ledger)
    await ledger.say("and now?")
    start = await ledger.begin(session_id)
    await ledger.end(start.turn_id, state)
    session = await ledger.session(session_id)
    assert session.state is SessionState.RESUME_PENDING
    assert session.resume_turn_id == turn_id
    assert session.resume_attempts == 1


async def test_law_06_a_turn_that_ended_well_clears_the_marker_and_the_attempts(ledger):
    session_id, _ = await marked(ledger)
    await ledger.say("and now?")
    await ledger.end((await ledger.begin(session_id)).turn_id, TurnState.FAILED)
    await ledger.say("again")
    await ledger.end((await ledger.begin(session_id)).turn_id, TurnState.COMPLETED)
    session = await ledger.session(session_id)
    assert (session.state, session.reason, session.resume_turn_id) == (SessionState.ACTIVE, None, None)
    assert (session.resume_marked_at, session.resume_attempts) == (None, 0)
    assert await ledger.candidate(session_id) is None


async def test_law_05_the_next_message_carries_the_note_and_the_resume_event_gives_way(ledger):
    session_id, turn_id = await marked(ledger, "dig a well")
    await ledger.store.schedule_resumes([session_id], ledger.tick())
    await ledger.say("are you there?")
    start = await ledger.begin(session_id)
    assert start.message.text == "are you there?"
    assert start.interruption is not None
    assert start.interruption.turn_id == turn_id
    assert start.interruption.request == "dig a well"
    assert start.interruption.reason == Reason.RESTART_INTERRUPTED
    assert ("", "withdrawn") in await ledger.texts(session_id)
    await ledger.end(start.turn_id)
    assert await ledger.idle(session_id)


async def test_law_05_later_messages_carry_no_note(ledger):
    session_id, _ = await marked(ledger)
    await ledger.say("one")
    await ledger.say("two")
    first = await ledger.begin(session_id)
    await ledger.end(first.turn_id)
    second = await ledger.begin(session_id)
    assert first.interruption is not None
    assert second.interruption is None


async def test_the_resume_event_is_an_empty_message_with_the_old_author(ledger):
    session_id, turn_id = await marked(ledger)
    await ledger.store.schedule_resumes([session_id], ledger.tick())
    start = await ledger.begin(session_id)
    assert (start.message.kind, start.message.text) == (MessageKind.INTERNAL, "")
    assert start.message.origin.author_name == "Ann"
    assert start.interruption is not None
    turns = await ledger.store.turns(session_id)
    assert turns[-1].resumes_turn_id == turn_id


async def test_law_05_a_resume_event_without_a_marker_is_not_run(ledger):
    session_id, _ = await marked(ledger)
    await ledger.say("meanwhile")
    working = await ledger.begin(session_id)
    # Scheduling that looked at the session before the message came, and writes after it.
    await ledger.store.schedule_resumes([session_id], ledger.tick())
    await ledger.end(working.turn_id)
    assert await ledger.idle(session_id)
    assert ("", "waiting") not in await ledger.texts(session_id)


async def test_attempts_grow_with_every_continuation(ledger):
    session_id, _ = await marked(ledger)
    for attempt in (1, 2, 3):
        await ledger.store.schedule_resumes([session_id], ledger.tick())
        await ledger.begin(session_id)
        await ledger.start()
        assert (await ledger.session(session_id)).resume_attempts == attempt


async def test_a_chain_of_interruptions_is_told_whole(ledger):
    said = await ledger.say("first request")
    start = await ledger.begin(said.session_id)
    await ledger.store.record_steps(start.turn_id, [tool(0, "first tool")])
    await ledger.start()
    await ledger.store.schedule_resumes([said.session_id], ledger.tick())
    resumed = await ledger.begin(said.session_id)
    await ledger.store.record_steps(resumed.turn_id, [tool(0, "second tool")])
    await ledger.start()
    await ledger.say("second request")
    third = await ledger.begin(said.session_id)
    interruption = third.interruption
    assert interruption is not None
    assert interruption.turn_id == resumed.turn_id
    assert interruption.request == "first request"
    assert [step.title for step in interruption.open_steps] == ["first tool", "second tool"]
    await ledger.start()
    await ledger.store.schedule_resumes([said.session_id], ledger.tick())
    fourth = (await ledger.begin(said.session_id)).interruption
    assert fourth is not None
    assert fourth.request == "first request\n\nsecond request"


async def test_what_was_answered_before_the_cut_is_known(ledger):
    said = await ledger.say("go")
    start = await ledger.begin(said.session_id)
    await ledger.end(start.turn_id, TurnState.INTERRUPTED, reason=Reason.DRAIN_TIMEOUT, text="half an ans")
    await ledger.store.schedule_resumes([said.session_id], ledger.tick())
    interruption = (await ledger.begin(said.session_id)).interruption
    assert interruption is not None
    assert interruption.answered == "half an ans"


async def test_a_mark_comes_before_the_interruption_and_is_kept(ledger):
    said = await ledger.say("go")
    start = await ledger.begin(said.session_id)
    at = ledger.tick()
    owed = await ledger.store.mark_pending([start.turn_id], Reason.DRAIN_TIMEOUT, at, notice("later")[0])
    assert [delivery.body for delivery in owed] == ["later"]
    marked_session = await ledger.session(said.session_id)
    assert marked_session.state is SessionState.RESUME_PENDING
    await ledger.end(start.turn_id, TurnState.INTERRUPTED, reason=Reason.AGENT_LOST)
    session = await ledger.session(said.session_id)
    assert (session.reason, session.resume_marked_at) == (Reason.DRAIN_TIMEOUT, at)


async def test_a_mark_survives_a_kill_between_mark_and_cut(ledger):
    said = await ledger.say("go")
    start = await ledger.begin(said.session_id)
    at = ledger.tick()
    await ledger.store.mark_pending([start.turn_id], Reason.DRAIN_TIMEOUT, at)
    opening = await ledger.start()
    session = await ledger.session(said.session_id)
    assert opening.interrupted_turns == 1
    assert (session.reason, session.resume_marked_at) == (Reason.DRAIN_TIMEOUT, at)
    assert (await ledger.store.turns(said.session_id))[0].state is TurnState.INTERRUPTED


async def test_a_later_turn_is_marked_anew(ledger):
    session_id, first = await marked(ledger)
    await ledger.store.schedule_resumes([session_id], ledger.tick())
    start = await ledger.begin(session_id)
    at = ledger.tick()
    await ledger.store.mark_pending([start.turn_id], Reason.DRAIN_TIMEOUT, at)
    session = await ledger.session(session_id)
    assert session.resume_turn_id == start.turn_id != first
    assert (session.reason, session.resume_marked_at) == (Reason.DRAIN_TIMEOUT, at)


async def test_a_turn_that_ended_is_not_marked(ledger):
    said = await ledger.say("go")
    start = await ledger.begin(said.session_id)
    await ledger.end(start.turn_id)
    owed = await ledger.store.mark_pending([start.turn_id], Reason.DRAIN_TIMEOUT, 9.0, notice("later")[0])
    assert owed == ()
    assert (await ledger.session(said.session_id)).state is SessionState.ACTIVE


async def test_a_completion_after_the_mark_clears_it(ledger):
    said = await ledger.say("go")
    start = await ledger.begin(said.session_id)
    await ledger.store.mark_pending([start.turn_id], Reason.DRAIN_TIMEOUT, 9.0)
    await ledger.end(start.turn_id, TurnState.COMPLETED, "just in time")
    assert (await ledger.session(said.session_id)).state is SessionState.ACTIVE
    assert [d.body for d in await ledger.store.owed("telegram")] == ["just in time"]


async def test_law_07_a_suspended_session_is_not_activated_by_its_turn(ledger):
    said = await ledger.say("go")
    start = await ledger.begin(said.session_id)
    await ledger.store.suspend(said.session_id, Reason.MANUAL, (), ledger.tick())
    await ledger.end(start.turn_id, TurnState.COMPLETED, "done")
    session = await ledger.session(said.session_id)
    assert (session.state, session.reason) == (SessionState.SUSPENDED, Reason.MANUAL)
    assert session.resume_turn_id is None


@pytest.mark.parametrize("how", ["crash", "drain", "cut"])
async def test_law_07_a_suspended_session_stays_suspended_when_its_turn_is_cut(ledger, how):
    said = await ledger.say("go")
    start = await ledger.begin(said.session_id)
    await ledger.store.suspend(said.session_id, Reason.RESUME_LOOP, (), ledger.tick())
    if how == "crash":
        await ledger.start()
    elif how == "drain":
        await ledger.store.mark_pending([start.turn_id], Reason.DRAIN_TIMEOUT, ledger.tick())
    else:
        await ledger.end(start.turn_id, TurnState.INTERRUPTED, reason=Reason.DRAIN_TIMEOUT)
    session = await ledger.session(said.session_id)
    assert (session.state, session.reason) == (SessionState.SUSPENDED, Reason.RESUME_LOOP)
    assert session.resume_turn_id == start.turn_id


@pytest.mark.parametrize(
    ("state", "expected"),
    [(TurnState.COMPLETED, StepStatus.COMPLETED), (TurnState.CANCELLED, StepStatus.INTERRUPTED)],
)
async def test_open_steps_are_closed_with_their_turn(ledger, state, expected):
    said = await ledger.say("go")
    start = await ledger.begin(said.session_id)
    await ledger.store.record_steps(start.turn_id, [tool(0, "a"), tool(1, "b", StepStatus.FAILED)])
    await ledger.end(start.turn_id, state, steps=(tool(2, "c"),))
    (past,) = await ledger.store.history(said.session_id, start.turn_id + 1)
    assert [step.status for step in past.steps] == [expected, StepStatus.FAILED, expected]


async def test_a_step_is_written_over_by_its_later_self(ledger):
    said = await ledger.say("go")
    start = await ledger.begin(said.session_id)
    await ledger.store.record_steps(start.turn_id, [tool(0, "a"), tool(1, "b")])
    await ledger.store.record_steps(start.turn_id, [tool(0, "a, done", StepStatus.COMPLETED)])
    await ledger.start()
    await ledger.say("well?")
    interruption = (await ledger.begin(said.session_id)).interruption
    assert interruption is not None
    assert [(s.title, s.status) for s in interruption.steps] == [
        ("a, done", StepStatus.COMPLETED),
        ("b", StepStatus.INTERRUPTED),
    ]


async def test_law_12_how_a_session_was_continued_is_stored(ledger):
    said = await ledger.say("go")
    start = await ledger.begin(said.session_id)
    await ledger.store.record_opening(start.turn_id, "demo", "s-1", "/w", ResumeMode.BOOTSTRAP, "no such id")
    await ledger.end(start.turn_id)
    (turn,) = await ledger.store.turns(said.session_id)
    assert (turn.resume_mode, turn.mode_reason) == (ResumeMode.BOOTSTRAP, "no such id")
    session = await ledger.session(said.session_id)
    assert (session.agent, session.agent_session_id, session.cwd) == ("demo", "s-1", "/w")
    assert session.last_mode is ResumeMode.BOOTSTRAP
    await ledger.say("more")
    await ledger.end((await ledger.begin(said.session_id)).turn_id, mode=ResumeMode.LIVE)
    assert (await ledger.store.turns(said.session_id))[-1].resume_mode is ResumeMode.LIVE
    await ledger.say("and more")
    await ledger.end((await ledger.begin(said.session_id)).turn_id)
    assert (await ledger.store.turns(said.session_id))[-1].resume_mode is None  # no agent saw it


async def test_law_01_what_no_agent_ever_heard_of_is_told_to_the_one_that_goes_on(ledger):
    """Three messages to an agent that cannot be started: each was given up, and none was heard."""
    said = await ledger.say("first")
    for text in ("first", "second", "third"):
        start = await ledger.begin(said.session_id)
        assert start.message.text == text
        await ledger.end(start.turn_id, TurnState.FAILED, reason="agent_failed")
        await ledger.say({"first": "second", "second": "third", "third": "now"}[text])
    start = await ledger.begin(said.session_id)
    assert start.interruption.request == "first\n\nsecond\n\nthird"
