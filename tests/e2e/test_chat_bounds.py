"""Who is answered, where, how often, and the commands that platforms list: on each platform."""

import pytest
import pytest_asyncio

from gateway.engine.catalogue import INFOS
from tests.e2e.chatting import PLATFORMS, Talk
from tests.harness.stage import open_stage

LONG = "dig a hole [[tool spade 10m]]"
TESTS = 4
"""Tests of each platform that need somebody who may speak: the config names them, so they come before it."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory):
    """A stage with a gateway that few people may use, and not often; those people.

    An hour: people are told once in each such stretch of the clock, and a minute may end within a test.
    """
    async with open_stage(tmp_path_factory.mktemp("house"), *PLATFORMS) as opened:
        guests = {one: [Talk.new(opened, one) for _ in range(TESTS)] for one in PLATFORMS}
        allowed = [f"{one}:{ann.chat.person}" for one, anns in guests.items() for ann in anns]
        opened.configure(access={"default": "deny", "allow": allowed}, limits={"messages_per_user": "3/1h"})
        await opened.start()
        yield opened, guests


@pytest.fixture(params=PLATFORMS)
def platform(request):
    return request.param


@pytest.fixture
def stage(house):
    return house[0]


@pytest.fixture
def ann(house, platform):
    return house[1][platform].pop()


def refusals(talk):
    return [one for one in talk.texts if "You write faster than this bot answers" in one]


@pytest.mark.asyncio(loop_scope="module")
async def test_who_writes_too_much_is_told_once_and_can_stop(stage, ann):
    ann.say(LONG)
    await ann.in_tool("spade")
    for text in ("one", "two"):
        ann.say(f"{text} more")
    await ann.heard(3)
    assert refusals(ann) == []
    ann.say("three more")
    await ann.sees(lambda: refusals(ann), "a refusal")
    ann.say("four more")
    ann.say("/stop")
    await ann.reads("Stopped")
    await ann.reads("two more")
    await ann.done(5)
    (told,) = refusals(ann)
    assert "(3 messages in 1 hour)" in told
    assert "please send it again in" in told
    assert not any(one in text for one in ("three more", "four more") for text in ann.texts)


@pytest.mark.asyncio(loop_scope="module")
async def test_a_stranger_is_told_once_what_to_do_and_never_answered(stage, platform):
    eve = Talk.new(stage, platform, "Eve")
    person = f"{platform}:{eve.chat.person}"
    seen = len(stage.gateway.log.entries)
    eve.say("let me in")
    told = await eve.reads("answers only people it knows")
    assert person in told
    eve.say("let me in now")
    await stage.gateway.logged("message.refused", after=seen)
    eve.say("/status")
    await stage.knows(
        lambda ledger: not ledger.one(f"SELECT count(*) FROM sessions WHERE chat = '{eve.chat.id}'") or None,
        "no conversation of a stranger",
    )
    await stage.until(
        stage.gateway.log.until("message.refused", after=seen, why=f"{person} is not allowed"), "a refusal"
    )
    assert eve.texts == [told]


@pytest.mark.asyncio(loop_scope="module")
async def test_a_stranger_in_a_group_is_not_even_told(stage, ann):
    eve, play = ann.chat.playground.person("Eve"), ann.chat.playground
    group = play.channel(ann.chat.person, eve)
    seen = len(stage.gateway.log.entries)
    play.say(eve, group, "what do you think", mention=True)
    await stage.gateway.logged("message.refused", after=seen)
    play.say(ann.chat.person, group, "and what do you say", mention=True)
    await said(stage, play, group, "and what do you say")
    assert len([one for one in play.shown(group) if one.from_bot]) == 1


@pytest.mark.asyncio(loop_scope="module")
async def test_a_group_is_answered_where_the_bot_is_mentioned(stage, ann):
    play, person = ann.chat.playground, ann.chat.person
    group = play.channel(person)
    play.say(person, group, "among ourselves")
    play.say(person, group, "and you there", mention=True)
    (answer,) = await said(stage, play, group, "and you there")
    assert "among ourselves" not in answer.text
    assert len([one for one in play.shown(group) if one.from_bot]) == 1


async def said(stage, play, chat, text):
    """Wait until the bot has answered this; what it said with these words in it."""

    def found():
        return [one for one in play.shown(chat) if one.from_bot and text in one.text] or None

    return await stage.until(play.events.until(found), f"an answer to {text!r} in {chat} on {play.platform}")


@pytest.mark.asyncio(loop_scope="module")
async def test_commands_are_listed_and_carried_out_while_the_agent_works(stage, ann):
    listed = None if ann.platform == "slack" else ann.special.offered()
    if listed is not None:
        await ann.sees(lambda: len(ann.special.offered()) == len(INFOS), "the list of commands")
        assert dict(ann.special.offered()) == {one.name: one.description for one in INFOS}
    ann.say(LONG)
    await ann.in_tool("spade")
    ann.special.invoke(ann.chat.person, ann.chat.id, "status")
    told = await ann.reads("at work for")
    assert "dig a hole" in told
    ann.special.invoke(ann.chat.person, ann.chat.id, "stop")
    await ann.reads("Stopped")


def open_group(stage, platform, person):
    """A group in which the bot hears everything, which on Telegram takes an administrator's rights."""
    if platform == "telegram":
        return str(stage.emulator.world.add_group("Garden", [int(person)], bot_admin=True).id)
    return stage.playground(platform).channel(person)


@pytest.mark.parametrize("respond", ["never", "always"])
async def test_groups_are_answered_never_or_always(tmp_path, respond):
    """On all platforms; direct chats are answered all the same."""
    async with open_stage(tmp_path, *PLATFORMS) as stage:
        stage.configure(access={"groups": {"respond": respond}})
        await stage.start()
        groups = {}
        for platform in PLATFORMS:
            ann = Talk.new(stage, platform)
            play, person = ann.chat.playground, ann.chat.person
            group = groups[ann] = open_group(stage, platform, person)
            for text, mention in (("good morning", False), ("good day", True)):
                play.say(person, group, text, mention=mention)
            ann.say("good evening")
        for ann, group in groups.items():
            await ann.reads("good evening")
            if respond == "always":
                await said(stage, ann.chat.playground, group, "good morning")
                await said(stage, ann.chat.playground, group, "good day")
        await stage.settled()
        if respond == "never":
            for ann, group in groups.items():
                assert not [one for one in ann.chat.playground.shown(group) if one.from_bot]
        assert stage.memory.heard("good morning") == (3 if respond == "always" else 0)
