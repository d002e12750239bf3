"""Files of Discord: found again when their addresses are too old, from its own servers alone; and sent."""

import asyncio
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from adapters.discord import fetch
from adapters.discord.attachments import Ref
from adapters.discord.fetch import CUT, ELSEWHERE, LOST, TOO_LARGE
from adapters.emulators.discord_files import Given
from adapters.emulators.faults import When
from gateway.model.attachment import Attachment, AttachmentKind, Fetched, FetchFailed, OutFile
from gateway.model.delivery import Absent, Delivered, DeliveryKind, Rejected, Unknown
from tests.contract.discord_adapter import delivery, setting
from tests.harness.waiting import within

ROOM = 1_000_000
DATA = bytes(range(256)) * 10


@pytest.fixture
async def at():
    async with setting() as made:
        yield made


async def heard(at, say, count=1):
    """What arrives when this is said."""
    async with at.running():
        await within(at.sink.until_ready(), "ready")
        say()
        await within(at.sink.until(lambda sink: len(sink.items) >= count), "the files")
    return at.sink.items[-1]


def give(at, *files, chat="", text="", name="data.bin"):
    given = files or (Given(name, DATA),)
    return str(at.emulator.people.say(int(at.ann), int(chat or at.direct), text, files=given).id)


async def attached(at, **more):
    (found,) = (await heard(at, lambda: give(at, **more))).attachments
    return found


# Receiving


async def test_a_voice_message(at):
    item = await heard(at, lambda: give(at, Given("voice-message.ogg", DATA, "audio/ogg", voice=True)))
    (found,) = item.attachments
    assert (item.text, found.kind, found.mime) == ("", AttachmentKind.VOICE, "audio/ogg")


async def test_a_name_keeps_its_special_characters(at):
    assert (await attached(at, name="Übersicht 漢字.txt")).name == "Übersicht 漢字.txt"


async def test_a_file_that_is_passed_on(at, tmp_path):
    channel = at.channel()
    source = give(at, chat=channel)
    async with at.running():
        await within(at.sink.until_ready(), "ready")
        at.emulator.people.forward(int(at.ann), int(at.direct), int(channel), int(source))
        await within(at.sink.until(lambda sink: any(one.text == "[forwarded]" for one in sink.items)), "it")
    (found,) = next(one.attachments for one in at.sink.items if one.text == "[forwarded]")
    at.emulator.files.expire()
    assert await at.adapter.fetch(found, tmp_path / "x", ROOM) == Fetched(len(DATA))


async def test_a_mention_with_a_file_has_a_thread_that_is_called_like_it(at):
    channel = at.channel()
    bot = at.emulator.world.bot.id
    item = await heard(at, lambda: give(at, Given("plan.pdf", DATA), chat=channel, text=f"<@{bot}>"))
    assert (item.text, item.to_bot, item.thread) == ("", True, item.message_ref)
    await at.adapter.send(delivery(channel, thread=item.thread))
    assert at.emulator.world.channel(int(item.thread)).name == "plan.pdf"


@pytest.mark.parametrize("how", ["too old", "signed anew"])
async def test_an_address_that_is_too_old_is_asked_for_anew(at, tmp_path, how):
    found = await attached(at)
    if how == "signed anew":
        at.emulator.files.expire()
    else:
        await at.emulator.stop()
        at.emulator.files._skew += at.emulator.options.file_seconds + 5
        await at.emulator.start()
    assert await at.again().fetch(found, tmp_path / "x", ROOM) == Fetched(len(DATA))
    assert (tmp_path / "x").read_bytes() == DATA
    assert [call.status for call in at.calls("getAttachment")] == [404, 200]


async def test_the_server_of_files_never_sees_the_token(at, tmp_path):
    found = await attached(at)
    at.emulator.files.expire()
    await at.adapter.fetch(found, tmp_path / "x", ROOM)
    assert [call.params["authorized"] for call in at.calls("getAttachment")] == [False, False]


async def test_a_file_whose_message_is_gone(at, tmp_path):
    found = await attached(at)
    at.emulator.people.delete(int(at.ann), int(at.direct), int(at.sink.items[0].message_ref))
    assert await at.adapter.fetch(found, tmp_path / "x", ROOM) == LOST
    assert not (tmp_path / "x").exists()


async def test_a_channel_that_is_shut(at, tmp_path):
    channel = at.channel()
    found = await attached(at, chat=channel)
    at.emulator.files.expire()
    at.emulator.people.permit(int(channel), view=False)
    assert await at.adapter.fetch(found, tmp_path / "x", ROOM) == LOST


