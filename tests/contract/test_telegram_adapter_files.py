"""Files through Telegram, in both directions, with what only Telegram does to them."""

import asyncio

import pytest
import structlog
from aiohttp import web

from adapters.emulators.faults import When
from adapters.emulators.telegram_files import Media
from adapters.labels import REPEAT_LABEL
from adapters.telegram.receive import ALBUMS, Albums
from adapters.telegram.sdk import Message, Update, prepare
from gateway.model.address import ChatKind
from gateway.model.attachment import Attachment, AttachmentKind, Fetched, FetchFailed, OutFile
from gateway.model.delivery import Delivered, DeliveryKind, Receipt, Rejected, RetryAfter, Unknown
from gateway.model.message import Inbound
from tests.contract.particulars import png
from tests.contract.telegram_adapter import ANN, TOKEN, delivery, setting
from tests.harness.waiting import within

MB = 1024 * 1024


@pytest.fixture
async def at():
    async with setting() as made:
        yield made


@pytest.fixture
def owed(tmp_path):
    def make(content=b"content", name="notes.txt", mime="text/plain", body="", **more):
        path = tmp_path / "out"
        path.write_bytes(content)
        file = OutFile(str(path), name, mime, len(content))
        made = delivery(body, **more)
        return type(made)(**{**_fields(made), "kind": DeliveryKind.FILE, "file": file})

    return make


def _fields(value):
    return {name: getattr(value, name) for name in value.__slots__}


def given(at, kind="document", content=b"content", **more):
    """A file of Ann's; what the adapter needs to fetch it."""
    media = at.emulator.world.files.add(kind, content, name="notes.txt", mime="text/plain", **more)
    at.emulator.people.send_file(ANN, media)
    return Attachment(media.file.id, "notes.txt", "text/plain", media.file.size)


def newest(at):
    return [one for one in at.emulator.world.chat(ANN).messages.values() if one.author.is_bot][-1]


def methods(at):
    return [call.method for call in at.emulator.calls.since() if call.method.startswith("send")]


# In


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("photo", AttachmentKind.IMAGE),
        ("document", AttachmentKind.FILE),
        ("audio", AttachmentKind.AUDIO),
        ("voice", AttachmentKind.VOICE),
        ("video", AttachmentKind.VIDEO),
        ("video_note", AttachmentKind.VIDEO),
        ("animation", AttachmentKind.VIDEO),
    ],
)
async def test_every_kind_arrives_and_is_fetched(at, tmp_path, kind, expected):
    content = png() if kind == "photo" else kind.encode()
    mime = {"photo": "image/png", "document": "text/plain"}.get(kind, "video/mp4")
    media = at.emulator.world.files.add(kind, content, name="x", mime=mime)
    async with at.running(cursor="2"):
        await at.sink.until_ready()
        at.emulator.people.send_file(ANN, media, "look")
        await at.sink.until_texts("look")
        (found,) = at.sink.items[0].attachments
        assert await at.adapter.fetch(found, tmp_path / "in", MB) == Fetched(len(content))
    assert found.kind is expected
    assert (tmp_path / "in").read_bytes() == content


async def test_a_sticker_stays_a_label(at):
    async with at.running(cursor="2"):
        await at.sink.until_ready()
        at.emulator.people.send_file(ANN, at.emulator.world.files.add("sticker", b"x"))
        await at.sink.until_texts("[sticker 👍]")
    assert at.sink.items[0].attachments == ()


async def test_a_path_that_has_ended_is_asked_for_again(at, tmp_path):
    found = given(at)
    at.fault("hold", "downloadFile")
    async with asyncio.TaskGroup() as tasks:
        fetching = tasks.create_task(at.adapter.fetch(found, tmp_path / "in", MB))
        await at.emulator.events.event("held")
        at.emulator.world.files.expire()
        at.emulator.faults.release()
    assert fetching.result() == Fetched(7)
    assert at.emulator.calls.counts["getFile"] == 2


async def test_one_whose_paths_always_end_is_worth_another_attempt(at, tmp_path):
    found = given(at)
    at.fault("hold", "downloadFile", times=2)
    async with asyncio.TaskGroup() as tasks:
        fetching = tasks.create_task(at.adapter.fetch(found, tmp_path / "in", MB))
        for number in range(2):
            held = at.emulator.events.until(lambda wanted=number: _held(at, wanted))
            await within(held, "a download that is held")
            at.emulator.world.files.expire()
            at.emulator.faults.release()
    outcome = fetching.result()
    assert isinstance(outcome, FetchFailed)
    assert outcome.again
    assert not (tmp_path / "in").exists()


