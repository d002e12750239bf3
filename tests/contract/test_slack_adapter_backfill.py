"""What was said while nobody listened is read back, in order, before anything new."""

import pytest
import structlog

from adapters.slack.identity import NEEDED
from adapters.slack.intake import stamp
from tests.contract.slack_adapter import Remembered, delivery, setting
from tests.harness.waiting import within


@pytest.fixture
async def at():
    async with setting() as made:
        made.sink.past.known[""] = made.play.say(made.ann, made.direct, "known")
        yield made


def missed(at):
    return [one.text for one in at.sink.items if one.backfilled and one.text != "known"]


async def test_the_first_connect_writes_a_baseline_and_reads_nothing_older(at):
    at.sink.past.known.clear()
    at.clock.ahead = 600
    async with at.running():
        await at.sink.until_ready()
    assert list(at.sink.batches[0].cursors) == ["", "first"]
    assert at.sink.texts == []


async def test_direct_messages(at):
    for number in range(5):
        at.play.say(at.ann, at.direct, f"{number}")
    async with at.running():
        await at.sink.until_ready()
        assert missed(at) == ["0", "1", "2", "3", "4"]
        at.play.say(at.ann, at.direct, "live")
        await at.sink.until(lambda sink: "live" in sink.texts)
    assert not at.sink.items[-1].backfilled
    assert at.sink.told == ["ready"]


async def test_the_same_message_has_the_same_id_from_both_ways(at):
    room = at.play.channel(at.ann)
    async with at.running():
        await at.sink.until_ready()
        root = at.play.say(at.ann, room, "what?", mention=True)
        at.play.say(at.ann, room, "more", thread=root)
        await at.sink.until(lambda sink: "more" in sink.texts)
    live = {one.event_id: one for one in at.sink.items if one.chat == room}
    at.sink.batches.clear()
    at.sink.told.clear()
    async with at.another() as adapter, at.running(adapter):
        await at.sink.until_ready()
    again = {one.event_id: one for one in at.sink.items if one.chat == room}
    assert again.keys() == live.keys()
    for event_id, one in live.items():
        other = again[event_id]
        assert (one.text, one.thread, one.to_bot) == (other.text, other.thread, other.to_bot)


async def test_a_channel_and_its_threads(at):
    room = at.play.channel(at.ann)
    old = at.play.say(at.ann, room, "long ago", mention=True)
    at.sink.past.known |= {"": old, room: old, f"{room}/{old}": old}
    at.play.say(at.ann, room, "ambient")
    at.play.say(at.ann, room, "in the old thread", thread=old)
    new = at.play.say(at.ann, room, "a new one", mention=True)
    at.play.say(at.ann, room, "in the new thread", thread=new)
    quiet = at.play.say(at.ann, room, "not for the bot")
    at.play.say(at.ann, room, "nor this", thread=quiet)
    at.play.say(at.ann, room, "but this", thread=quiet, mention=True)
    at.play.say(at.ann, room, "and that", thread=quiet)
    async with at.running():
        await at.sink.until_ready()
    found = [one for one in at.sink.items if one.chat == room and one.text != "long ago"]
    assert [(one.text, one.to_bot) for one in found] == [
        ("ambient", False),
        ("in the old thread", True),
        ("a new one", True),
        ("in the new thread", True),
        ("not for the bot", False),
        ("nor this", False),
        ("but this", True),
        ("and that", True),
    ]
    assert {one.thread for one in found if one.to_bot} == {old, new, quiet}


async def test_a_thread_whose_parent_is_out_of_sight(at):
    room = at.play.channel(at.ann)
    old = at.play.say(at.ann, room, "long ago", mention=True)
    at.play.say(at.ann, room, "new in it", thread=old)
    at.sink.past.known |= {room: stamp(float(old) + 900), f"{room}/{old}": old}
    at.clock.ahead = 2 * 86_400
    async with at.running():
        await at.sink.until_ready()
    assert "new in it" in at.sink.texts
    assert "long ago" not in at.sink.texts


async def test_a_thread_of_a_direct_chat(at):
    thread = at.emulator.people.start_assistant(at.ann)
    at.play.say(at.ann, at.direct, "hello", thread=thread)
    async with at.running():
        await at.sink.until_ready()
    (item,) = [one for one in at.sink.items if one.text == "hello"]
    assert (item.thread, item.to_bot, item.backfilled) == (thread, True, True)


async def test_many_pages_come_in_order(at):
    for number in range(450):
        at.play.say(at.ann, at.direct, f"{number}")
    async with at.running():
        await at.sink.until_ready()
    assert missed(at) == [str(number) for number in range(450)]
    assert len(at.calls("conversations.history")) == 3
    cursors = [float(batch.cursors[at.direct]) for batch in at.sink.batches if at.direct in batch.cursors]
    assert cursors == sorted(cursors)


