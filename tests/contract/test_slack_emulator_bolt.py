"""The real slack-bolt and slack_sdk against the emulator."""

import asyncio

import pytest
from aiohttp import ClientConnectionError
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.app.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_async_handlers import AsyncRateLimitErrorRetryHandler
from slack_sdk.web.async_client import AsyncWebClient

from adapters.emulators.faults import Fault, FaultKind, When
from adapters.emulators.slack import SlackEmulator, SlackOptions
from adapters.emulators.slack_files import Given
from adapters.emulators.slack_playground import APP_TOKEN, BOT_TOKEN
from tests.contract.slack_emulator import ENDLESS, UNLIMITED
from tests.harness.waiting import within

METADATA = {"event_type": "carryon_reply", "event_payload": {"key": "k1"}}


@pytest.fixture
async def emulator():
    async with SlackEmulator(SlackOptions(limits=UNLIMITED, patience=ENDLESS)) as server:
        yield server


@pytest.fixture
def web(emulator):
    return AsyncWebClient(token=BOT_TOKEN, base_url=emulator.api_url, retry_handlers=[])


class Bolt:
    """A running app that puts what it is told into a queue, from a global middleware."""

    def __init__(self, web):
        self.heard = asyncio.Queue()
        self.failing = False
        self.failed = asyncio.Event()
        self.app = AsyncApp(client=web)
        self.app.use(self.middleware)

    async def middleware(self, body, req, next):  # noqa: A002 - bolt's name
        if self.failing:
            self.failing = False
            self.failed.set()
            raise RuntimeError("the disk is full")
        self.heard.put_nowait((body, req.headers))
        await next()

    async def next(self):
        return await within(self.heard.get(), "something heard")


@pytest.fixture
async def bolt(emulator, web):
    made = Bolt(web)

    @made.app.event({"type": "message"})
    @made.app.event("app_mention")
    async def event():
        pass

    @made.app.event({"type": "message", "subtype": "message_changed"})
    async def changed():
        pass

    @made.app.action("stop")
    async def stop(ack):
        await ack()

    handler = AsyncSocketModeHandler(
        made.app, APP_TOKEN, web_client=AsyncWebClient(base_url=emulator.api_url), ping_interval=0.05
    )
    await handler.connect_async()
    await emulator.wait("connected")
    yield made
    await handler.close_async()


async def test_a_direct_message(emulator, bolt, web):
    ann = emulator.playground.person("Ann")
    direct = emulator.playground.direct(ann)
    ts = emulator.playground.say(ann, direct, "hi")
    body, _ = await bolt.next()
    assert (body["event"]["ts"], body["event"]["channel_type"]) == (ts, "im")
    await emulator.wait("under_way", count=0)
    assert (await web.auth_test())["bot_id"] == emulator.world.app.bot_id


async def test_a_mention_comes_twice(emulator, bolt):
    ann = emulator.playground.person("Ann")
    emulator.playground.say(ann, emulator.playground.channel(ann), "hi", mention=True)
    heard = [(await bolt.next())[0] for _ in range(2)]
    assert {one["event"]["type"] for one in heard} == {"message", "app_mention"}
    assert len({one["event_id"] for one in heard}) == 2
    assert len({one["event"]["ts"] for one in heard}) == 1


async def test_a_middleware_that_raises_acknowledges_nothing(emulator, bolt):
    ann = emulator.playground.person("Ann")
    direct = emulator.playground.direct(ann)
    bolt.failing = True
    emulator.playground.say(ann, direct, "hi")
    await within(bolt.failed.wait(), "the failure")
    emulator.socket.deliveries.hurry()
    body, headers = await bolt.next()
    assert body["event"]["text"] == "hi"
    assert (headers["x-slack-retry-num"], headers["x-slack-retry-reason"]) == (["1"], ["timeout"])
    await emulator.wait("under_way", count=0)


