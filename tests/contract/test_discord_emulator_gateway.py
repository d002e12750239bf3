"""The gateway greets, tells, resumes and closes as Discord's does."""

import json

import pytest

from adapters.emulators.discord import DiscordOptions
from adapters.emulators.discord_limits import Limits
from adapters.emulators.discord_sessions import KEPT
from tests.contract.discord_emulator import (
    INTENTS,
    TOKEN,
    UNLIMITED,
    Clock,
    discord_emulator,
    discord_fixtures,
)

CONTENT = 1 << 15


wire, ann, direct, channel = discord_fixtures()


@pytest.mark.parametrize("compress", ["", "zlib-stream", "zstd-stream"])
async def test_a_greeting(wire, ann, channel, compress):
    emulator, bot = wire
    thread = emulator.people.add_thread(int(channel), int(ann))
    async with bot.socket(compress) as socket:
        hello = await socket.hear()
        assert (hello["op"], hello["d"]["heartbeat_interval"]) == (10, 41_250)
        assert not emulator.playground.connected()
        await socket.identify()
        ready = await socket.event("READY")
        assert emulator.playground.connected()
        assert ready["user"]["id"] == str(emulator.world.bot.id)
        assert ready["resume_gateway_url"] == emulator.gateway_url
        assert [guild["unavailable"] for guild in ready["guilds"]] == [True]
        guild = await socket.event("GUILD_CREATE")
        assert channel in [one["id"] for one in guild["channels"]]
        assert [one["id"] for one in guild["threads"]] == [str(thread.id)]
        await socket.say(1, socket.seq)
        assert (await socket.hear())["op"] == 11
        emulator.playground.say(ann, channel, "x" * 2000)
        assert (await socket.event("MESSAGE_CREATE"))["content"] == "x" * 2000


async def test_messages(wire, ann, channel, direct):
    emulator, bot = wire
    async with bot.gateway() as socket:
        said = emulator.playground.say(ann, channel, "hello")
        heard = await socket.event("MESSAGE_CREATE")
        assert (heard["id"], heard["content"], heard["channel_id"]) == (said, "hello", channel)
        assert heard["guild_id"]
        assert heard["author"]["global_name"] == "Ann"
        emulator.playground.say(ann, direct, "hi")
        assert "guild_id" not in await socket.event("MESSAGE_CREATE")
        sent = await bot.sent(channel, "yes", nonce="n1")
        own = await socket.event("MESSAGE_CREATE")
        assert (own["id"], own["nonce"], own["author"]["bot"]) == (sent["id"], "n1", True)
        await bot.call("PATCH", f"/channels/{channel}/messages/{sent['id']}", {"content": "no"})
        assert (await socket.event("MESSAGE_UPDATE"))["content"] == "no"
        await bot.call("DELETE", f"/channels/{channel}/messages/{sent['id']}")
        assert (await socket.event("MESSAGE_DELETE"))["id"] == sent["id"]
        emulator.people.edit(int(ann), int(channel), int(said), "hello!")
        assert (await socket.event("MESSAGE_UPDATE"))["content"] == "hello!"
        emulator.people.react(int(ann), int(channel), int(said), "👍")
        assert (await socket.event("MESSAGE_REACTION_ADD"))["emoji"]["name"] == "👍"
        emulator.people.typing(int(ann), int(channel))
        assert (await socket.event("TYPING_START"))["user_id"] == ann


async def test_threads(wire, ann, channel):
    emulator, bot = wire
    async with bot.gateway() as socket:
        said = emulator.playground.say(ann, channel, "a story")
        await socket.event("MESSAGE_CREATE")
        await bot.call("POST", f"/channels/{channel}/messages/{said}/threads", {"name": "Story"})
        thread = await socket.event("THREAD_CREATE")
        assert (thread["id"], thread["parent_id"], thread["newly_created"]) == (said, channel, True)
        starter = await socket.event("MESSAGE_CREATE")
        assert (starter["type"], starter["referenced_message"]["id"]) == (21, said)
        emulator.people.archive(int(said))
        assert (await socket.event("THREAD_UPDATE"))["thread_metadata"]["archived"]
        emulator.playground.say(ann, channel, "more", thread=said)
        assert not (await socket.event("THREAD_UPDATE"))["thread_metadata"]["archived"]
        assert (await socket.event("MESSAGE_CREATE"))["channel_id"] == said
        emulator.people.permit(int(channel), view=False)
        assert (await socket.event("CHANNEL_UPDATE"))["permission_overwrites"]
        emulator.playground.say(ann, channel, "secret", thread=said)
        emulator.people.typing(int(ann), int(said))
        emulator.people.permit(int(channel))
        await socket.event("CHANNEL_UPDATE")
        assert [one["id"] for one in (await socket.event("THREAD_LIST_SYNC"))["threads"]] == [said]
        emulator.people.drop_channel(int(said))
        assert (await socket.event("THREAD_DELETE"))["id"] == said
        emulator.people.drop_channel(int(channel))
        assert (await socket.event("CHANNEL_DELETE"))["id"] == channel


