"""The emulated Web API refuses what Slack refuses, in Slack's words, and writes what Slack writes."""

import pytest

from adapters.emulators.slack import SlackOptions
from adapters.emulators.slack_api import SCOPES, Limits
from adapters.emulators.slack_playground import APP_TOKEN, BOT_TOKEN
from tests.contract.slack_emulator import ENDLESS, UNLIMITED, slack


@pytest.fixture
async def wire():
    async with slack() as (emulator, app):
        ann = emulator.playground.person("Ann")
        yield emulator, app, ann, emulator.playground.channel(ann)


def button(text="Stop", **more):
    shown = {"type": "plain_text", "text": text}
    return {"type": "actions", "elements": [{"type": "button", "text": shown, **more}]}


def section(text):
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


async def test_tokens(wire):
    emulator, app, *_ = wire
    me = await app.ok("auth.test")
    assert (me["user_id"], me["bot_id"]) == (emulator.world.bot.id, emulator.world.app.bot_id)
    assert await app.refused("auth.test", token="") == "not_authed"
    assert await app.refused("auth.test", token="xoxb") == "invalid_auth"
    assert await app.refused("auth.test", token=APP_TOKEN) == "not_allowed_token_type"
    assert await app.refused("apps.connections.open", token=BOT_TOKEN) == "not_allowed_token_type"
    assert (await app.form("auth.test", token=BOT_TOKEN)).body["ok"]
    # A token in a JSON body is not looked at.
    assert (await app.session.post(emulator.api_url + "auth.test", json={"token": BOT_TOKEN})).status == 200
    assert [call.detail for call in emulator.calls.since()][-1] == "not_authed"
    emulator.revoke()
    assert await app.refused("auth.test") == "token_revoked"


async def test_only_the_given_tokens():
    options = SlackOptions(bot_tokens=("xoxb-mine",), app_tokens=("xapp-mine",))
    async with slack(options) as (emulator, app):
        assert (await app.ok("auth.test", token="xoxb-mine"))["ok"]
        assert await app.refused("auth.test") == "invalid_auth"
        assert emulator.playground.settings()["bot_token"] == "xoxb-mine"
        assert emulator.playground.settings()["app_token"] == "xapp-mine"


async def test_scopes(wire):
    _, app, _, channel = wire
    answer = await app.call("chat.postMessage", channel=channel, text="x")
    assert answer.headers["x-oauth-scopes"].split(",") == list(SCOPES)
    options = SlackOptions(limits=UNLIMITED, patience=ENDLESS, scopes=("im:history",))
    async with slack(options) as (emulator, poor):
        ann = emulator.playground.person()
        answer = await poor.call("chat.postMessage", channel=emulator.playground.direct(ann), text="x")
        assert answer.body == {
            "ok": False,
            "error": "missing_scope",
            "needed": "chat:write",
            "provided": "im:history",
        }
        assert await poor.texts(emulator.playground.direct(ann)) == []
        answer = await poor.call("conversations.history", channel=emulator.playground.channel(ann))
        assert answer.body["needed"] == "channels:history"


async def test_calls_that_cannot_be_read(wire):
    emulator, app, *_ = wire
    assert await app.refused("chat.sendMessage") == "unknown_method"
    headers = {"Authorization": f"Bearer {BOT_TOKEN}"}
    for body, kind, error in (
        (b"{", "application/json", "invalid_json"),
        (b"[]", "application/json", "json_not_object"),
        (b'{"text": "\\ud800"}', "application/json", "invalid_json"),
        (b"text=\xff", "application/x-www-form-urlencoded", "invalid_form_data"),
        (b"<a/>", "application/xml", "invalid_post_type"),
    ):
        sent = {**headers, "Content-Type": kind}
        async with app.session.post(emulator.api_url + "auth.test", data=body, headers=sent) as response:
            assert (await response.json())["error"] == error
    async with app.session.get(emulator.base_url + "/elsewhere") as response:
        assert response.status == 404