async def test_files_changes_and_deletions(emulator, bolt, web):
    ann = emulator.playground.person("Ann")
    direct = emulator.playground.direct(ann)
    message, (file,) = emulator.people.share(ann, direct, [Given("a.txt", b"content")], text="see")
    shared = (await bolt.next())[0]["event"]
    assert (shared["subtype"], shared["files"][0]["id"]) == ("file_share", file.id)
    emulator.people.edit(ann, direct, message.ts, "look")
    changed = (await bolt.next())[0]["event"]
    assert (changed["message"]["text"], changed["message"]["edited"]["user"]) == ("look", ann)
    emulator.people.unfurl(direct, message.ts)
    unfurled = (await bolt.next())[0]["event"]
    assert unfurled["message"]["edited"] == unfurled["previous_message"]["edited"]
    emulator.people.delete(ann, direct, message.ts)
    deleted = (await bolt.next())[0]["event"]
    assert (deleted["deleted_ts"], deleted["previous_message"]["user"]) == (message.ts, ann)
    emulator.people.command(ann, direct, "/carryon", "status")
    assert (await bolt.next())[0]["text"] == "status"
    info = await web.files_info(file=file.id)
    assert info["file"]["url_private_download"].startswith(emulator.base_url)


@pytest.mark.parametrize("reason", ["warning", "refresh_requested"])
async def test_the_client_comes_back_after_a_goodbye(emulator, bolt, reason):
    emulator.socket.disconnect(reason, close=reason != "warning")
    await emulator.events.event("connected", {"connection": 2})
    ann = emulator.playground.person("Ann")
    await emulator.events.until(lambda: emulator.socket.connected == 1 or None)
    emulator.playground.say(ann, emulator.playground.direct(ann), "hi")
    assert (await bolt.next())[0]["event"]["text"] == "hi"


async def test_the_client_comes_back_after_an_outage(emulator, bolt):
    emulator.playground.disconnect()
    await emulator.events.event("connected", {"connection": 2})
    ann = emulator.playground.person("Ann")
    emulator.playground.say(ann, emulator.playground.direct(ann), "hi")
    assert (await bolt.next())[0]["event"]["text"] == "hi"


async def test_a_click(emulator, bolt, web):
    ann = emulator.playground.person("Ann")
    direct = emulator.playground.direct(ann)
    text = {"type": "plain_text", "text": "Stop"}
    element = {"type": "button", "text": text, "action_id": "stop", "value": "token"}
    blocks = [{"type": "actions", "elements": [element]}]
    sent = await web.chat_postMessage(channel=direct, text="working", blocks=blocks)
    await emulator.wait("under_way", count=0)  # bolt itself passes over the bot's own messages
    emulator.playground.press(ann, direct, sent["ts"], "Stop")
    body, _ = await bolt.next()
    assert (body["actions"][0]["value"], body["container"]["message_ts"]) == ("token", sent["ts"])
    await emulator.events.event("acked", {"envelope_kind": "interactive"})


async def test_history_and_replies(emulator, web):
    ann = emulator.playground.person("Ann")
    channel = emulator.playground.channel(ann)
    root = emulator.playground.say(ann, channel, "root")
    for number in range(5):
        await web.chat_postMessage(channel=channel, text=str(number), thread_ts=root, metadata=METADATA)
    await web.chat_postMessage(channel=channel, text="last", metadata=METADATA)
    history = await web.conversations_history(channel=channel, oldest=root, include_all_metadata=True)
    assert [one["metadata"] for one in history["messages"]] == [METADATA]
    found = []
    page = await web.conversations_replies(channel=channel, ts=root, limit=2, include_all_metadata=True)
    async for one in page:
        found += [reply["text"] for reply in one["messages"][1:]]
        assert all(reply["metadata"] == METADATA for reply in one["messages"][1:])
    assert found == ["0", "1", "2", "3", "4"]


async def test_posted_but_never_heard_of(emulator, web):
    ann = emulator.playground.person("Ann")
    direct = emulator.playground.direct(ann)
    emulator.faults.add(Fault(FaultKind.DROP, "chat.postMessage", When.AFTER))
    with pytest.raises(ClientConnectionError):
        await web.chat_postMessage(channel=direct, text="x", metadata=METADATA)
    found = await web.conversations_history(channel=direct, include_all_metadata=True)
    assert [one["metadata"] for one in found["messages"]] == [METADATA]


async def test_the_default_retries_of_the_sdk_post_twice(emulator):
    careless = AsyncWebClient(token=BOT_TOKEN, base_url=emulator.api_url)
    ann = emulator.playground.person("Ann")
    direct = emulator.playground.direct(ann)
    emulator.faults.add(Fault(FaultKind.DROP, "chat.postMessage", When.AFTER))
    await careless.chat_postMessage(channel=direct, text="x")
    assert [one.text for one in emulator.playground.shown(direct)] == ["x", "x"]


