"""The REST API refuses what Discord refuses, with its codes, and answers as Discord answers."""

import json
import time

import aiohttp
import pytest

from adapters.emulators.control import ControlError
from adapters.emulators.discord import DiscordOptions
from adapters.emulators.discord_limits import Limits
from adapters.emulators.discord_values import EPOCH
from tests.contract.discord_emulator import (
    TOKEN,
    UNLIMITED,
    Clock,
    RawBot,
    discord_emulator,
    discord_fixtures,
)

wire, ann, direct, channel = discord_fixtures()


def row(*buttons):
    return {"type": 1, "components": list(buttons)}


def button(custom_id="go", label="Go", **fields):
    return {"type": 2, "style": 1, "label": label, "custom_id": custom_id, **fields}


async def test_who_the_bot_is(wire):
    emulator, bot = wire
    me = await bot.get("/users/@me")
    assert (me["id"], me["bot"]) == (str(emulator.world.bot.id), True)
    for path in ("/oauth2/applications/@me", "/applications/@me"):
        application = await bot.get(path)
        assert application["owner"]["username"] == "owner"
        assert application["flags"] == 1 << 19
    assert await bot.get("/gateway") == {"url": emulator.gateway_url}
    gateway = await bot.get("/gateway/bot")
    assert (gateway["url"], gateway["shards"]) == (emulator.gateway_url, 1)
    assert gateway["session_start_limit"]["remaining"] == 1000


@pytest.mark.parametrize(
    "header", [None, "Bot nonsense", f"Bearer {TOKEN}", TOKEN, "Bot " + "a" * 24 + ".b.c"]
)
async def test_a_token_of_no_shape(wire, header):
    _, bot = wire
    bot.headers = {} if header is None else {"Authorization": header}
    answer = await bot.call("GET", "/users/@me")
    assert (answer.status, answer.body) == (401, {"message": "401: Unauthorized", "code": 0})


async def test_only_known_tokens():
    async with discord_emulator(DiscordOptions(tokens=(TOKEN,), limits=UNLIMITED)) as (emulator, bot):
        assert (await bot.call("GET", "/users/@me")).status == 200
        stranger = RawBot(bot.session, emulator, TOKEN + "x")
        assert (await stranger.call("GET", "/users/@me")).refusal == (401, 0)


async def test_no_such_route(wire):
    _, bot = wire
    assert (await bot.call("GET", "/nonsense")).refusal == (404, 0)
    assert (await bot.call("DELETE", "/users/@me")).refusal == (405, 0)


async def test_ids_grow_and_hold_the_time(wire, direct):
    _, bot = wire
    before = int(time.time() * 1000)
    ids = [int((await bot.sent(direct, str(number)))["id"]) for number in range(5)]
    assert ids == sorted(set(ids))
    assert before <= (ids[0] >> 22) + EPOCH <= time.time() * 1000
    assert (await bot.get(f"/channels/{direct}"))["last_message_id"] == str(ids[-1])


@pytest.mark.parametrize(
    ("fields", "where", "what"),
    [
        ({"content": "x" * 2001}, "content", "BASE_TYPE_MAX_LENGTH"),
        ({"content": ["x"]}, "content", "STRING_TYPE_CONVERT"),
        ({"content": "x", "nonce": "n" * 26}, "nonce", "BASE_TYPE_MAX_LENGTH"),
        ({"content": "x", "nonce": True}, "nonce", "NONCE_TYPE_INVALID"),
        ({"content": "x", "components": "no"}, "components", "LIST_TYPE_CONVERT"),
        ({"components": [row(button())] * 6}, "components", "BASE_TYPE_BAD_LENGTH"),
        ({"components": [button()]}, "components.0.type", "UNION_TYPE_CHOICES"),
        ({"components": [row()]}, "components.0.components", "BASE_TYPE_BAD_LENGTH"),
        (
            {"components": [row(*(button(str(number)) for number in range(6)))]},
            "components.0.components",
            "BASE_TYPE_BAD_LENGTH",
        ),
        (
            {"components": [row(button("c" * 101))]},
            "components.0.components.0.custom_id",
            "BASE_TYPE_BAD_LENGTH",
        ),
        ({"components": [row(button(""))]}, "components.0.components.0.custom_id", "BASE_TYPE_BAD_LENGTH"),
        (
            {"components": [row(button(), button())]},
            "components.0.components.1.custom_id",
            "COMPONENT_CUSTOM_ID_DUPLICATED",
        ),
        (
            {"components": [row(button(label="x" * 81))]},
            "components.0.components.0.label",
            "BASE_TYPE_MAX_LENGTH",
        ),
        ({"components": [row(button(style=9))]}, "components.0.components.0.style", "BASE_TYPE_CHOICES"),
        (
            {"content": "x", "message_reference": {"message_id": "1"}},
            "message_reference",
            "REPLIES_UNKNOWN_MESSAGE",
        ),
        (
            {"content": "x", "message_reference": {"message_id": "no"}},
            "message_reference.message_id",
            "NUMBER_TYPE_COERCE",
        ),
    ],
)
async def test_forms_that_are_wrong(wire, direct, fields, where, what):
    emulator, bot = wire
    answer = await bot.call("POST", f"/channels/{direct}/messages", fields)
    assert answer.status == 400
    assert answer.where == (where, what)
    assert emulator.playground.shown(direct) == []


