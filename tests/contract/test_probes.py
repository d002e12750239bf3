"""What the platforms say of an account without its being connected, and what that does to them: nothing."""

import asyncio
import base64
import re

import aiohttp
import pytest

from adapters.discord import probe as discord_probe
from adapters.discord.login import RATIONED
from adapters.emulators.discord import DiscordEmulator, DiscordOptions
from adapters.emulators.faults import Fault, FaultKind
from adapters.emulators.registry import PLATFORMS, emulator
from adapters.emulators.slack import SlackEmulator, SlackOptions
from adapters.emulators.slack_api import SCOPES
from adapters.emulators.telegram import TelegramEmulator, TelegramOptions
from adapters.probing import judged, prober, skew
from adapters.registry import manifest
from adapters.slack import identity
from gateway.model.finding import Level, NotMendedError
from tests.contract.discord_emulator import UNLIMITED, discord_emulator
from tests.contract.slack_emulator import RawApp

CHECK = "account x"
WEBHOOK = "https://hooks.example.org/secret-path"


def account(running, **changes):
    settings = {**running.playground.settings(), **changes}
    return manifest(settings["platform"]).account_model.model_validate(settings)


async def examined(running, respond="mention", **changes):
    given = account(running, **changes)
    found = await prober(given.platform)(CHECK, given, respond)
    assert {one.check for one in found.findings} == {CHECK}
    tokens = [v.get_secret_value() for _, v in given if hasattr(v, "get_secret_value")]
    assert not [one for one in found.findings for token in tokens if token in f"{one}"]
    return found


def told(found, *levels):
    return [one.found for one in found.findings if one.level in (levels or tuple(Level))]


GRAVE = (Level.WARNING, Level.PROBLEM)


@pytest.fixture(params=PLATFORMS)
async def running(request):
    async with emulator(request.param) as made:
        made.playground.channel(made.playground.person("Ann"))  # so that the bot is somewhere
        yield made


async def test_a_good_account(running):
    found = await examined(running)
    assert found.name
    assert not found.unheard
    assert told(found, *GRAVE) == []
    assert any(found.name in line for line in told(found, Level.OK))


async def test_nothing_is_connected_or_fetched(running):
    await examined(running)
    methods = {call.method for call in running.calls.since()}
    assert methods
    assert not methods & {"getUpdates", "gateway", "deleteWebhook", "logOut", "close"}


async def test_a_token_that_is_not_known():
    wrong = {
        "telegram": {"token": "7:somebody-elses"},
        "discord": {"token": base64.b64encode(b"42").decode().rstrip("=") + ".x.y"},
        "slack": {"bot_token": "xoxb-other", "app_token": "xapp-other"},
    }
    strict = [
        TelegramEmulator(TelegramOptions(tokens=("4242:mine",))),
        DiscordEmulator(DiscordOptions(tokens=(base64.b64encode(b"41").decode().rstrip("=") + ".x.y",))),
        SlackEmulator(SlackOptions(bot_tokens=("xoxb-mine",), app_tokens=("xapp-mine",))),
    ]
    for one in strict:
        async with one:
            platform = one.playground.settings()["platform"]
            found = await examined(one, **wrong[platform])
            assert (found.name, found.unheard) == ("", False), platform
            assert all("token" in line for line in told(found, Level.PROBLEM)), platform
            assert told(found, Level.PROBLEM), platform


async def test_a_platform_that_is_not_there(running):
    given = account(running)
    await running.stop()
    found = await prober(given.platform)(CHECK, given, "mention")
    assert (found.name, found.unheard) == ("", True)
    assert [line for line in told(found, Level.PROBLEM) if "no connection" in line]
    await running.start()


@pytest.mark.parametrize("kind", [FaultKind.SERVER_ERROR, FaultKind.RUBBISH, FaultKind.DROP])
async def test_a_platform_that_fails(running, kind):
    running.faults.add(Fault(kind, times=100))
    found = await examined(running)
    assert (found.name, found.unheard) == ("", True)
    assert told(found, Level.PROBLEM)


async def test_a_platform_that_asks_to_slow_down_is_no_problem(running):
    running.faults.add(Fault(FaultKind.TOO_MANY, times=100))
    found = await examined(running)
    assert (found.name, found.unheard) == ("", True)
    assert told(found, Level.PROBLEM) == []
    (line,) = [one for one in found.findings if one.level is Level.WARNING]
    assert line.found.endswith("asks to slow down")
    assert re.fullmatch(r"run this again in \d+ s", line.advice)


