"""Files and reactions on the emulated Slack: the real SDK's way with them, and what Slack refuses."""

import base64

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from adapters.emulators.slack import SlackOptions
from adapters.emulators.slack_api import SCOPES
from adapters.emulators.slack_client import SlackControl
from adapters.emulators.slack_files import Given
from adapters.emulators.slack_playground import BOT_TOKEN
from tests.contract.slack_emulator import ENDLESS, UNLIMITED, slack


@pytest.fixture
async def wire():
    async with slack() as (emulator, app):
        ann = emulator.playground.person("Ann")
        yield emulator, app, ann, emulator.playground.channel(ann)


def sdk(emulator):
    return AsyncWebClient(token=BOT_TOKEN, base_url=emulator.api_url, retry_handlers=[])


async def announce(app, content=b"content", name="a.txt"):
    """An address for an upload and the file's id."""
    place = await app.ok("files.getUploadURLExternal", filename=name, length=len(content))
    return place["upload_url"], place["file_id"]


async def put(app, url, content):
    async with app.session.post(url, data=content) as response:
        return response.status, await response.text()


async def upload(app, content=b"content", name="a.txt"):
    url, file_id = await announce(app, content, name)
    assert await put(app, url, content) == (200, f"OK - {len(content)}")
    return file_id


async def get(app, url, token=BOT_TOKEN):
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with app.session.get(url, headers=headers, allow_redirects=False) as response:
        return response.status, response.headers, await response.read()


async def test_the_sdks_own_upload(wire):
    emulator, _, ann, channel = wire
    root = emulator.playground.say(ann, channel, "hello")
    answer = await sdk(emulator).files_upload_v2(
        channel=channel, thread_ts=root, initial_comment="here", filename="näme.txt", content="words"
    )
    assert answer["file"]["shares"] == {}  # that comes later
    (message,) = emulator.world.message(channel, root).replies
    assert (message.read(), [one.name for one in message.files]) == ("here", ["näme.txt"])
    info = await sdk(emulator).files_info(file=answer["file"]["id"])
    (share,) = info["file"]["shares"]["public"][channel]
    assert (share["ts"], share["thread_ts"], info["file"]["size"]) == (message.ts, root, 5)


async def test_several_files_are_one_message(wire):
    emulator, _, ann, _ = wire
    direct = emulator.playground.direct(ann)
    uploads = [{"filename": name, "content": name} for name in ("a.txt", "b.txt")]
    await sdk(emulator).files_upload_v2(channel=direct, file_uploads=uploads)
    (message,) = emulator.world.channel(direct).messages.values()
    assert [one.name for one in message.files] == ["a.txt", "b.txt"]
    shown = (await sdk(emulator).conversations_history(channel=direct))["messages"][0]
    assert (shown["subtype"], [one["name"] for one in shown["files"]]) == ("file_share", ["a.txt", "b.txt"])


async def test_files_may_come_as_a_form(wire):
    emulator, app, *_ = wire
    url, file_id = await announce(app)
    form = aiohttp.FormData()
    form.add_field("file", b"content", filename="a.txt")
    assert (await put(app, url, form))[0] == 200
    assert emulator.files.file(file_id).content == b"content"


async def test_an_upload_wants_its_bytes_and_is_completed_once(wire):
    _, app, _, channel = wire
    url, file_id = await announce(app)
    complete = {"files": [{"id": file_id}], "channel_id": channel}
    assert await app.refused("files.completeUploadExternal", **complete) == "file_not_found"
    assert (await put(app, url, b"too short"))[0] == 400
    assert await app.refused("files.completeUploadExternal", **complete) == "file_not_found"
    assert (await put(app, url, b"content"))[0] == 200
    await app.ok("files.completeUploadExternal", **complete)
    assert await app.refused("files.completeUploadExternal", **complete) == "file_not_found"
    assert (await put(app, url, b"content"))[0] == 404
    assert len(await app.texts(channel)) == 1


@pytest.mark.parametrize(
    ("params", "error"),
    [
        ({"filename": ""}, "invalid_arguments"),
        ({"length": 0}, "missing_argument"),
        ({"length": None}, "missing_argument"),
        ({"length": "x"}, "invalid_arguments"),
        ({"length": 1 << 31}, "file_upload_size_restricted"),
    ],
)
async def test_refused_announcements(wire, params, error):
    _, app, *_ = wire
    given = {"filename": "a.txt", "length": 7, **params}
    sent = {name: value for name, value in given.items() if value is not None}
    assert await app.refused("files.getUploadURLExternal", **sent) == error


@pytest.mark.parametrize(
    ("params", "error"),
    [
        ({"files": []}, "invalid_arguments"),
        ({"files": "["}, "invalid_arguments"),
        ({"files": [{"id": "F999"}]}, "file_not_found"),
        ({"files": ["F999"]}, "file_not_found"),
        ({"channel_id": "C999"}, "channel_not_found"),
        ({"thread_ts": "1.000001"}, "thread_not_found"),
    ],
)
async def test_refused_completions(wire, params, error):
    _, app, _, channel = wire
    given = {"files": [{"id": await upload(app)}], "channel_id": channel, **params}
    assert await app.refused("files.completeUploadExternal", **given) == error
    assert await app.texts(channel) == []


