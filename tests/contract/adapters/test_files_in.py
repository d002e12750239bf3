"""A file that somebody sends is named in the message, and fetched whole or not at all."""

import pytest

from gateway.model.attachment import Attachment, AttachmentKind, Fetched, FetchFailed
from tests.contract.adapters.scene import BYTES, NOTES, PICTURE, needs_history, plain, secrets

ROOM = 1_000_000


async def heard(at):
    await at.sink.until(lambda sink: sink.heard)
    return at.sink.heard[0]


async def test_a_file_and_its_caption(at):
    async with at.life():
        ref = at.give(NOTES, text="read this")
        item = await heard(at)
    (found,) = item.attachments
    assert (item.text, item.message_ref, item.author_id) == ("read this", ref, at.ann)
    assert (found.name, found.mime, found.size) == (NOTES.name, NOTES.mime, len(NOTES.content))
    assert found.kind is AttachmentKind.FILE
    assert found.ref


async def test_a_file_without_a_word(at):
    """No label stands for it: the file speaks for itself."""
    async with at.life():
        at.give(BYTES)
        item = await heard(at)
    assert item.text == ""
    assert len(item.attachments) == 1


async def test_a_picture_is_an_image(at):
    async with at.life():
        at.give(PICTURE, text="look")
        item = await heard(at)
    assert [one.kind for one in item.attachments] == [AttachmentKind.IMAGE]


async def test_several_files_keep_their_order(at):
    if not at.special.several():
        pytest.skip(f"{at.platform} sends each file in a message of its own")
    async with at.life():
        at.give(NOTES, PICTURE, BYTES, text="all of it")
        item = await heard(at)
    assert [one.name for one in item.attachments] == [NOTES.name, PICTURE.name, BYTES.name]


@pytest.mark.parametrize("where", ["channel", "thread"])
async def test_a_file_that_is_meant_for_the_bot(at, where):
    channel = at.channel()
    thread = at.thread(channel) if where == "thread" else ""
    async with at.life():
        at.give(NOTES, text="read this", chat=channel, thread=thread, mention=True)
        item = await heard(at)
    assert (item.chat, item.to_bot, item.text) == (channel, True, "read this")
    assert item.thread == thread or not thread  # whether a mention opens one is the platform's business
    assert len(item.attachments) == 1


async def test_a_file_that_was_sent_meanwhile_is_found(at):
    needs_history(at)
    async with at.life():
        at.say("before")
        await at.sink.until_heard("before")
    at.give(NOTES, text="meanwhile")
    async with at.life():
        item = await at.sink.until_heard("meanwhile")
    assert [one.name for one in item.attachments] == [NOTES.name]


@pytest.mark.parametrize("file", [NOTES, PICTURE, BYTES], ids=lambda one: one.name)
async def test_it_is_fetched_as_it_was_sent(at, tmp_path, file):
    async with at.life() as adapter:
        at.give(file)
        (found,) = (await heard(at)).attachments
        into = tmp_path / "file"
        assert await adapter.fetch(found, into, ROOM) == Fetched(len(file.content))
    assert into.read_bytes() == file.content


async def test_another_process_can_fetch_it(at, tmp_path):
    """All that is needed is in the ledger: `ref`, and what people were told of the file."""
    async with at.life():
        at.give(BYTES)
        (found,) = (await heard(at)).attachments
    kept = Attachment(found.ref, found.name, found.mime, found.size, found.kind)
    into = tmp_path / "file"
    assert await at.connect().fetch(kept, into, ROOM) == Fetched(len(BYTES.content))
    assert into.read_bytes() == BYTES.content


@pytest.mark.parametrize("declared", [True, False])
async def test_one_that_is_too_large_is_not_fetched(at, tmp_path, declared):
    """Whatever its size is said to be."""
    async with at.life() as adapter:
        at.give(BYTES)
        (found,) = (await heard(at)).attachments
        size = found.size if declared else None
        asked = Attachment(found.ref, found.name, found.mime, size, found.kind)
        outcome = await adapter.fetch(asked, tmp_path / "file", len(BYTES.content) - 1)
        exact = await adapter.fetch(asked, tmp_path / "other", len(BYTES.content))
    assert isinstance(outcome, FetchFailed)
    assert not outcome.again
    assert plain(at, outcome.reason)
    assert exact == Fetched(len(BYTES.content))
    if (tmp_path / "file").exists():
        assert (tmp_path / "file").stat().st_size < len(BYTES.content)


@pytest.mark.parametrize("ref", ["", "no such thing", "../../etc/passwd", "{}", "https://example.org/x"])
async def test_a_reference_that_makes_no_sense(at, tmp_path, ref):
    at.give(BYTES)  # that there are files is not the question
    outcome = await at.connect().fetch(Attachment(ref, "x.bin"), tmp_path / "file", ROOM)
    assert isinstance(outcome, FetchFailed)
    assert plain(at, outcome.reason)


async def test_without_a_connection_it_is_worth_another_attempt(at, tmp_path):
    async with at.life() as adapter:
        at.give(BYTES)
        (found,) = (await heard(at)).attachments
    adapter = at.connect()
    await at.emulator.stop()
    outcome = await adapter.fetch(found, tmp_path / "file", ROOM)
    assert isinstance(outcome, FetchFailed)
    assert outcome.again
    assert plain(at, outcome.reason)
    assert not any(one in outcome.reason for one in secrets(at))
    await at.emulator.start()
    assert await adapter.fetch(found, tmp_path / "other", ROOM) == Fetched(len(BYTES.content))


async def test_a_place_that_cannot_be_written_is_a_failure(at, tmp_path):
    async with at.life() as adapter:
        at.give(BYTES)
        (found,) = (await heard(at)).attachments
        outcome = await adapter.fetch(found, tmp_path / "no" / "such" / "directory", ROOM)
    assert isinstance(outcome, FetchFailed)
    assert plain(at, outcome.reason)