@pytest.mark.parametrize(("offset", "way"), [(4000, "behind"), (-4000, "ahead of")])
async def test_a_clock_that_is_wrong(running, offset, way):
    running.clock_offset = offset
    found = await examined(running)
    (line,) = told(found, Level.PROBLEM)
    assert f"{way} the platform's" in line
    assert found.name


@pytest.mark.parametrize(
    ("date", "begun", "ended", "seconds"),
    [
        ("Thu, 01 Jan 1970 00:01:40 GMT", 100.2, 100.9, 0.0),
        ("Thu, 01 Jan 1970 00:01:40 GMT", 101.0, 101.4, 0.0),  # the header is cut to whole seconds
        ("Thu, 01 Jan 1970 00:01:40 GMT", 161.0, 162.0, 60.0),
        ("Thu, 01 Jan 1970 00:01:40 GMT", 39.0, 40.0, -60.0),
        ("Thu, 01 Jan 1970 00:01:40 GMT", 39.0, 200.0, 0.0),  # so slow an answer tells nothing
        ("", 1.0, 2.0, None),
        ("yesterday", 1.0, 2.0, None),
    ],
)
def test_how_far_a_clock_is_off(date, begun, ended, seconds):
    assert skew(date, begun, ended) == seconds


@pytest.mark.parametrize(
    ("seconds", "levels"),
    [(29.9, []), (-30, [Level.WARNING]), (299, [Level.WARNING]), (300, [Level.PROBLEM])],
)
def test_what_a_difference_of_clocks_means(seconds, levels):
    assert [one.level for one in judged(CHECK, seconds)] == levels


# Telegram


@pytest.mark.parametrize(
    ("respond", "reads_all", "warned"),
    [("always", False, True), ("always", True, False), ("mention", False, False), ("never", False, False)],
)
async def test_privacy_mode_matters_where_all_is_to_be_answered(respond, reads_all, warned):
    async with TelegramEmulator(TelegramOptions(reads_all=reads_all)) as running:
        found = await examined(running, respond)
        assert any("privacy mode" in line for line in told(found, Level.WARNING)) == warned
        assert told(found, Level.PROBLEM) == []


async def test_a_webhook_is_found_and_deleted_with_nothing_lost():
    async with emulator("telegram") as running:
        await examined(running)
        bot = running.world.bot()
        bot.updates.push("message", {"text": "waits"})
        bot.webhook = WEBHOOK
        found = await examined(running)
        (line,) = [one for one in found.findings if one.level is Level.PROBLEM]
        assert "hooks.example.org" in line.found
        assert "secret-path" not in f"{line}"
        assert bot.webhook == WEBHOOK
        assert line.mend is not None
        said = await asyncio.to_thread(line.mend)
        assert "deleted" in said
        assert (bot.webhook, len(bot.updates)) == ("", 1)
        assert told(await examined(running), *GRAVE) == []


async def test_a_webhook_that_cannot_be_deleted():
    async with emulator("telegram") as running:
        await examined(running)
        running.world.bot().webhook = WEBHOOK
        (line,) = [one for one in (await examined(running)).findings if one.level is Level.PROBLEM]
        running.faults.add(Fault(FaultKind.SERVER_ERROR, "deleteWebhook"))
        with pytest.raises(NotMendedError, match="failing"):
            await asyncio.to_thread(line.mend)


# Discord


@pytest.mark.parametrize(("content", "level"), [(True, Level.OK), (False, Level.PROBLEM)])
async def test_the_message_content_intent(content, level):
    async with DiscordEmulator(DiscordOptions(message_content=content)) as running:
        found = await examined(running)
        (line,) = [one for one in found.findings if "Message Content" in one.found]
        assert line.level is level
        assert found.name


@pytest.mark.parametrize(
    ("flags", "level"),
    [(1 << 18, Level.OK), (1 << 19, Level.OK), (1 << 15, Level.PROBLEM), (None, Level.WARNING)],
)
def test_flags_of_an_application(flags, level):
    assert [one.level for one in discord_probe._content(CHECK, flags)] == [level]


async def test_a_bot_in_no_server_is_given_the_address_to_invite_it_with():
    async with emulator("discord") as running:
        for guild in running.world.guilds.values():
            guild.bot_in = False
        (line,) = [one for one in (await examined(running)).findings if one.level is Level.WARNING]
        assert f"client_id={running.world.application_id}&" in line.advice
        assert f"permissions={discord_probe.PERMISSIONS}" in line.advice
        assert "direct chat" in line.found


