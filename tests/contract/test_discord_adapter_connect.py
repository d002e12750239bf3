"""The connection comes back, and what is wrong with an account is said in plain words."""

import asyncio
import sys
import threading

import pytest
import structlog
from aiohttp import web

from adapters.discord.adapter import connect
from adapters.emulators.faults import When
from tests.contract.discord_adapter import ACCOUNT, RecordingSink, account, delivery, setting
from tests.harness.waiting import glance, within


@pytest.fixture
async def at():
    async with setting() as made:
        yield made


async def ready(at, times=1):
    await within(at.sink.until_ready(times), "ready")


async def test_a_broken_connection_is_resumed(at):
    async with at.running():
        await ready(at)
        at.emulator.playground.disconnect()
        at.say("meanwhile")
        await ready(at, 2)
        await within(at.sink.until_texts("meanwhile"), "meanwhile")
    assert at.sink.losses == ["The connection to Discord broke."]
    assert len(at.calls("identify")) == 1
    assert len(at.calls("resume")) == 1


async def test_a_request_to_reconnect_is_everyday(at):
    async with at.running():
        await ready(at)
        at.emulator.sessions.ask_to_reconnect()
        at.say("meanwhile")
        await ready(at, 2)
        await within(at.sink.until_texts("meanwhile"), "meanwhile")
    assert at.sink.losses == []
    assert (len(at.calls("identify")), len(at.calls("resume"))) == (1, 1)


@pytest.mark.parametrize("resumable", [True, False])
async def test_an_ended_session(at, resumable):
    async with at.running():
        await ready(at)
        at.emulator.sessions.invalidate(resumable=resumable)
        at.say("meanwhile")
        await ready(at, 2)
        at.say("after")
        await within(at.sink.until(lambda sink: sorted(sink.texts) == ["after", "meanwhile"]), "both")
    assert at.sink.losses == []
    assert len(at.calls("identify")) == (1 if resumable else 2)


async def test_a_session_that_cannot_be_resumed_any_more(at):
    channel = at.channel()
    async with at.running():
        await ready(at)
        at.fault("hold", "resume")
        at.emulator.playground.disconnect()
        await within(at.emulator.events.event("held"), "the resume")
        at.emulator.sessions.forget_all()
        at.say("missed", channel, mention=True)
        at.emulator.faults.release()
        await ready(at, 2)
    assert at.sink.texts == ["missed"]
    assert at.sink.items[0].backfilled
    assert len(at.calls("identify")) == 2


async def test_resuming_that_fails_too_often_gives_way_to_a_login(at):
    async with at.running():
        await ready(at)
        at.fault("500", "resume", times=50)
        at.emulator.playground.disconnect()
        await ready(at, 2)
    assert 2 <= len(at.calls("resume")) <= 4
    assert len(at.calls("identify")) == 2


@pytest.mark.parametrize("kind", ["500", "drop", "rubbish", "429"])
@pytest.mark.parametrize("method", ["gateway", "identify", "getGatewayBot", "getCurrentUser"])
async def test_connecting_outlasts_what_goes_wrong(at, kind, method):
    at.fault(kind, method, times=2, retry_after=7)
    async with at.running():
        await ready(at)
        at.say("hello")
        await within(at.sink.until_texts("hello"), "hello")
    assert len(at.sink.losses) <= 2
    assert at.clock.slept


async def test_a_silent_connection_is_left():
    async with setting(heartbeat_interval=100) as at:
        async with at.running():
            await ready(at)
            at.emulator.sessions.frozen = True
            at.emulator.sessions.deaf = True
            await within(at.emulator.events.event("disconnected"), "the end of the connection")
            at.emulator.sessions.frozen = at.emulator.sessions.deaf = False
            await ready(at, 2)
            at.say("still here")
            await within(at.sink.until_texts("still here"), "a message")
        assert len(at.calls("heartbeat")) >= 2


@pytest.mark.parametrize("compression", ["as_asked", "none"])
async def test_compressed_or_not(compression):
    async with setting(compression=compression) as at, at.running():
        await ready(at)
        at.say("hello")
        await within(at.sink.until_texts("hello"), "hello")


async def test_nonsense_on_the_wire_is_survived(at):
    async with at.running():
        await ready(at)
        (line,) = at.emulator.sessions.lines()
        line._outbox.put_nowait(b"\x00nonsense")
        await ready(at, 2)
        at.say("hello")
        await within(at.sink.until_texts("hello"), "hello")
    assert at.sink.losses == ["Discord's answers make no sense."]


