"""Files on Slack: what it is particular about, beyond what every platform's files have to do."""

import asyncio
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from adapters.emulators.faults import When
from adapters.emulators.slack_api import SCOPES
from adapters.emulators.slack_files import Given
from adapters.labels import REPEAT_LABEL
from adapters.slack.fetch import HOPS
from adapters.slack.upload import LANDING
from gateway.model.attachment import Attachment, AttachmentKind, Fetched, FetchFailed, OutFile
from gateway.model.delivery import Absent, Delivered, DeliveryKind, Rejected, RetryAfter, Unknown
from tests.contract.slack_adapter import BOT_TOKEN, delivery, setting

ROOM = 1_000_000
COMPLETE = "files.completeUploadExternal"


@pytest.fixture
async def at():
    async with setting() as made:
        yield made


def give(at, content=b"content", name="a.txt", chat="", text="", **more):
    message, (file,) = at.emulator.people.share(
        at.ann, chat or at.direct, [Given(name, content, **more)], text=text
    )
    return message.ts, file


async def heard(at):
    await at.sink.until(lambda sink: sink.heard)
    return at.sink.heard[-1]


def as_sent(file, **more):
    """As a message names it."""
    url = file.as_json()["url_private_download"]
    return Attachment(f"{file.id} {url}", file.name, file.mime, len(file.content), **more)


# What people send


async def test_a_voice_clip_is_one_whatever_it_says_it_is(at):
    async with at.running():
        await at.sink.until_ready()
        give(at, name="audio_message.m4a", mime="video/mp4", voice=True)
        (found,) = (await heard(at)).attachments
    assert (found.kind, found.mime) == (AttachmentKind.VOICE, "audio/mp4")


@pytest.mark.parametrize("missed", [False, True])
async def test_a_file_of_another_workspace_is_asked_about(at, tmp_path, missed):
    async with at.running():
        await at.sink.until_ready()
        at.play.say(at.ann, at.direct, "before")
        await at.sink.until_texts("before")
        if not missed:
            give(at, connect=True, text="see")
            await at.sink.until_texts("before", "see")
    if missed:
        give(at, connect=True, text="see")
    async with at.another() as adapter, at.running(adapter):
        await at.sink.until_texts("before", "see")
        (found,) = at.sink.heard[-1].attachments
        assert (found.name, found.mime, found.size) == ("a.txt", "text/plain", 7)
        assert await adapter.fetch(found, tmp_path / "file", ROOM) == Fetched(7)


async def test_what_cannot_be_asked_about_now_is_asked_about_later(at, tmp_path):
    at.fault("500", "files.info")
    async with at.running():
        await at.sink.until_ready()
        _, file = give(at, connect=True)
        (found,) = (await heard(at)).attachments
    assert (found.ref, found.name) == (file.id, file.id)
    assert await at.adapter.fetch(found, tmp_path / "file", ROOM) == Fetched(7)


async def test_a_file_in_a_thread_of_the_bots_is_meant_for_it(at):
    room = at.play.channel(at.ann)
    async with at.running():
        await at.sink.until_ready()
        root = at.play.say(at.ann, room, "hey", mention=True)
        await at.sink.until_texts("hey")
        at.emulator.people.share(at.ann, room, [Given("a.txt", b"x")], thread=root)
        await at.sink.until_texts("hey", "")
    item = at.sink.heard[-1]
    assert (item.to_bot, item.thread, len(item.attachments)) == (True, root, 1)


# Fetching


async def test_without_the_scope_there_is_a_page_and_no_file(at, tmp_path):
    _, file = give(at)
    at.emulator.api.scopes = tuple(one for one in SCOPES if one != "files:read")
    for attachment in (as_sent(file), Attachment(file.id, "a.txt")):
        outcome = await at.adapter.fetch(attachment, tmp_path / "file", ROOM)
        assert isinstance(outcome, FetchFailed)
        assert "files:read" in outcome.reason
        assert not outcome.again