@pytest.mark.parametrize(
    ("method", "kind"),
    [
        *(("getAttachment", kind) for kind in ("429", "500", "502", "drop")),
        *(("getChannelMessage", kind) for kind in ("429", "500", "502", "drop", "rubbish")),
    ],
)
async def test_trouble_on_the_way_is_worth_another_attempt(at, tmp_path, kind, method):
    found = await attached(at)
    if method == "getChannelMessage":
        at.emulator.files.expire()
    at.fault(kind, method, times=1 + (kind == "drop"))  # HTTP asks once more by itself
    outcome = await at.adapter.fetch(found, tmp_path / "x", ROOM)
    assert isinstance(outcome, FetchFailed)
    assert outcome.again
    assert await at.adapter.fetch(found, tmp_path / "y", ROOM) == Fetched(len(DATA))


@pytest.mark.parametrize(
    "url",
    [
        "http://cdn.discordapp.com/attachments/1/2/x",
        "https://cdn.discordapp.com.example.org/x",
        "https://cdn.discordapp.com:8443/x",
        "https://cdn.discordapp.com@127.0.0.1/x",
        "https://127.0.0.1/x",
        "file:///etc/passwd",
        "/attachments/1/2/x",
        "nonsense",
        "",
    ],
)
async def test_nothing_is_fetched_from_elsewhere(at, tmp_path, url):
    ref = Ref(int(at.direct), 5, 6, url).written()
    assert await at.adapter.fetch(Attachment(ref, "x"), tmp_path / "x", ROOM) == ELSEWHERE
    assert at.emulator.calls.counts == {}


async def test_another_port_of_the_same_machine_is_elsewhere(at, tmp_path):
    async with server(lambda _: web.Response(body=DATA)) as url:
        ref = Ref(int(at.direct), 5, 6, url).written()
        assert await at.adapter.fetch(Attachment(ref, "x"), tmp_path / "x", ROOM) == ELSEWHERE


def test_what_discords_own_hosts_are(at):
    own = fetch.Files(at.adapter._rest, None)
    assert own._known(fetch.URL("https://cdn.discordapp.com/attachments/1/2/x?ex=1"))
    assert own._known(fetch.URL("https://media.discordapp.net/attachments/1/2/x"))
    assert not own._known(fetch.URL(at.emulator.base_url))


@asynccontextmanager
async def server(answer):
    """A server of files that does what the test wants; the address of its file."""

    async def handle(request):
        found = answer(request)
        return await found if asyncio.iscoroutine(found) else found

    runner = web.ServerRunner(web.Server(handle))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/x"
    finally:
        await runner.cleanup()


async def fetched(url, into, limit=ROOM, size=None):
    """From a server that stands in for Discord altogether."""
    async with setting(api_url=url.removesuffix("/x") + "/api/v10") as at:
        return await at.adapter.fetch(Attachment(Ref(1, 2, 3, url).written(), "x", size=size), into, limit)


async def test_what_comes_is_counted_whatever_is_said_of_it(tmp_path):
    async def endless(request):
        answer = web.StreamResponse()  # of no length
        await answer.prepare(request)
        try:
            while True:
                await answer.write(bytes(1 << 16))
        except ConnectionError:
            return answer

    async with server(endless) as url:
        assert await within(fetched(url, tmp_path / "x", 300_000), "the end") == TOO_LARGE
    assert (tmp_path / "x").stat().st_size <= 300_000


async def test_what_is_cut_short_is_not_whole(tmp_path):
    async def short(request):
        answer = web.StreamResponse()
        await answer.prepare(request)
        await answer.write(b"half")
        return answer

    async with server(short) as url:
        assert await fetched(url, tmp_path / "x", size=8) == CUT
        assert await fetched(url, tmp_path / "y", size=4) == Fetched(4)


async def test_a_connection_that_breaks_half_way(tmp_path):
    async def broken(request):
        answer = web.StreamResponse(headers={"Content-Length": "100000"})
        await answer.prepare(request)
        await answer.write(b"half")
        request.transport.abort()
        return answer

    async with server(broken) as url:
        assert await fetched(url, tmp_path / "x") == CUT


async def test_nobody_is_sent_on_elsewhere(tmp_path):
    async with server(lambda _: web.Response(body=DATA)) as other:
        away = web.Response(status=302, headers={"Location": other})
        async with server(lambda _: away) as url:
            outcome = await fetched(url, tmp_path / "x")
    assert isinstance(outcome, FetchFailed)
    assert outcome.again
    assert not (tmp_path / "x").exists()