async def test_closed_places_take_no_file(wire):
    emulator, app, _, channel = wire
    given = {"files": [{"id": await upload(app)}], "channel_id": channel}
    emulator.people.remove_bot(channel)
    assert await app.refused("files.completeUploadExternal", **given) == "not_in_channel"
    emulator.people.remove_bot(channel, removed=False)
    emulator.people.archive(channel)
    assert await app.refused("files.completeUploadExternal", **given) == "is_archived"
    emulator.people.archive(channel, archived=False)
    await app.ok("files.completeUploadExternal", **given)


async def test_without_a_channel_nobody_sees_it(wire):
    _, app, _, channel = wire
    file_id = await upload(app)
    await app.ok("files.completeUploadExternal", files=[{"id": file_id}])
    assert await app.texts(channel) == []
    assert (await app.ok("files.info", file=file_id))["file"]["shares"] == {}


async def test_a_file_is_shown_when_slack_gets_round_to_it(wire):
    emulator, app, _, channel = wire
    emulator.files.hold(held=True)
    file_id = await upload(app)
    await app.ok("files.completeUploadExternal", files=[{"id": file_id}], channel_id=channel)
    assert await app.texts(channel) == []
    emulator.files.hold(held=False)
    assert await app.texts(channel) == [""]
    assert channel in (await app.ok("files.info", file=file_id))["file"]["shares"]["public"]


async def test_who_is_handed_a_file(wire):
    emulator, app, ann, channel = wire
    _, (file,) = emulator.people.share(ann, channel, [Given("a b.pdf", b"content")])
    shown = (await app.ok("conversations.history", channel=channel))["messages"][0]["files"][0]
    assert (shown["name"], shown["mimetype"], shown["size"]) == ("a b.pdf", "application/pdf", 7)
    for name in ("url_private", "url_private_download"):
        status, headers, content = await get(app, shown[name])
        assert (status, content, headers["Content-Type"]) == (200, b"content", "application/pdf")
        assert headers["Content-Disposition"].startswith("attachment")
        for token in ("", "xoxb", "xapp-1-2"):
            status, headers, content = await get(app, shown[name], token)
            assert (status, content) == (302, b"")
            assert "?redir=" in headers["Location"]
            status, headers, content = await get(app, headers["Location"], token)
            assert (status, headers["Content-Type"].partition(";")[0]) == (200, "text/html")
    file.deleted = True
    assert (await get(app, shown["url_private"]))[0] == 404
    assert await app.refused("files.info", file=file.id) == "file_deleted"
    (shown,) = (await app.ok("conversations.history", channel=channel))["messages"][0]["files"]
    assert shown == {"id": file.id, "mode": "tombstone"}


async def test_scopes():
    poor = tuple(one for one in SCOPES if not one.startswith(("files:", "reactions:")))
    async with slack(SlackOptions(limits=UNLIMITED, patience=ENDLESS, scopes=poor)) as (emulator, app):
        ann = emulator.playground.person()
        direct = emulator.playground.direct(ann)
        message, (file,) = emulator.people.share(ann, direct, [Given("a.txt", b"content")])
        assert (await get(app, file.as_json()["url_private"]))[0] == 302
        where = {"channel": direct, "timestamp": message.ts}
        for method, scope, params in (
            ("files.info", "files:read", {"file": file.id}),
            ("files.getUploadURLExternal", "files:write", {"filename": "a", "length": 1}),
            ("files.completeUploadExternal", "files:write", {"files": [{"id": file.id}]}),
            ("reactions.add", "reactions:write", {**where, "name": "eyes"}),
            ("reactions.remove", "reactions:write", {**where, "name": "eyes"}),
            ("reactions.get", "reactions:read", where),
        ):
            answer = await app.call(method, **params)
            assert (answer.error, answer.body["needed"]) == ("missing_scope", scope)


async def test_files_of_conversations_that_the_app_is_not_in(wire):
    emulator, app, ann, _ = wire
    private = emulator.world.add_channel(ann, kind="group")
    _, (file,) = emulator.people.share(ann, private.id, [Given("a.txt", b"content")])
    assert (await get(app, file.as_json()["url_private"]))[0] == 200
    emulator.people.remove_bot(private.id)
    assert (await get(app, file.as_json()["url_private"]))[0] == 404
    assert await app.refused("files.info", file=file.id) == "file_not_found"


async def test_what_the_app_hears_of_a_file(wire):
    emulator, app, ann, channel = wire
    socket = await app.connect()
    given = [Given("clip.m4a", b"sound", "video/mp4", voice=True), Given("b.txt", b"text", connect=True)]
    message, (_, hidden) = emulator.people.share(ann, channel, given, text="two")
    event = await socket.event()
    assert (event["subtype"], event["text"], event["ts"]) == ("file_share", "two", message.ts)
    clip, untold = event["files"]
    assert (clip["subtype"], clip["mimetype"], clip["size"]) == ("slack_audio", "video/mp4", 5)
    assert (untold["file_access"], untold["id"]) == ("check_file_info", hidden.id)
    assert "url_private" not in untold
    assert (await app.ok("files.info", file=hidden.id))["file"]["name"] == "b.txt"