async def test_a_page_where_a_file_should_be_is_no_file(at, tmp_path):
    _, file = give(at)
    at.fault("rubbish", "url_private")
    outcome = await at.adapter.fetch(Attachment(as_sent(file).ref, "a.txt"), tmp_path / "file", ROOM)
    assert isinstance(outcome, FetchFailed)
    assert "files:read" in outcome.reason


async def test_a_page_that_somebody_sent_is_a_file(at, tmp_path):
    _, file = give(at, b"<!DOCTYPE html><html></html>", "a.html")
    assert await at.adapter.fetch(as_sent(file), tmp_path / "file", ROOM) == Fetched(28)
    at.fault("rubbish", "url_private")
    outcome = await at.adapter.fetch(as_sent(file), tmp_path / "other", ROOM)
    assert isinstance(outcome, FetchFailed)


async def test_a_file_that_was_deleted(at, tmp_path):
    _, file = give(at)
    file.deleted = True
    for attachment in (as_sent(file), Attachment(file.id, "a.txt")):
        outcome = await at.adapter.fetch(attachment, tmp_path / "file", ROOM)
        assert outcome == FetchFailed("the file was deleted in Slack")


@pytest.mark.parametrize("kind", ["429", "500", "502", "drop"])
async def test_a_failing_server_is_worth_another_attempt(at, tmp_path, kind):
    _, file = give(at)
    at.fault(kind, "url_private", times=2)
    outcome = await at.adapter.fetch(as_sent(file), tmp_path / "file", ROOM)
    assert isinstance(outcome, FetchFailed)
    assert outcome.again
    assert BOT_TOKEN not in outcome.reason


@pytest.mark.parametrize("kind", ["429", "500", "drop"])
async def test_so_is_one_that_cannot_be_asked_now(at, tmp_path, kind):
    _, file = give(at)
    at.fault(kind, "files.info", times=2)
    outcome = await at.adapter.fetch(Attachment(file.id, "a.txt"), tmp_path / "file", ROOM)
    assert isinstance(outcome, FetchFailed)
    assert outcome.again


async def test_a_revoked_token_may_come_back(at, tmp_path):
    _, file = give(at)
    at.emulator.revoke()
    outcome = await at.adapter.fetch(Attachment(file.id, "a.txt"), tmp_path / "file", ROOM)
    assert outcome == FetchFailed("Slack does not accept the bot token", again=True)


async def test_the_token_is_shown_to_slack_alone(at, tmp_path):
    """Whatever address a message names; the other server is one like any other."""
    async with setting() as other:
        _, file = give(other)
        outcome = await at.adapter.fetch(as_sent(file), tmp_path / "file", ROOM)
        assert outcome == FetchFailed("it is kept outside of Slack, and only a link to it was sent")
        assert other.emulator.calls.counts == {}


async def test_a_size_that_is_not_said_is_found_out_while_reading(at, tmp_path):
    _, file = give(at, b"x" * 5_000)
    attachment = Attachment(as_sent(file).ref, "a.txt")
    assert isinstance(await at.adapter.fetch(attachment, tmp_path / "file", 4_999), FetchFailed)
    assert await at.adapter.fetch(attachment, tmp_path / "other", 5_000) == Fetched(5_000)


@asynccontextmanager
async def another_server(answer):
    """A server in Slack's place; an account on it."""
    server = web.Server(answer)
    runner = web.ServerRunner(server)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = runner.addresses[0][1]
    try:
        async with setting(api_url=f"http://127.0.0.1:{port}/api/") as made:
            yield made, f"http://127.0.0.1:{port}"
    finally:
        await runner.cleanup()


async def test_a_file_whose_length_is_not_told_is_not_read_for_ever(tmp_path):
    async def answer(request):
        response = web.StreamResponse()
        await response.prepare(request)
        while True:  # until nobody listens
            await response.write(b"x" * 1_000)

    async with another_server(answer) as (at, url):
        outcome = await at.adapter.fetch(Attachment(f"F1 {url}/x", "a.txt"), tmp_path / "file", 10_000)
    assert outcome == FetchFailed("it is larger than 10000 bytes")