async def test_ready_waits_for_servers_that_are_told_of_later(at):
    channel = at.channel()
    await at.visit()
    at.say("missed", channel, mention=True)
    greeting = at.emulator.starts.greeting
    at.emulator.starts.greeting = lambda session: greeting(session)[:1]
    async with at.running(adapter=at.again()):
        await within(at.emulator.events.event("ready", after=at.emulator.events.seq), "the login")
        at.say("hello")
        await within(at.sink.until_texts("hello"), "a direct message")
        assert "ready" not in at.sink.told
        guild = at.emulator.world.channel(int(channel)).guild
        at.emulator.news.guild_joined(guild, at.emulator.world.bot)
        await ready(at)
        assert at.sink.texts == ["hello", "missed"]


async def test_reading_back_goes_on_over_a_reconnect(at):
    channel = at.channel()
    await at.visit()
    at.say("missed", channel, mention=True)
    at.fault("hold", "getChannelMessages")
    async with at.running(adapter=at.again()):
        await within(at.emulator.events.event("held"), "the reading")
        at.emulator.sessions.ask_to_reconnect()
        await within(at.emulator.events.event("resumed"), "the resume")
        assert "ready" not in at.sink.told
        at.emulator.faults.release()
        await ready(at)
    assert at.sink.texts == ["missed"]


# What cannot be helped


async def test_an_unknown_token_ends_the_account(at):
    at.emulator.reset_token()
    with structlog.testing.capture_logs() as logs:
        await within(at.adapter.run(at.sink, at.sink), "the end")
    (why,) = at.sink.losses
    assert "token" in why
    assert "developer portal" in why
    assert [(line["event"], line["log_level"]) for line in logs] == [("discord.token", "error")]
    assert at.calls("identify") == []


async def test_a_token_that_is_taken_away_ends_the_account(at):
    async with at.running() as task:
        await ready(at)
        at.emulator.reset_token()
        await within(task, "the end")
    assert len(at.sink.losses) == 1
    assert "token" in at.sink.losses[0]


async def test_a_missing_intent_is_named_before_a_login_is_spent():
    async with setting(message_content=False) as at:
        await within(at.adapter.run(at.sink, at.sink), "the end")
    (why,) = at.sink.losses
    assert "Message Content intent" in why
    assert "Privileged Gateway Intents" in why
    assert at.calls("identify") == []
    assert at.sink.batches == []


@pytest.mark.parametrize(("code", "word"), [(4014, "Message Content"), (4013, "upgrade"), (4011, "sharding")])
async def test_closings_for_good(at, code, word):
    async with at.running() as task:
        await ready(at)
        at.emulator.sessions.close(code)
        await within(task, "the end")
    assert word in at.sink.losses[-1]


async def test_work_in_hand_does_not_keep_a_dead_account_alive(at):
    channel = at.channel()
    await at.visit()
    at.say("missed", channel, mention=True)
    at.fault("hang", "getChannelMessages")
    async with at.running(adapter=at.again()) as task:
        await within(at.emulator.events.event("held"), "the reading")
        at.emulator.reset_token()
        await within(task, "the end")


async def test_logins_are_spaced(at):
    async with at.running():
        await ready(at)
        at.clock.slept.clear()
        before = at.clock.time
        at.emulator.sessions.invalidate()
        await ready(at, 2)
    assert at.clock.time - before >= 4.9


async def test_few_logins_are_rationed():
    async with setting(identify_limit=40) as at, at.running():
        await ready(at)
    (why,) = at.sink.losses
    assert why == (
        "Discord allows only 40 more logins of this bot today, after too many restarts; "
        "the next one is in 36 minutes."
    )
    assert at.clock.slept[0] == pytest.approx(86_400 / 40)
    assert len(at.calls("identify")) == 1


async def test_without_logins_it_waits_for_new_ones():
    async with setting(identify_limit=0) as at, at.running():
        await within(at.sink.until(lambda sink: sink.losses), "the word")
        await at.emulator.events.until(lambda: at.emulator.calls.counts.get("getGatewayBot", 0) >= 3)
    assert at.calls("identify") == []
    assert at.sink.losses[0].startswith("Discord allows no more logins")
    assert at.clock.slept[0] == pytest.approx(86_400)


