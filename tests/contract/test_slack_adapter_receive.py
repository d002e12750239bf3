"""What was said is committed before it is acknowledged, whatever goes wrong on the way."""

import asyncio

import pytest
import structlog

from adapters.emulators.faults import When
from gateway.model.address import ChatKind
from gateway.model.command import CommandInfo
from tests.contract.slack_adapter import RecordingSink, setting
from tests.harness.waiting import within


@pytest.fixture
async def at():
    async with setting() as made:
        yield made


async def test_a_direct_message_arrives(at):
    async with at.running():
        await at.sink.until_ready()
        ts = at.play.say(at.ann, at.direct, "hello")
        await at.sink.until_texts("hello")
        await at.acknowledged(chat=at.direct)
    (item,) = at.sink.items
    assert (item.event_id, item.message_ref) == (f"{at.direct}:{ts}", ts)
    assert (item.chat, item.chat_kind, item.thread) == (at.direct, ChatKind.DIRECT, "")
    assert (item.author_id, item.author_name) == (at.ann, "Ann")
    assert (item.to_bot, item.from_bot, item.backfilled) == (True, False, False)
    assert item.sent_at == float(ts)
    assert at.sink.batches[-1].lazy
    assert at.sink.batches[-1].cursors == {at.direct: ts}


async def test_a_mention_opens_a_thread(at):
    room = at.play.channel(at.ann)
    async with at.running():
        await at.sink.until_ready()
        at.play.say(at.ann, room, "unrelated")
        ts = at.play.say(at.ann, room, "what now?", mention=True)
        await at.sink.until_texts("unrelated", "what now?")
        at.play.say(at.ann, room, "and then?", thread=ts)
        await at.sink.until_texts("unrelated", "what now?", "and then?")
    other, asked, more = at.sink.items
    assert (other.to_bot, asked.to_bot, more.to_bot) == (False, True, True)
    assert (asked.thread, more.thread, asked.chat_kind) == (ts, ts, ChatKind.GROUP)
    assert at.sink.past.known[f"{room}/{ts}"] == more.message_ref


async def test_a_mention_that_comes_as_two_events_is_one(at):
    room = at.play.channel(at.ann)
    async with at.running():
        await at.sink.until_ready()
        at.play.say(at.ann, room, "what now?", mention=True)
        await at.acknowledged(event_type="message")
        await at.acknowledged(event_type="app_mention")
    assert len([one for batch in at.sink.offered for one in batch.items]) == 1


async def test_without_channel_messages_a_mention_is_enough():
    async with setting(subscriptions=frozenset({"app_mention", "message.im"})) as at:
        room = at.play.channel(at.ann)
        async with at.running():
            await at.sink.until_ready()
            at.play.say(at.ann, room, "what now?", mention=True)
            await at.sink.until_texts("what now?")


async def test_nothing_is_acknowledged_before_it_is_committed(at):
    async with at.running():
        await at.sink.until_ready()
        at.sink.gate = asyncio.Event()
        at.play.say(at.ann, at.direct, "hello")
        await at.sink.until(lambda sink: any(batch.items for batch in sink.offered))
        await within(at.emulator.events.event("envelope_failed", {"reason": "timeout"}), "impatience")
        assert at.emulator.events.since(0, frozenset({"acked"})) == []
        at.sink.gate.set()
        await at.acknowledged(chat=at.direct)
    assert at.sink.texts == ["hello"]
    assert len([one for batch in at.sink.offered for one in batch.items]) == 1


async def test_a_ledger_that_fails_is_offered_the_same_again(at):
    async with at.running():
        await at.sink.until_ready()
        at.sink.refuse = 3
        with structlog.testing.capture_logs() as logs:
            at.play.say(at.ann, at.direct, "hello")
            await at.acknowledged(chat=at.direct)
    assert at.sink.texts == ["hello"]
    assert len([one for batch in at.sink.offered for one in batch.items]) == 4
    assert [line["event"] for line in logs] == ["account.accept_failed", "account.accept_recovered"]


async def test_what_was_not_committed_when_the_process_died_comes_again(at):
    async with at.running():
        await at.sink.until_ready()
        at.sink.gate = asyncio.Event()
        at.play.say(at.ann, at.direct, "hello")
        await at.sink.until(lambda sink: any(batch.items for batch in sink.offered))
    at.sink.gate = None
    async with at.another() as adapter, at.running(adapter):
        await at.sink.until_texts("hello")


async def test_duplicates_enter_once(at):
    async with at.running():
        await at.sink.until_ready()
        at.fault("duplicate", method="envelope", when=When.AFTER)
        ts = at.play.say(at.ann, at.direct, "hello")
        at.play.redeliver(at.direct, ts)
        for number in range(3):
            await at.emulator.events.until(
                lambda number=number: len(at.emulator.events.since(0, frozenset({"acked"}))) > number
            )
    assert len([one for batch in at.sink.offered for one in batch.items]) == 1


async def test_swapped_envelopes_move_no_cursor_back(at):
    async with at.running():
        await at.sink.until_ready()
        at.emulator.socket.deliveries.swap_next_two()
        at.play.say(at.ann, at.direct, "one")
        two = at.play.say(at.ann, at.direct, "two")
        await at.sink.until_texts("two", "one")
    assert at.sink.past.known[at.direct] == two


async def test_a_commit_that_hangs_holds_up_its_own_chat_only(at):
    bob = at.play.person("Bob")
    other = at.play.direct(bob)
    async with at.running():
        await at.sink.until_ready()
        at.sink.gate, at.sink.gated = asyncio.Event(), "one"
        at.play.say(at.ann, at.direct, "one")
        at.play.say(at.ann, at.direct, "two")
        at.play.say(bob, other, "elsewhere")
        await at.sink.until_texts("elsewhere")
        at.sink.gate.set()
        await at.sink.until_texts("elsewhere", "one", "two")