async def test_nobody_is_sent_on_for_ever(tmp_path):
    tokens = []

    async def answer(request):
        tokens.append(request.headers.get("Authorization"))
        return web.Response(status=302, headers={"Location": f"/{len(tokens)}"})

    async with another_server(answer) as (at, url):
        outcome = await at.adapter.fetch(Attachment(f"F1 {url}/x", "a.txt"), tmp_path / "file", ROOM)
    assert outcome == FetchFailed("Slack sends from one address to the next")
    assert tokens == [f"Bearer {BOT_TOKEN}"] * HOPS


async def test_one_that_is_sent_on_arrives(tmp_path):
    async def answer(request):
        if request.path == "/x":
            return web.Response(status=302, headers={"Location": "/y"})
        return web.Response(body=b"content")

    async with another_server(answer) as (at, url):
        found = Attachment(f"F1 {url}/x", "a.txt")
        assert await at.adapter.fetch(found, tmp_path / "file", ROOM) == Fetched(7)


# What the bot sends


@pytest.fixture
def owed(at, tmp_path):
    def make(body="", content=b"content", name="a.txt", **more):
        path = tmp_path / "kept"
        path.write_bytes(content)
        out = OutFile(str(path), name, "text/plain", len(content))
        more.setdefault("claimed_at", at.clock.now())
        more.setdefault("chat", at.direct)
        return delivery(body, kind=DeliveryKind.FILE, file=out, **more)

    return make


def shown(at, chat=""):
    found = at.emulator.world.channel(chat or at.direct).messages.values()
    return [(one.ts, [file.name for file in one.files], one.read()) for one in found if one.files]


async def test_it_is_known_by_the_message_that_shows_it(at, owed):
    sent = await at.adapter.send(owed("<!channel> a & b"))
    assert shown(at) == [(sent.message_id, ["a.txt"], "<!channel> a & b")]
    (call,) = at.calls(COMPLETE)
    assert call.params["initial_comment"] == "&lt;!channel&gt; a &amp; b"
    assert call.params["files"][0]["title"] == "a.txt"


async def test_a_repeat_says_so(at, owed):
    await at.adapter.send(owed("here", doubtful=True))
    assert shown(at)[0][2] == REPEAT_LABEL + "here"


async def test_one_that_slack_is_slow_to_show_is_known_by_its_own_id(at, owed):
    at.emulator.files.hold(held=True)
    wanted = owed()
    sent = await at.adapter.send(wanted)
    assert sent.message_id.startswith("F")
    assert at.clock.slept == list(LANDING)
    at.emulator.files.hold(held=False)
    assert len(shown(at)) == 1
    # What comes after it is still found.
    later = owed("later", b"other bytes", "b.txt")
    at.fault("drop", COMPLETE, when=When.AFTER)
    assert isinstance(await at.adapter.send(later), Unknown)
    assert await at.adapter.reconcile(later, sent.message_id) == Delivered(shown(at)[1][0])


async def test_without_the_scope_to_look_it_is_known_by_its_own_id(at, owed):
    at.emulator.api.scopes = tuple(one for one in SCOPES if one != "files:read")
    sent = await at.adapter.send(owed())
    assert sent.message_id.startswith("F")
    assert len(shown(at)) == 1


async def test_without_the_scope_to_write_it_is_refused_by_name(at, owed):
    at.emulator.api.scopes = tuple(one for one in SCOPES if one != "files:write")
    outcome = await at.adapter.send(owed())
    assert isinstance(outcome, Rejected)
    assert "files:write" in outcome.reason


@pytest.mark.parametrize("method", ["files.getUploadURLExternal", "upload_url"])
@pytest.mark.parametrize("kind", ["500", "drop", "rubbish"])
@pytest.mark.parametrize("when", [When.BEFORE, When.AFTER])
async def test_what_fails_before_the_last_step_has_sent_nothing(at, owed, method, kind, when):
    at.fault(kind, method, when=when)
    outcome = await at.adapter.send(owed())
    if kind == "rubbish" and method == "upload_url":
        assert isinstance(outcome, Delivered | RetryAfter | Rejected)  # its words are not looked at
    else:
        assert isinstance(outcome, RetryAfter)
        assert at.counts(COMPLETE) == [0]
    at.emulator.faults.remove()
    before = len(shown(at))
    assert isinstance(await at.adapter.send(owed()), Delivered)
    assert len(shown(at)) == before + 1


