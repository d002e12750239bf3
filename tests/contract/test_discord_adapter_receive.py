"""What people say arrives once, in order, and is marked for what it is."""

import asyncio

import pytest
import structlog

from adapters.discord import backfill
from gateway.model.address import ChatKind
from gateway.model.delivery import Button
from tests.contract.discord_adapter import RecordingSink, delivery, setting
from tests.harness.waiting import within


@pytest.fixture
async def at():
    async with setting() as made:
        yield made


async def test_a_direct_message_arrives(at):
    async with at.running():
        await within(at.sink.until_ready(), "ready")
        said = at.say("hello")
        await within(at.sink.until_texts("hello"), "hello")
    (item,) = at.sink.items
    assert (item.event_id, item.message_ref, item.chat) == (said, said, at.direct)
    assert (item.chat_kind, item.author_name, item.thread) == (ChatKind.DIRECT, "Ann", "")
    assert not item.backfilled
    assert at.sink.batches[-1].cursors == {f"dm:{at.direct}": said}
    assert at.sink.batches[-1].lazy


async def test_a_mention_belongs_to_the_thread_that_answers_it(at):
    channel = at.channel()
    async with at.running():
        await within(at.sink.until_ready(), "ready")
        said = at.say("what is new?", channel, mention=True)
        await within(at.sink.until_texts("what is new?"), "the mention")
        await at.adapter.send(delivery(channel, thread=said, reply_to=said))
        assert at.shown(channel, said) == ["answer"]
        at.say("and then?", channel, thread=said)
        await within(at.sink.until_texts("what is new?", "and then?"), "the thread")
    for item in at.sink.items:
        assert (item.chat, item.thread, item.to_bot, item.chat_kind) == (channel, said, True, ChatKind.GROUP)


async def test_threads_may_be_left_to_people():
    async with setting(threads="off") as at:
        channel = at.channel()
        async with at.running():
            await within(at.sink.until_ready(), "ready")
            said = at.say("one", channel, mention=True)
            thread = str(at.emulator.people.add_thread(int(channel), int(at.ann), message_id=int(said)).id)
            at.say("two", channel, thread=thread)
            at.say("three", channel, thread=thread, mention=True)
            await within(at.sink.until_texts("one", "two", "three"), "three messages")
        assert [item.thread for item in at.sink.items] == ["", thread, thread]


async def test_a_thread_that_a_mention_opened_is_the_bots(at):
    channel = at.channel()
    async with at.running():
        await within(at.sink.until_ready(), "ready")
        asked = at.say("look here", channel, mention=True)
        other = at.say("among people", channel)
        for starter in (asked, other):
            at.emulator.people.add_thread(int(channel), int(at.ann), message_id=int(starter))
        at.say("to the bot", channel, thread=asked)
        at.say("to people", channel, thread=other)
        at.say("to people again", channel, thread=other)
        await within(at.sink.until(lambda sink: len(sink.items) == 5), "five messages")
    heard = {item.text: item.to_bot for item in at.sink.items}
    assert heard["to the bot"]
    assert not heard["to people"]
    assert len(at.calls("getChannelMessage")) == 2  # each thread is asked about once


async def test_a_reply_to_the_bot_is_for_the_bot(at):
    channel = at.channel()
    async with at.running():
        await within(at.sink.until_ready(), "ready")
        sent = await at.adapter.send(delivery(channel))
        at.say("thanks", channel, reply_to=sent.message_id)
        await within(at.sink.until_texts("thanks"), "the reply")
    assert at.sink.items[0].to_bot


async def test_ambient_talk_is_lazy_and_written_along_now_and_then(at):
    channel, other = at.channel(), at.channel()
    async with at.running():
        await within(at.sink.until_ready(), "ready")
        first = at.say("chatter", channel)
        await within(at.sink.until_texts("chatter"), "chatter")
        at.clock.time += 301
        second = at.say("more", other)
        await within(at.sink.until_texts("chatter", "more"), "more")
    assert at.sink.batches[-2].lazy
    assert not at.sink.batches[-1].lazy
    assert at.sink.batches[-1].cursors == {channel: first, other: second}


async def test_a_redelivery_has_the_same_event_id(at):
    async with at.running():
        await within(at.sink.until_ready(), "ready")
        said = at.say("hello")
        at.emulator.playground.redeliver(at.direct, said)
        at.say("after")
        await within(at.sink.until_texts("hello", "after"), "both")
    ids = [item.event_id for batch in at.sink.batches for item in batch.items]
    assert ids.count(said) == 2


