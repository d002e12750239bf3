"""Files go in and out of the emulator as with Telegram: by id, by a path that ends, with its refusals."""

import io

import aiohttp
import pytest

from adapters.emulators.telegram import TelegramEmulator, TelegramOptions
from adapters.emulators.telegram_client import TelegramControl
from adapters.emulators.telegram_files import image_size
from tests.contract.particulars import png
from tests.contract.telegram_emulator import TOKEN, UNLIMITED, Answer, telegram

ANN = 1001
MB = 1024 * 1024


@pytest.fixture
async def at():
    async with telegram() as (emulator, bot):
        emulator.people.send(ANN, "hi")
        yield emulator, bot


async def upload(bot, method, field, content, name="a.bin", mime="application/octet-stream", **params):
    form = aiohttp.FormData(quote_fields=False)
    for key, value in {"chat_id": str(ANN), **params}.items():
        form.add_field(key, value)
    form.add_field(field, io.BytesIO(content), filename=name, content_type=mime)
    async with bot.session.post(bot.root + method, data=form) as response:
        return Answer(response.status, await response.json())


async def download(bot, path):
    async with bot.session.get(bot.root.replace("/bot", "/file/bot", 1) + path) as response:
        return response.status, await response.read()


# What people send


@pytest.mark.parametrize(
    "kind", ["document", "audio", "voice", "video", "video_note", "animation", "sticker", "photo"]
)
async def test_every_kind_of_a_person_is_told_and_downloaded(at, kind):
    emulator, bot = at
    media = emulator.world.files.add(kind, b"content", name="a.txt", mime="text/plain")
    emulator.people.send_file(ANN, media, "look @somebody" if kind != "sticker" else "")
    (_, update) = await bot.ok("getUpdates")
    shown = update["message"]
    file = shown[kind][-1] if kind == "photo" else shown[kind]
    assert ("text" in shown, shown.get("caption")) == (
        False,
        "look @somebody" if kind != "sticker" else None,
    )
    assert [one["type"] for one in shown.get("caption_entities", [])] == ["mention"] * (kind != "sticker")
    assert ("document" in shown) is (kind in {"document", "animation"})
    found = await bot.ok("getFile", file_id=file["file_id"])
    assert found["file_size"] == 7
    assert await download(bot, found["file_path"]) == (200, b"content")


async def test_a_photo_has_sizes_and_the_largest_is_last(at):
    emulator, bot = at
    emulator.people.send_file(ANN, emulator.world.files.add("photo", png(900, 600)))
    (_, update) = await bot.ok("getUpdates")
    sizes = [(one["width"], one["height"]) for one in update["message"]["photo"]]
    assert sizes == [(90, 60), (900, 600)]


async def test_a_caption_is_edited(at):
    emulator, bot = at
    sent = emulator.people.send_file(ANN, emulator.world.files.add("document", b"x"), "befor")
    emulator.people.edit(ANN, sent.id, "before")
    updates = await bot.ok("getUpdates")
    assert updates[-1]["edited_message"]["caption"] == "before"
    assert "document" in updates[-1]["edited_message"]


async def test_a_path_ends_and_the_id_stays():
    now = [0.0]
    options = TelegramOptions(limits=UNLIMITED, clock=lambda: now[0])
    async with telegram(options) as (emulator, bot):
        media = emulator.world.files.add("document", b"content")
        first = await bot.ok("getFile", file_id=media.file.id)
        now[0] = 3_599.0
        assert (await download(bot, first["file_path"]))[0] == 200
        now[0] = 3_600.0
        status, body = await download(bot, first["file_path"])
        assert (status, b"Not Found" in body) == (404, True)
        again = await bot.ok("getFile", file_id=media.file.id)
        assert again["file_path"] != first["file_path"]
        assert await download(bot, again["file_path"]) == (200, b"content")


async def test_refusals_of_get_file(at):
    emulator, bot = at
    large = emulator.world.files.add("document", b"x", size=20 * MB + 1).file.id
    for given, words in [
        ({}, "file_id not specified"),
        ({"file_id": "nonsense"}, "invalid file_id"),
        ({"file_id": large}, "file is too big"),
    ]:
        assert await bot.refused("getFile", **given) == (400, f"Bad Request: {words}")
    assert (await download(bot, "documents/file_77.bin"))[0] == 404


async def test_a_stranger_downloads_nothing():
    async with (
        TelegramEmulator(TelegramOptions(tokens=(TOKEN,))) as emulator,
        aiohttp.ClientSession() as session,
    ):
        path = emulator.world.files.path(emulator.world.files.add("document", b"x").file.id)
        async with session.get(f"{emulator.base_url}/file/bot77:stranger/{path}") as response:
            assert response.status == 401


# What bots send