@pytest.mark.parametrize("kind", ["500", "502", "drop", "rubbish"])
@pytest.mark.parametrize("when", [When.BEFORE, When.AFTER])
async def test_in_doubt_it_is_looked_for_by_name_and_size(at, owed, kind, when):
    wanted = owed("caption")
    at.fault(kind, COMPLETE, when=when)
    assert isinstance(await at.adapter.send(wanted), Unknown)
    found = await at.adapter.reconcile(wanted, None)
    if when is When.AFTER:
        assert found == Delivered(shown(at)[0][0])
    else:
        assert found == Absent()
        assert at.clock.ahead >= 19


async def test_another_file_is_not_taken_for_it(at, owed):
    wanted = owed()
    give(at)  # a person's of the same name and size
    await at.adapter.send(owed(content=b"other size"))
    await at.adapter.send(owed(name="b.txt"))
    await at.adapter.send(delivery("a.txt", at.direct, key="other"))
    assert await at.adapter.reconcile(wanted, None) == Absent()
    earlier = await at.adapter.send(owed())
    assert await at.adapter.reconcile(wanted, earlier.message_id) == Absent()
    assert await at.adapter.reconcile(wanted, None) == earlier


async def test_one_that_is_shown_late_is_waited_for(at, owed):
    wanted = owed()
    at.emulator.files.hold(held=True)
    at.fault("drop", COMPLETE, when=When.AFTER)
    assert isinstance(await at.adapter.send(wanted), Unknown)
    looking = asyncio.ensure_future(at.adapter.reconcile(wanted, None))
    await at.emulator.wait("calls", method="conversations.history", count=1)
    at.emulator.files.hold(held=False)
    assert await looking == Delivered(shown(at)[0][0])


async def test_the_opening_of_a_stream_is_not_mistaken_for_a_file(at, owed):
    thread = at.emulator.people.start_assistant(at.ann)
    await at.adapter.send(owed("One", thread=thread))
    opening = delivery(
        "One", at.direct, thread=thread, kind=DeliveryKind.STREAM, claimed_at=at.clock.now(), key="other"
    )
    assert await at.adapter.reconcile(opening, None) == Absent()


async def test_the_workspaces_own_limit_is_told(at, owed):
    at.emulator.api.largest_file = 6
    assert await at.adapter.send(owed()) == Rejected("the workspace does not allow files of this size")


async def test_an_empty_file_is_refused_before_it_is_uploaded(at, owed):
    outcome = await at.adapter.send(owed(content=b""))
    assert isinstance(outcome, Rejected)
    assert at.emulator.calls.counts == {}


async def test_an_upload_that_slack_has_lost_is_made_again(at, owed):
    fault = at.fault("hold", COMPLETE)
    sending = asyncio.ensure_future(at.adapter.send(owed(attempt=1)))
    await at.emulator.events.event("held", {"fault": fault})
    for file in at.emulator.files.all():
        file.content = b""
    at.emulator.faults.release()
    assert isinstance(await sending, RetryAfter)
    assert isinstance(await at.adapter.send(owed(attempt=2)), Delivered)


async def test_a_large_file_is_sent_and_fetched_whole(at, owed, tmp_path):
    content = bytes(range(256)) * 12_000
    sent = await at.adapter.send(owed(content=content, name="large.bin"))
    (file,) = at.emulator.world.message(at.direct, sent.message_id).files
    assert at.emulator.files.file(file.id).content == content
    found = as_sent(at.emulator.files.file(file.id))
    assert await at.adapter.fetch(found, tmp_path / "back", len(content)) == Fetched(len(content))
    assert (tmp_path / "back").read_bytes() == content


async def test_after_close_nothing_is_fetched_or_sent(at, owed, tmp_path):
    _, file = give(at)
    await at.adapter.close()
    assert isinstance(await at.adapter.send(owed()), RetryAfter)
    outcome = await at.adapter.fetch(as_sent(file), tmp_path / "file", ROOM)
    assert isinstance(outcome, FetchFailed)
    assert outcome.again
