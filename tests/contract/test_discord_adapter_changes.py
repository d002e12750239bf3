"""What people change on Discord arrives, and what the platform changes does not."""

import pytest

from gateway.model.address import Route
from gateway.model.message import Change
from tests.contract.discord_adapter import ACCOUNT, delivery, setting
from tests.harness.waiting import within


@pytest.fixture
async def at():
    async with setting() as made:
        yield made


async def heard(at, count):
    await within(at.sink.until(lambda sink: len(sink.items) >= count), f"{count} events")
    return at.sink.items


async def test_a_preview_is_no_edit(at):
    async with at.running():
        await within(at.sink.until_ready(), "ready")
        said = at.say("see http://127.0.0.1/")
        await heard(at, 1)
        at.emulator.people.unfurl(int(at.direct), int(said))
        at.emulator.people.edit(int(at.ann), int(at.direct), int(said), "see nothing")
        _, edit = await heard(at, 2)
    assert (edit.change, edit.text) == (Change.EDITED, "see nothing")


async def test_a_preview_of_what_was_edited_is_the_same_edit_once_more(at):
    async with at.running():
        await within(at.sink.until_ready(), "ready")
        said = at.say("one")
        at.emulator.people.edit(int(at.ann), int(at.direct), int(said), "two")
        at.emulator.people.unfurl(int(at.direct), int(said))
        at.say("three")
        await within(at.sink.until_texts("one", "two", "three"), "all")
    edits = [item for batch in at.sink.batches for item in batch.items if item.change is Change.EDITED]
    assert len({item.event_id for item in edits}) == 1


async def test_a_growing_answer_is_no_news(at):
    async with at.running():
        await within(at.sink.until_ready(), "ready")
        sent = await at.adapter.send(delivery(at.direct))
        for text in ("a", "ab", "abc"):
            await at.adapter.amend(Route(ACCOUNT, at.direct), sent.message_id, text)
        at.say("done")
        await within(at.sink.until_texts("done"), "done")
    told = [item for batch in at.sink.offered for item in batch.items]
    assert [item for item in told if item.change is not Change.NEW] == []


async def test_changes_in_a_thread_belong_to_it(at):
    channel = at.channel()
    async with at.running():
        await within(at.sink.until_ready(), "ready")
        thread = at.thread(channel)
        said = at.say("one", channel, thread=thread)
        await within(at.sink.until_texts("one"), "one")
        at.emulator.people.edit(int(at.ann), int(thread), int(said), "two")
        at.emulator.people.delete(int(at.ann), int(thread), int(said))
        items = await heard(at, 3)
    assert [item.change for item in items] == [Change.NEW, Change.EDITED, Change.DELETED]
    assert {(item.chat, item.thread, item.message_ref) for item in items} == {(channel, thread, said)}
    assert [item.author_id for item in items] == [at.ann, at.ann, ""]


async def test_many_are_taken_back_at_once(at):
    channel = at.channel()
    async with at.running():
        await within(at.sink.until_ready(), "ready")
        said = [at.say(text, channel) for text in ("one", "two", "three")]
        await within(at.sink.until_texts("one", "two", "three"), "all")
        at.emulator.people.purge(int(channel), [int(one) for one in said[:2]])
        items = await heard(at, 5)
    assert [item.message_ref for item in items if item.change is Change.DELETED] == said[:2]


async def test_a_change_moves_no_cursor(at):
    async with at.running():
        await within(at.sink.until_ready(), "ready")
        said = at.say("one")
        await within(at.sink.until_texts("one"), "one")
        at.emulator.people.edit(int(at.ann), int(at.direct), int(said), "two")
        await within(at.sink.until_texts("one", "two"), "two")
    assert at.sink.batches[-1].cursors == {}


async def test_an_edit_while_away_is_read_as_it_is_now(at):
    async with at.running():
        await within(at.sink.until_ready(), "ready")
        at.say("before")
        await within(at.sink.until_texts("before"), "before")
    said = at.say("one")
    at.emulator.people.edit(int(at.ann), int(at.direct), int(said), "two")
    gone = at.say("never mind")
    at.emulator.people.delete(int(at.ann), int(at.direct), int(gone))
    async with at.running(at.again()):
        await within(at.sink.until_ready(), "ready")
    found = [(item.text, item.change, item.backfilled) for item in at.sink.items[1:]]
    assert found == [("two", Change.NEW, True)]