def _held(at, number):
    return at.emulator.calls.counts.get("downloadFile", 0) > number and bool(at.emulator.faults.held())


async def test_more_than_20_mb_are_refused_in_plain_words(at, tmp_path):
    found = given(at, content=b"x" * (20 * MB + 1))
    outcome = await at.adapter.fetch(found, tmp_path / "in", 100 * MB)
    assert outcome == FetchFailed("Telegram hands bots only files of up to 20 MB")


async def test_what_it_is_said_to_weigh_counts_for_nothing(at, tmp_path):
    lie = given(at, content=b"x" * 5000, size=10)
    outcome = await at.adapter.fetch(lie, tmp_path / "in", 4999)
    assert isinstance(outcome, FetchFailed)
    assert not outcome.again
    assert await at.adapter.fetch(lie, tmp_path / "whole", 5000) == Fetched(5000)


async def test_what_is_said_to_be_too_large_is_not_asked_for(at, tmp_path):
    lie = given(at, size=5000)
    assert isinstance(await at.adapter.fetch(lie, tmp_path / "in", 4999), FetchFailed)
    assert "getFile" not in at.emulator.calls.counts


TROUBLE = [(method, kind) for method in ("getFile", "downloadFile") for kind in ("429", "500", "502", "drop")]


@pytest.mark.parametrize(("method", "kind"), [*TROUBLE, ("getFile", "rubbish")])
async def test_trouble_is_worth_another_attempt(at, tmp_path, method, kind):
    found = given(at)
    at.fault(kind, method, times=2 if kind == "drop" else 1)  # aiohttp asks twice where that does no harm
    outcome = await at.adapter.fetch(found, tmp_path / "in", MB)
    assert isinstance(outcome, FetchFailed)
    assert outcome.again
    assert TOKEN not in outcome.reason
    at.emulator.faults.remove()
    assert await at.adapter.fetch(found, tmp_path / "again", MB) == Fetched(7)


async def test_a_download_that_breaks_off_is_a_failure(tmp_path):
    """And neither the log nor the reason holds the address, which holds the token."""

    async def answer(request):
        if request.path.endswith("getFile"):
            return web.json_response({"ok": True, "result": {"file_id": "f", "file_path": "documents/f"}})
        response = web.StreamResponse(headers={"Content-Length": "1000"})
        await response.prepare(request)
        await response.write(b"half of it")
        request.transport.abort()
        return response

    runner = web.ServerRunner(web.Server(answer))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with setting(api_url=f"http://127.0.0.1:{runner.addresses[0][1]}") as at:
        with structlog.testing.capture_logs() as logs:
            outcome = await at.adapter.fetch(Attachment("f", "f"), tmp_path / "in", MB)
    await runner.cleanup()
    assert isinstance(outcome, FetchFailed)
    assert outcome.again
    assert TOKEN not in outcome.reason
    assert TOKEN not in str(logs)


@pytest.mark.parametrize(
    ("result", "again"), [({"file_id": "f"}, True), ({"file_path": "/var/lib/bot/file"}, False)]
)
async def test_a_server_that_does_not_hand_files_out(tmp_path, result, again):
    async def answer(_):
        return web.json_response({"ok": True, "result": result})

    runner = web.ServerRunner(web.Server(answer))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with setting(api_url=f"http://127.0.0.1:{runner.addresses[0][1]}") as at:
        outcome = await at.adapter.fetch(Attachment("f", "f"), tmp_path / "in", MB)
    await runner.cleanup()
    assert isinstance(outcome, FetchFailed)
    assert outcome.again is again


async def test_after_close_nothing_is_fetched(at, tmp_path):
    found = given(at)
    await at.adapter.close()
    outcome = await at.adapter.fetch(found, tmp_path / "in", MB)
    assert isinstance(outcome, FetchFailed)
    assert at.emulator.calls.counts == {}


# Albums


async def album(at, *captions, chat, group="g1"):
    for caption in captions:
        media = at.emulator.world.files.add("photo", png())
        at.emulator.people.send_file(ANN, Media("photo", media.files, group), caption, chat_id=chat)


