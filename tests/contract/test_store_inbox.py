"""What the ledger promises about what comes in."""

import asyncio

import pytest

from gateway.model.address import Address, ChatKind
from gateway.model.delivery import DeliveryKind, DeliveryState
from gateway.model.message import MessageKind, Origin, Refusal
from gateway.model.session import SessionState
from tests.helpers.ledgers import ACCOUNT, entry, ledger_fixture, notice

ledger = ledger_fixture()


def refusal(event, person="666", text="who are you?"):
    key = f"refused:{ACCOUNT}:{person}" if text else ""
    return Refusal(event, Address(ACCOUNT, person), "not allowed", text, key)


async def test_law_02_an_event_id_enters_the_ledger_once(ledger):
    first = await ledger.say("hello", event="900")
    again = await ledger.say("hello, redelivered", event="900")
    assert first.fresh
    assert not again.fresh
    assert (again.message_id, again.session_id) == (first.message_id, first.session_id)
    assert await ledger.texts(first.session_id) == [("hello", "waiting")]


async def test_an_event_id_is_known_within_one_batch_too(ledger):
    batch = [entry("a", "1"), entry("a", "1"), entry("b", "2")]
    result = await ledger.store.accept(ACCOUNT, batch, [], {}, 1.0)
    assert [accepted.fresh for accepted in result.accepted] == [True, False, True]
    assert await ledger.texts(result.accepted[0].session_id) == [("a", "waiting"), ("b", "waiting")]


async def test_an_event_id_belongs_to_its_account(ledger):
    one = await ledger.say("a", event="1", account="telegram")
    two = await ledger.say("b", event="1", account="other")
    assert one.fresh
    assert two.fresh
    assert one.session_id != two.session_id


async def test_a_finished_message_stays_known(ledger):
    said = await ledger.say("hello", event="900")
    await ledger.end((await ledger.begin(said.session_id)).turn_id)
    assert not (await ledger.say("hello", event="900")).fresh
    assert await ledger.idle(said.session_id)


async def test_law_01_the_cursor_is_committed_with_the_messages(ledger):
    assert (await ledger.store.cursors(ACCOUNT)).get("") is None
    await ledger.store.accept(ACCOUNT, [entry("a", "1")], [], {"": "2"}, 1.0)
    assert (await ledger.store.cursors(ACCOUNT)).get("") == "2"
    assert (await ledger.store.cursors("other")).get("") is None
    assert "channel" not in await ledger.store.cursors(ACCOUNT)


async def test_law_01_a_batch_that_fails_leaves_neither_message_nor_cursor(ledger):
    broken = entry("half of a pair: \ud83d", "2", chat="2")
    with pytest.raises(UnicodeError):
        await ledger.store.accept(ACCOUNT, [entry("a", "1"), broken], [refusal("3")], {"": "9"}, 1.0)
    assert (await ledger.store.cursors(ACCOUNT)).get("") is None
    assert await ledger.store.sessions(10) == ()
    assert await ledger.store.owed(ACCOUNT) == ()
    assert (await ledger.say("a", event="1")).fresh


async def test_a_batch_without_a_cursor_keeps_the_old_one(ledger):
    await ledger.store.accept(ACCOUNT, [], [], {"": "7"}, 1.0)
    await ledger.say("hello")
    assert (await ledger.store.cursors(ACCOUNT)).get("") == "7"


async def test_law_10_first_in_first_out(ledger):
    said = [await ledger.say(text) for text in ("one", "two", "three")]
    taken = []
    for _ in said:
        start = await ledger.begin(said[0].session_id)
        taken.append(start.message.text)
        await ledger.end(start.turn_id)
    assert taken == ["one", "two", "three"]
    assert await ledger.idle(said[0].session_id)


async def test_one_session_per_address(ledger):
    here = await ledger.say("a", "1")
    thread = await ledger.say("b", "1", thread="5")
    there = await ledger.say("c", "2")
    again = await ledger.say("d", "1")
    assert len({here.session_id, thread.session_id, there.session_id}) == 3
    assert again.session_id == here.session_id
    session = await ledger.session(thread.session_id)
    assert session.address == Address(ACCOUNT, "1", "5")
    assert session.generation == 1
    assert session.state is SessionState.ACTIVE


async def test_per_user_sessions_answer_into_the_same_chat(ledger):
    ann, bob = (
        entry("hi", f"{user}", "g").__class__(
            user, Address(ACCOUNT, "g", "", user), Origin(ChatKind.GROUP, user, user), MessageKind.USER, "hi"
        )
        for user in ("ann", "bob")
    )
    result = await ledger.store.accept(ACCOUNT, [ann, bob], [], {}, 1.0)
    one, two = (accepted.session_id for accepted in result.accepted)
    assert one != two
    owed = [await ledger.store.notify(session, notice("x"), 2.0) for session in (one, two)]
    assert {delivery.route for (delivery,) in owed} == {Address(ACCOUNT, "g", "", "ann").route}