async def test_what_is_too_old_is_not_read_for_ever(at):
    at.sink.past.known |= {"": "1.000000"}
    for number in range(1_500):
        at.play.say(at.ann, at.direct, f"{number}")
    at.sink.past.oldest = at.clock.now() + 3_600
    with structlog.testing.capture_logs() as logs:
        async with at.running():
            await at.sink.until_ready()
    assert len(at.calls("conversations.history")) == 3
    assert missed(at) == [str(number) for number in range(900, 1_500)]
    assert [line["pages"] for line in logs if line["event"] == "slack.backfill_left_out"] == [1]


async def test_a_new_message_does_not_overtake(at):
    at.play.say(at.ann, at.direct, "missed")
    at.fault("hold", "users.conversations")
    async with at.running():
        await at.emulator.events.event("connected")
        at.play.say(at.ann, at.direct, "live")
        await at.sink.until(lambda sink: "live" in sink.texts)
        assert at.sink.told == []
        at.emulator.faults.release()
        await at.sink.until_ready()
    assert [one for one in at.sink.texts if one != "known"] == ["missed", "live"]


async def test_a_chat_that_is_read_back_slowly_holds_up_no_other(at):
    bob = at.play.person("Bob")
    other = at.play.direct(bob)
    at.play.say(at.ann, at.direct, "missed")
    at.fault("hold", "conversations.history", chat=at.direct)
    async with at.running():
        await within(at.emulator.events.event("held"), "the reading")
        at.play.say(at.ann, at.direct, "waits")
        at.play.say(bob, other, "passes")
        await at.sink.until(lambda sink: "passes" in sink.texts)
        assert "waits" not in at.sink.texts
        at.emulator.faults.release()
        await at.sink.until_ready()
        await at.sink.until(lambda sink: "waits" in sink.texts)
    assert at.sink.texts.index("missed") < at.sink.texts.index("waits")


async def test_a_rate_limit_is_waited_for_exactly(at):
    at.play.say(at.ann, at.direct, "missed")
    at.fault("429", "conversations.history", retry_after=23)
    async with at.running():
        await at.sink.until_ready()
    assert missed(at) == ["missed"]
    assert at.clock.slept == [23.0]
    assert at.sink.losses == []


@pytest.mark.parametrize("kind", ["500", "drop", "rubbish"])
async def test_a_failure_is_outlasted_and_told(at, kind):
    at.play.say(at.ann, at.direct, "missed")
    at.fault(kind, "conversations.history", times=2)
    async with at.running():
        await at.sink.until_ready()
    assert missed(at) == ["missed"]
    assert len(at.sink.losses) == 1


async def test_a_channel_that_cannot_be_read_stops_nobody():
    async with setting(scopes=(*NEEDED, "groups:read")) as at:
        at.sink.past.known[""] = at.play.say(at.ann, at.direct, "known")
        group = at.emulator.world.add_channel(at.ann, kind="group").id
        at.play.say(at.ann, group, "in private", mention=True)
        at.play.say(at.ann, at.direct, "missed")
        async with at.running():
            await at.sink.until_ready()
            assert missed(at) == ["missed"]
            with structlog.testing.capture_logs() as logs:
                at.play.say(at.ann, group, "now", mention=True)
                await at.sink.until(lambda sink: "now" in sink.texts)
        assert [line["why"] for line in logs if line["event"] == "slack.backfill_refused"] == [
            "missing_scope"
        ]


async def test_channels_that_are_gone_are_left_out(at):
    archived, left = at.play.channel(at.ann), at.play.channel(at.ann)
    for room in (archived, left):
        at.play.say(at.ann, room, "hey", mention=True)
    at.emulator.people.archive(archived)
    at.emulator.people.remove_bot(left)
    async with at.running():
        await at.sink.until_ready()
    assert missed(at) == []


async def test_the_bots_own_messages_are_marked(at):
    async with at.running():
        await at.sink.until_ready()
        await at.adapter.send(delivery("mine", at.direct))
        await at.sink.until(lambda sink: any(one.text == "mine" for b in sink.batches for one in b.items))
    (mine,) = [one for batch in at.sink.batches for one in batch.items if one.text == "mine"]
    assert mine.from_bot


async def test_a_second_process_reads_only_what_is_new(at):
    for number in range(3):
        at.play.say(at.ann, at.direct, f"{number}")
    async with at.running():
        await at.sink.until_ready()
    at.sink.batches.clear()
    at.clock.ahead = 600  # beyond the margin
    cursor = at.sink.past.known[at.direct]
    at.sink.past = Remembered({"": stamp(float(cursor) + 300), at.direct: stamp(float(cursor) + 300)})
    at.sink.told.clear()
    async with at.another() as adapter, at.running(adapter):
        await at.sink.until_ready()
    assert at.sink.texts == []