async def test_an_album_that_names_the_bot_is_for_the_bot_as_a_whole():
    async with setting(reads_all=True) as at:
        group = at.emulator.world.add_group("Team", [ANN]).id
        name = at.emulator.world.bot().person.username
        async with at.running(cursor="2"):
            await at.sink.until_ready()
            await album(at, f"@{name} look", "", "", chat=group)
            await at.sink.until(lambda sink: len(sink.items) == 3)
            await album(at, "among us", "", chat=group, group="g2")
            await at.sink.until(lambda sink: len(sink.items) == 5)
    assert [item.to_bot for item in at.sink.items] == [True, True, True, False, False]
    assert all(len(item.attachments) == 1 for item in at.sink.items)


async def test_only_so_many_albums_are_remembered():
    prepare(Update, Message)
    albums = Albums()

    def complete(group, *, to_bot):
        chat = {"id": -5, "type": "group", "title": "Team"}
        message = {"message_id": 1, "date": 1, "chat": chat, "media_group_id": group}
        update = Update.model_validate({"update_id": 1, "message": message})
        item = Inbound("1", "-5", ChatKind.GROUP, "1", "Ann", "", 0.0, to_bot=to_bot)
        return albums.complete(update, item).to_bot

    for number in range(ALBUMS + 1):
        assert complete(str(number), to_bot=True)
    assert complete("1", to_bot=False)
    assert not complete("0", to_bot=False)


# Out


@pytest.mark.parametrize(
    ("mime", "content", "method"),
    [
        ("image/png", png(), "sendPhoto"),
        ("image/png", png(filling=10 * MB), "sendDocument"),
        ("image/svg+xml", b"<svg/>", "sendDocument"),
        ("audio/mpeg", b"ID3", "sendAudio"),
        ("audio/ogg", b"OggS", "sendDocument"),
        ("video/mp4", b"....ftyp", "sendDocument"),
        ("no mime at all", b"x", "sendDocument"),
    ],
)
async def test_it_is_sent_as_what_it_is(at, owed, mime, content, method):
    assert await at.adapter.send(owed(content, "thing", mime)) == Delivered("2")
    assert methods(at) == [method]
    assert newest(at).media.file.content == content


@pytest.mark.parametrize(
    "content", [png(9000, 2000), png(2100, 100), b"no picture"], ids=["large", "narrow", "none"]
)
async def test_a_picture_that_is_refused_is_sent_as_a_document(at, owed, content):
    sent = await at.adapter.send(owed(content, "a.png", "image/png", "**look**", reply_to="1"))
    assert sent == Delivered("2")
    assert methods(at) == ["sendPhoto", "sendDocument"]
    shown = newest(at)
    assert (shown.media.kind, shown.media.file.name, shown.text) == ("document", "a.png", "look")
    assert (shown.reply_to.id, shown.entities[0]["type"]) == (1, "bold")


async def test_a_picture_in_doubt_is_not_sent_again(at, owed):
    at.fault("drop", "sendPhoto", When.AFTER)
    assert isinstance(await at.adapter.send(owed(png(), "a.png", "image/png")), Unknown)
    assert methods(at) == ["sendPhoto"]


async def test_a_caption_is_rendered(at, owed):
    await at.adapter.send(owed(body="**look** here", doubtful=True))
    shown = newest(at)
    assert shown.text == f"{REPEAT_LABEL}look here"
    assert [one["type"] for one in shown.entities] == ["bold"]


async def test_refused_entities_of_a_caption_are_left_out_at_once(at, owed):
    at.emulator.api.refuse_entities = 1
    assert await at.adapter.send(owed(body="**look** here")) == Delivered("2")
    assert (newest(at).text, newest(at).entities) == ("**look** here", [])


async def test_a_file_is_refused_twice_and_still_sent(at, owed):
    at.emulator.api.refuse_entities = 1
    sent = await at.adapter.send(owed(b"no picture", "a.png", "image/png", "**look**"))
    assert sent == Delivered("2")
    assert methods(at) == ["sendPhoto", "sendDocument", "sendDocument"]
    assert newest(at).text == "**look**"


@pytest.mark.parametrize(
    ("body", "expected"),
    [("x" * 1024, "x" * 1024), ("x" * 1025, ""), ("**b** " * 300, ("b " * 300).strip()), ("😀" * 513, "")],
)
async def test_a_caption_is_shown_whole_or_not_at_all(at, owed, body, expected):
    with structlog.testing.capture_logs() as logs:
        assert await at.adapter.send(owed(body=body)) == Delivered("2")
    assert newest(at).text == expected
    assert [line["event"] for line in logs] == ([] if expected else ["telegram.caption_left_out"])


