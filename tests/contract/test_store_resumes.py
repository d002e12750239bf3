"""What the ledger promises about sessions that were interrupted."""

import asyncio

from gateway.model.address import ChatKind
from gateway.model.message import MessageKind, Origin
from gateway.model.session import Reason, SessionState
from gateway.model.turn import TurnState
from tests.helpers.ledgers import ledger_fixture, notice

ledger = ledger_fixture()


async def internal(ledger, session_id):
    return [m for m in await ledger.store.messages(session_id) if m.kind is MessageKind.INTERNAL]


async def schedule(ledger, *session_ids):
    return await ledger.store.schedule_resumes(session_ids, ledger.tick())


async def test_candidates_are_those_with_a_marker_or_a_message(ledger):
    start = await ledger.begin((await ledger.say("cut", "1")).session_id)
    idle = await ledger.begin((await ledger.say("done", "2")).session_id)
    await ledger.end(idle.turn_id)
    waiting = await ledger.say("waiting", "3")
    await ledger.say("more", "3")
    await ledger.command("status", "4")
    await ledger.start()
    found = {c.session.id: (c.waiting, c.scheduled) for c in await ledger.store.candidates()}
    assert found == {start.session.id: (0, False), waiting.session_id: (2, False)}


async def test_candidates_of_one_account(ledger):
    one = await ledger.say("a")
    other = await ledger.say("b", account="other")
    assert [c.session.id for c in await ledger.store.candidates("telegram")] == [one.session_id]
    assert [c.session.id for c in await ledger.store.candidates("other")] == [other.session_id]
    assert await ledger.store.candidates("nobody") == ()


async def test_law_01_a_first_message_that_never_got_a_turn_knows_its_author(ledger):
    said = await ledger.say("hello")
    await ledger.start()
    candidate = await ledger.candidate(said.session_id)
    assert candidate.waiting == 1
    assert candidate.session.origin is not None
    assert candidate.session.origin.author_id == "1001"


async def test_law_01_who_waits_in_a_group_counts_and_not_who_was_answered_last(ledger):
    ann, bob = (Origin(ChatKind.GROUP, name, name) for name in ("ann", "bob"))
    said = await ledger.say("one", "g", origin=ann)
    await ledger.end((await ledger.begin(said.session_id)).turn_id)
    await ledger.say("two", "g", origin=bob)
    assert (await ledger.candidate(said.session_id)).session.origin == bob


async def test_an_interruption_is_scheduled_once(ledger):
    start = await ledger.interrupted()
    session = start.session.id
    assert await schedule(ledger, session) == (session,)
    assert await schedule(ledger, session) == ()
    both = await asyncio.gather(schedule(ledger, session), schedule(ledger, session))
    assert both == [(), ()]
    (event,) = await internal(ledger, session)
    assert (event.event_id, event.text) == (f"resume:{start.turn_id}", "")
    assert (await ledger.candidate(session)).scheduled


async def test_an_interruption_is_scheduled_once_across_boots(ledger):
    session = (await ledger.interrupted()).session.id
    await schedule(ledger, session)
    await ledger.start()
    assert await schedule(ledger, session) == ()
    assert len(await internal(ledger, session)) == 1


async def test_each_interruption_is_scheduled(ledger):
    session = (await ledger.interrupted()).session.id
    await schedule(ledger, session)
    await ledger.begin(session)
    await ledger.start()
    assert await schedule(ledger, session) == (session,)
    assert len(await internal(ledger, session)) == 2


async def test_nothing_is_scheduled_without_an_interruption(ledger):
    said = await ledger.say("hello")
    assert await schedule(ledger, said.session_id) == ()
    await ledger.end((await ledger.begin(said.session_id)).turn_id)
    assert await schedule(ledger, said.session_id) == ()
    assert await internal(ledger, said.session_id) == []


async def test_nothing_is_scheduled_beside_a_running_turn(ledger):
    session = (await ledger.interrupted()).session.id
    await ledger.say("I am back")
    await ledger.begin(session)
    assert await schedule(ledger, session) == ()


async def test_law_07_nothing_is_scheduled_for_a_suspended_session(ledger):
    session = (await ledger.interrupted()).session.id
    await ledger.store.suspend(session, Reason.RESUME_LOOP, (), ledger.tick())
    assert await schedule(ledger, session) == ()
    assert await ledger.candidate(session) is None


async def test_withdrawn_events_do_not_run(ledger):
    session = (await ledger.interrupted()).session.id
    await schedule(ledger, session)
    await ledger.store.withdraw_resumes([session])
    assert await ledger.idle(session)
    assert (await ledger.session(session)).state is SessionState.RESUME_PENDING


async def test_withdrawing_leaves_messages_of_people_alone(ledger):
    session = (await ledger.interrupted()).session.id
    await ledger.say("new")
    await schedule(ledger, session)
    await ledger.store.withdraw_resumes([session])
    assert (await ledger.begin(session)).message.text == "new"


async def test_law_10_a_stop_wins_over_a_rerun_that_is_not_scheduled_yet(ledger):
    session = (await ledger.interrupted()).session.id
    await ledger.store.withdraw_resumes([session])
    assert await schedule(ledger, session) == ()
    assert await ledger.idle(session)
    await ledger.say("now something else")
    assert (await ledger.begin(session)).interruption is not None