# Reactions


async def test_reactions_with_the_sdk(wire):
    emulator, _, ann, channel = wire
    ts = emulator.playground.say(ann, channel, "hello")
    web = sdk(emulator)
    await web.reactions_add(channel=channel, timestamp=ts, name="eyes")
    with pytest.raises(SlackApiError, match="already_reacted"):
        await web.reactions_add(channel=channel, timestamp=ts, name="eyes")
    shown = (await web.reactions_get(channel=channel, timestamp=ts))["message"]["reactions"]
    assert shown == [{"name": "eyes", "users": [emulator.world.bot.id], "count": 1}]
    await web.reactions_remove(channel=channel, timestamp=ts, name="eyes")
    with pytest.raises(SlackApiError, match="no_reaction"):
        await web.reactions_remove(channel=channel, timestamp=ts, name="eyes")
    assert "reactions" not in (await web.conversations_history(channel=channel))["messages"][0]


@pytest.mark.parametrize(
    ("params", "error"),
    [
        ({"channel": "C999"}, "channel_not_found"),
        ({"timestamp": "1.000001"}, "message_not_found"),
        ({"timestamp": "nonsense"}, "bad_timestamp"),
        ({"timestamp": ""}, "no_item_specified"),
        ({"channel": ""}, "no_item_specified"),
        ({"name": "not an emoji"}, "invalid_name"),
        ({"name": ""}, "invalid_arguments"),
    ],
)
async def test_refused_reactions(wire, params, error):
    emulator, app, ann, channel = wire
    ts = emulator.playground.say(ann, channel, "hello")
    given = {"channel": channel, "timestamp": ts, "name": "eyes", **params}
    assert await app.refused("reactions.add", **given) == error


async def test_markdown_that_is_refused(wire):
    emulator, app, ann, channel = wire
    block = {"type": "markdown", "text": "**a**"}
    thread = emulator.playground.say(ann, channel, "hello")
    emulator.api.markdown_refusal = "invalid_blocks"
    assert await app.refused("chat.postMessage", channel=channel, markdown_text="a") == "invalid_blocks"
    assert (
        await app.refused("chat.postMessage", channel=channel, text="a", blocks=[block]) == "invalid_blocks"
    )
    stream = {"channel": channel, "thread_ts": thread, "markdown_text": "a"}
    assert await app.refused("chat.startStream", **stream) == "invalid_blocks"
    ts = await app.post(channel, "a")
    emulator.api.markdown_refusal = "invalid_arguments"
    answer = await app.call("chat.update", channel=channel, ts=ts, markdown_text="b")
    assert (answer.error, answer.body["response_metadata"]) == (
        "invalid_arguments",
        {"messages": ["[ERROR] markdown_text"]},
    )
    emulator.api.markdown_refusal = ""
    await app.ok("chat.update", channel=channel, ts=ts, markdown_text="b")


async def test_everything_of_it_from_another_process(wire):
    emulator, app, *_ = wire
    socket = await app.connect()
    async with SlackControl(emulator.base_url) as control:
        ann = await control.person("Ann")
        channel = await control.channel(ann)
        ts = await control.send_file(ann, channel, "a.bin", b"\0\xff", text="see", mention=True)
        event = await socket.event()
        assert (event["files"][0]["size"], event["text"].endswith("see")) == (2, True)
        await socket.event()
        file_id = event["files"][0]["id"]
        assert base64.b64decode((await control.file(file_id))["base64"]) == b"\0\xff"
        await control.react(ann, channel, ts, "eyes")
        await app.ok("reactions.add", channel=channel, timestamp=ts, name="eyes")
        shown = await control.message(channel, ts)
        assert shown["reactions"][0]["users"] == [ann, emulator.world.bot.id]
        assert (await control.wait_event("reaction", {"user": emulator.world.bot.id}))["name"] == "eyes"
        await control.react(ann, channel, ts, "eyes", removed=True)
        await control.unfurl(channel, ts)
        changed = await socket.event()
        assert (changed["subtype"], "edited" in changed["message"]) == ("message_changed", False)
        await control.delete_file(file_id)
        assert await app.refused("files.info", file=file_id) == "file_deleted"
        await control.files(held=True, largest=5)
        assert emulator.files.holding
        given = {"filename": "a", "length": 6}
        assert await app.refused("files.getUploadURLExternal", **given) == "file_upload_size_restricted"
        await control.refuse_markdown("invalid_blocks")
        assert await app.refused("chat.postMessage", channel=channel, markdown_text="a") == "invalid_blocks"
        await control.refuse_markdown()
        await control.command(ann, channel, "/carryon", "status")
        envelope = await socket.envelope()
        assert (envelope["payload"]["command"], envelope["payload"]["text"]) == ("/carryon", "status")
