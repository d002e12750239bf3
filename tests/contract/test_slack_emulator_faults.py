"""Faults strike before or after the effect; streams are only written to while they are open."""

import aiohttp
import pytest

from adapters.emulators.faults import Fault, FaultKind, When
from adapters.emulators.slack import SlackOptions
from adapters.emulators.slack_api import Streaming
from adapters.emulators.slack_client import SlackControl
from tests.contract.slack_emulator import ENDLESS, UNLIMITED, slack


@pytest.fixture
async def wire():
    async with slack() as (emulator, app):
        ann = emulator.playground.person("Ann")
        yield emulator, app, ann, emulator.playground.direct(ann)


def said(emulator, chat):
    return [one.text for one in emulator.playground.shown(chat) if one.from_bot]


@pytest.mark.parametrize("when", When)
@pytest.mark.parametrize(
    ("status", "error"), [(429, "ratelimited"), (500, "internal_error"), (502, "service_unavailable")]
)
async def test_error_answers(wire, status, error, when):
    emulator, app, _, direct = wire
    emulator.faults.add(Fault(FaultKind(str(status)), "chat.postMessage", when, retry_after=7))
    answer = await app.call("chat.postMessage", channel=direct, text="x")
    assert (answer.status, answer.error) == (status, error)
    assert answer.headers.get("Retry-After") == ("7" if status == 429 else None)
    assert said(emulator, direct) == (["x"] if when is When.AFTER else [])
    await app.post(direct, "y")
    assert [call.outcome for call in emulator.calls.since(method="chat.postMessage")] == ["fault", "ok"]


@pytest.mark.parametrize("when", When)
async def test_drop(wire, when):
    emulator, app, _, direct = wire
    emulator.faults.add(Fault(FaultKind.DROP, "chat.postMessage", when, chat=direct, text="x"))
    await app.post(direct, "y")
    with pytest.raises(aiohttp.ClientConnectionError):
        await app.post(direct, "x")
    assert said(emulator, direct) == (["y", "x"] if when is When.AFTER else ["y"])


async def test_rubbish(wire):
    emulator, app, *_ = wire
    emulator.faults.add(Fault(FaultKind.RUBBISH, "auth.test"))
    async with app.session.post(emulator.api_url + "auth.test") as response:
        assert (response.status, response.content_type) == (200, "text/html")


async def test_a_refused_call_has_no_after(wire):
    emulator, app, _, direct = wire
    emulator.faults.add(Fault(FaultKind.DROP, "chat.postMessage", When.AFTER))
    assert await app.refused("chat.postMessage", channel=direct) == "no_text"
    assert len(emulator.faults.armed()) == 1


async def test_a_stream(wire):
    emulator, app, ann, direct = wire
    root = emulator.playground.say(ann, direct, "go")
    ts = (await app.ok("chat.startStream", channel=direct, thread_ts=root, markdown_text="**one"))["ts"]
    await app.ok("chat.appendStream", channel=direct, ts=ts, markdown_text=" two**")
    [shown] = emulator.playground.shown(direct, root)
    assert (shown.text, shown.from_bot) == ("**one two**", True)
    assert await app.refused("chat.update", channel=direct, ts=ts, text="x") == "streaming_state_conflict"
    assert await app.refused("chat.delete", channel=direct, ts=ts) == "cant_delete_message"
    metadata = {"event_type": "e", "event_payload": {}}
    chunks = [{"type": "markdown_text", "text": " three"}, {"type": "task_update", "id": "1"}]
    text = {"type": "plain_text", "text": "Again"}
    blocks = [{"type": "actions", "elements": [{"type": "button", "text": text}]}]
    where = {"channel": direct, "ts": ts}
    await app.ok("chat.stopStream", **where, chunks=chunks, blocks=blocks, metadata=metadata)
    [shown] = emulator.playground.shown(direct, root)
    assert (shown.text, shown.labels, shown.edits) == ("**one two** three", ("Again",), 0)
    found = await app.ok("conversations.replies", channel=direct, ts=root, include_all_metadata=True)
    assert found["messages"][1]["metadata"] == metadata
    assert (
        await app.refused("chat.appendStream", **where, markdown_text="x") == "message_not_in_streaming_state"
    )
    assert await app.refused("chat.stopStream", **where) == "message_not_in_streaming_state"
    await app.ok("chat.update", **where, markdown_text="afterwards")
    assert emulator.playground.shown(direct, root)[0].text == "afterwards"