async def test_intents_decide_who_is_told(wire, ann, channel, direct):
    emulator, bot = wire
    async with bot.socket() as socket:
        await socket.hear()
        await socket.identify(1 << 12)
        await socket.event("READY")
        emulator.playground.say(ann, channel, "not for this one")
        emulator.people.add_guild("Other")
        emulator.people.typing(int(ann), int(direct))
        emulator.playground.say(ann, direct, "but this")
        assert (await socket.event("MESSAGE_CREATE"))["content"] == "but this"


async def test_without_the_content_of_messages():
    async with discord_emulator(DiscordOptions(limits=UNLIMITED, message_content=False)) as (emulator, bot):
        play = emulator.playground
        ann = play.person()
        channel, direct = play.channel(ann), play.direct(ann)
        async with bot.socket() as socket:
            await socket.hear()
            await socket.identify(INTENTS)
            assert await socket.closed() == 4014
        async with bot.gateway(INTENTS & ~CONTENT) as socket:
            for chat, mention, told in (
                (channel, False, False),
                (channel, True, True),
                (direct, False, True),
            ):
                play.say(ann, chat, "hello", mention=mention)
                assert ("hello" in (await socket.event("MESSAGE_CREATE"))["content"]) is told
            await bot.sent(channel, "own")
            assert (await socket.event("MESSAGE_CREATE"))["content"] == "own"


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"token": "no"}, 4004),
        ({"token": None}, 4004),
        ({"intents": 1 << 30}, 4013),
        ({"intents": None}, 4013),
        ({"intents": 1 << 1}, 4014),
        ({"intents": 1 << 8}, 4014),
        ({"properties": None}, 4002),
        ({"shard": [1, 2]}, 4010),
    ],
)
async def test_identities_that_are_refused(wire, fields, code):
    emulator, bot = wire
    async with bot.socket() as socket:
        await socket.hear()
        await socket.identify(**fields)
        assert await socket.closed() == code
    assert not emulator.playground.connected()


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        ("{", 4002),
        ("[]", 4002),
        (json.dumps({"op": 99, "d": None}), 4001),
        (json.dumps({"op": 3, "d": {}}), 4003),
        (json.dumps({"op": 8, "d": {}}), 4003),
        (json.dumps({"op": 2, "d": "x"}), 4002),
        (json.dumps({"op": 1, "d": "x" * 4096}), 4002),
        (json.dumps({"op": 6, "d": {"token": TOKEN, "session_id": "x", "seq": "1"}}), 4002),
        (json.dumps({"op": 6, "d": {"token": "no", "session_id": "x", "seq": 1}}), 4004),
    ],
)
async def test_payloads_that_are_refused(wire, raw, code):
    async with wire[1].socket() as socket:
        await socket.hear()
        await socket.raw.send_str(raw)
        assert await socket.closed() == code


async def test_versions_and_encodings(wire):
    _, bot = wire
    async with bot.socket(v="3") as socket:
        assert await socket.closed() == 4012
    async with bot.socket(encoding="etf") as socket:
        assert await socket.closed() == 4002


async def test_a_second_identify(wire):
    async with wire[1].gateway() as socket:
        await socket.identify()
        assert await socket.closed() == 4005


async def test_too_many_payloads():
    clock = Clock()
    async with discord_emulator(DiscordOptions(clock=clock)) as (_, bot), bot.socket() as socket:
        await socket.hear()
        for _ in range(120):
            await socket.say(1)
            await socket.hear()
        clock.now += 60
        for _ in range(120):
            await socket.say(1)
            await socket.hear()
        await socket.say(1)
        assert await socket.closed() == 4008


async def test_starts_are_counted():
    clock = Clock()
    options = DiscordOptions(identify_limit=3, clock=clock, limits=Limits())
    async with discord_emulator(options) as (_, bot):
        async with bot.gateway() as first, bot.socket() as second, bot.socket() as third:
            await second.hear()
            await second.identify()
            soon = await second.hear()
            assert (soon["op"], soon["d"]) == (9, False)
            clock.now += 5
            await second.identify()
            await second.event("READY")
            limit = (await bot.get("/gateway/bot"))["session_start_limit"]
            assert (limit["total"], limit["remaining"]) == (3, 0)
            await third.hear()
            await third.identify()
            assert await third.closed() == 4004
            assert await first.closed() == 4004
        assert (await bot.call("GET", "/users/@me")).refusal == (401, 0)


