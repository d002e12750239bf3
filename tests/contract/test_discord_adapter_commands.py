"""Slash commands: kept before they are answered, where they belong, and listed without waste."""

import asyncio

import pytest

from adapters.discord.interactions import NOT_KEPT
from adapters.emulators.control import ControlError
from gateway.model.address import ChatKind
from gateway.model.command import CommandInfo
from tests.contract.discord_adapter import setting
from tests.harness.waiting import within

COMMANDS = [CommandInfo("new", "start a new conversation"), CommandInfo("model", "choose a model", "name")]


@pytest.fixture
async def at():
    async with setting() as made:
        yield made


async def heard(at, count):
    await within(at.sink.until(lambda sink: len(sink.items) >= count), f"{count} events")
    return at.sink.items


@pytest.fixture
async def offered(at):
    await at.adapter.offer_commands(COMMANDS)
    return at


def give(at, name, text="", chat=""):
    (known,) = [one for one in at.emulator.api.commands[0] if one["name"] == name]
    return str(at.emulator.people.command(int(at.ann), int(chat or at.direct), known, text=text).id)


def whispers(at):
    return [one.content for one in at.emulator.interactions.whispered(int(at.ann))]


async def test_a_command_is_kept_and_then_answered_to_its_giver(offered):
    at = offered
    channel = at.channel()
    async with at.running():
        await within(at.sink.until_ready(), "ready")
        at.sink.before_commit = asyncio.Event()
        given = give(at, "model", "opus", channel)
        await within(at.sink.until(lambda sink: any(batch.items for batch in sink.offered)), "the command")
        assert at.calls("interactionCallback") == []
        at.sink.before_commit.set()
        answer = await at.emulator.wait("answered", interaction=given)
    assert (answer["ephemeral"], answer["text"]) == (True, "Received: /model opus")
    assert whispers(at) == ["Received: /model opus"]
    assert at.shown(channel) == []
    (item,) = at.sink.items
    assert (item.command, item.text, item.chat, item.thread) == ("model", "opus", channel, "")
    assert (item.chat_kind, item.to_bot, item.event_id) == (ChatKind.GROUP, True, f"i{given}")


async def test_a_command_in_a_thread_belongs_to_the_thread(offered):
    at = offered
    channel = at.channel()
    async with at.running():
        await within(at.sink.until_ready(), "ready")
        thread = at.thread(channel)
        give(at, "new", chat=thread)
        (item,) = await heard(at, 1)
    assert (item.chat, item.thread) == (channel, thread)


async def test_a_command_that_cannot_be_kept_is_said_to_be(offered):
    """Its giver is asked to give it again, so it must not be kept later on."""
    at = offered
    async with at.running():
        await within(at.sink.until_ready(), "ready")
        at.sink.refuse = 1000
        given = give(at, "new")
        await at.emulator.wait("answered", interaction=given)
        at.sink.refuse = 0
        at.say("after")
        await within(at.sink.until_texts("after"), "after")
    assert whispers(at) == [NOT_KEPT]
    assert sum(at.clock.slept) < 3
    assert [item.command for item in at.sink.items] == [""]


async def test_a_ledger_that_fails_for_a_moment_is_waited_for(offered):
    at = offered
    async with at.running():
        await within(at.sink.until_ready(), "ready")
        at.sink.refuse = 1
        await at.emulator.wait("answered", interaction=give(at, "new"))
    assert whispers(at) == ["Received: /new"]
    assert [item.command for item in at.sink.items] == ["new"]


@pytest.mark.parametrize("kind", ["500", "drop", "429"])
async def test_an_answer_that_fails_undoes_nothing(offered, kind):
    at = offered
    at.fault(kind, "interactionCallback")
    async with at.running():
        await within(at.sink.until_ready(), "ready")
        give(at, "new")
        await heard(at, 1)
        at.say("after")
        await within(at.sink.until_texts("", "after"), "after")


async def test_what_else_the_application_has_stays(at):
    application = f"/applications/{at.emulator.world.application_id}/commands"
    await at.adapter._rest.call("POST", application, {"name": "Ask about it", "type": 3})
    for commands in (COMMANDS, COMMANDS[:1], COMMANDS[:1]):
        await at.again().offer_commands(commands)
    kept = at.emulator.api.commands[0]
    assert [(one["name"], one["type"]) for one in kept] == [("new", 1), ("Ask about it", 3)]
    assert len(at.calls("putCommands")) == 2


async def test_a_direct_chat_has_them_too(offered):
    at = offered
    assert all(one["contexts"] == [0, 1] for one in at.emulator.api.commands[0])
    with pytest.raises(ControlError, match="takes no such text"):
        give(at, "new", "text")


async def test_without_the_application_nothing_is_offered(at):
    at.emulator.reset_token()
    await at.adapter.offer_commands(COMMANDS)
    assert at.emulator.api.commands == {}
