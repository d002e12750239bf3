"""A platform hears that something was received only when it is committed; until then it comes again."""

import asyncio

import pytest
import structlog

from gateway.model.delivery import Button, Delivered, Rejected
from tests.harness.waiting import within


async def test_what_was_offered_but_not_committed_comes_again(at):
    """Its event id is the same, told live or read back."""
    channel = at.channel()
    async with at.life():
        at.say("known")
        at.say("known", channel, mention=True)
        await at.sink.until(lambda sink: len(sink.heard) == 2)
        at.sink.before_commit = asyncio.Event()
        at.say("private")
        at.say("public", channel, mention=True)
        await at.sink.until(lambda sink: len(sink.offered) > len(sink.batches))
        offered = {item.text: item for batch in at.sink.offered for item in batch.items}
    at.sink.before_commit = None
    assert [item.text for item in at.sink.heard] == ["known", "known"]
    async with at.life():
        pass
    assert sorted(item.text for item in at.sink.heard[2:]) == ["private", "public"]
    for item in at.sink.heard[2:]:
        assert item.event_id == offered.get(item.text, item).event_id


async def test_what_was_committed_but_not_acknowledged_is_known_again(at):
    async with at.life():
        at.say("known")
        await at.sink.until_heard("known")
        at.sink.after_commit = asyncio.Event()
        at.say("once")
        await at.sink.until_heard("once")
    at.sink.after_commit = None
    async with at.life():
        at.say("after")
        await at.sink.until_heard("after")
    assert at.sink.heard_in(at.direct) == ["known", "once", "after"]


async def test_a_message_is_acknowledged_only_when_it_is_committed(at):
    sign = at.play.acknowledgements.message
    if sign is None:
        pytest.skip(f"{at.platform} knows no acknowledgement of messages")
    async with at.life() as adapter:
        at.sink.before_commit = asyncio.Event()
        ref = at.say("hello")
        await at.sink.until(lambda sink: "hello" in _offered(sink))
        await _acknowledged_after_commit(at, adapter, sign, ref)
        await at.sink.until_heard("hello")


async def test_a_press_is_acknowledged_only_when_it_is_committed(at):
    async with at.life() as adapter:
        ref = at.say("hello")
        await at.sink.until_heard("hello")
        sent = await adapter.send(at.delivery("sure?", buttons=(Button("Yes", "yes"),)))
        assert isinstance(sent, Delivered)
        at.sink.before_commit = asyncio.Event()
        at.play.press(at.ann, at.direct, sent.message_id, "Yes")
        await at.sink.until(lambda sink: any(item.button for item in sink.offered[-1].items))
        await _acknowledged_after_commit(at, adapter, at.play.acknowledgements.press, ref)
        await at.sink.until(lambda sink: sink.heard[-1].button == "yes")


async def _acknowledged_after_commit(at, adapter, sign, ref):
    """The commit waits; so does the acknowledgement, until then. `ref` is a message that is not the bot's."""

    def seen():
        found = at.play.events.since(0, frozenset({sign.kind}))
        return sum(all(one.data.get(key) == value for key, value in sign.match.items()) for one in found)

    before = seen()
    await _a_while(at, adapter, ref)
    assert seen() == before
    at.sink.before_commit.set()
    await within(at.play.events.until(lambda: seen() > before), f"an acknowledgement: {sign}")


async def test_a_failing_ledger_is_offered_the_same_again(at):
    channel = at.channel()
    async with at.life():
        at.sink.refuse = 3
        with structlog.testing.capture_logs() as logs:
            for number in range(5):
                at.say(f"message {number}")
                at.say(f"message {number}", channel, mention=True)
            await at.sink.until(lambda sink: len(sink.heard) == 10)
    expected = [f"message {number}" for number in range(5)]
    assert at.sink.heard_in(at.direct) == expected
    assert at.sink.heard_in(channel) == expected
    assert len(at.sink.heard) == 10
    events = [line["event"] for line in logs]
    assert 1 <= events.count("account.accept_failed") == events.count("account.accept_recovered")
    assert at.clock.slept


async def test_nothing_overtakes_what_is_being_committed(at):
    async with at.life() as adapter:
        at.sink.before_commit, at.sink.held = asyncio.Event(), "first"
        ref, *_ = [at.say(text) for text in ("first", "second", "third")]
        await at.sink.until(lambda sink: "first" in _offered(sink))
        await _a_while(at, adapter, ref)
        assert at.sink.heard == []
        at.sink.before_commit.set()
        await at.sink.until_heard("third")
    assert at.sink.heard_in(at.direct) == ["first", "second", "third"]


async def test_a_message_that_is_told_twice_is_one_event(at):
    channel = at.channel()
    async with at.life():
        private = at.say("in private")
        public = at.say("in public", channel, mention=True)
        await at.sink.until(lambda sink: len(sink.heard) == 2)
        at.play.redeliver(at.direct, private)
        at.play.redeliver(channel, public)
        at.say("after")
        at.say("after", channel, mention=True)
        await at.sink.until(lambda sink: [item.text for item in sink.heard].count("after") == 2)
    assert at.sink.heard_in(at.direct) == ["in private", "after"]
    assert at.sink.heard_in(channel) == ["in public", "after"]


async def test_an_old_message_that_comes_late_takes_nothing_back(at):
    """The next life goes on where this one was, not where the late one would put it."""
    async with at.life():
        first = at.say("first")
        at.say("second")
        await at.sink.until_heard("second")
        at.play.redeliver(at.direct, first)
        at.say("third")
        await at.sink.until_heard("third")
    at.say("fourth")
    async with at.life():
        await at.sink.until_heard("fourth")
    assert at.sink.heard_in(at.direct) == ["first", "second", "third", "fourth"]


async def _a_while(at, adapter, ref):
    """Some ways to the platform and back: what comes too early comes now. `ref` is not the bot's."""
    for _ in range(3):
        assert isinstance(await adapter.edit(at.delivery("not the bot's to change"), ref), Rejected)


def _offered(sink):
    return [item.text for batch in sink.offered for item in batch.items]