@pytest.mark.parametrize("content", ["", "  \n ", None])
async def test_an_empty_message(wire, direct, content):
    assert (await wire[1].send(direct, content)).refusal == (400, 50006)


async def test_lengths_are_of_code_points(wire, direct):
    assert (await wire[1].send(direct, "😀" * 2000)).status == 200
    assert (await wire[1].send(direct, "😀" * 2001)).status == 400


async def test_a_body_that_is_no_json(wire, direct):
    emulator, bot = wire
    url = f"{emulator.api_url}/channels/{direct}/messages"
    kind = {"Content-Type": "application/json"}
    for body in (b"{", b'{"content": "\\ud800"}', b"\xff"):
        async with bot.session.post(url, data=body, headers=bot.headers | kind) as response:
            assert (response.status, (await response.json())["code"]) == (400, 50109)
    async with bot.session.post(url, data=b"content=x", headers=bot.headers) as response:
        assert (await response.json())["code"] == 50006


async def test_a_form_with_payload_json(wire, direct):
    emulator, bot = wire
    form = aiohttp.FormData({"payload_json": json.dumps({"content": "from a form"})})
    form.add_field("files[0]", b"bytes", filename="a.bin")
    url = f"{emulator.api_url}/channels/{direct}/messages"
    async with bot.session.post(url, data=form, headers=bot.headers) as response:
        assert (await response.json())["content"] == "from a form"


async def test_a_nonce_holds_for_its_window():
    clock = Clock()
    async with discord_emulator(DiscordOptions(limits=UNLIMITED, clock=clock)) as (emulator, bot):
        play = emulator.playground
        direct, other = play.direct(play.person()), play.direct(play.person())
        first = await bot.sent(direct, "x", nonce="a", enforce_nonce=True)
        assert first["nonce"] == "a"
        clock.now += 180
        assert (await bot.sent(direct, "y", nonce="a", enforce_nonce=True)) == first
        assert (await bot.sent(direct, "x", nonce="b", enforce_nonce=True))["id"] != first["id"]
        assert (await bot.sent(other, "x", nonce="a", enforce_nonce=True))["id"] != first["id"]
        assert (await bot.sent(direct, "x", nonce="a"))["id"] != first["id"]
        clock.now += 181
        assert (await bot.sent(direct, "x", nonce="b", enforce_nonce=True))["id"] != first["id"]
        assert len(play.shown(direct)) == 4


@pytest.mark.parametrize("shown", [False, True])
async def test_history_may_lack_nonces(shown):
    options = DiscordOptions(limits=UNLIMITED, history_nonce=shown)
    async with discord_emulator(options) as (emulator, bot):
        direct = emulator.playground.direct(emulator.playground.person())
        sent = await bot.sent(direct, "x", nonce="a")
        [read] = await bot.get(f"/channels/{direct}/messages")
        assert ("nonce" in read) is shown
        assert ("nonce" in await bot.get(f"/channels/{direct}/messages/{sent['id']}")) is shown