@pytest.mark.parametrize(
    ("method", "field", "mime", "shown"),
    [
        ("sendDocument", "document", "text/plain", "document"),
        ("sendDocument", "document", "image/gif", "animation"),
        ("sendAudio", "audio", "audio/mpeg", "audio"),
        ("sendAudio", "audio", "audio/ogg", "document"),
        ("sendVoice", "voice", "audio/ogg", "voice"),
        ("sendVideo", "video", "video/mp4", "video"),
        ("sendAnimation", "animation", "video/mp4", "animation"),
    ],
)
async def test_a_file_is_sent(at, method, field, mime, shown):
    emulator, bot = at
    answer = await upload(
        bot, method, field, b"content", "näme.bin", mime, caption="*look*", parse_mode="Markdown"
    )
    message = answer.result
    assert (message["caption"], message["caption_entities"][0]["type"]) == ("look", "bold")
    stored = emulator.world.files.find(message[shown]["file_id"])
    assert (stored.content, stored.name, stored.mime) == (b"content", "näme.bin", mime)
    assert emulator.world.chat(ANN).bot_messages == 1


async def test_a_file_is_sent_again_by_its_id(at):
    emulator, bot = at
    first = (await upload(bot, "sendDocument", "document", b"content")).result["document"]["file_id"]
    again = await bot.ok("sendDocument", chat_id=ANN, document=first, caption="again")
    assert again["document"]["file_id"] == first
    heard = emulator.world.files.add("photo", png()).file.id
    assert (await bot.ok("sendPhoto", chat_id=ANN, photo=heard))["photo"][-1]["file_id"] == heard


async def test_a_part_can_have_another_name(at):
    emulator, bot = at
    answer = await upload(bot, "sendDocument", "part1", b"content", document="attach://part1")
    assert emulator.world.files.find(answer.result["document"]["file_id"]).content == b"content"


async def test_a_large_file_passes(at):
    emulator, bot = at
    content = bytes(3 * MB)
    answer = await upload(bot, "sendDocument", "document", content)
    assert emulator.world.files.find(answer.result["document"]["file_id"]).content == content


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "file must be non-empty"),
        (b"no picture", "IMAGE_PROCESS_FAILED"),
        (png(9000, 1001), "PHOTO_INVALID_DIMENSIONS"),
        (png(2001, 100), "PHOTO_INVALID_DIMENSIONS"),
        (
            png(filling=10 * MB),
            f"file of size {10 * MB + len(png())} bytes is too big for a photo",
        ),
    ],
    ids=["empty", "rubbish", "large", "narrow", "heavy"],
)
async def test_pictures_that_are_refused(at, content, words):
    emulator, bot = at
    answer = await upload(bot, "sendPhoto", "photo", content, "a.png", "image/png")
    status, description = answer.refusal
    assert (status, description.partition(";")[0]) == (400, f"Bad Request: {words}")
    assert emulator.world.chat(ANN).bot_messages == 0


@pytest.mark.parametrize("size", [(10_000 - 500, 500), (2000, 100), (1, 1)])
async def test_pictures_that_are_taken(at, size):
    _, bot = at
    shown = (await upload(bot, "sendPhoto", "photo", png(*size), "a.png", "image/png")).result
    assert (shown["photo"][-1]["width"], shown["photo"][-1]["height"]) == size


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({}, "there is no photo in the request"),
        ({"photo": "nonsense"}, "wrong file identifier/HTTP URL specified"),
        ({"photo": "https://example.org/a.png"}, "failed to get HTTP URL content"),
        ({"photo": "DOCUMENT"}, "can't use file of type Document as Photo"),
        ({"photo": "PHOTO", "caption": "x" * 1025}, "message caption is too long"),
        ({"photo": "PHOTO", "caption": "😀" * 513}, "message caption is too long"),
        ({"photo": "PHOTO", "caption": "*x", "parse_mode": "MarkdownV2"}, "can't parse entities"),
        (
            {"photo": "PHOTO", "caption": "x", "caption_entities": [{"type": "b"}]},
            "can't parse MessageEntity",
        ),
        ({"photo": "PHOTO", "message_thread_id": 77}, "message thread not found"),
        ({"photo": "PHOTO", "reply_parameters": {"message_id": 77}}, "message to be replied not found"),
    ],
)
async def test_refusals(at, params, words):
    emulator, bot = at
    ids = {
        "PHOTO": emulator.world.files.add("photo", png()).file.id,
        "DOCUMENT": emulator.world.files.add("document", b"x").file.id,
    }
    given = {key: ids.get(str(value), value) for key, value in params.items()}
    status, description = await bot.refused("sendPhoto", chat_id=ANN, **given)
    assert (status, words in description) == (400, True), description


async def test_a_request_that_is_too_large():
    assert TelegramOptions().max_upload == 50 * MB
    async with telegram(TelegramOptions(limits=UNLIMITED, max_upload=MB)) as (emulator, bot):
        emulator.people.send(ANN, "hi")
        answer = await upload(bot, "sendDocument", "document", bytes(MB + 1))
        assert answer.refusal == (413, "Request Entity Too Large")
        assert emulator.world.chat(ANN).bot_messages == 0
        assert (await upload(bot, "sendDocument", "document", bytes(MB - 100))).status == 200