async def test_interactions_that_go_elsewhere():
    options = DiscordOptions(interactions_endpoint="https://elsewhere.example.org/secret-path")
    async with DiscordEmulator(options) as running:
        (line,) = told(await examined(running), Level.PROBLEM)
        assert "Interactions Endpoint URL" in line
        assert "secret-path" not in line


@pytest.mark.parametrize(("left", "level"), [(RATIONED - 1, Level.WARNING), (0, Level.PROBLEM)])
async def test_few_logins_left(left, level):
    async with DiscordEmulator(DiscordOptions(identify_limit=left)) as running:
        found = [one for one in (await examined(running)).findings if "login" in one.found]
        assert [one.level for one in found] == [level]
        assert running.starts.standing()["remaining"] == left


def test_a_person_is_no_bot():
    assert [one.level for one in discord_probe._bot(CHECK, {"id": "1"})] == [Level.PROBLEM]
    assert discord_probe._bot(CHECK, {"id": "1", "bot": True}) == ()


async def test_an_address_that_is_no_api():
    async with DiscordEmulator(DiscordOptions(limits=UNLIMITED)) as running:
        found = await examined(running, api_url=running.base_url)
        assert "/api/v10" in told(found, Level.PROBLEM)[0]


# Slack


@pytest.mark.parametrize("scope", identity.NEEDED)
async def test_each_needed_scope_is_missed(scope):
    async with SlackEmulator(SlackOptions(scopes=tuple(one for one in SCOPES if one != scope))) as running:
        found = await examined(running)
        (line,) = told(found, Level.PROBLEM)
        assert scope in line
        assert found.name


async def test_scopes_that_may_be_left_away_are_named_with_what_is_lost():
    async with SlackEmulator(SlackOptions(scopes=identity.NEEDED)) as running:
        found = await examined(running)
        (line,) = told(found, *GRAVE)
        assert all(scope in line for scope in identity.OPTIONAL)
        assert all(lost in line for lost in identity.OPTIONAL.values())


async def test_an_app_token_without_its_scope():
    async with emulator("slack") as running:
        running.api.app_scopes = ("authorizations:read",)
        found = await examined(running)
        (line,) = told(found, Level.PROBLEM)
        assert "connections:write" in line
        assert found.name == ""


async def test_socket_mode_that_is_off():
    async with emulator("slack") as running:
        running.api.socket_mode = False
        found = await examined(running)
        (line,) = told(found, Level.PROBLEM)
        assert "Socket Mode is off" in line
        assert not found.unheard


async def test_tokens_of_two_apps():
    async with emulator("slack") as running:
        running.api.token_app = "A0000000002"
        (line,) = told(await examined(running), Level.PROBLEM)
        assert "A0000000001" in line
        assert "A0000000002" in line
        running.api.scopes = tuple(one for one in SCOPES if one != "users:read")
        assert told(await examined(running), Level.PROBLEM) == []  # nobody may ask


async def test_no_socket_is_opened():
    async with emulator("slack") as running:
        await examined(running)
        assert running.socket.connected == 0
        async with aiohttp.ClientSession() as session:
            socket = await RawApp(session, running).connect()  # and the ticket takes nobody's place
            assert running.socket.connected == 1
            await socket.socket.close()


# What the emulators say.


async def test_the_emulated_slack_refuses_sockets_in_slacks_words():
    async with emulator("slack") as running, aiohttp.ClientSession() as session:
        app = RawApp(session, running)
        running.api.socket_mode = False
        token = running.app_token
        assert await app.refused("apps.connections.open", token=token) == "socket_mode_not_enabled"
        running.api.app_scopes = ("authorizations:read",)
        answer = await app.call("apps.connections.open", token=token)
        assert answer.body == {
            "ok": False,
            "error": "missing_scope",
            "needed": "connections:write",
            "provided": "authorizations:read",
        }
        assert answer.headers["x-oauth-scopes"] == "authorizations:read"
        assert (await app.call("auth.test")).headers["x-oauth-scopes"].split(",") == list(SCOPES)


async def test_the_emulated_discord_tells_no_bot_of_interactions_that_go_elsewhere():
    options = DiscordOptions(interactions_endpoint="https://elsewhere.example.org", limits=UNLIMITED)
    async with discord_emulator(options) as (running, bot):
        ann = running.playground.person("Ann")
        channel = running.playground.channel(ann)
        async with bot.gateway() as socket:
            place, person = running.world.channels[int(channel)], running.world.people[int(ann)]
            running.interactions.begin(2, place, person, {})
            running.playground.say(ann, channel, "after it")
            assert (await socket.event("MESSAGE_CREATE"))["author"]["id"] == ann