async def test_a_repeat_says_so_even_when_its_caption_does_not_fit(at, owed):
    assert await at.adapter.send(owed(body="x" * 1020, doubtful=True)) == Delivered("2")
    assert newest(at).text == REPEAT_LABEL.rstrip()


async def test_more_than_50_mb_are_not_even_sent(at, owed, tmp_path):
    made = owed()
    with (tmp_path / "out").open("r+b") as file:
        file.truncate(50 * MB + 1)
    outcome = await at.adapter.send(made)
    assert isinstance(outcome, Rejected)
    assert "50 MB" in outcome.reason
    assert methods(at) == []


async def test_a_request_that_is_too_large_is_a_refusal(owed):
    async def answer(request):
        await request.read()
        body = {"ok": False, "error_code": 413, "description": "Request Entity Too Large"}
        return web.json_response(body, status=413)

    runner = web.ServerRunner(web.Server(answer))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with setting(api_url=f"http://127.0.0.1:{runner.addresses[0][1]}") as at:
        outcome = await at.adapter.send(owed(b"x" * 1000))
    await runner.cleanup()
    assert outcome == Rejected("Request Entity Too Large")


async def test_a_group_that_became_a_supergroup_gets_its_file(owed):
    asked = []

    async def answer(request):
        form = await request.post()
        asked.append((form["chat_id"], form["document"].file.read(), "reply_parameters" in form))
        if len(asked) == 1:
            refusal = {"ok": False, "description": "Bad Request: upgraded"}
            return web.json_response({**refusal, "parameters": {"migrate_to_chat_id": -1005}}, status=400)
        return web.json_response({"ok": True, "result": {"message_id": 3}})

    runner = web.ServerRunner(web.Server(answer))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with setting(api_url=f"http://127.0.0.1:{runner.addresses[0][1]}") as at:
        assert await at.adapter.send(owed(chat=-5, reply_to="7")) == Delivered("3")
    await runner.cleanup()
    assert asked == [("-5", b"content", True), ("-1005", b"content", False)]


@pytest.mark.parametrize("gone", ["deleted", "directory"])
async def test_what_cannot_be_read_is_a_refusal(at, owed, tmp_path, gone):
    made = owed()
    (tmp_path / "out").unlink()
    if gone == "directory":
        (tmp_path / "out").mkdir()
    outcome = await at.adapter.send(made)
    assert outcome == Rejected("the file is gone, or cannot be read")
    assert methods(at) == []


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a\r\nX-Evil: 1\r\n\r\n.txt", "a__X-Evil: 1____.txt"),
        ("nul\x00.txt", "nul_.txt"),
        ("", "file"),
        ("half \ud83d.txt", "half ?.txt"),
    ],
)
async def test_a_name_cannot_break_the_form(at, owed, name, expected):
    assert await at.adapter.send(owed(name=name)) == Delivered("2")
    shown = newest(at).media.file
    assert (shown.name, shown.content) == (expected, b"content")


# Receipts


def receipt(which, message="1", **more):
    made = delivery(which.value, reply_to=message, **more)
    return type(made)(**{**_fields(made), "kind": DeliveryKind.RECEIPT})


@pytest.mark.parametrize("which", list(Receipt))
async def test_every_sign_is_one_that_telegram_takes(at, which):
    assert await at.adapter.send(receipt(which)) == Delivered("")
    assert len(at.emulator.world.chat(ANN).messages[1].reactions) == 1


async def test_a_chat_that_permits_no_reactions_refuses(at):
    at.emulator.world.chat(ANN).permitted_reactions = frozenset()
    assert await at.adapter.send(receipt(Receipt.DONE)) == Rejected("Bad Request: REACTION_INVALID")


async def test_a_message_that_was_deleted_gets_none(at):
    at.emulator.people.delete(ANN, 1)
    assert await at.adapter.send(receipt(Receipt.DONE)) == Rejected("Bad Request: MESSAGE_ID_INVALID")
    assert isinstance(await at.adapter.send(receipt(Receipt.DONE, "77")), Rejected)


async def test_a_sign_waits_for_a_rate_limit(at):
    at.fault("429", "setMessageReaction", retry_after=9)
    assert await at.adapter.send(receipt(Receipt.DONE)) == RetryAfter(9, "Telegram asks to slow down")