async def test_history_is_paged(wire, ann, direct):
    emulator, bot = wire
    ids = [emulator.playground.say(ann, direct, str(number)) for number in range(10)]

    async def page(**query):
        found = await bot.get(f"/channels/{direct}/messages", **query)
        return [ids.index(message["id"]) for message in found]

    assert await page() == [9, 8, 7, 6, 5, 4, 3, 2, 1, 0]
    assert await page(limit=2) == [9, 8]
    assert await page(after=ids[3], limit=2) == [5, 4]
    assert await page(after="0", limit=3) == [2, 1, 0]
    assert await page(before=ids[3], limit=2) == [2, 1]
    assert await page(around=ids[5], limit=3) == [6, 5, 4]
    assert await page(after=ids[9]) == []
    for wrong in ("0", "101", "x"):
        answer = await bot.call("GET", f"/channels/{direct}/messages", limit=wrong)
        assert answer.where[0] == "limit"


async def test_replies(wire, ann, channel):
    emulator, bot = wire
    asked = emulator.playground.say(ann, channel, "why?")
    answer = await bot.sent(channel, "so", message_reference={"message_id": asked})
    assert (answer["type"], answer["referenced_message"]["content"]) == (19, "why?")
    back = emulator.playground.say(ann, channel, "ah", reply_to=answer["id"])
    [read, *_] = await bot.get(f"/channels/{channel}/messages")
    assert (read["id"], read["message_reference"]["message_id"]) == (back, answer["id"])
    assert [user["id"] for user in read["mentions"]] == [str(emulator.world.bot.id)]
    gone = {"message_id": "1", "fail_if_not_exists": False}
    assert (await bot.sent(channel, "anyway", message_reference=gone))["type"] == 0
    await bot.call("DELETE", f"/channels/{channel}/messages/{answer['id']}")
    [_, read, *_] = await bot.get(f"/channels/{channel}/messages")
    assert read["referenced_message"] is None


async def test_edits(wire, ann, channel):
    emulator, bot = wire
    sent = await bot.sent(channel, "one", components=[row(button())])
    path = f"/channels/{channel}/messages/{sent['id']}"
    edited = (await bot.call("PATCH", path, {"content": "two"})).result
    assert (edited["content"], edited["edited_timestamp"] is None) == ("two", False)
    assert edited["components"] == sent["components"]
    assert (await bot.call("PATCH", path, {"content": "x" * 2001})).where[0] == "content"
    assert (await bot.call("PATCH", path, {"content": "", "components": []})).refusal == (400, 50006)
    assert (await bot.call("PATCH", path, {"components": []})).result["content"] == "two"
    [shown] = emulator.playground.shown(channel)
    assert (shown.text, shown.edits, shown.labels) == ("two", 2, ())
    foreign = emulator.playground.say(ann, channel, "mine")
    foreign_path = f"/channels/{channel}/messages/{foreign}"
    assert (await bot.call("PATCH", foreign_path, {"content": "x"})).refusal == (403, 50005)
    assert (await bot.call("DELETE", foreign_path)).refusal == (403, 50013)
    assert (await bot.call("DELETE", path)).status == 204
    assert (await bot.call("PATCH", path, {"content": "x"})).refusal == (404, 10008)
    assert (await bot.call("GET", path)).refusal == (404, 10008)


async def test_places_that_are_shut(wire, ann, direct, channel):
    emulator, bot = wire
    said = emulator.playground.say(ann, channel, "hello")
    emulator.people.permit(int(channel), send=False)
    assert (await bot.send(channel, "x")).refusal == (403, 50013)
    assert len(await bot.get(f"/channels/{channel}/messages")) == 1
    emulator.people.permit(int(channel), history=False)
    assert await bot.get(f"/channels/{channel}/messages") == []
    reference = {"message_id": said}
    assert (await bot.send(channel, "x", message_reference=reference)).refusal == (400, 160002)
    for place, code in ((direct, 50007), (channel, 50001)):
        emulator.playground.shut_out(place)
        assert (await bot.send(place, "x")).refusal == (403, code)
        assert (await bot.call("POST", f"/channels/{place}/typing")).refusal == (403, code)
    assert (await bot.call("GET", f"/channels/{channel}/messages")).refusal == (403, 50001)
    emulator.people.drop_channel(int(channel))
    assert (await bot.send(channel, "x")).refusal == (404, 10003)
    assert (await bot.send("no", "x")).where[0] == "channel_id"


