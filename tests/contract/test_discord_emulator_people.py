"""What people do to messages, reactions and commands: told as Discord tells it, refused as it refuses."""

import pytest

from adapters.emulators.control import ControlError
from adapters.emulators.discord import DiscordOptions
from adapters.emulators.discord_client import DiscordControl
from tests.contract.discord_emulator import UNLIMITED, Clock, discord_emulator, discord_fixtures

wire, ann, direct, channel = discord_fixtures()


def ids(*given):
    return tuple(map(int, given))


# Messages


async def test_edits_previews_and_deletions(wire, ann, channel):
    emulator, bot = wire
    play, people = emulator.playground, emulator.people
    said = play.say(ann, channel, "one")
    async with bot.gateway() as socket:
        people.unfurl(*ids(channel, said))
        preview = await socket.event("MESSAGE_UPDATE")
        assert (preview["content"], preview["edited_timestamp"], len(preview["embeds"])) == ("one", None, 1)
        people.edit(*ids(ann, channel, said), "two")
        edit = await socket.event("MESSAGE_UPDATE")
        assert (edit["content"], edit["author"]["id"], edit["member"]["nick"]) == ("two", ann, None)
        assert edit["edited_timestamp"] is not None
        people.delete(*ids(ann, channel, said))
        gone = await socket.event("MESSAGE_DELETE")
        assert (gone["id"], gone["channel_id"]) == (said, channel)
        assert "author" not in gone


async def test_many_deletions_at_once(wire, ann, channel, direct):
    emulator, bot = wire
    said = [emulator.playground.say(ann, channel, str(number)) for number in range(3)]
    async with bot.gateway() as socket:
        emulator.people.purge(int(channel), ids(*said[:2]))
        gone = await socket.event("MESSAGE_DELETE_BULK")
        assert (gone["ids"], gone["channel_id"]) == (said[:2], channel)
    assert [one.id for one in emulator.playground.shown(channel)] == said[2:]
    for place, few in ((channel, said[2:]), (direct, said)):
        with pytest.raises(ControlError):
            emulator.people.purge(int(place), ids(*few))


@pytest.mark.parametrize("text", ["", " ", "x" * 2001])
async def test_edits_that_nobody_can_make(wire, ann, direct, text):
    emulator, _ = wire
    said = emulator.playground.say(ann, direct, "one")
    with pytest.raises(ControlError, match="cannot be changed"):
        emulator.people.edit(*ids(ann, direct, said), text)


# Reactions


def path(channel, message, emoji="%F0%9F%91%8D"):
    return f"/channels/{channel}/messages/{message}/reactions/{emoji}/@me"


async def test_reactions_have_limits(wire, ann, channel):
    emulator, bot = wire
    said = emulator.playground.say(ann, channel, "hello")
    for number in range(20):
        emulator.people.react(*ids(ann, channel, said), chr(0x1F600 + number))
    assert (await bot.call("PUT", path(channel, said))).refusal == (400, 30010)
    assert (await bot.call("PUT", path(channel, said, "%F0%9F%98%80"))).status == 204  # it is there already
    emulator.people.permit(int(channel), react=False)
    other = emulator.playground.say(ann, channel, "hello again")
    assert (await bot.call("PUT", path(channel, other))).refusal == (403, 50013)
    assert (await bot.call("PUT", path(channel, said, "%F0%9F%98%81"))).status == 204
    assert (await bot.call("DELETE", path(channel, said, "%F0%9F%98%81"))).status == 204
    assert (await bot.call("DELETE", path(channel, said, "%F0%9F%98%81"))).status == 204
    assert (await bot.call("PUT", path(channel, "5"))).refusal == (404, 10008)
    async with DiscordControl(emulator.base_url) as control:
        assert (await control.reactions(channel, said))["\U0001f600"] == [ann, str(emulator.world.bot.id)]


async def test_reactions_need_no_leave_to_write(wire, ann, channel):
    emulator, bot = wire
    said = emulator.playground.say(ann, channel, "hello")
    emulator.people.permit(int(channel), send=False)
    assert (await bot.call("PUT", path(channel, said))).status == 204


async def test_who_blocked_the_bot_gets_no_reactions(wire, ann, direct, channel):
    emulator, bot = wire
    said, public = emulator.playground.say(ann, direct, "hi"), emulator.playground.say(ann, channel, "hi")
    emulator.people.permit(int(direct), send=False)
    for place, message in ((direct, said), (channel, public)):
        assert (await bot.call("PUT", path(place, message))).refusal == (403, 90001)


async def test_an_archived_thread_takes_none(wire, ann, channel):
    emulator, bot = wire
    thread = emulator.playground.thread(ann, channel)
    said = emulator.playground.say(ann, channel, "hi", thread=thread)
    emulator.people.archive(int(thread))
    assert (await bot.call("PUT", path(thread, said))).refusal == (400, 50083)


