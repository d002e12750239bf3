"""A person changes a message, or takes it back, and the bot hears of it."""

import pytest

from gateway.model.message import Change


async def changed(at, count=1):
    def found(sink):
        return [item for item in sink.heard if item.change is not Change.NEW]

    await at.sink.until(lambda sink: len(found(sink)) >= count)
    return found(at.sink)


async def test_an_edit_tells_the_whole_new_text(at):
    async with at.life():
        ref = at.say("two and too")
        first = await at.sink.until_heard("two and too")
        at.special.change(at.ann, at.direct, ref, "two and two")
        (item,) = await changed(at)
    assert first.change is Change.NEW
    assert (item.change, item.text, item.message_ref) == (Change.EDITED, "two and two", ref)
    assert (item.author_id, item.chat) == (at.ann, at.direct)
    assert item.event_id != first.event_id


async def test_each_edit_is_an_event_of_its_own(at):
    async with at.life():
        ref = at.say("one")
        await at.sink.until_heard("one")
        for text in ("two", "three", "two"):
            at.special.change(at.ann, at.direct, ref, text)
        items = await changed(at, 3)
    assert [item.text for item in items] == ["two", "three", "two"]
    assert len({item.event_id for item in items}) == 3


async def test_an_edit_in_a_channel_is_read_like_a_message(at):
    """The bot's name is no part of what was said, before and after."""
    channel = at.channel()
    async with at.life():
        ref = at.say("wat is up?", channel, mention=True)
        await at.sink.until_heard("wat is up?")
        named = next(one.text for one in at.play.shown(channel) if one.id == ref)
        at.special.change(at.ann, channel, ref, named.replace("wat", "what"))
        (item,) = await changed(at)
    assert (item.text, item.message_ref, item.chat) == ("what is up?", ref, channel)


async def test_an_edited_command_is_no_command_that_was_not_there(at):
    async with at.life():
        ref = at.say("stop it")
        await at.sink.until_heard("stop it")
        at.special.change(at.ann, at.direct, ref, "/stop it")
        (item,) = await changed(at)
    assert (item.change, item.message_ref) == (Change.EDITED, ref)


async def test_the_bots_own_edits_are_left_out_or_marked(at):
    async with at.life() as adapter:
        sent = await adapter.send(at.delivery("before"))
        await adapter.edit(at.delivery("after"), sent.message_id)
        at.say("done?")
        await at.sink.until_heard("done?")
    assert [item for item in at.sink.heard if item.change is not Change.NEW] == []


async def test_a_message_that_is_taken_back(at):
    if not at.special.tells_deletions:
        pytest.skip(f"{at.platform} tells no bot of deletions")
    async with at.life():
        ref = at.say("never mind")
        await at.sink.until_heard("never mind")
        at.special.take_back(at.ann, at.direct, ref)
        (item,) = await changed(at)
    assert (item.change, item.message_ref, item.chat) == (Change.DELETED, ref, at.direct)
    assert item.author_id in {"", at.ann}