async def test_a_cut_is_resumed(wire, ann, direct):
    emulator, bot = wire
    async with bot.gateway() as socket:
        session, seq = socket.ready["session_id"], socket.seq
        emulator.playground.say(ann, direct, "not heard")
        emulator.playground.disconnect()
        await emulator.events.event("disconnected")
    assert not emulator.playground.connected()
    emulator.playground.say(ann, direct, "meanwhile")
    async with bot.socket() as socket:
        await socket.hear()
        socket.seq = seq
        await socket.resume(session, seq)
        assert (await socket.event("MESSAGE_CREATE"))["content"] == "not heard"
        assert (await socket.event("MESSAGE_CREATE"))["content"] == "meanwhile"
        await socket.event("RESUMED")
        assert emulator.playground.connected()
        emulator.playground.say(ann, direct, "live")
        assert (await socket.event("MESSAGE_CREATE"))["content"] == "live"


async def refused_resume(bot, session, seq):
    async with bot.socket() as socket:
        await socket.hear()
        await socket.resume(session, seq)
        answer = await socket.hear()
        assert (answer["op"], answer["d"]) == (9, False)
        await socket.identify()
        await socket.event("READY")


async def test_sessions_that_cannot_be_resumed(wire):
    emulator, bot = wire
    await refused_resume(bot, "unknown", 1)
    async with bot.gateway() as socket:
        session = socket.ready["session_id"]
        emulator.sessions.close(4007)
        assert await socket.closed() == 4007
    await refused_resume(bot, session, 1)
    async with bot.gateway() as socket:
        session = socket.ready["session_id"]
        await socket.raw.close(code=1000)
    await refused_resume(bot, session, 1)
    async with bot.gateway() as socket:
        session = socket.ready["session_id"]
        emulator.sessions.invalidate()
        assert (await socket.hear())["op"] == 9
        await socket.raw.close(code=4000)
    await refused_resume(bot, session, 1)
    async with bot.gateway() as socket:
        session = socket.ready["session_id"]
        await socket.raw.close(code=4000)
    await emulator.events.event("disconnected", {"session": session})
    emulator.sessions.forget_all()
    await refused_resume(bot, session, 1)


async def test_a_session_that_missed_too_much(wire, ann, direct):
    emulator, bot = wire
    async with bot.gateway() as socket:
        session, seq = socket.ready["session_id"], socket.seq
        emulator.playground.disconnect()
        await emulator.events.event("disconnected")
    for number in range(KEPT + 1):
        emulator.playground.say(ann, direct, str(number))
    await refused_resume(bot, session, seq)


async def test_a_session_expires():
    clock = Clock()
    async with discord_emulator(DiscordOptions(limits=UNLIMITED, clock=clock)) as (emulator, bot):
        async with bot.gateway() as socket:
            session = socket.ready["session_id"]
            await socket.raw.close(code=4000)
        await emulator.events.event("disconnected", {"session": session})
        clock.now += 181
        await refused_resume(bot, session, 1)


async def test_a_sequence_from_the_future(wire):
    _, bot = wire
    async with bot.gateway() as first, bot.socket() as socket:
        await socket.hear()
        await socket.resume(first.ready["session_id"], first.seq + 1)
        assert await socket.closed() == 4007


async def test_one_connection_to_a_session(wire):
    _, bot = wire
    async with bot.gateway() as first, bot.socket() as second:
        await second.hear()
        second.seq = first.seq
        await second.resume(first.ready["session_id"], first.seq)
        await second.event("RESUMED")
        assert await first.closed() == 4000


async def test_orders_to_the_client(wire):
    emulator, bot = wire
    async with bot.gateway() as socket:
        emulator.sessions.ask_to_reconnect()
        assert (await socket.hear())["op"] == 7
        emulator.sessions.invalidate(resumable=True)
        answer = await socket.hear()
        assert (answer["op"], answer["d"]) == (9, True)
        emulator.sessions.close(4009)
        assert await socket.closed() == 4009


async def test_not_a_websocket(wire):
    emulator, bot = wire
    async with bot.session.get(emulator.base_url + "/gateway") as response:
        assert response.status == 426


async def test_the_bot_is_thrown_out_and_taken_back(wire, ann, channel):
    emulator, bot = wire
    guild = emulator.world.channel(int(channel)).guild
    async with bot.gateway() as socket:
        emulator.people.expel(guild.id)
        assert await socket.event("GUILD_DELETE") == {"id": str(guild.id)}
        emulator.playground.say(ann, channel, "nobody hears this")
        emulator.people.expel(guild.id, expelled=False)
        assert (await socket.event("GUILD_CREATE"))["id"] == str(guild.id)
        other = emulator.people.add_guild("Other")
        assert (await socket.event("GUILD_CREATE"))["id"] == str(other.id)