async def test_a_length_that_is_too_much_is_not_even_read(tmp_path):
    async with server(lambda _: web.Response(body=DATA)) as url:
        assert await fetched(url, tmp_path / "x", 10) == TOO_LARGE
    assert not (tmp_path / "x").exists()


# Sending


def owed(at, tmp_path, body="", name="notes.txt", data=b"some words", chat="", **more):
    path = tmp_path / f"kept-{len(list(tmp_path.iterdir()))}"
    path.write_bytes(data)
    file = OutFile(str(path), name, "text/plain", len(data))
    return delivery(chat or at.direct, body, kind=DeliveryKind.FILE, file=file, **more)


async def test_a_file_is_sent_in_one_request(at, tmp_path):
    said = at.say("please")
    sent = await at.adapter.send(owed(at, tmp_path, "here", "näme 1.txt", reply_to=said))
    message = at.emulator.world.channel(int(at.direct)).messages[int(sent.message_id)]
    (file,) = message.files
    assert (message.content, message.reference.id, file.data) == ("here", int(said), b"some words")
    assert (file.name, file.title, file.mime) == ("nme_1.txt", "näme 1", "text/plain")
    (call,) = at.calls("createMessage")
    assert (call.params["nonce"], call.params["enforce_nonce"]) == ("key", True)
    assert call.params["allowed_mentions"] == {"parse": [], "replied_user": False}


async def test_a_large_file_is_read_as_it_goes(at, tmp_path):
    data = bytes(3_000_000)
    assert isinstance(await at.adapter.send(owed(at, tmp_path, data=data)), Delivered)
    (message,) = at.emulator.world.channel(int(at.direct)).messages.values()
    assert message.files[0].data == data


async def test_a_second_send_with_the_same_key_is_the_same_message(at, tmp_path):
    first = await at.adapter.send(owed(at, tmp_path))
    assert await at.adapter.send(owed(at, tmp_path)) == first


async def test_where_history_is_closed_it_is_sent_without_quoting(at, tmp_path):
    channel = at.channel()
    said = at.say("please", channel)
    at.emulator.people.permit(int(channel), history=False)
    assert isinstance(await at.adapter.send(owed(at, tmp_path, chat=channel, reply_to=said)), Delivered)
    assert at.emulator.playground.calls.counts["createMessage"] == 2


async def test_one_that_is_too_large_is_refused(tmp_path):
    async with setting(file_limit=100) as at:
        outcome = await at.adapter.send(owed(at, tmp_path, data=bytes(101)))
        assert outcome == Rejected("the file is larger than Discord takes from the bot here (Discord 40005)")
        assert at.shown() == []
        assert at.adapter.file_limit == 10 * 1024 * 1024


async def test_without_the_permission_it_is_refused(at, tmp_path):
    channel = at.channel()
    at.emulator.people.permit(int(channel), attach=False)
    outcome = await at.adapter.send(owed(at, tmp_path, chat=channel))
    assert isinstance(outcome, Rejected)
    assert "permission" in outcome.reason
    assert isinstance(await at.adapter.send(delivery(channel)), Delivered)


@pytest.fixture(params=[True, False], ids=["nonce", "no nonce"])
async def asking(request):
    async with setting(history_nonce=request.param) as made:
        yield made


@pytest.mark.parametrize("name", ["notes.txt", "my notes (1).txt", "Übersicht.txt", "漢字.txt"])
@pytest.mark.parametrize("when", [When.BEFORE, When.AFTER])
async def test_an_unknown_send_is_looked_for(asking, tmp_path, name, when):
    at = asking
    before = await at.adapter.send(owed(at, tmp_path, "here", name, key="0"))
    other = await at.adapter.send(owed(at, tmp_path, "here", name, b"other", key="1"))
    at.fault("drop", when=when)
    doubt = owed(at, tmp_path, "here", name, key="x" * 60, claimed_at=at.clock.now())
    assert isinstance(await at.adapter.send(doubt), Unknown)
    found = await at.adapter.reconcile(doubt, before.message_id)
    if when is When.BEFORE:
        assert found == Absent()
    else:
        assert isinstance(found, Delivered)
        assert found not in (before, other)


async def test_a_text_is_not_taken_for_a_file_of_the_same_words(at, tmp_path):
    await at.adapter.send(delivery(at.direct, "here", key="1"))
    doubt = owed(at, tmp_path, "here", key="2", claimed_at=at.clock.now() - 60)
    assert await at.adapter.reconcile(doubt, None) == Absent()
    await at.adapter.send(owed(at, tmp_path, "there", key="3"))
    text = delivery(at.direct, "there", key="4", claimed_at=at.clock.now() - 60)
    assert await at.adapter.reconcile(text, None) == Absent()