async def test_suspending_tells_the_chat_and_withdraws_the_event(ledger):
    session = (await ledger.interrupted()).session.id
    await schedule(ledger, session)
    owed = await ledger.store.suspend(session, Reason.RESUME_LOOP, notice("paused"), ledger.tick())
    assert [d.body for d in owed] == ["paused"]
    found = await ledger.session(session)
    assert (found.state, found.reason) == (SessionState.SUSPENDED, Reason.RESUME_LOOP)
    assert ("", "waiting") not in await ledger.texts(session)


async def test_law_07_suspended_beats_pending_when_messages_wait(ledger):
    session = (await ledger.interrupted()).session.id
    await ledger.say("hello?")
    await ledger.store.suspend(session, Reason.RESUME_LOOP, (), ledger.tick())
    assert await ledger.idle(session)
    candidate = await ledger.candidate(session)
    assert candidate.session.state is SessionState.SUSPENDED


async def test_a_person_lets_a_suspended_session_go_on(ledger):
    start = await ledger.interrupted("dig")
    session = start.session.id
    await ledger.store.suspend(session, Reason.RESUME_LOOP, (), ledger.tick())
    assert await ledger.store.reactivate(session, "resume:by-hand:9", ledger.tick())
    found = await ledger.session(session)
    assert (found.state, found.reason) == (SessionState.RESUME_PENDING, Reason.MANUAL)
    assert (found.resume_attempts, found.resume_turn_id) == (0, start.turn_id)
    assert (await ledger.candidate(session)).scheduled
    again = await ledger.begin(session)
    assert again.interruption is not None
    assert again.interruption.request == "dig"


async def test_nothing_to_go_on_with_makes_a_session_active(ledger):
    said = await ledger.say("hello")
    await ledger.store.suspend(said.session_id, Reason.MANUAL, (), ledger.tick())
    assert not await ledger.store.reactivate(said.session_id, "resume:by-hand:9", ledger.tick())
    assert (await ledger.session(said.session_id)).state is SessionState.ACTIVE
    assert (await ledger.begin(said.session_id)).message.text == "hello"


async def test_law_05_a_resume_by_hand_takes_the_place_of_a_scheduled_one(ledger):
    session = (await ledger.interrupted()).session.id
    await schedule(ledger, session)
    assert await ledger.store.reactivate(session, "resume:by-hand:9", ledger.tick())
    start = await ledger.begin(session)
    assert start.message.event_id == "resume:by-hand:9"
    await ledger.end(start.turn_id)
    assert await ledger.idle(session)


async def test_a_resume_by_hand_asked_twice_is_one(ledger):
    session = (await ledger.interrupted()).session.id
    for _ in range(2):
        await ledger.store.reactivate(session, "resume:by-hand:9", ledger.tick())
    assert len(await internal(ledger, session)) == 1


async def test_a_cut_turn_of_a_suspended_session_can_be_gone_on_with(ledger):
    start = await ledger.begin((await ledger.say("go")).session_id)
    await ledger.store.suspend(start.session.id, Reason.MANUAL, (), ledger.tick())
    await ledger.end(start.turn_id, TurnState.INTERRUPTED, reason=Reason.DRAIN_TIMEOUT)
    assert await ledger.store.reactivate(start.session.id, "resume:by-hand:9", ledger.tick())
    assert (await ledger.begin(start.session.id)).interruption.request == "go"


async def test_a_new_generation_starts_empty_at_the_same_address(ledger):
    said = await ledger.say("old")
    new = await ledger.store.next_generation(said.session_id, ledger.tick())
    old, fresh = await ledger.session(said.session_id), await ledger.session(new)
    assert fresh.address == old.address
    assert (old.generation, fresh.generation) == (1, 2)
    assert await ledger.texts(said.session_id) == [("old", "withdrawn")]
    assert (await ledger.say("new")).session_id == new
    assert (await ledger.begin(new)).interruption is None


async def test_a_new_generation_keeps_commands_that_wait(ledger):
    said = await ledger.command("new")
    await ledger.store.next_generation(said.session_id, ledger.tick())
    assert [c.message_id for c in await ledger.store.waiting_commands("telegram")] == [said.message_id]


async def test_a_new_generation_that_is_asked_for_again_is_the_same(ledger):
    said = await ledger.say("old")
    new = await ledger.store.next_generation(said.session_id, ledger.tick())
    await ledger.start()
    assert await ledger.store.next_generation(said.session_id, ledger.tick()) == new
    assert await ledger.store.next_generation(new, ledger.tick()) != new


async def test_law_10_what_was_left_for_a_new_conversation_is_not_resumed(ledger):
    session = (await ledger.interrupted()).session.id
    await schedule(ledger, session)
    await ledger.store.next_generation(session, ledger.tick())
    assert (await ledger.session(session)).state is SessionState.ACTIVE
    assert await ledger.candidate(session) is None
    assert await ledger.idle(session)


async def test_law_10_nor_if_its_turn_was_killed_while_it_was_being_left(ledger):
    start = await ledger.begin((await ledger.say("go")).session_id)
    await ledger.store.next_generation(start.session.id, ledger.tick())
    await ledger.start()
    assert (await ledger.session(start.session.id)).state is SessionState.RESUME_PENDING
    assert await ledger.candidate(start.session.id) is None


async def test_a_marked_session_with_a_message_is_one_candidate(ledger):
    session = (await ledger.interrupted()).session.id
    await ledger.say("hello?")
    await schedule(ledger, session)
    (candidate,) = await ledger.store.candidates()
    assert (candidate.waiting, candidate.scheduled) == (1, True)
    assert candidate.session == await ledger.session(session)