async def test_a_stream(emulator, web):
    ann = emulator.playground.person("Ann")
    channel = emulator.playground.channel(ann)
    root = emulator.playground.say(ann, channel, "go")
    stream = await web.chat_stream(
        channel=channel,
        thread_ts=root,
        buffer_size=4,
        recipient_team_id=emulator.world.app.team_id,
        recipient_user_id=ann,
    )
    for part in ("**hello", " wor", "ld**"):
        await stream.append(markdown_text=part)
    [shown] = emulator.playground.shown(channel, root)
    assert shown.text == "**hello world**"
    with pytest.raises(SlackApiError, match="streaming_state_conflict"):
        await web.chat_update(channel=channel, ts=shown.id, text="x")
    await stream.stop(metadata=METADATA)
    emulator.api.expire_streams()
    with pytest.raises(SlackApiError, match="message_not_in_streaming_state"):
        await web.chat_stopStream(channel=channel, ts=shown.id)


async def test_refusals_become_exceptions(emulator, web):
    ann = emulator.playground.person("Ann")
    direct = emulator.playground.direct(ann)
    for kind, status, error in (
        (FaultKind.TOO_MANY, 429, "ratelimited"),
        (FaultKind.SERVER_ERROR, 500, "internal_error"),
        (FaultKind.BAD_GATEWAY, 502, "service_unavailable"),
    ):
        emulator.faults.add(Fault(kind, "chat.postMessage", retry_after=9))
        with pytest.raises(SlackApiError) as caught:
            await web.chat_postMessage(channel=direct, text="x")
        assert (caught.value.response.status_code, caught.value.response["error"]) == (status, error)
        assert caught.value.response.headers.get("Retry-After") == ("9" if status == 429 else None)
    emulator.faults.add(Fault(FaultKind.RUBBISH, "chat.postMessage"))
    with pytest.raises(SlackApiError):
        await web.chat_postMessage(channel=direct, text="x")
    emulator.playground.shut_out(direct)
    with pytest.raises(SlackApiError, match="is_archived"):
        await web.chat_postMessage(channel=direct, text="x")


async def test_the_sdk_waits_as_long_as_it_is_told(emulator):
    patient = AsyncWebClient(
        token=BOT_TOKEN, base_url=emulator.api_url, retry_handlers=[AsyncRateLimitErrorRetryHandler()]
    )
    emulator.faults.add(Fault(FaultKind.TOO_MANY, "auth.test", retry_after=0))
    assert (await patient.auth_test())["ok"]


async def test_the_rest_of_the_methods(emulator, web):
    ann = emulator.playground.person("Ann")
    channel = emulator.playground.channel(ann)
    direct = (await web.conversations_open(users=[ann]))["channel"]["id"]
    sent = await web.chat_postMessage(channel=direct, markdown_text="# hi", unfurl_links=False)
    assert (await web.chat_update(channel=direct, ts=sent["ts"], text="ho"))["text"] == "ho"
    await web.reactions_add(channel=direct, timestamp=sent["ts"], name="eyes")
    await web.reactions_remove(channel=direct, timestamp=sent["ts"], name="eyes")
    await web.assistant_threads_setStatus(channel_id=direct, thread_ts=sent["ts"], status="thinking")
    await web.assistant_threads_setTitle(channel_id=direct, thread_ts=sent["ts"], title="t")
    await web.chat_postEphemeral(channel=channel, user=ann, text="psst")
    await web.chat_delete(channel=direct, ts=sent["ts"])
    joined = await web.users_conversations(types=["public_channel", "im"])
    assert [one["id"] for one in joined["channels"]] == [channel, direct]
    assert len((await web.conversations_list())["channels"]) == 1
    assert (await web.conversations_info(channel=channel))["channel"]["is_member"]
    assert len((await web.conversations_members(channel=channel))["members"]) == 2
    assert (await web.users_info(user=ann))["user"]["name"] == "ann"
    assert len((await web.users_list())["members"]) == 2
    assert (await web.bots_info(bot=emulator.world.app.bot_id))["bot"]["name"] == "carryon"
    assert (await web.team_info())["team"]["domain"] == "carryon"
    await web.views_publish(user_id=ann, view={"type": "home", "blocks": []})