async def test_refused_streams(wire):
    emulator, app, ann, direct = wire
    channel = emulator.playground.channel(ann)
    root = emulator.playground.say(ann, channel, "go")
    where = {"channel": channel, "thread_ts": root}
    team = {"recipient_team_id": emulator.world.app.team_id}
    for params, error in (
        ({"channel": direct}, "invalid_arguments"),
        ({"channel": direct, "thread_ts": "1.1"}, "thread_not_found"),
        (where, "missing_recipient_team_id"),
        (where | team, "missing_recipient_user_id"),
        (where | team | {"recipient_user_id": "U1"}, "user_not_found"),
        (where | {"markdown_text": "x" * 12_001}, "msg_too_long"),
        (where | {"chunks": [{"type": "song"}]}, "invalid_chunks"),
        (where | {"chunks": [{"type": "markdown_text"}]}, "invalid_chunks"),
    ):
        assert await app.refused("chat.startStream", **params) == error
    ts = (await app.ok("chat.startStream", **where, **team, recipient_user_id=ann))["ts"]
    theirs = {"channel": channel, "ts": root, "markdown_text": "x"}
    assert await app.refused("chat.appendStream", **theirs) == "message_not_owned_by_app"
    nobodys = {"channel": channel, "ts": "1.1", "markdown_text": "x"}
    assert await app.refused("chat.appendStream", **nobodys) == "message_not_found"
    assert await app.refused("chat.appendStream", channel=channel, ts=ts) == "no_text"
    posted = {"channel": channel, "ts": await app.post(channel), "markdown_text": "x"}
    assert await app.refused("chat.appendStream", **posted) == "message_not_in_streaming_state"


@pytest.mark.parametrize("steps", [[31], [29] * 11])
async def test_streams_do_not_stay_open_for_ever(steps):
    now = 0.0
    options = SlackOptions(limits=UNLIMITED, patience=ENDLESS, clock=lambda: now, streaming=Streaming())
    async with slack(options) as (emulator, app):
        ann = emulator.playground.person()
        direct = emulator.playground.direct(ann)
        root = emulator.playground.say(ann, direct, "go")
        ts = (await app.ok("chat.startStream", channel=direct, thread_ts=root, markdown_text="."))["ts"]
        *fine, late = steps
        for step in fine:
            now += step
            await app.ok("chat.appendStream", channel=direct, ts=ts, markdown_text=".")
        now += late
        refused = await app.refused("chat.appendStream", channel=direct, ts=ts, markdown_text="late")
        assert refused == "message_not_in_streaming_state"
        assert said(emulator, direct) == ["." * len(steps)]
        await app.ok("chat.update", channel=direct, ts=ts, markdown_text="whole")


async def test_everything_from_another_process(wire):
    emulator, app, *_ = wire
    socket = await app.connect()
    async with SlackControl(emulator.base_url) as control:
        ann = await control.person("Ann")
        direct, channel = await control.direct(ann), await control.channel(ann)
        ts = await control.say(ann, channel, "hi", mention=True)
        assert [(await socket.event())["type"] for _ in range(2)] == ["message", "app_mention"]
        await control.say(ann, channel, "more", thread=ts)
        assert (await socket.event())["thread_ts"] == ts
        await control.edit(ann, channel, ts, "ho")
        assert (await socket.event())["subtype"] == "message_changed"
        await control.erase(ann, channel, ts)
        stone = await socket.event()  # what others have answered leaves a stone behind
        assert (stone["subtype"], stone["message"]["subtype"]) == ("message_changed", "tombstone")
        await control.mute()
        await control.say(ann, direct, "unheard")
        await control.mute(muted=False)
        await control.reorder()
        for text in ("second", "first"):
            await control.say(ann, direct, text)
        assert [(await socket.event())["text"] for _ in range(2)] == ["first", "second"]
        text = {"type": "plain_text", "text": "Go"}
        blocks = [{"type": "actions", "elements": [{"type": "button", "text": text}]}]
        posted = await app.post(direct, "press", blocks=blocks)
        await socket.event()
        await control.click(ann, direct, posted, "Go")
        await socket.ack(await socket.envelope())
        assert (await control.shown(direct))[-1]["labels"] == ["Go"]
        await control.request("POST", "redeliver", chat=direct, message=posted)
        assert (await socket.event())["ts"] == posted
        await control.patience(ack=500, retries=[1, 2])
        assert emulator.socket.deliveries.patience.retries == (1.0, 2.0)
        await control.limits(enabled=True, scale=2)
        assert await control.request("GET", "limits") == {"enabled": True, "scale": 2.0}
        root = await control.say(ann, direct, "stream")
        await socket.event()
        stream = (await app.ok("chat.startStream", channel=direct, thread_ts=root))["ts"]
        await socket.event()
        assert await control.request("POST", "expire_streams") == {"expired": 1}
        refused = await app.refused("chat.stopStream", channel=direct, ts=stream)
        assert refused == "message_not_in_streaming_state"
        await control.remove_bot(channel)
        assert (await socket.event())["type"] == "channel_left"
        await control.archive(direct)
        assert await app.refused("chat.postMessage", channel=direct, text="x") == "is_archived"
        assert (await control.request("GET", "world"))["connections"] == 1
        await control.disconnect()
        assert (await socket.receive())["reason"] == "refresh_requested"
        await control.wait("disconnected")
