"""What the ledger promises about earlier conversations of a chat: they are listed, and brought back."""

import pytest

from gateway.model.choices import Chosen
from gateway.model.session import Reason, SessionState
from gateway.model.turn import StepStatus, TurnEnd, TurnState
from tests.helpers.ledgers import ledger_fixture, notice, tool

ledger = ledger_fixture()


async def spoken(ledger, text="hello", chat="1001", **more):
    """Something is said and answered; the session."""
    said = await ledger.say(text, chat, **more)
    await ledger.end((await ledger.begin(said.session_id)).turn_id)
    return said.session_id


async def renewed(ledger, session_id):
    return await ledger.store.next_generation(session_id, ledger.tick())


async def back(ledger, session_id):
    return await ledger.store.bring_back(session_id, ledger.tick())


async def listed(ledger, session_id, limit=10):
    return [(one.id, one.title) for one in await ledger.store.generations(session_id, limit)]


async def test_conversations_of_one_place_in_which_something_was_said_are_listed(ledger):
    first = await spoken(ledger, "one")
    await spoken(ledger, "elsewhere", "other")
    await spoken(ledger, "in a thread", thread="t")
    second = await renewed(ledger, first)
    assert await spoken(ledger, "two") == second
    third = await renewed(ledger, second)
    assert await listed(ledger, first) == [(second, "two"), (first, "one")]
    taken_back = await ledger.say("three")
    assert await listed(ledger, third) == [(third, ""), (second, "two"), (first, "one")]
    await ledger.store.withdraw(third, [taken_back.message_id])
    await ledger.command("status")
    assert await listed(ledger, third, limit=1) == [(second, "two")]
    assert await listed(ledger, 99) == []


async def test_one_that_is_brought_back_is_the_present_one(ledger):
    first = await spoken(ledger, "one")
    await ledger.store.choose(first, Chosen("claude"))
    second = await renewed(ledger, first)
    await ledger.store.choose(second, Chosen("codex"))
    await spoken(ledger, "two")
    assert await back(ledger, first)
    assert not await back(ledger, first), "as when a crash has it done twice"
    assert await spoken(ledger, "three") == first
    assert [turn.session_id for turn in await ledger.store.turns(first)] == [first, first]
    assert (await ledger.session(first)).chosen == Chosen("claude")
    assert await listed(ledger, first) == [(first, "one"), (second, "two")]
    third = await renewed(ledger, first)
    assert third not in (first, second)
    assert await spoken(ledger, "four") == third


async def test_the_present_one_is_brought_back_already(ledger):
    session_id = (await ledger.say("waits")).session_id
    assert not await back(ledger, session_id)
    assert await ledger.texts(session_id) == [("waits", "waiting")]


async def test_what_waits_in_the_other_is_withdrawn(ledger):
    first = await spoken(ledger)
    second = await renewed(ledger, first)
    await ledger.say("waits")
    await ledger.command("status")
    await back(ledger, first)
    assert await ledger.texts(second) == [("waits", "withdrawn"), ("", "waiting")]
    assert await ledger.idle(second)


async def test_what_was_written_after_the_command_goes_along(ledger):
    first = await spoken(ledger)
    second = await renewed(ledger, first)
    await ledger.say("before")
    command = await ledger.command("resume")
    await ledger.say("after")
    await back(ledger, first)
    assert await ledger.texts(second) == [("before", "withdrawn"), ("", "waiting")]
    assert (await ledger.begin(first)).message.text == "after"
    # A command that has been answered is none that anything is written after.
    await ledger.store.notify(second, notice("done"), ledger.tick(), command.message_id)
    await ledger.say("and more")
    await back(ledger, second)
    assert (await ledger.texts(first))[-1] == ("and more", "withdrawn")


async def cut_short(ledger, reason):
    """A session that is marked for this reason, with a step in doubt."""
    said = await ledger.say("work")
    start = await ledger.begin(said.session_id)
    await ledger.end(start.turn_id, TurnState.FAILED, reason=reason, steps=(tool(0, "dig"),))
    return said.session_id


@pytest.mark.parametrize(
    ("reason", "kept"), [(Reason.AGENT_LOST, "stopped"), (Reason.AGENT_FAILED, "agent_failed")]
)
async def test_what_was_cut_short_is_known_and_not_gone_on_with_by_itself(ledger, reason, kept):
    first = await spoken(ledger)
    await renewed(ledger, first)
    second = await cut_short(ledger, reason)
    await back(ledger, first)
    left = await ledger.session(second)
    assert (left.state, left.reason) == (SessionState.RESUME_PENDING, kept)
    assert await ledger.candidate(second) is None
    await back(ledger, second)
    again = await ledger.session(second)
    assert (again.state, again.reason) == (SessionState.RESUME_PENDING, kept)
    await ledger.say("go on")
    start = await ledger.begin(second)
    assert [(step.title, step.status) for step in start.interruption.steps] == [
        ("dig", StepStatus.INTERRUPTED)
    ]


@pytest.mark.parametrize("unfinished", [True, False])
async def test_a_suspended_one_is_let_go_on_by_who_brings_it_back(ledger, unfinished):
    first = await spoken(ledger)
    await renewed(ledger, first)
    second = await (cut_short(ledger, Reason.AGENT_LOST) if unfinished else spoken(ledger))
    await ledger.store.suspend(second, Reason.RESUME_LOOP, (), ledger.tick())
    await back(ledger, first)
    assert (await ledger.session(second)).state is SessionState.SUSPENDED
    await back(ledger, second)
    after = await ledger.session(second)
    expected = (SessionState.RESUME_PENDING, "stopped") if unfinished else (SessionState.ACTIVE, None)
    assert (after.state, after.reason, after.resume_attempts) == (*expected, 0)
    await ledger.say("go on")
    assert (await ledger.begin(second)).message.text == "go on"


async def test_one_that_was_brought_back_does_not_end_of_itself_at_once(ledger):
    first = (await ledger.say("one")).session_id
    start = await ledger.begin(first)
    due = ledger.tick() + 100
    await ledger.store.end_turn(start.turn_id, TurnEnd(TurnState.COMPLETED, idle_at=due), ledger.tick())
    await renewed(ledger, first)
    await back(ledger, first)
    assert await ledger.store.reset_idle(due + 1, 10) == ()
    assert await spoken(ledger, "two") == first
