"""Windows, pages and metadata of the history, lists of conversations and people, and the lesser methods."""

import pytest

from adapters.emulators.control import ControlError
from adapters.emulators.slack import SlackOptions
from tests.contract.slack_emulator import slack

METADATA = {"event_type": "carryon_reply", "event_payload": {"key": "k1"}}


@pytest.fixture
async def wire():
    async with slack() as (emulator, app):
        ann = emulator.playground.person("Ann")
        yield emulator, app, ann, emulator.playground.channel(ann)


def numbered(emulator, ann, channel, count, **where):
    return [emulator.playground.say(ann, channel, str(number), **where) for number in range(count)]


async def test_windows_of_the_history(wire):
    emulator, app, ann, channel = wire
    ts = numbered(emulator, ann, channel, 5)
    assert await app.texts(channel) == ["4", "3", "2", "1", "0"]
    assert await app.texts(channel, oldest=ts[1]) == ["4", "3", "2"]
    assert await app.texts(channel, oldest=ts[1], inclusive=True) == ["4", "3", "2", "1"]
    assert await app.texts(channel, latest=ts[3]) == ["2", "1", "0"]
    assert await app.texts(channel, oldest=ts[1], latest=ts[3]) == ["2"]
    assert await app.texts(channel, oldest=ts[1], latest=ts[3], inclusive=True) == ["3", "2", "1"]
    assert await app.texts(channel, latest=ts[3], limit=2) == ["2", "1"]
    assert await app.texts(channel, oldest=ts[0], limit=2) == ["2", "1"]  # nearest to the end that is named
    assert await app.texts(channel, oldest="0", limit=2) == ["4", "3"]


@pytest.mark.parametrize(
    ("params", "error"),
    [
        ({"oldest": "yesterday"}, "invalid_ts_oldest"),
        ({"latest": "-1"}, "invalid_ts_latest"),
        ({"limit": 0}, "invalid_limit"),
        ({"limit": 1_000}, "invalid_limit"),
        ({"limit": "x"}, "invalid_arguments"),
        ({"cursor": "x"}, "invalid_cursor"),
        ({"cursor": "eA=="}, "invalid_cursor"),
        ({"channel": "C1"}, "channel_not_found"),
    ],
)
async def test_refused_windows(wire, params, error):
    _, app, _, channel = wire
    assert await app.refused("conversations.history", **{"channel": channel, **params}) == error


async def pages(app, method, key, **params):
    found = []
    cursor = ""
    while True:
        answer = await app.ok(method, **params, **({"cursor": cursor} if cursor else {}))
        found.append(answer[key])
        cursor = answer.get("response_metadata", {}).get("next_cursor", "")
        assert bool(cursor) == answer.get("has_more", bool(cursor))
        if not cursor:
            return found


async def test_pages(wire):
    emulator, app, ann, channel = wire
    ts = numbered(emulator, ann, channel, 5)
    found = await pages(app, "conversations.history", "messages", channel=channel, limit=2)
    assert [[one["text"] for one in page] for page in found] == [["4", "3"], ["2", "1"], ["0"]]
    found = await pages(app, "conversations.history", "messages", channel=channel, limit=2, oldest=ts[0])
    assert [[one["text"] for one in page] for page in found] == [["2", "1"], ["4", "3"]]
    numbered(emulator, ann, channel, 3, thread=ts[0])
    found = await pages(app, "conversations.replies", "messages", channel=channel, ts=ts[0], limit=2)
    assert [[one["text"] for one in page] for page in found] == [["0", "0", "1"], ["0", "2"]]
    for method, key in (("conversations.list", "channels"), ("users.conversations", "channels")):
        emulator.playground.channel(ann)
        assert all(len(page) <= 1 for page in await pages(app, method, key, limit=1))
    assert await app.refused("conversations.list", cursor="x") == "invalid_cursor"


