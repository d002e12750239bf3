"""The platform lists the gateway's commands, and what people pick from the list arrives as a command."""

import pytest

from gateway.model.command import CommandInfo
from tests.harness.waiting import within

COMMANDS = [
    CommandInfo("new", "start a new conversation"),
    CommandInfo("stop", "stop the answer that is being given"),
    CommandInfo("model", "choose a model", "name"),
]
LISTED = {one.name: one.description for one in COMMANDS}


@pytest.fixture
async def adapter(at):
    if not at.special.commands:
        pytest.skip(f"{at.platform} takes no list of commands from a bot")
    return at.connect()


def writes(at):
    return sum(at.count(one) for one in at.special.commands)


async def offer(adapter, commands=COMMANDS):
    await within(adapter.offer_commands(commands), "the offer of commands")


async def test_they_are_listed(at, adapter):
    await offer(adapter)
    assert dict(at.special.offered()) == LISTED


async def test_they_are_written_only_when_they_differ(at, adapter):
    await offer(adapter)
    written = writes(at)
    assert written
    await offer(at.connect())
    assert writes(at) == written
    await offer(at.connect(), COMMANDS[:2])
    assert writes(at) > written
    assert list(at.special.offered()) == ["new", "stop"]


async def test_what_the_platform_cannot_list_is_left_out(at, adapter):
    odd = [
        CommandInfo("Ünmöglich!", "no platform takes this name"),
        CommandInfo("x" * 60, "nor this one"),
        CommandInfo("long", "very " * 200 + "long"),
        CommandInfo("bare", ""),
    ]
    await offer(adapter, [*odd, *COMMANDS])
    assert LISTED.items() <= dict(at.special.offered()).items()


@pytest.mark.parametrize("kind", ["429", "500", "drop", "rubbish"])
async def test_failing_is_silent(at, adapter, kind):
    at.fault(kind, "*", times=2)
    await offer(adapter)
    assert at.clock.slept == []
    at.play.faults.remove()
    await offer(adapter)
    assert dict(at.special.offered()) == LISTED


async def test_without_a_connection_it_is_silent_too(at, adapter):
    await at.emulator.stop()
    await offer(adapter)


@pytest.mark.parametrize("text", ["", "and so on"])
async def test_a_command_that_is_picked_from_the_list(at, text):
    async with at.life() as adapter:
        await offer(adapter)
        at.special.invoke(at.ann, at.direct, "new", text)
        await at.sink.until(lambda sink: sink.heard)
    (item,) = at.sink.heard
    assert (item.command, item.text, item.chat, item.author_id) == ("new", text, at.direct, at.ann)


async def test_a_command_that_is_picked_in_a_channel(at):
    channel = at.channel()
    async with at.life() as adapter:
        await offer(adapter)
        at.special.invoke(at.ann, channel, "stop")
        await at.sink.until(lambda sink: sink.heard)
    (item,) = at.sink.heard
    assert (item.command, item.chat, item.to_bot) == ("stop", channel, True)
