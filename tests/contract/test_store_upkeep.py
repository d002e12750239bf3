"""What time does to the ledger: exactly what it may, in bites."""

import pytest

from gateway.model.message import MessageKind
from gateway.model.session import Reason, SessionState
from gateway.model.turn import TurnEnd, TurnState
from tests.helpers.ledgers import ledger_fixture, notice, tool

ledger = ledger_fixture()
FAR = 1e9


async def used(ledger, chat="1001", idle_at=None):
    """A conversation with one finished turn; its session's id."""
    start = await ledger.begin((await ledger.say("hello", chat)).session_id)
    await ledger.store.record_steps(start.turn_id, (tool(0, "look"),))
    end = TurnEnd(TurnState.COMPLETED, text="hi", idle_at=idle_at)
    await ledger.store.end_turn(start.turn_id, end, ledger.tick())
    return start.session.id


async def test_an_idle_session_is_replaced_when_its_time_has_come(ledger):
    at = ledger.now + 100
    session = await used(ledger, idle_at=at)
    assert await ledger.store.reset_idle(at - 1, 10) == ()
    assert await ledger.store.reset_idle(at, 10) == (session,)
    assert await ledger.store.reset_idle(at, 10) == ()
    said = await ledger.say("again")
    assert said.session_id != session
    assert (await ledger.session(said.session_id)).generation == 2


async def test_a_session_that_is_used_meanwhile_is_not_idle(ledger):
    session = await used(ledger, idle_at=ledger.now + 1)
    said = await ledger.say("still here")
    assert await ledger.store.reset_idle(FAR, 10) == ()
    start = await ledger.begin(said.session_id)
    assert await ledger.store.reset_idle(FAR, 10) == ()
    await ledger.end(start.turn_id)
    assert await ledger.store.reset_idle(FAR, 10) == (), "its new time is not set"
    assert start.session.id == session


@pytest.mark.parametrize("state", [SessionState.RESUME_PENDING, SessionState.SUSPENDED])
async def test_what_is_unfinished_is_not_idle(ledger, state):
    session = await used(ledger, idle_at=ledger.now + 1)
    if state is SessionState.SUSPENDED:
        await ledger.store.suspend(session, Reason.MANUAL, (), ledger.tick())
    else:
        start = await ledger.begin((await ledger.say("go")).session_id)
        end = TurnEnd(TurnState.INTERRUPTED, Reason.DRAIN_TIMEOUT, idle_at=ledger.now)
        await ledger.store.end_turn(start.turn_id, end, ledger.tick())
    assert await ledger.store.reset_idle(FAR, 10) == ()


async def test_idle_sessions_are_replaced_in_bites_the_longest_idle_first(ledger):
    sessions = [await used(ledger, str(chat), idle_at=2_000.0 - chat) for chat in range(5)]
    assert await ledger.store.reset_idle(FAR, 3) == tuple(reversed(sessions[2:]))
    assert await ledger.store.reset_idle(FAR, 3) == (sessions[1], sessions[0])


async def test_resume_events_lapse_when_they_are_too_old(ledger):
    old = (await ledger.interrupted("old", "1")).session.id
    young = (await ledger.interrupted("young", "2")).session.id
    await ledger.store.schedule_resumes([old, young], ledger.tick())
    between = (await ledger.session(young)).resume_marked_at
    assert await ledger.store.expire_resumes(between) == 1
    assert await ledger.store.expire_resumes(between) == 0
    assert ("", "withdrawn") in await ledger.texts(old)
    assert ("", "waiting") in await ledger.texts(young)
    assert (await ledger.session(old)).state is SessionState.RESUME_PENDING, "the marker stays"


async def test_what_a_person_asked_for_and_messages_do_not_lapse(ledger):
    asked = (await ledger.interrupted("old", "1")).session.id
    await ledger.store.reactivate(asked, "resume:by-hand:1", ledger.tick())
    written = (await ledger.interrupted("older", "2")).session.id
    await ledger.say("hello?", "2")
    assert await ledger.store.expire_resumes(FAR) == 0
    assert ("", "waiting") in await ledger.texts(asked)
    assert ("hello?", "waiting") in await ledger.texts(written)


async def forget(ledger, before=FAR):
    """All of it, in the smallest bites; how many went."""
    total, following = 0, 0
    while following is not None:
        gone, following = await ledger.store.forget(before, following, 1)
        assert gone <= 1
        total += gone
    return total


async def test_an_old_conversation_is_forgotten_with_all_that_belongs_to_it(ledger):
    old = await used(ledger, "1")
    cut = ledger.tick()
    young = await used(ledger, "2")
    assert await forget(ledger, cut) == 1
    assert await ledger.store.session(old) is None
    assert await ledger.store.turns(old) == ()
    assert await ledger.store.messages(old) == ()
    assert await ledger.store.session(young) is not None
    assert len(await ledger.store.turns(young)) == 1
    assert await forget(ledger, cut) == 0
    assert (await ledger.say("me again", "1")).session_id not in (old, young)


async def owing(ledger):
    session = await used(ledger)
    await ledger.store.notify(session, notice("owed"), ledger.tick())


async def holding(ledger):
    session = await used(ledger)
    (delivery,) = await ledger.store.notify(session, notice("held"), ledger.tick())
    await ledger.store.claim(delivery.id, 1.0)
    await ledger.start()
    await ledger.store.hold(delivery.id)


async def waiting(ledger):
    await used(ledger)
    await ledger.say("waits")


async def commanding(ledger):
    await used(ledger)
    await ledger.command("status")


async def working(ledger):
    await used(ledger)
    await ledger.begin((await ledger.say("go")).session_id)


async def pending(ledger):
    await ledger.interrupted()


async def suspended(ledger):
    await ledger.store.suspend(await used(ledger), Reason.MANUAL, (), ledger.tick())


@pytest.mark.parametrize("how", [owing, holding, waiting, commanding, working, pending, suspended])
async def test_what_is_owed_or_unfinished_is_never_forgotten(ledger, how):
    await how(ledger)
    assert await forget(ledger) == 0


async def test_bites_go_by_ids_and_end(ledger):
    for chat in range(5):
        await used(ledger, str(chat))
    assert await ledger.store.forget(FAR, 0, 2) == (2, 2)
    assert await ledger.store.forget(FAR, 2, 2) == (2, 4)
    assert await ledger.store.forget(FAR, 4, 2) == (1, None)
    assert await ledger.store.forget(FAR, 0, 2) == (0, None)


async def test_a_conversation_that_was_left_does_not_come_back(ledger):
    left = await used(ledger)
    (delivery,) = await ledger.store.notify(left, notice("held"), ledger.tick())
    await ledger.store.claim(delivery.id, 1.0)
    await ledger.start()
    await ledger.store.hold(delivery.id)
    await ledger.store.next_generation(left, ledger.tick())
    await used(ledger)
    await forget(ledger)
    assert (await ledger.say("hello")).session_id != left


async def test_an_event_id_that_came_lately_is_kept(ledger):
    session = await used(ledger)
    cut = ledger.tick()
    said = await ledger.command("restart", event="late")
    await ledger.store.notify(session, (), ledger.tick(), said.message_id)
    await forget(ledger, cut)
    again = await ledger.say("", event="late", kind=MessageKind.COMMAND, command="restart")
    assert not again.fresh


async def test_who_asked_for_a_restart_may_be_forgotten(ledger):
    session = await used(ledger)
    ids = ledger.boot, session
    await ledger.store.set_boot_state(ids[0], "draining", "restart", session)
    await forget(ledger)
    await ledger.store.stop_boot(ledger.boot, ledger.tick())
    await ledger.start()