async def test_replies(wire):
    emulator, app, ann, channel = wire
    root = emulator.playground.say(ann, channel, "root")
    ts = numbered(emulator, ann, channel, 4, thread=root)

    async def texts(**window):
        found = await app.ok("conversations.replies", channel=channel, ts=root, **window)
        return [one["text"] for one in found["messages"]]

    assert await texts() == ["root", "0", "1", "2", "3"]
    assert await texts(oldest=ts[1]) == ["root", "2", "3"]
    assert await texts(oldest=ts[1], latest=ts[3], inclusive=True) == ["root", "1", "2", "3"]
    assert await app.refused("conversations.replies", channel=channel, ts="1.1") == "thread_not_found"
    alone = emulator.playground.say(ann, channel, "alone")
    [only] = (await app.ok("conversations.replies", channel=channel, ts=alone))["messages"]
    assert (only["text"], "thread_ts" in only) == ("alone", False)


async def test_metadata_is_shown_on_request(wire):
    _, app, _, channel = wire
    root = await app.post(channel, "root", metadata=METADATA)
    await app.post(channel, "reply", thread_ts=root, metadata=METADATA)
    for method, params in (("conversations.history", {}), ("conversations.replies", {"ts": root})):
        plain = (await app.ok(method, channel=channel, **params))["messages"]
        assert not any("metadata" in one for one in plain)
        full = (await app.ok(method, channel=channel, include_all_metadata=True, **params))["messages"]
        assert all(one["metadata"] == METADATA for one in full)


async def test_stamps_never_repeat(wire):
    emulator, app, ann, channel = wire
    other = emulator.playground.channel(ann)
    said = [emulator.playground.say(ann, one, "x") for one in (channel, other) * 50]
    said.append(await app.post(channel))
    assert said == sorted(set(said))
    assert all(len(one.split(".")[1]) == 6 for one in said)
    async with slack(SlackOptions(now=lambda: 1_700_000_000.0)) as (still, _):
        assert [still.world.stamp() for _ in range(2)] == ["1700000000.000000", "1700000000.000001"]


async def test_what_nobody_could_do(wire):
    emulator, _, ann, channel = wire
    bob = emulator.playground.person()
    ts = emulator.playground.say(ann, channel, "hi")
    playground, people = emulator.playground, emulator.people
    for impossible in (
        lambda: playground.say(bob, channel, "not a member"),
        lambda: playground.say("U1", channel, "nobody"),
        lambda: playground.say(ann, "C1", "nowhere"),
        lambda: playground.say(ann, channel, " "),
        lambda: playground.say(ann, channel, "x" * 12_001),
        lambda: playground.say(ann, channel, "x", thread="1.1"),
        lambda: playground.press(ann, channel, ts, "no button"),
        lambda: playground.redeliver(channel, "1.1"),
        lambda: people.edit(bob, channel, ts, "not theirs"),
        lambda: people.remove_bot(playground.direct(ann)),
        lambda: emulator.socket.disconnect("boredom", close=True),
        lambda: emulator.world.add_channel(kind="im"),
    ):
        with pytest.raises(ControlError):
            impossible()
    playground.shut_out(channel)
    with pytest.raises(ControlError, match="archived"):
        playground.say(ann, channel, "too late")
    assert [one.text for one in playground.shown(channel)] == ["hi"]


async def test_lists_of_conversations(wire):
    emulator, app, ann, channel = wire
    private = emulator.world.add_channel(ann, kind="group").id
    group = emulator.world.add_channel(ann, kind="mpim").id
    direct = emulator.playground.direct(ann)
    left = emulator.playground.channel(ann)
    gone = emulator.playground.channel(ann)
    emulator.people.remove_bot(left)
    emulator.playground.shut_out(gone)

    async def ids(method, **params):
        return [one["id"] for one in (await app.ok(method, **params))["channels"]]

    everything = "public_channel,private_channel,mpim,im"
    assert await ids("conversations.list") == [channel, left, gone]
    assert await ids("users.conversations") == [channel, gone]
    assert await ids("users.conversations", exclude_archived=True) == [channel]
    assert await ids("users.conversations", types=everything) == [channel, private, group, direct, gone]
    assert await app.refused("users.conversations", types="secret") == "invalid_types"
    shown = (await app.ok("conversations.info", channel=direct))["channel"]
    assert (shown["is_im"], shown["user"]) == (True, ann)
    shown = (await app.ok("conversations.info", channel=private))["channel"]
    assert (shown["is_private"], shown["is_member"]) == (True, True)
    assert (await app.ok("conversations.members", channel=channel))["members"] == [ann, emulator.world.bot.id]