async def test_a_guild_that_threw_the_bot_out(wire, channel):
    emulator, bot = wire
    guild = emulator.world.channel(int(channel)).guild
    assert [one["id"] for one in await bot.get("/users/@me/guilds")] == [str(guild.id)]
    assert (await bot.get(f"/guilds/{guild.id}"))["name"] == "Playground"
    assert channel in [one["id"] for one in await bot.get(f"/guilds/{guild.id}/channels")]
    emulator.people.expel(guild.id)
    assert await bot.get("/users/@me/guilds") == []
    assert (await bot.call("GET", f"/guilds/{guild.id}")).refusal == (404, 10004)
    assert (await bot.send(channel, "x")).refusal == (403, 50001)


async def test_direct_chats(wire, ann, direct):
    _, bot = wire
    opened = (await bot.call("POST", "/users/@me/channels", {"recipient_id": ann})).result
    assert (opened["id"], opened["type"]) == (direct, 1)
    assert opened["recipients"][0]["global_name"] == "Ann"
    answer = await bot.call("POST", "/users/@me/channels", {"recipient_id": "17"})
    assert answer.refusal == (400, 50033)


async def test_threads(wire, ann, channel, direct):
    emulator, bot = wire
    said = emulator.playground.say(ann, channel, "a story")
    path = f"/channels/{channel}/messages/{said}/threads"
    assert (await bot.call("POST", path, {"name": ""})).where == ("name", "BASE_TYPE_BAD_LENGTH")
    assert (await bot.call("POST", path, {})).where == ("name", "BASE_TYPE_REQUIRED")
    assert (await bot.call("POST", path, {"name": "x" * 101})).where[0] == "name"
    made = await bot.call("POST", path, {"name": "Story"})
    assert (made.status, made.body["id"], made.body["parent_id"]) == (201, said, channel)
    assert (await bot.call("POST", path, {"name": "Again"})).refusal == (400, 160004)
    alone = await bot.call("POST", f"/channels/{channel}/threads", {"name": "Alone", "type": 11})
    assert alone.status == 201
    for place in (direct, said):
        answer = await bot.call("POST", f"/channels/{place}/threads", {"name": "x", "type": 11})
        assert answer.refusal == (400, 50024)
    guild = emulator.world.channel(int(channel)).guild.id
    active = await bot.get(f"/guilds/{guild}/threads/active")
    assert [one["id"] for one in active["threads"]] == [alone.body["id"], said]
    emulator.people.archive(int(said))
    assert len((await bot.get(f"/guilds/{guild}/threads/active"))["threads"]) == 1
    assert len((await bot.get(f"/channels/{channel}/threads/archived/public"))["threads"]) == 1
    sent = await bot.sent(said, "chapter one")
    assert len((await bot.get(f"/guilds/{guild}/threads/active"))["threads"]) == 2
    emulator.people.archive(int(said), locked=True)
    assert (await bot.send(said, "chapter two")).refusal == (400, 50083)
    edit = await bot.call("PATCH", f"/channels/{said}/messages/{sent['id']}", {"content": "x"})
    assert edit.refusal == (400, 50083)


async def test_what_a_playground_shows_of_threads(wire, ann, channel):
    emulator, bot = wire
    play = emulator.playground
    thread = str(emulator.people.add_thread(int(channel), int(ann), "Side").id)
    said = play.say(ann, channel, "in here", thread=thread)
    await bot.sent(thread, "yes")
    assert [(one.chat, one.thread, one.text) for one in play.shown(channel, thread)] == [
        (channel, thread, "in here"),
        (channel, thread, "yes"),
    ]
    event = await emulator.events.event("message", {"message_id": said})
    assert (event.data["chat"], event.data["thread"], event.data["from_bot"]) == (channel, thread, False)
    await bot.call("POST", f"/channels/{thread}/typing")
    await emulator.events.event("action", {"chat": channel, "thread": thread})
    with pytest.raises(ControlError, match="not in channel"):
        play.say(ann, play.channel(ann), "elsewhere", thread=thread)