@pytest.mark.parametrize(
    ("params", "error"),
    [
        ({"channel": "C9"}, "channel_not_found"),
        ({"channel": ""}, "invalid_arguments"),
        ({"channel": "U0000000001"}, "cannot_dm_bot"),
        ({"text": ""}, "no_text"),
        ({"text": None}, "no_text"),
        ({"markdown_text": "x"}, "markdown_text_conflict"),
        ({"text": None, "markdown_text": "x", "blocks": [section("y")]}, "markdown_text_conflict"),
        ({"text": None, "markdown_text": "x" * 12_001}, "msg_too_long"),
        ({"thread_ts": "1700000000.000001"}, "thread_not_found"),
        ({"metadata": {"event_type": "e"}}, "invalid_metadata_format"),
        ({"metadata": "{"}, "invalid_metadata_format"),
        ({"blocks": "{"}, "invalid_blocks_format"),
        ({"blocks": [section("x")] * 51}, "invalid_blocks"),
        ({"blocks": [section("x" * 3_001)]}, "invalid_blocks"),
        ({"blocks": [section("")]}, "invalid_blocks"),
        ({"blocks": [{"type": "section"}]}, "invalid_blocks"),
        ({"blocks": [{"type": "poem"}]}, "invalid_blocks"),
        ({"blocks": ["x"]}, "invalid_blocks"),
        ({"blocks": [{**section("x"), "block_id": "b"}] * 2}, "invalid_blocks"),
        ({"blocks": [{"type": "markdown", "text": "x" * 7_000}] * 2}, "invalid_blocks"),
        ({"blocks": [section("x" * 3_000)] * 5}, "msg_blocks_too_long"),
        ({"blocks": [button("x" * 76)]}, "invalid_blocks"),
        ({"blocks": [button(value="x" * 2_001)]}, "invalid_blocks"),
        ({"blocks": [button(action_id="x" * 256)]}, "invalid_blocks"),
        ({"blocks": [button(style="loud")]}, "invalid_blocks"),
        (
            {"blocks": [{"type": "actions", "elements": button(action_id="a")["elements"] * 2}]},
            "invalid_blocks",
        ),
        ({"blocks": [{"type": "actions", "elements": []}]}, "invalid_blocks"),
    ],
)
async def test_refused_messages(wire, params, error):
    emulator, app, _, channel = wire
    given = {"channel": channel, "text": "hi", **params}
    sent = {name: value for name, value in given.items() if value is not None}
    assert await app.refused("chat.postMessage", **sent) == error
    assert emulator.playground.shown(channel) == []


async def test_what_is_at_the_limits_passes(wire):
    emulator, app, ann, channel = wire
    await app.ok("chat.postMessage", channel=channel, markdown_text="x" * 12_000)
    await app.ok("chat.postMessage", channel=channel, blocks=[section("x" * 3_000)])
    await app.ok("chat.postMessage", channel=channel, blocks=[{"type": "markdown", "text": "x" * 12_000}])
    await app.ok("chat.postMessage", channel=channel, blocks=[button("x" * 75, value="v" * 2_000)])
    await app.ok("chat.postMessage", channel=channel, text="x" * 40_001)
    assert [len(one.text) for one in emulator.playground.shown(channel)] == [12_000, 3_000, 12_000, 0, 40_000]
    sent = await app.ok("chat.postMessage", channel=ann, text="to a user's id")
    assert sent["channel"] == emulator.playground.direct(ann)


async def test_what_people_read(wire):
    emulator, app, _, channel = wire
    await app.post(channel, "a &lt; b &amp; c")
    await app.ok("chat.postMessage", channel=channel, markdown_text="**a** &lt; b")
    await app.post(channel, "in notifications", blocks=[section("shown &gt; that"), button()])
    form = await app.form(
        "chat.postMessage", token=BOT_TOKEN, channel=channel, blocks='[{"type":"markdown","text":"*m*"}]'
    )
    assert form.body["ok"]
    shown = emulator.playground.shown(channel)
    assert [one.text for one in shown] == ["a < b & c", "**a** &lt; b", "shown > that", "*m*"]
    assert [one.labels for one in shown] == [(), (), ("Stop",), ()]


async def test_threads(wire):
    emulator, app, ann, channel = wire
    root = emulator.playground.say(ann, channel, "root")
    first = await app.post(channel, "one", thread_ts=root)
    await app.post(channel, "two", thread_ts=first)  # a reply's ts leads to its thread
    await app.post(channel, "aloud", thread_ts=root, reply_broadcast=True)
    emulator.playground.say(ann, channel, "three", reply_to=first)
    assert await app.texts(channel) == ["aloud", "root"]
    found = (await app.ok("conversations.replies", channel=channel, ts=root))["messages"]
    assert [one["text"] for one in found] == ["root", "one", "two", "aloud", "three"]
    parent = found[0]
    assert (parent["thread_ts"], parent["reply_count"], parent["latest_reply"]) == (root, 4, found[-1]["ts"])
    assert parent["reply_users"] == [emulator.world.bot.id, ann]
    assert {one["thread_ts"] for one in found} == {root}
    assert found[1]["parent_user_id"] == ann
    assert [one.thread for one in emulator.playground.shown(channel)] == ["", *[root] * 4]
    assert [one.text for one in emulator.playground.shown(channel, root)][-1] == "three"


