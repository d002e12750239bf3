"""What the ledger promises about what people chose for a conversation, and about turns that collect."""

import pytest

from gateway.model.address import ChatKind
from gateway.model.choices import Chosen, Settings
from gateway.model.message import MessageKind, Origin
from gateway.model.session import SessionState
from gateway.model.turn import TurnEnd, TurnState
from tests.helpers.ledgers import ANN, ledger_fixture

ledger = ledger_fixture()
BOB = Origin(ChatKind.GROUP, "1002", "Bob", "8")
CHOSEN = Chosen("coder", Settings("plan", (("model", "large"), ("speed", ""))))


async def collected(ledger, session_id):
    start = await ledger.store.begin_turn(session_id, ledger.boot, ledger.tick(), collect=True)
    assert start is not None
    return start


async def test_nothing_is_chosen_at_first(ledger):
    said = await ledger.say("hello")
    assert (await ledger.session(said.session_id)).chosen == Chosen()


@pytest.mark.parametrize(
    "chosen", [CHOSEN, Chosen("coder"), Chosen(None, Settings(None, (("model", "x"),))), Chosen()]
)
async def test_what_is_chosen_is_kept(ledger, chosen):
    said, other = await ledger.say("hello"), await ledger.say("hello", "2002")
    await ledger.store.choose(said.session_id, CHOSEN)
    await ledger.store.choose(said.session_id, chosen)
    assert (await ledger.session(said.session_id)).chosen == chosen
    assert (await ledger.session(other.session_id)).chosen == Chosen()
    await ledger.start()
    assert (await ledger.begin(said.session_id)).session.chosen == chosen


async def test_the_next_conversation_has_what_was_chosen_too(ledger):
    said = await ledger.say("hello")
    await ledger.store.choose(said.session_id, CHOSEN)
    fresh = await ledger.store.next_generation(said.session_id, ledger.tick())
    assert (await ledger.session(fresh)).chosen == CHOSEN
    await ledger.store.choose(fresh, Chosen())
    assert await ledger.store.next_generation(said.session_id, ledger.tick()) == fresh
    assert (await ledger.session(fresh)).chosen == Chosen(), "repeated after a crash, it undoes nothing"


async def test_a_conversation_that_ends_by_itself_hands_it_on(ledger):
    said = await ledger.say("hello")
    await ledger.store.choose(said.session_id, CHOSEN)
    start = await ledger.begin(said.session_id)
    await ledger.store.end_turn(start.turn_id, TurnEnd(TurnState.COMPLETED, idle_at=5.0), ledger.tick())
    assert await ledger.store.reset_idle(ledger.tick(), 10) == (said.session_id,)
    later = await ledger.say("later")
    assert later.session_id != said.session_id
    assert (await ledger.session(later.session_id)).chosen == CHOSEN


async def test_collecting_takes_all_that_people_said(ledger):
    said = await ledger.say("one")
    for text in ("two", "", "three"):
        await ledger.say(text)
    await ledger.command("status")
    other = await ledger.say("elsewhere", "2002")
    start = await collected(ledger, said.session_id)
    assert (start.message.id, start.message.kind) == (said.message_id, MessageKind.USER)
    assert start.message.text == "one\n\ntwo\n\nthree"
    assert not start.more
    texts = await ledger.texts(said.session_id)
    assert texts == [("one", "taken"), ("two", "taken"), ("", "taken"), ("three", "taken"), ("", "waiting")]
    messages = await ledger.store.messages(said.session_id)
    assert [message.turn_id for message in messages] == [start.turn_id] * 4 + [None]
    assert await ledger.texts(other.session_id) == [("elsewhere", "waiting")]


async def test_who_spoke_last_is_answered(ledger):
    said = await ledger.say("one")
    await ledger.say("two", origin=BOB)
    start = await collected(ledger, said.session_id)
    assert start.message.origin == BOB
    assert (await ledger.session(said.session_id)).origin == BOB


async def test_without_collecting_each_message_has_a_turn(ledger):
    said = await ledger.say("one")
    await ledger.say("two", origin=BOB)
    start = await ledger.begin(said.session_id)
    assert (start.message.text, start.message.origin, start.more) == ("one", ANN, True)
    assert await ledger.texts(said.session_id) == [("one", "taken"), ("two", "waiting")]


async def test_collecting_one_message_is_taking_it(ledger):
    said = await ledger.say("  one\n")
    start = await collected(ledger, said.session_id)
    assert (start.message.text, start.message.origin) == ("  one\n", ANN)


async def test_what_comes_after_it_began_has_a_turn_of_its_own(ledger):
    said = await ledger.say("one")
    await ledger.say("two")
    start = await collected(ledger, said.session_id)
    await ledger.say("three")
    await ledger.say("four")
    await ledger.end(start.turn_id)
    assert (await collected(ledger, said.session_id)).message.text == "three\n\nfour"


async def test_law_05_a_resume_event_gives_way_to_all_of_them(ledger):
    interrupted = await ledger.interrupted("work")
    session_id = interrupted.session.id
    await ledger.store.schedule_resumes([session_id], ledger.tick())
    await ledger.say("one")
    await ledger.say("two")
    start = await collected(ledger, session_id)
    assert start.message.text == "one\n\ntwo"
    assert start.interruption is not None
    assert start.interruption.request == "work"
    assert (await ledger.texts(session_id))[1] == ("", "withdrawn")


async def test_a_resume_event_is_collected_by_nobody(ledger):
    interrupted = await ledger.interrupted("work")
    session_id = interrupted.session.id
    await ledger.store.schedule_resumes([session_id], ledger.tick())
    start = await collected(ledger, session_id)
    assert (start.message.kind, start.message.text) == (MessageKind.INTERNAL, "")


async def test_law_01_what_was_collected_is_in_the_note_after_a_crash(ledger):
    said = await ledger.say("one")
    await ledger.say("two")
    start = await collected(ledger, said.session_id)
    await ledger.start()
    await ledger.say("and now?")
    again = await collected(ledger, said.session_id)
    assert again.interruption is not None
    assert again.interruption.turn_id == start.turn_id
    assert again.interruption.request == "one\n\ntwo"


async def test_what_was_collected_is_one_request_of_the_past(ledger):
    said = await ledger.say("one")
    await ledger.say("two")
    start = await collected(ledger, said.session_id)
    await ledger.end(start.turn_id, TurnState.COMPLETED, "both")
    (past,) = await ledger.store.history(said.session_id, start.turn_id + 1)
    assert (past.request, past.answer) == ("one\n\ntwo", "both")


async def test_law_07_a_suspended_session_collects_nothing(ledger):
    said = await ledger.say("one")
    await ledger.store.suspend(said.session_id, "manual", (), ledger.tick())
    assert await ledger.store.begin_turn(said.session_id, ledger.boot, ledger.tick(), collect=True) is None
    assert (await ledger.session(said.session_id)).state is SessionState.SUSPENDED
    assert await ledger.texts(said.session_id) == [("one", "waiting")]