@pytest.mark.parametrize("emoji", ["x", "%C3%A9", "%20", "1", "name%3A5"])
async def test_what_is_no_emoji(wire, ann, direct, emoji):
    emulator, bot = wire
    said = emulator.playground.say(ann, direct, "hi")
    assert (await bot.call("PUT", path(direct, said, emoji))).refusal == (400, 10014)


@pytest.mark.parametrize("emoji", ["%E2%9C%85", "%E2%9A%A0%EF%B8%8F", "%F0%9F%91%80", "1%EF%B8%8F%E2%83%A3"])
async def test_what_is_one(wire, ann, direct, emoji):
    emulator, bot = wire
    said = emulator.playground.say(ann, direct, "hi")
    assert (await bot.call("PUT", path(direct, said, emoji))).status == 204


# Commands

TEXT = {"name": "text", "description": "what", "type": 3}


@pytest.mark.parametrize(
    ("command", "where"),
    [
        ({"options": [{**TEXT, "name": "Text"}]}, "0.options.0.name"),
        ({"options": [{**TEXT, "description": ""}]}, "0.options.0.description"),
        ({"options": [{**TEXT, "type": 99}]}, "0.options.0.type"),
        ({"options": [{"name": "text", "description": "what"}]}, "0.options.0.type"),
        ({"options": [TEXT, TEXT]}, "0.options.1.name"),
        ({"options": [TEXT, {**TEXT, "name": "b", "required": True}]}, "0.options.1"),
        ({"options": [TEXT] * 26}, "0.options"),
        ({"contexts": [5]}, "0.contexts.0"),
        ({"type": 9}, "0.type"),
    ],
)
async def test_commands_that_are_wrong(wire, command, where):
    emulator, bot = wire
    given = {"name": "new", "description": "x", **command}
    answer = await bot.call("PUT", f"/applications/{emulator.world.application_id}/commands", [given])
    assert answer.where[0] == where


async def test_commands_are_counted_by_the_day():
    clock = Clock()
    async with discord_emulator(DiscordOptions(limits=UNLIMITED, clock=clock)) as (emulator, bot):
        root = f"/applications/{emulator.world.application_id}/commands"

        def some(first, count):
            return [{"name": f"c{first + number}", "description": "x"} for number in range(count)]

        assert (await bot.call("PUT", root, some(0, 100))).status == 200
        assert (await bot.call("PUT", root, some(0, 100))).status == 200  # changing one costs nothing
        assert (await bot.call("PUT", root, some(100, 100))).status == 200
        assert (await bot.call("PUT", root, some(200, 1))).refusal == (400, 30034)
        assert (await bot.call("POST", root, some(200, 1)[0])).refusal == (400, 30032)
        clock.now += 86_400
        assert (await bot.call("PUT", root, some(200, 1))).status == 200


async def test_one_command_at_a_time(wire):
    emulator, bot = wire
    root = f"/applications/{emulator.world.application_id}/commands"
    made = await bot.call("POST", root, {"name": "new", "description": "x"})
    again = await bot.call("POST", root, {"name": "new", "description": "y", "options": [TEXT]})
    assert (made.status, again.status, made.body["id"] == again.body["id"]) == (201, 200, True)
    assert [one["description"] for one in await bot.get(root)] == ["y"]
    assert (await bot.call("DELETE", f"{root}/{made.body['id']}")).status == 204
    assert (await bot.call("DELETE", f"{root}/{made.body['id']}")).refusal == (404, 10063)
    assert await bot.get(root) == []


async def test_a_command_is_given_and_answered_in_private(wire, ann, channel, direct):
    emulator, bot = wire
    root = f"/applications/{emulator.world.application_id}/commands"
    new = {"name": "new", "description": "x", "contexts": [0]}
    say = {"name": "say", "description": "x", "options": [{**TEXT, "required": True}]}
    await bot.call("PUT", root, [new, say])
    async with DiscordControl(emulator.base_url) as control, bot.gateway() as socket:
        given = await control.command(ann, channel, "say", "some words")
        told = await socket.event("INTERACTION_CREATE")
        assert (told["id"], told["channel_id"]) == (given, channel)
        assert told["data"]["options"] == [{"name": "text", "type": 3, "value": "some words"}]
        answer = {"type": 4, "data": {"content": "heard", "flags": 1 << 6}}
        await bot.call("POST", f"/interactions/{given}/{told['token']}/callback", answer)
        assert await control.whispers(ann) == ["heard"]
        assert await control.shown(channel) == []
        for chat, name, text, why in (
            (channel, "say", "", "has the options text"),
            (channel, "new", "text", "takes no such text"),
            (direct, "new", "", "not offered here"),
            (direct, "no", "", "registered no command"),
        ):
            with pytest.raises(Exception, match=why):
                await control.command(ann, chat, name, text)
