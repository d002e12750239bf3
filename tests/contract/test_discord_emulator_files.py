"""Files of the emulator: how they are uploaded, handed out and refused."""

import io
import json

import aiohttp
import pytest

from adapters.emulators.control import ControlError
from adapters.emulators.discord import DiscordOptions
from adapters.emulators.discord_client import DiscordControl
from adapters.emulators.discord_files import SIZE_LIMIT, Given, tidy
from tests.contract.discord_emulator import UNLIMITED, discord_emulator, discord_fixtures

DATA = b"\x00\x01 some bytes \xff"


wire, ann, direct, channel = discord_fixtures()


async def upload(bot, channel, *files, payload=None):
    """The answer to a form; a file is a name and bytes."""
    form = aiohttp.FormData(quote_fields=False)
    form.add_field("payload_json", json.dumps(payload or {}), content_type="application/json")
    for number, (name, data) in enumerate(files):
        kind = "application/octet-stream"
        form.add_field(f"files[{number}]", io.BytesIO(data), filename=name, content_type=kind)
    url = f"{bot.emulator.api_url}/channels/{channel}/messages"
    async with bot.session.post(url, data=form, headers=bot.headers) as response:
        return response.status, await response.json()


async def read(bot, url):
    async with bot.session.get(url) as response:
        return response.status, await response.read()


async def test_an_upload(wire, direct):
    _, bot = wire
    status, made = await upload(bot, direct, ("a 1.png", DATA), ("b.txt", b""), payload={"content": "two"})
    first, second = made["attachments"]
    assert (status, made["content"]) == (200, "two")
    assert (first["filename"], first["size"], first["content_type"]) == ("a_1.png", len(DATA), "image/png")
    assert (second["filename"], second["size"]) == ("b.txt", 0)
    assert "title" not in first
    assert await read(bot, first["url"]) == (200, DATA)
    assert await read(bot, second["proxy_url"]) == (200, b"")


async def test_names_in_the_payload_count(wire, direct):
    _, bot = wire
    about = {"attachments": [{"id": 0, "filename": "Übersicht.pdf"}]}
    _, made = await upload(bot, direct, ("x", DATA), payload=about)
    [file] = made["attachments"]
    assert (file["filename"], file["title"]) == ("bersicht.pdf", "Übersicht")


@pytest.mark.parametrize(
    ("name", "kept", "title"),
    [
        ("a b.txt", "a_b.txt", ""),
        ("../../etc/passwd", "passwd", ""),
        ("C:\\x\\y.txt", "y.txt", ""),
        ("ä1.txt", "1.txt", "ä1"),
        ("漢字.txt", "unknown.txt", "漢字"),
        (".txt", "unknown.txt", ""),
    ],
)
def test_names_are_tidied(name, kept, title):
    assert tidy(name) == (kept, title)


async def test_forms_that_are_wrong(wire, direct):
    _, bot = wire
    assert (await upload(bot, direct))[1]["code"] == 50006
    status, refused = await upload(bot, direct, payload={"attachments": [{"id": 0}], "content": "x"})
    assert (status, refused["code"]) == (400, 50035)
    assert "ATTACHMENT_NOT_FOUND" in json.dumps(refused)
    many = [(f"{number}.txt", b"x") for number in range(11)]
    assert (await upload(bot, direct, *many))[1]["code"] == 30015
    assert (await bot.send(direct, "", attachments=[{"id": 0}])).where[0] == "attachments.0"


async def test_a_file_that_is_too_large():
    options = DiscordOptions(limits=UNLIMITED, file_limit=100)
    async with discord_emulator(options) as (emulator, bot):
        ann = emulator.playground.person()
        direct = emulator.playground.direct(ann)
        status, refused = await upload(bot, direct, ("x", bytes(101)))
        assert (status, refused) == (413, {"message": "Request entity too large", "code": 40005})
        assert (await upload(bot, direct, ("x", bytes(100))))[0] == 200
        [call] = emulator.calls.since(method="createMessage")[:1]
        assert call.params["files"] == [{"name": "x", "mime": "application/octet-stream", "size": 101}]


async def test_larger_than_one_read(wire, direct):
    _, bot = wire
    data = bytes(range(256)) * 20_000
    _, made = await upload(bot, direct, ("x", data))
    assert await read(bot, made["attachments"][0]["url"]) == (200, data)


async def test_files_need_a_permission(wire, channel):
    emulator, bot = wire
    emulator.people.permit(int(channel), attach=False)
    status, refused = await upload(bot, channel, ("x", DATA))
    assert (status, refused["code"]) == (403, 50013)
    assert emulator.world.channel(int(channel)).permissions() & 1 << 15 == 0