async def test_a_block_by_the_proxy_is_named():
    async def answer(_):
        return web.Response(status=429, body=b"error code: 1015", headers={"Retry-After": "900"})

    runner = web.ServerRunner(web.Server(answer))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/api/v10"
    async with setting(api_url=url) as at, at.running():
        await within(at.sink.until(lambda sink: sink.losses), "the word")
        assert "blocks this address" in at.sink.losses[0]
        assert await within(glance(lambda: at.clock.slept[:1]), "the wait") == [900]
    await runner.cleanup()


async def test_no_server_at_all(at):
    await at.emulator.stop()
    async with at.running():
        await within(at.sink.until(lambda sink: sink.losses), "the word")
        await at.emulator.start()
        await ready(at)
    server = at.emulator.api_url.removeprefix("http://").removesuffix("/api/v10")
    assert at.sink.losses == [
        f"There is no connection to Discord. Is the server at {server} running? Check api_url."
    ]


@pytest.mark.parametrize("path", ["", "/wrong", "/api/v9"])
async def test_a_wrong_path_of_the_server_is_named(at, path):
    async with setting(api_url=at.emulator.api_url.removesuffix("/api/v10") + path) as elsewhere:
        async with elsewhere.running():
            await within(elsewhere.sink.until(lambda sink: sink.losses), "the word")
        assert "its path must end with /api/v10" in elsewhere.sink.losses[0]


@pytest.mark.parametrize("gateway", ["ws://127.0.0.1:9/gateway", "wrong path"])
async def test_no_gateway_at_all(at, gateway):
    url = f"{at.emulator.gateway_url}x" if gateway == "wrong path" else gateway
    async with setting(gateway_url=url) as elsewhere:
        async with elsewhere.running():
            await within(elsewhere.sink.until(lambda sink: sink.losses), "the word")
        server = url.split("/")[2]
        why = f"There is no connection to Discord. Is the server at {server} running? Check gateway_url."
        assert elsewhere.sink.losses == [why]


# Several accounts, and the end


async def test_two_accounts_on_two_servers(at):
    async with setting(name="Other") as other, at.running(), other.running():
        await ready(at)
        await ready(other)
        at.say("here")
        other.say("there")
        await within(at.sink.until_texts("here"), "here")
        await within(other.sink.until_texts("there"), "there")
        await at.adapter.send(delivery(at.direct, "to here"))
        await other.adapter.send(delivery(other.direct, "to there"))
        assert (at.shown(), other.shown()) == (["to here"], ["to there"])


async def test_leaving_says_goodbye(at):
    async with at.running():
        await ready(at)
    await within(at.emulator.events.event("disconnected"), "the goodbye")
    assert at.emulator.sessions._sessions == {}


async def test_an_account_can_be_run_again(at):
    for _ in range(2):
        sink = RecordingSink()
        async with at.running(sink=sink):
            await within(sink.until_ready(), "ready")


async def test_threads_of_the_sdk_end_with_the_connection(at):
    async with at.running():
        await ready(at)
    alive = [one for one in threading.enumerate() if one.name.startswith("keep-alive")]
    for one in alive:
        await asyncio.to_thread(one.join, 10)
    assert not any(one.is_alive() for one in alive)


async def test_a_connection_that_is_cut_while_it_opens_leaves_nothing_behind(at):
    at.fault("hold", "identify")
    async with at.running():
        await within(at.emulator.events.event("held"), "the login")
    await within(at.emulator.events.event("answered", {"method": "identify"}), "the end of the connection")


def test_after_connects_nothing_of_the_sdk_is_changed():
    assert sys.modules["discord.http"].Route.BASE == "https://discord.com/api/v10"
    gateway = sys.modules["discord.gateway"].DiscordWebSocket.DEFAULT_GATEWAY
    assert str(gateway) == "wss://gateway.discord.gg/"


async def test_it_goes_on_where_the_api_says_the_gateway_is(at):
    given = account(at.emulator, gateway_url=None)
    adapter = connect(ACCOUNT, given, at.clock)
    async with at.running(adapter=adapter):
        await ready(at)
    await adapter.close()


async def test_a_fault_after_the_login_costs_no_second_one(at):
    at.fault("drop", "identify", When.AFTER)
    async with at.running():
        await ready(at)