async def test_updates(wire):
    emulator, app, ann, channel = wire
    theirs = emulator.playground.say(ann, channel, "hello")
    ts = await app.post(channel, "one", blocks=[button()])
    for params, error in (
        ({"ts": theirs, "text": "x"}, "cant_update_message"),
        ({"ts": "1.1", "text": "x"}, "message_not_found"),
        ({"ts": ts, "text": "x" * 4_001}, "msg_too_long"),
        ({"ts": ts}, "no_text"),
        ({"text": "x"}, "invalid_arguments"),
    ):
        assert await app.refused("chat.update", channel=channel, **params) == error
    updated = await app.ok("chat.update", channel=channel, ts=ts, text="two")
    assert (updated["ts"], updated["text"], updated["message"]["text"]) == (ts, "two", "two")
    await app.ok("chat.update", channel=channel, ts=ts, text="two")  # the same again is no refusal
    [shown] = [one for one in emulator.playground.shown(channel) if one.from_bot]
    assert (shown.text, shown.edits, shown.labels) == ("two", 1, ())
    await app.ok("chat.update", channel=channel, ts=ts, markdown_text="# three")
    await app.ok(
        "chat.update", channel=channel, ts=ts, metadata={"event_type": "e", "event_payload": {"k": 1}}
    )
    [shown] = [one for one in emulator.playground.shown(channel) if one.from_bot]
    assert (shown.text, shown.edits) == ("# three", 2)


async def test_deletions(wire):
    emulator, app, ann, channel = wire
    theirs = emulator.playground.say(ann, channel, "hello")
    ts = await app.post(channel)
    assert await app.refused("chat.delete", channel=channel, ts=theirs) == "cant_delete_message"
    await app.ok("chat.delete", channel=channel, ts=ts)
    assert await app.refused("chat.delete", channel=channel, ts=ts) == "message_not_found"
    assert await app.refused("chat.update", channel=channel, ts=ts, text="x") == "message_not_found"
    assert await app.texts(channel) == ["hello"]
    emulator.playground.say(ann, channel, "reply", thread=theirs)
    emulator.people.delete(ann, channel, theirs)
    [tombstone] = (await app.ok("conversations.history", channel=channel))["messages"]
    assert (tombstone["subtype"], tombstone["reply_count"]) == ("tombstone", 1)
    assert (
        await app.refused("chat.postMessage", channel=channel, text="x", thread_ts=theirs)
        == "thread_not_found"
    )
    assert [one.text for one in emulator.playground.shown(channel)] == ["reply"]


async def test_ephemeral_messages(wire):
    emulator, app, ann, channel = wire
    await app.ok("chat.postEphemeral", channel=channel, user=ann, text="psst")
    bob = emulator.playground.person()
    assert (
        await app.refused("chat.postEphemeral", channel=channel, user=bob, text="x") == "user_not_in_channel"
    )
    assert emulator.playground.shown(channel) == []
    assert (await emulator.events.event("ephemeral")).data["text"] == "psst"


async def test_closed_channels(wire):
    emulator, app, ann, channel = wire
    private = emulator.world.add_channel(ann, kind="group").id
    ts = await app.post(channel)
    emulator.people.remove_bot(channel)
    emulator.people.remove_bot(private)
    for method, params in (
        ("chat.postMessage", {"text": "x"}),
        ("chat.update", {"ts": ts, "text": "x"}),
        ("conversations.history", {}),
        ("conversations.replies", {"ts": ts}),
        ("reactions.add", {"timestamp": ts, "name": "eyes"}),
    ):
        assert await app.refused(method, channel=channel, **params) == "not_in_channel"
        assert await app.refused(method, channel=private, **params) == "channel_not_found"
    assert not (await app.ok("conversations.info", channel=channel))["channel"]["is_member"]
    emulator.people.remove_bot(channel, removed=False)
    emulator.playground.shut_out(channel)
    assert await app.refused("chat.postMessage", channel=channel, text="x") == "is_archived"
    assert (await app.ok("conversations.info", channel=channel))["channel"]["is_archived"]
    assert await app.texts(channel) == ["x"]


async def test_rate_limits_per_channel_and_method():
    now = 1_000.0
    options = SlackOptions(limits=Limits(), patience=ENDLESS, clock=lambda: now)
    async with slack(options) as (emulator, app):
        ann = emulator.playground.person()
        one, other = emulator.playground.channel(ann), emulator.playground.channel(ann)
        for _ in range(3):
            await app.post(one)
        answer = await app.call("chat.postMessage", channel=one, text="x")
        assert (answer.status, answer.error, answer.headers["Retry-After"]) == (429, "ratelimited", "1")
        await app.post(other)
        now += 1
        await app.post(one)
        assert [(await app.call("conversations.list")).status for _ in range(21)] == [200] * 20 + [429]
        answer = await app.call("conversations.list")
        assert answer.headers["Retry-After"] == "3"
        await app.ok("conversations.info", channel=one)
        assert [call.outcome for call in emulator.calls.since(method="chat.postMessage")].count(
            "refused"
        ) == 1


async def test_rate_limits_can_be_scaled():
    options = SlackOptions(limits=Limits(scale=1_000), patience=ENDLESS, clock=lambda: 0.0)
    async with slack(options) as (emulator, app):
        channel = emulator.playground.channel()
        for _ in range(3):
            await app.post(channel)
        answer = await app.call("chat.postMessage", channel=channel, text="x")
        assert (answer.status, answer.headers["Retry-After"]) == (429, "1")  # whole seconds at least