async def test_the_author_is_kept_for_the_answer(ledger):
    origin = Origin(ChatKind.GROUP, "7", "Zoë \U0001f600", "55")
    said = await ledger.say("hi", origin=origin)
    assert (await ledger.store.messages(said.session_id))[0].origin == origin
    start = await ledger.begin(said.session_id)
    assert start.message.origin == origin
    assert (await ledger.session(said.session_id)).origin == origin


async def test_the_queue_has_a_limit_and_says_so_once_per_message(ledger):
    for text in ("one", "two"):
        await ledger.say(text, max_queued=2)
    batch = [entry("three", "e-full", max_queued=2)]
    result = await ledger.store.accept(ACCOUNT, batch, [], {}, 1.0)
    again = await ledger.store.accept(ACCOUNT, batch, [], {}, 1.0)
    (told,) = result.owed
    assert told.kind is DeliveryKind.NOTICE
    assert "2 of your messages" in told.body
    assert told.reply_to == "7"
    assert again.owed == ()
    session = result.accepted[0].session_id
    assert (await ledger.texts(session))[-1] == ("three", "withdrawn")


async def test_what_is_not_a_persons_message_takes_no_place_in_the_queue(ledger):
    start = await ledger.interrupted()
    session = start.session.id
    await ledger.store.schedule_resumes([session], ledger.tick())
    await ledger.command("status")
    assert (await ledger.say("new", max_queued=1)).fresh
    assert (await ledger.texts(session))[-1] == ("new", "waiting")


async def test_a_command_is_taken_when_the_queue_is_full(ledger):
    await ledger.say("one", max_queued=1)
    stop = await ledger.command("stop", max_queued=1)
    assert await ledger.store.waiting_commands(ACCOUNT) != ()
    assert (await ledger.texts(stop.session_id))[-1][1] == "waiting"


async def test_a_full_queue_takes_messages_again_when_it_moves(ledger):
    said = await ledger.say("one", max_queued=1)
    await ledger.say("two", max_queued=1)
    await ledger.begin(said.session_id)
    await ledger.say("three", max_queued=1)
    states = dict(await ledger.texts(said.session_id))
    assert states == {"one": "taken", "two": "withdrawn", "three": "waiting"}


async def test_a_stranger_is_told_once_and_leaves_no_session(ledger):
    first = await ledger.store.accept(ACCOUNT, [], [refusal("1")], {}, 1.0)
    second = await ledger.store.accept(ACCOUNT, [], [refusal("2")], {}, 2.0)
    other = await ledger.store.accept(ACCOUNT, [], [refusal("3", person="667")], {}, 3.0)
    assert [len(result.owed) for result in (first, second, other)] == [1, 0, 1]
    assert first.owed[0].route.chat == "666"
    assert await ledger.store.sessions(10) == ()


async def test_a_refusal_without_a_notice_owes_nothing(ledger):
    result = await ledger.store.accept(ACCOUNT, [], [refusal("1", text="")], {"": "5"}, 1.0)
    assert result.owed == ()
    assert (await ledger.store.cursors(ACCOUNT)).get("") == "5"


async def test_commands_wait_until_their_answer_is_owed(ledger):
    one = await ledger.command("status")
    two = await ledger.command("help", "2")
    waiting = await ledger.store.waiting_commands(ACCOUNT)
    assert [(c.message_id, c.session_id, c.command) for c in waiting] == [
        (one.message_id, one.session_id, "status"),
        (two.message_id, two.session_id, "help"),
    ]
    assert await ledger.store.waiting_commands("other") == ()
    owed = await ledger.store.notify(one.session_id, notice("all is well"), 5.0, one.message_id)
    assert [delivery.body for delivery in owed] == ["all is well"]
    assert [c.command for c in await ledger.store.waiting_commands(ACCOUNT)] == ["help"]


async def test_law_02_a_command_is_answered_once(ledger):
    said = await ledger.command("status")
    both = await asyncio.gather(
        *(ledger.store.notify(said.session_id, notice("x"), 5.0, said.message_id) for _ in range(2))
    )
    assert sorted(map(len, both)) == [0, 1]
    assert len(await ledger.store.owed(ACCOUNT)) == 1


async def test_a_command_never_becomes_a_turn(ledger):
    said = await ledger.command("status")
    assert await ledger.idle(said.session_id)


async def test_notices_keep_their_order(ledger):
    said = await ledger.say("x")
    owed = await ledger.store.notify(said.session_id, (*notice("a"), *notice("b")), 1.0)
    assert [delivery.body for delivery in owed] == ["a", "b"]
    assert all(delivery.state is DeliveryState.PENDING for delivery in owed)
    assert await ledger.store.notify(said.session_id, (), 1.0) == ()


async def test_law_07_a_suspended_session_keeps_what_is_said_to_it(ledger):
    said = await ledger.say("one")
    await ledger.store.suspend(said.session_id, "resume_loop", (), 5.0)
    later = await ledger.say("two")
    assert later.session_state is SessionState.SUSPENDED
    assert await ledger.idle(said.session_id)
    assert await ledger.texts(said.session_id) == [("one", "waiting"), ("two", "waiting")]