async def test_what_is_no_news_is_acknowledged(at):
    async with at.running():
        await at.sink.until_ready()
        ts = at.play.say(at.ann, at.direct, "hello")
        await at.sink.until_texts("hello")
        at.emulator.people.unfurl(at.direct, ts)
        at.emulator.people.open_home(at.ann)
        await at.acknowledged(event_type="app_home_opened")
        at.play.say(at.ann, at.direct, "after")
        await at.sink.until_texts("hello", "after")


async def test_an_assistant_thread_is_a_conversation_of_its_own(at):
    async with at.running():
        await at.sink.until_ready()
        thread = at.emulator.people.start_assistant(at.ann)
        at.play.say(at.ann, at.direct, "hello", thread=thread)
        await at.sink.until_texts("hello")
    assert at.sink.items[0].thread == thread


async def test_a_thread_that_memory_has_lost_is_read_once(at):
    room = at.play.channel(at.ann)
    root = at.play.say(at.ann, room, "hey", mention=True)
    other = at.play.say(at.ann, room, "without it")
    at.sink.past.known[""] = at.play.say(at.ann, room, "later")
    async with at.running():
        await at.sink.until_ready()
        before = len(at.calls("conversations.replies"))
        for number in range(3):
            at.play.say(at.ann, room, f"ours {number}", thread=root)
            at.play.say(at.ann, room, f"theirs {number}", thread=other)
        await at.sink.until(lambda sink: len([one for one in sink.texts if one[-1].isdigit()]) == 6)
        assert len(at.calls("conversations.replies")) - before <= 2
    assert {one.text: one.to_bot for one in at.sink.items if one.text[-1].isdigit()} == {
        **{f"ours {number}": True for number in range(3)},
        **{f"theirs {number}": False for number in range(3)},
    }


async def test_a_command_in_words(at):
    room = at.play.channel(at.ann)
    async with at.running():
        await at.sink.until_ready()
        at.play.say(at.ann, room, "/new please", mention=True)
        at.play.say(at.ann, room, "/new to others")
        await at.sink.until_texts("please", "/new to others")
    assert [one.command for one in at.sink.items] == ["new", ""]


async def test_a_slash_command_of_slack(at):
    async with at.running():
        await at.sink.until_ready()
        at.emulator.people.command(at.ann, at.direct, "/carryon", "status all")
        await at.sink.until_texts("all")
        await at.acknowledged(envelope_kind="slash_commands")
    (item,) = at.sink.items
    assert (item.command, item.chat, item.thread) == ("status", at.direct, "")


async def test_a_slash_command_that_is_the_gateways_own(at):
    await at.adapter.offer_commands([CommandInfo("new", "start anew"), CommandInfo("usage", "count")])
    async with at.running():
        await at.sink.until_ready()
        at.emulator.people.command(at.ann, at.direct, "/usage", "new")
        at.emulator.people.command(at.ann, at.direct, "/carryon", "")
        await at.sink.until_texts("new", "")
    assert [one.command for one in at.sink.items] == ["usage", "help"]
    assert at.counts("chat.postMessage") == [0]


async def test_names_that_cannot_be_had_delay_nothing(at):
    at.fault("500", "users.info", times=9)
    async with at.running():
        await at.sink.until_ready()
        at.play.say(at.ann, at.direct, "hello")
        await at.sink.until_texts("hello")
    assert at.sink.items[0].author_name == at.ann
    assert len(at.calls("users.info")) == 1


async def test_a_hanging_name_is_not_waited_for_long(at):
    at.fault("hold", "users.info")
    async with at.running():
        await at.sink.until_ready()
        at.play.say(at.ann, at.direct, "hello")
        await at.sink.until_texts("hello")
        at.emulator.faults.release()


async def test_a_bug_leaves_the_event_unacknowledged_and_is_logged(at):
    async with at.running():
        await at.sink.until_ready()
        accept, at.sink.accept = at.sink.accept, None
        with structlog.testing.capture_logs() as logs:
            at.play.say(at.ann, at.direct, "hello")
            await within(at.emulator.events.event("envelope_failed"), "a retry")
        at.sink.accept = accept
        await at.sink.until_texts("hello")
    assert [line["event"] for line in logs if line["log_level"] == "error"][:1] == ["slack.event_failed"]


async def test_two_accounts_in_one_process(at):
    async with setting() as other, at.running(), other.running():
        await at.sink.until_ready()
        await other.sink.until_ready()
        at.play.say(at.ann, at.direct, "here")
        other.play.say(other.ann, other.direct, "there")
        await at.sink.until_texts("here")
        await other.sink.until_texts("there")
        await other.emulator.stop()
        await other.sink.until(lambda sink: sink.losses)
        at.play.say(at.ann, at.direct, "still here")
        await at.sink.until_texts("here", "still here")
    assert at.sink.losses == []


async def test_cancelling_ends_everything_at_once(at):
    sink = RecordingSink(gate=asyncio.Event(), gated="hello")
    async with at.running(sink=sink) as task:
        await sink.until_ready()
        at.play.say(at.ann, at.direct, "hello")
        await sink.until(lambda one: any(batch.items for batch in one.offered))
        task.cancel()
        await within(asyncio.gather(task, return_exceptions=True), "the end")
        assert task.cancelled()
    await within(at.emulator.events.event("disconnected"), "the end of the connection")
