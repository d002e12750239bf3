"""What an operator got wrong is said in plain words, for the account concerned; the others go on."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass

import aiohttp
import pytest

from adapters.emulators.discord import DiscordEmulator, DiscordOptions
from adapters.emulators.server import EmulatorServer
from adapters.emulators.slack import SlackEmulator, SlackOptions
from adapters.emulators.slack_api import SCOPES
from adapters.emulators.telegram import TelegramEmulator, TelegramOptions
from adapters.registry import PLATFORMS
from tests.e2e.carryon import carryon
from tests.harness.stage import open_stage
from tests.harness.waiting import within


@dataclass(frozen=True, slots=True)
class Wrong:
    """An account that cannot work: its emulator, what its config says instead, and what is told of it."""

    emulator: Callable[[], EmulatorServer]
    config: Mapping[str, str]
    told: tuple[str, ...]


WRONG = {
    "telegram-token": Wrong(
        lambda: TelegramEmulator(TelegramOptions(tokens=("77:the-only-one",))),
        {"token": "78:another-one"},
        ("Telegram does not know the bot token", "BotFather"),
    ),
    "discord-token": Wrong(
        lambda: DiscordEmulator(DiscordOptions(tokens=("MTIzNDU2Nzg5MDEy.Gabcde.the-only-token-there-is",))),
        {"token": "MTIzNDU2Nzg5MDEy.Gabcde.another-token-than-that"},
        ("Discord does not know the bot token", "Bot page"),
    ),
    "discord-intent": Wrong(
        lambda: DiscordEmulator(DiscordOptions(message_content=False)),
        {},
        ("Message Content intent", "Privileged Gateway Intents"),
    ),
    "slack-token": Wrong(
        lambda: SlackEmulator(SlackOptions(bot_tokens=("xoxb-1-1-theonlyone",))),
        {"bot_token": "xoxb-1-1-another"},
        ("does not accept the bot token", "invalid_auth"),
    ),
    "slack-app-token": Wrong(
        lambda: SlackEmulator(SlackOptions(app_tokens=("xapp-1-A1-1-theonlyone",))),
        {"app_token": "xapp-1-A1-1-another"},
        ("does not accept the app token", "connections:write"),
    ),
    "slack-scopes": Wrong(
        lambda: SlackEmulator(
            SlackOptions(scopes=tuple(s for s in SCOPES if s not in {"im:history", "chat:write"}))
        ),
        {},
        ("chat:write", "im:history"),
    ),
}


async def why(stage, account):
    """What the status says of an account that is not connected."""
    said = await carryon(stage, "status", "--json")
    (found,) = [one for one in said.values["accounts"] if one["name"] == account]
    assert not found["connected"]
    return found["why"]


async def test_accounts_that_cannot_work_say_why_and_the_others_work(tmp_path):
    emulators = {name: one.emulator() for name, one in WRONG.items()}
    async with open_stage(tmp_path, *PLATFORMS, emulators=emulators) as stage:
        stage.configure(accounts={name: one.config for name, one in WRONG.items()})
        gateway = await stage.start(ready=False)
        await gateway.ready(*PLATFORMS)
        chats = [stage.chat(account=platform) for platform in PLATFORMS]
        for name in WRONG:
            await gateway.logged("account.lost", account=name)
        for chat in chats:
            await stage.ask(chat, "hello there")
        for name, wrong in WRONG.items():
            reason = await why(stage, name)
            assert all(words in reason for words in wrong.told), f"{name}: {reason}"
            assert not any(str(token) in gateway.log.text for token in wrong.config.values()), name
        for chat in chats:
            await stage.heard(chat)
            chat.check()
        assert gateway.running


@pytest.fixture
async def stage(tmp_path):
    async with open_stage(tmp_path, *PLATFORMS) as opened:
        yield opened


async def poll_without_end(emulator, token):
    """Another program that receives the same bot's messages."""
    url = f"{emulator.base_url}/bot{token}/getUpdates"
    async with aiohttp.ClientSession() as session:
        while True:
            async with session.get(url, params={"timeout": 50}) as answer:
                await answer.read()


async def test_another_program_polls_the_same_bot(stage):
    ann, bob, cid = [stage.chat(account=platform) for platform in PLATFORMS]
    gateway = await stage.start()
    for chat in stage.chats:
        await stage.ask(chat, "hello there")
    token = stage.values["accounts"]["telegram"]["token"]
    rival = asyncio.create_task(poll_without_end(stage.emulator, token))
    try:
        await gateway.logged("account.lost", account="telegram")
        for chat in (bob, cid):
            await stage.ask(chat, "and you")

        async def told():
            while True:  # it is connected for a moment at every attempt
                with suppress(AssertionError):
                    return await why(stage, "telegram")

        assert "Another program receives this bot's messages" in await within(told(), "why")
    finally:
        rival.cancel()
        await asyncio.wait([rival])
    await stage.ask(ann, "and you")
    for chat in stage.chats:
        await stage.heard(chat)
        chat.check()
    assert gateway.log.count("account.lost") == gateway.log.count("account.lost", account="telegram")


SHUT_OUT = {"telegram": "kicked", "discord": "no longer in this channel", "slack": "archived"}


async def test_a_bot_that_is_removed_says_so_and_goes_on_elsewhere(stage):
    places = {name: stage.chat("Ann", name, channel=True) for name in PLATFORMS}
    directs = [stage.chat("Bob", name) for name in PLATFORMS]
    await stage.start()
    for name, place in places.items():
        await stage.ask(place, f"are you there {name}")
    for name, place in places.items():
        place.say(f"first {name} [[tool {name} 1s]]", inside=True)
        await stage.in_tool(name)
        place.say(f"second {name}", inside=True)
    for place in places.values():
        place.playground.shut_out(place.id)
    for chat in directs:
        await stage.ask(chat, "and here")
    rejected = "SELECT count(*) FROM deliveries WHERE state = 'rejected'"
    await stage.knows(lambda ledger: ledger.one(rejected) == 2 * len(places), "refused deliveries")
    await stage.settled()

    listed = (await carryon(stage, "deliveries", "list", "--json")).values
    for name, place in places.items():
        ours = [one for one in listed if one["chat"] == place.id]
        assert [one["state"] for one in ours] == ["rejected"] * 2
        assert all(SHUT_OUT[name] in one["error"] for one in ours), ours
        assert len(place.replies) == 1
        assert not stage.ledger.will_go_on(place.id)
    shown = (await carryon(stage, "deliveries", "list")).out
    assert all(words in shown for words in SHUT_OUT.values()), shown
    status = (await carryon(stage, "status", "--json")).values
    assert all(one["connected"] for one in status["accounts"])
    for chat in directs:
        chat.check()