async def test_opening_direct_conversations(wire):
    emulator, app, ann, _ = wire
    opened = (await app.ok("conversations.open", users=ann))["channel"]["id"]
    assert opened == emulator.playground.direct(ann)
    bob = emulator.playground.person()
    several = (await app.ok("conversations.open", users=f"{ann},{bob}"))["channel"]["id"]
    assert emulator.world.channel(several).kind == "mpim"
    assert await app.refused("conversations.open", users="U1") == "user_not_found"
    assert await app.refused("conversations.open", users=emulator.world.bot.id) == "cannot_dm_bot"
    assert await app.refused("conversations.open") == "invalid_arguments"


async def test_people_and_bots(wire):
    emulator, app, ann, _ = wire
    assert (await app.ok("users.info", user=ann))["user"]["real_name"] == "Ann"
    assert (await app.ok("users.info", user=emulator.world.bot.id))["user"]["is_bot"]
    assert await app.refused("users.info", user="U1") == "user_not_found"
    assert len((await app.ok("users.list"))["members"]) == 2
    assert (await app.ok("bots.info", bot=emulator.world.app.bot_id))["bot"]["app_id"]
    assert await app.refused("bots.info", bot="B1") == "bot_not_found"
    assert (await app.ok("team.info"))["team"]["id"] == emulator.world.app.team_id
    view = {"type": "home", "blocks": []}
    assert (await app.ok("views.publish", user_id=ann, view=view))["view"]["type"] == "home"
    assert await app.refused("views.publish", user_id=ann, view={"type": "modal"}) == "invalid_arguments"


async def test_reactions(wire):
    emulator, app, ann, channel = wire
    ts = emulator.playground.say(ann, channel, "hi")
    where = {"channel": channel, "timestamp": ts}
    await app.ok("reactions.add", **where, name="eyes")
    assert await app.refused("reactions.add", **where, name="eyes") == "already_reacted"
    assert await app.refused("reactions.add", **where, name="no such") == "invalid_name"
    assert await app.refused("reactions.remove", **where, name="tada") == "no_reaction"
    [message] = (await app.ok("conversations.history", channel=channel))["messages"]
    assert message["reactions"] == [{"name": "eyes", "users": [emulator.world.bot.id], "count": 1}]
    await app.ok("reactions.remove", **where, name="eyes")


async def test_being_at_work(wire):
    emulator, app, ann, channel = wire
    ts = emulator.playground.say(ann, channel, "hi")
    where = {"channel_id": channel, "thread_ts": ts}
    await app.ok("assistant.threads.setStatus", **where, status="is thinking...")
    action = await emulator.events.event("action")
    assert (action.data["chat"], action.data["thread"]) == (channel, ts)
    await app.ok("assistant.threads.setStatus", **where, status="")
    await emulator.events.event("action_cleared")
    refused = await app.refused(
        "assistant.threads.setStatus", channel_id=channel, thread_ts="1.1", status="x"
    )
    assert refused == "invalid_thread_ts"
    many = {"status": "x", "loading_messages": ["m"] * 11}
    assert await app.refused("assistant.threads.setStatus", **where, **many) == "invalid_arguments"
    await app.ok("assistant.threads.setTitle", **where, title="t")
    prompts = [{"title": "t", "message": "m"}]
    await app.ok("assistant.threads.setSuggestedPrompts", **where, prompts=prompts)