async def test_a_caption_of_the_bot_is_edited_and_its_text_is_not(at):
    _, bot = at
    sent = (await upload(bot, "sendDocument", "document", b"x", caption="befor")).result
    here = {"chat_id": ANN, "message_id": sent["message_id"]}
    assert (await bot.ok("editMessageCaption", **here, caption="before"))["caption"] == "before"
    assert "not modified" in (await bot.refused("editMessageCaption", **here, caption="before"))[1]
    words = "there is no text in the message to edit"
    assert await bot.refused("editMessageText", **here, text="x") == (400, f"Bad Request: {words}")
    text = await bot.ok("sendMessage", chat_id=ANN, text="text")
    there = {"chat_id": ANN, "message_id": text["message_id"]}
    words = "there is no caption in the message to edit"
    assert await bot.refused("editMessageCaption", **there, caption="x") == (400, f"Bad Request: {words}")


def test_sizes_of_pictures():
    jpeg = b"\xff\xd8\xff\xe0\x00\x04ab\xff\xc0\x00\x11\x08\x00\x02\x00\x03" + bytes(12)
    webp = b"RIFF0000WEBP"
    assert image_size(png(3, 2)) == (3, 2)
    assert image_size(b"GIF89a\x03\x00\x02\x00") == (3, 2)
    assert image_size(jpeg) == (3, 2)
    assert image_size(webp + b"VP8X" + bytes(8) + b"\x02\x00\x00\x01\x00\x00") == (3, 2)
    assert image_size(webp + b"VP8L" + bytes(5) + (2 | 1 << 14).to_bytes(4, "little") + bytes(8)) == (3, 2)
    assert image_size(webp + b"VP8 " + bytes(10) + b"\x03\x00\x02\x00") == (3, 2)
    for content in (b"", b"\xff\xd8", b"\xff\xd8\xff\xe0\x00\x02" + b"\xff" * 9, webp + b"?" * 30):
        assert image_size(content) is None


# The control API


async def test_the_control_api_plays_all_of_it(at):
    emulator, bot = at
    async with TelegramControl(emulator.base_url) as people:
        sent = await people.send_file(ANN, b"content", "look", name="a.txt", mime="text/plain")
        (shown,) = await people.transcript(ANN, after=sent - 1)
        assert (shown["text"], shown["media"]["name"], shown["media"]["size"]) == ("look", "a.txt", 7)
        assert await people.file(shown["media"]["file_id"]) == b"content"
        found = await bot.ok("getFile", file_id=shown["media"]["file_id"])
        await people.expire_files()
        assert (await download(bot, found["file_path"]))[0] == 404
        await people.edit(ANN, sent, "look here")
        album = [await people.send_file(ANN, png(), kind="photo", group="g") for _ in range(2)]
        await people.send_file(ANN, size=30 * MB, says=5)
        updates = await bot.ok("getUpdates")
        assert [one["message"].get("media_group_id") for one in updates[-3:]] == ["g", "g", None]
        assert updates[-1]["message"]["document"]["file_size"] == 5
        await people.delete(ANN, album[0])
        event = await people.wait_event("message", {"message_id": sent})
        assert event["media"]["kind"] == "document"
        await bot.ok("sendMessageDraft", chat_id=ANN, draft_id=4, text="so far")
        assert await people.drafts(ANN) == [{"thread": None, "draft_id": 4, "text": "so far", "entities": []}]
        await people.wait_event("draft", {"chat": ANN, "draft_id": 4})
        await bot.ok("setMyCommands", commands=[{"command": "new", "description": "begin"}])
        assert await people.commands() == [{"command": "new", "description": "begin"}]
        await people.permit_reactions(ANN, ["👍"])
        eyes = {"chat_id": ANN, "message_id": sent, "reaction": [{"type": "emoji", "emoji": "👀"}]}
        assert await bot.refused("setMessageReaction", **eyes) == (400, "Bad Request: REACTION_INVALID")
        await people.permit_reactions(ANN)
        await bot.ok("setMessageReaction", **eyes)
        shown = (await people.transcript(ANN, after=sent - 1))[0]
        assert shown["reactions"] == eyes["reaction"]
        await people.request("POST", "refuse_entities", times=1)
        bold = [{"type": "bold", "offset": 0, "length": 1}]
        words = "Bad Request: ENTITY_BOUNDS_INVALID"
        assert await bot.refused("sendMessage", chat_id=ANN, text="x", entities=bold) == (400, words)
        await bot.ok("sendMessage", chat_id=ANN, text="x", entities=bold)


@pytest.mark.parametrize(
    "wrong", [{"kind": "hologram"}, {"content": "%%%"}, {"size": -1}, {"text": "x" * 1025}, {"chat": 5}]
)
async def test_what_nobody_could_send_is_told(at, wrong):
    emulator, _ = at
    async with aiohttp.ClientSession() as session:
        url = f"{emulator.base_url}/_control/send_file"
        async with session.post(url, json={"user": ANN, **wrong}) as response:
            assert response.status in {400, 404}
            assert (await response.json())["error"]