async def test_addresses_are_good_for_a_while():
    class Clock:
        now = 1000.0

        def __call__(self):
            return self.now

    clock = Clock()
    options = DiscordOptions(limits=UNLIMITED, clock=clock, file_seconds=60)
    async with discord_emulator(options) as (emulator, bot):
        ann = emulator.playground.person()
        direct = emulator.playground.direct(ann)
        said = emulator.people.say(int(ann), int(direct), "", files=[Given("x.bin", DATA)])
        path = f"/channels/{direct}/messages/{said.id}"
        url = (await bot.get(path))["attachments"][0]["url"]
        clock.now += 59
        assert await read(bot, url) == (200, DATA)
        clock.now += 2
        assert await read(bot, url) == (404, b"This content is no longer available.")
        fresh = (await bot.get(path))["attachments"][0]["url"]
        assert await read(bot, fresh) == (200, DATA)
        for wrong in (fresh.partition("?")[0], fresh.replace("ex=", "ex=f"), fresh.replace("x.bin", "y.bin")):
            assert (await read(bot, wrong))[0] == 404
        emulator.people.delete(int(ann), int(direct), said.id)
        assert (await read(bot, fresh))[0] == 404


async def test_what_people_can_attach(wire, ann, direct):
    emulator, _ = wire
    voice = Given("v.ogg", DATA, "audio/ogg", voice=True)
    for text, files, why in (
        ("", [Given("x", b"")] * 11, "at most 10 files"),
        ("", [Given("x", bytes(SIZE_LIMIT + 1))], "bytes"),
        ("words", [voice], "voice message"),
    ):
        with pytest.raises(ControlError, match=why):
            emulator.people.say(int(ann), int(direct), text, files=files)
    message = emulator.people.say(int(ann), int(direct), "", files=[voice]).as_json()
    assert message["flags"] == 1 << 13
    assert {"waveform", "duration_secs"} <= set(message["attachments"][0])


async def test_files_are_content(wire, ann, channel):
    """Without the intent, a bot is not told of the files of messages that do not name it."""
    emulator, bot = wire
    async with bot.gateway(intents=1 << 0 | 1 << 9) as socket:
        said = emulator.people.say(int(ann), int(channel), "look", files=[Given("x", DATA)])
        emulator.people.forward(int(ann), int(channel), int(channel), said.id)
        assert (await socket.event("MESSAGE_CREATE"))["attachments"] == []
        assert "message_snapshots" not in await socket.event("MESSAGE_CREATE")


async def test_what_is_passed_on(wire, ann, channel, direct):
    emulator, bot = wire
    said = emulator.people.say(int(ann), int(channel), "look", files=[Given("x.txt", DATA)])
    passed = emulator.people.forward(int(ann), int(direct), int(channel), said.id)
    shown = await bot.get(f"/channels/{direct}/messages/{passed.id}")
    assert (shown["content"], shown["attachments"], shown["flags"]) == ("", [], 1 << 14)
    assert shown["message_reference"]["type"] == 1
    [snapshot] = shown["message_snapshots"]
    assert (snapshot["message"]["content"], "author" in snapshot["message"]) == ("look", False)
    assert (await read(bot, snapshot["message"]["attachments"][0]["url"]))[1] == DATA


async def test_the_control_client(wire, ann, direct):
    emulator, bot = wire
    async with DiscordControl(emulator.base_url) as control:
        said = await control.attach(ann, direct, [Given("x.txt", DATA)], "look")
        assert (await control.files(direct, said))[0].data == DATA
        url = (await bot.get(f"/channels/{direct}/messages/{said}"))["attachments"][0]["url"]
        await control.expire_files()
        assert (await read(bot, url))[0] == 404
        event = await control.wait_event("message", {"message_id": said})
        assert event["files"] == ["x.txt"]
        passed = await control.forward(ann, direct, direct, said)
        await control.edit(ann, direct, said, "look here")
        await control.unfurl(direct, said)
        await control.delete(ann, direct, passed)
        assert [one["text"] for one in await control.shown(direct)] == ["look here"]
        sized = await control.request(
            "POST", "attach", person=ann, channel=direct, files=[{"name": "z", "size": 9}]
        )
        assert (await control.files(direct, sized["id"]))[0].data == bytes(9)
        for wrong in ([5], [{"data": ""}], [{"name": "x", "data": "?"}], [{"name": "x", "size": 1 << 30}]):
            with pytest.raises(Exception, match="attach"):
                await control.request("POST", "attach", person=ann, channel=direct, files=wrong)