async def test_a_press_is_committed_then_acknowledged(at):
    async with at.running():
        await within(at.sink.until_ready(), "ready")
        sent = await at.adapter.send(delivery(at.direct, buttons=(Button("Yes", "token-1"),)))
        at.sink.before_commit = asyncio.Event()
        at.emulator.playground.press(at.ann, at.direct, sent.message_id, "Yes")
        await within(
            at.sink.until(lambda sink: any(b.items and b.items[0].button for b in sink.offered)), "it"
        )
        assert at.calls("interactionCallback") == []
        at.sink.before_commit.set()
        event = at.emulator.events.event("answered", {"method": "interactionCallback"})
        assert (await within(event, "the acknowledgement")).data["status"] in {200, 204}
    press = next(item for item in at.sink.items if item.button)
    assert (press.button, press.chat, press.text, press.author_name) == ("token-1", at.direct, "", "Ann")
    assert press.event_id.startswith("i")


async def test_a_failed_commit_is_offered_again_and_holds_up_only_its_channel(at):
    channel = at.channel()
    async with at.running():
        await within(at.sink.until_ready(), "ready")
        at.sink.refuse = 3
        with structlog.testing.capture_logs() as logs:
            at.say("one")
            at.say("two")
            await within(at.sink.until_texts("one", "two"), "both")
        at.say("elsewhere", channel, mention=True)
        await within(at.sink.until_texts("one", "two", "elsewhere"), "elsewhere")
    assert [line["event"] for line in logs] == ["account.accept_failed", "account.accept_recovered"]
    assert len(at.clock.slept) >= 3


async def test_a_channel_that_waits_holds_up_no_other(at):
    channel = at.channel()
    gate = asyncio.Event()

    class Choosy(RecordingSink):
        async def accept(self, batch):
            if any(item.chat == at.direct for item in batch.items):
                await gate.wait()
            await super().accept(batch)

    sink = Choosy()
    async with at.running(sink=sink):
        await within(sink.until_ready(), "ready")
        at.say("slow")
        at.say("quick", channel, mention=True)
        await within(sink.until_texts("quick"), "the other channel")
        gate.set()
        await within(sink.until_texts("quick", "slow"), "both")


# What was missed


async def test_the_first_time_nothing_older_is_read(at):
    at.say("long ago")
    channel = at.channel()
    at.say("old", channel, mention=True)
    at.clock.time += 1
    async with at.running():
        await within(at.sink.until_ready(), "ready")
    assert at.sink.told == ["accept 0", "ready"]
    assert list(at.sink.kept) == [""]
    assert at.calls("getChannelMessages") == []


async def test_what_was_said_meanwhile_is_found(at):
    channel = at.channel()
    await at.visit()
    async with at.running(adapter=at.again()):
        await within(at.sink.until_ready(), "ready")
        at.say("one")
        asked = at.say("a", channel, mention=True)
        await within(at.sink.until(lambda sink: len(sink.items) == 2), "two")
        await at.adapter.send(delivery(channel, thread=asked))
    at.say("two")
    at.say("b", channel, thread=asked)
    at.say("three")
    at.say("c", channel, thread=asked)
    at.say("d", channel, mention=True)
    async with at.running(adapter=at.again()):
        await within(at.sink.until_ready(), "ready")
    by_chat = {
        chat: [item.text for item in at.sink.items if item.chat == chat and item.thread == thread]
        for chat, thread in ((at.direct, ""), (channel, asked))
    }
    assert by_chat == {at.direct: ["one", "two", "three"], channel: ["a", "b", "c"]}
    assert "d" in at.sink.texts
    assert {item.text for item in at.sink.items if item.backfilled} == {"two", "three", "b", "c", "d"}


async def test_pages_come_oldest_first_and_overlap_harmlessly(at):
    async with at.running():
        await within(at.sink.until_ready(), "ready")
        at.say("before")
        await within(at.sink.until_texts("before"), "before")
    for number in range(250):
        at.say(f"message {number}")
    async with at.running(adapter=at.again()):
        await within(at.sink.until_ready(), "ready")
    assert at.sink.texts == ["before", *(f"message {number}" for number in range(250))]
    assert at.sink.told == ["accept 100", "accept 100", "accept 51", "ready"]