async def test_reactions(wire, ann, channel):
    emulator, bot = wire
    said = emulator.playground.say(ann, channel, "hello")
    path = f"/channels/{channel}/messages/{said}/reactions/"
    assert (await bot.call("PUT", path + "%F0%9F%91%8D/@me")).status == 204
    [read] = await bot.get(f"/channels/{channel}/messages")
    assert read["reactions"][0]["me"]
    assert (await bot.call("DELETE", path + "%F0%9F%91%8D/@me")).status == 204
    assert "reactions" not in (await bot.get(f"/channels/{channel}/messages/{said}"))
    assert (await bot.call("PUT", path + "thumbsup/@me")).refusal == (400, 10014)


@pytest.mark.parametrize(
    ("command", "where"),
    [
        ({"name": "New", "description": "x"}, "0.name"),
        ({"name": "a b", "description": "x"}, "0.name"),
        ({"name": "n" * 33, "description": "x"}, "0.name"),
        ({"description": "x"}, "0.name"),
        ({"name": "new"}, "0.description"),
        ({"name": "new", "description": "x" * 101}, "0.description"),
        ({"name": "new", "description": ""}, "0.description"),
    ],
)
async def test_commands_that_are_wrong(wire, command, where):
    emulator, bot = wire
    answer = await bot.call("PUT", f"/applications/{emulator.world.application_id}/commands", [command])
    assert answer.where[0] == where


async def test_commands(wire, channel):
    emulator, bot = wire
    root = f"/applications/{emulator.world.application_id}"
    new = {"name": "new", "description": "a new session"}
    [made] = (await bot.call("PUT", f"{root}/commands", [new])).result
    [again, _] = (await bot.call("PUT", f"{root}/commands", [new, {**new, "name": "stop"}])).result
    assert again["id"] == made["id"]
    assert len(await bot.get(f"{root}/commands")) == 2
    many = [{**new, "name": f"c{number}"} for number in range(101)]
    assert (await bot.call("PUT", f"{root}/commands", many)).refusal == (400, 30032)
    assert (await bot.call("PUT", f"{root}/commands", [new, new])).where[0] == "1.name"
    guild = emulator.world.channel(int(channel)).guild.id
    [made] = (await bot.call("PUT", f"{root}/guilds/{guild}/commands", [new])).result
    assert made["guild_id"] == str(guild)
    assert (await bot.call("PUT", f"{root}/guilds/17/commands", [new])).refusal == (403, 50001)


async def test_limits_of_a_channel():
    clock = Clock()
    async with discord_emulator(DiscordOptions(clock=clock)) as (emulator, bot):
        play = emulator.playground
        direct, other = play.direct(play.person()), play.direct(play.person())
        answers = [await bot.send(direct, str(number)) for number in range(6)]
        assert [answer.headers["X-RateLimit-Remaining"] for answer in answers] == list("432100")
        assert {answer.headers["X-RateLimit-Limit"] for answer in answers} == {"5"}
        refused = answers[-1]
        assert refused.status == 429
        assert refused.body == {"message": "You are being rate limited.", "retry_after": 5.0, "global": False}
        assert refused.headers["Retry-After"] == "5"
        assert refused.headers["X-RateLimit-Scope"] == "user"
        assert refused.headers["Via"]
        assert (await bot.send(other, "x")).status == 200
        clock.now += 5
        assert (await bot.send(direct, "x")).status == 200
        assert len(play.shown(direct)) == 6


async def test_limits_over_everything():
    async with discord_emulator(DiscordOptions(clock=Clock())) as (emulator, bot):
        play = emulator.playground
        places = [play.direct(play.person()) for _ in range(51)]
        answers = [await bot.send(place, "x") for place in places]
        assert [answer.status for answer in answers] == [200] * 50 + [429]
        assert answers[-1].body["global"] is True
        assert answers[-1].headers["X-RateLimit-Scope"] == "global"


async def test_limits_that_are_off_or_scaled():
    async with discord_emulator() as (emulator, bot):
        direct = emulator.playground.direct(emulator.playground.person())
        answers = [await bot.send(direct, "x") for _ in range(60)]
        assert {answer.status for answer in answers} == {200}
        assert int(answers[-1].headers["X-RateLimit-Remaining"]) > 0
    clock = Clock()
    async with discord_emulator(DiscordOptions(limits=Limits(scale=10), clock=clock)) as (emulator, bot):
        direct = emulator.playground.direct(emulator.playground.person())
        assert [(await bot.send(direct, "x")).status for _ in range(6)][-1] == 429
        clock.now += 0.5
        assert (await bot.send(direct, "x")).status == 200