async def test_what_is_too_old_is_read_for_a_few_pages_only(at, monkeypatch):
    monkeypatch.setattr(backfill, "PAGE", 2)
    await at.visit()
    async with at.running(adapter=at.again()):
        await within(at.sink.until_ready(), "ready")
        at.say("before")
        await within(at.sink.until_texts("before"), "before")
    for number in range(20):
        at.say(f"message {number}")
    at.sink.oldest = at.clock.time + 3600
    with structlog.testing.capture_logs() as logs:
        async with at.running(adapter=at.again()):
            await within(at.sink.until_ready(), "ready")
    assert len(at.sink.items) == 1 + 5  # three pages of two, the first of which overlaps
    assert {line["event"] for line in logs} == {"discord.connected", "discord.backfill_left_out"}


async def test_a_channel_that_cannot_be_read_stops_no_other(at):
    channel, hidden = at.channel(), at.channel()
    await at.visit()
    for one in (channel, hidden):
        at.say("missed", one, mention=True)
    at.fault("hold", "getChannelMessages", chat=hidden)
    with structlog.testing.capture_logs() as logs:
        async with at.running(adapter=at.again()):
            await within(at.emulator.events.event("held"), "the reading")
            at.emulator.people.permit(int(hidden), view=False)
            at.emulator.faults.release()
            await within(at.sink.until_ready(), "ready")
    assert at.sink.texts == ["missed"]
    (line,) = [line for line in logs if line["event"] == "discord.channel_unreadable"]
    assert line["channel"] == hidden


async def test_a_channel_that_the_bot_may_not_see_is_not_even_asked_for(at):
    hidden = at.channel()
    await at.visit()
    at.emulator.people.permit(int(hidden), view=False)
    at.say("secret", hidden, mention=True)
    async with at.running(adapter=at.again()):
        await within(at.sink.until_ready(), "ready")
    assert at.calls("getChannelMessages") == []


async def test_reading_back_outlasts_what_goes_wrong(at):
    channel = at.channel()
    await at.visit()
    at.say("missed", channel, mention=True)
    at.fault("429", "getChannelMessages", retry_after=7)
    at.fault("500", "getChannelMessages")
    at.fault("drop", "getChannelMessages")
    at.fault("rubbish", "getChannelMessages")
    async with at.running(adapter=at.again()):
        await within(at.sink.until_ready(), "ready")
    assert at.sink.texts == ["missed"]
    assert 7 in at.clock.slept


async def test_nothing_overtakes_what_is_being_read_back(at):
    channel, other = at.channel(), at.channel()
    await at.visit()
    at.say("missed", channel, mention=True)
    at.fault("hold", "getChannelMessages", chat=channel)
    async with at.running(adapter=at.again()):
        await within(at.emulator.events.event("held"), "the reading")
        at.say("live", channel, mention=True)
        at.say("elsewhere", other, mention=True)
        await within(at.sink.until_texts("elsewhere"), "another channel")
        at.emulator.faults.release()
        await within(at.sink.until_texts("elsewhere", "missed", "live"), "all")
        await within(at.sink.until_ready(), "ready")


async def test_a_direct_chat_without_a_cursor_is_read_at_its_first_word(at):
    await at.visit()
    at.say("anybody there?")
    async with at.running(adapter=at.again()):
        await within(at.sink.until_ready(), "ready")
        assert at.sink.texts == []
        at.say("hello?")
        await within(at.sink.until_texts("anybody there?", "hello?"), "both")
    assert [item.backfilled for item in at.sink.items] == [True, False]


async def test_an_archived_thread_is_not_forgotten(at):
    channel = at.channel()
    async with at.running():
        await within(at.sink.until_ready(), "ready")
        asked = at.say("a", channel, mention=True)
        await within(at.sink.until_texts("a"), "a")
        await at.adapter.send(delivery(channel, thread=asked))
        at.say("b", channel, thread=asked)
        await within(at.sink.until_texts("a", "b"), "b")
    at.say("c", channel, thread=asked)
    at.emulator.people.archive(int(asked))
    async with at.running(adapter=at.again()):
        await within(at.sink.until_ready(), "ready")
    assert at.sink.texts == ["a", "b", "c"]


async def test_a_server_that_is_joined_later_begins_now(at):
    async with at.running():
        await within(at.sink.until_ready(), "ready")
        channel = at.channel()
        at.say("hello", channel, mention=True)
        await within(at.sink.until_texts("hello"), "hello")
    assert not at.sink.items[0].backfilled
