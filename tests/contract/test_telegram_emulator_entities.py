"""Entities, reactions, drafts and commands are refused as Telegram refuses them, in its words."""

import pytest

from adapters.emulators.telegram_reactions import ALLOWED
from tests.contract.telegram_emulator import telegram

ANN = 1001


@pytest.fixture
async def at():
    async with telegram() as (emulator, bot):
        emulator.people.send(ANN, "hi")
        yield emulator, bot


def entity(kind="bold", offset=0, length=1, **more):
    return {"type": kind, "offset": offset, "length": length, **more}


PARSE = "can't parse MessageEntity: "


@pytest.mark.parametrize(
    ("entities", "words"),
    [
        ([3], PARSE + "expected an Object"),
        ([{"offset": 0, "length": 1}], PARSE + 'Can\'t find field "type"'),
        ([{"type": "bold", "length": 1}], PARSE + 'Can\'t find field "offset"'),
        ([entity(length="1")], PARSE + 'Field "length" must be a valid Number'),
        ([entity("invalid_type")], PARSE + "Unsupported type specified"),
        ([entity("text_link")], PARSE + 'Can\'t find field "url"'),
        ([entity("text_mention")], PARSE + 'Can\'t find field "user"'),
        ([entity("custom_emoji")], PARSE + 'Can\'t find field "custom_emoji_id"'),
        (
            [entity("custom_emoji", custom_emoji_id="x")],
            PARSE + 'Field "custom_emoji_id" must be a valid Number',
        ),
        ([entity("text_link", url="")], "entity URL '' is invalid: URL host is empty"),
        ([entity("text_link", url="not-a-url")], "entity URL 'not-a-url' is invalid: Wrong HTTP URL"),
        (
            [entity("text_link", url="http://localhost:80/")],
            "entity URL 'http://localhost:80/' is invalid: Wrong HTTP URL",
        ),
        ([entity("text_link", url="./docs/x y.md")], "entity URL './docs/x y.md' is invalid: Wrong HTTP URL"),
        (
            [entity("text_link", url="ftp://example.org")],
            "entity URL 'ftp://example.org' is invalid: Unsupported URL protocol",
        ),
        ([entity(offset=-1)], "receive an entity with incorrect offset -1"),
        ([entity(length=-1)], "receive an entity with incorrect length -1"),
        ([entity(offset=100)], "entity begins after the end of the text at UTF-16 offset 100"),
        (
            [entity(length=100)],
            "entity beginning at UTF-16 offset 0 ends after the end of the text at UTF-16 offset 100",
        ),
        ([entity(offset=2, length=1)], "entity begins in a middle of a UTF-16 symbol at byte offset 1"),
        (
            [entity(offset=0, length=2)],
            "entity beginning at UTF-16 offset 0 ends in a middle of a UTF-16 symbol at byte offset 1",
        ),
    ],
)
@pytest.mark.parametrize("method", ["sendMessage", "editMessageText", "sendMessageDraft"])
async def test_entities_that_are_refused(at, method, entities, words):
    _, bot = at
    sent = await bot.ok("sendMessage", chat_id=ANN, text="before")
    more = {"message_id": sent["message_id"], "draft_id": 1}
    refusal = await bot.refused(method, chat_id=ANN, text="x😀 text", entities=entities, **more)
    assert refusal == (400, f"Bad Request: {words}")


@pytest.mark.parametrize(
    "given",
    [
        entity(),
        entity("pre", language="python"),
        entity("text_link", url="https://example.org/a?b#c"),
        entity("text_link", url="example.org"),
        entity("text_link", url="http://[::1]/"),
        entity("text_link", url="tg://user?id=1001"),
        entity("text_mention", user={"id": ANN}),
        entity("custom_emoji", custom_emoji_id="5368324170671202286"),
        entity("expandable_blockquote", 0, 3),
        entity("code", 1, 2),
    ],
)
async def test_entities_that_are_taken(at, given):
    _, bot = at
    sent = await bot.ok("sendMessage", chat_id=ANN, text="x😀 text", entities=[given])
    assert sent["entities"] == [given]


async def test_empty_entities_vanish_and_the_others_move_with_the_text(at):
    _, bot = at
    given = [entity(length=0), entity("bold", 2, 3), entity("italic", 0, 1)]
    sent = await bot.ok("sendMessage", chat_id=ANN, text="\n text ", entities=given)
    assert (sent["text"], sent["entities"]) == ("text", [entity("bold", 0, 3)])


# Reactions


def emoji(sign):
    return {"type": "emoji", "emoji": sign}


@pytest.mark.parametrize("sign", sorted(ALLOWED))
async def test_reactions_that_are_taken(at, sign):
    emulator, bot = at
    assert await bot.ok("setMessageReaction", chat_id=ANN, message_id=1, reaction=[emoji(sign)])
    assert emulator.world.chat(ANN).messages[1].reactions == [emoji(sign)]


@pytest.mark.parametrize(
    ("reaction", "words"),
    [
        ([emoji("✅")], "REACTION_INVALID"),
        ([emoji("❌")], "REACTION_INVALID"),
        ([{"type": "custom_emoji", "custom_emoji_id": "1"}], "REACTION_INVALID"),
        ([{"type": "paid"}], "REACTION_INVALID"),
        ([emoji("👍"), emoji("👎")], "REACTIONS_TOO_MANY"),
        ([], "REACTION_EMPTY"),
        (["👍"], "can't parse ReactionType: expected an Object"),
        ([{"type": "emoji"}], "can't parse ReactionType: Can't find field \"emoji\""),
        ([{"type": "sound"}], "can't parse ReactionType: invalid type specified"),
    ],
)
async def test_reactions_that_are_refused(at, reaction, words):
    emulator, bot = at
    refusal = await bot.refused("setMessageReaction", chat_id=ANN, message_id=1, reaction=reaction)
    assert refusal == (400, f"Bad Request: {words}")
    assert emulator.world.chat(ANN).messages[1].reactions == []


async def test_a_reaction_is_replaced_and_taken_back(at):
    emulator, bot = at
    for reaction in ([emoji("👀")], [emoji("👍")], [emoji("👍")], []):
        await bot.ok("setMessageReaction", chat_id=ANN, message_id=1, reaction=reaction)
        assert emulator.world.chat(ANN).messages[1].reactions == reaction


async def test_reactions_to_what_is_not_there(at):
    emulator, bot = at
    group = emulator.world.add_group("Forum", [ANN], forum=True).id
    topic = emulator.world.add_topic(group)
    emulator.people.send(ANN, "gone")
    emulator.people.delete(ANN, 2)
    for chat, message, words in [
        (ANN, 77, "message to react not found"),
        (ANN, 2, "MESSAGE_ID_INVALID"),
        (group, topic, "REACTION_INVALID"),
    ]:
        given = {"chat_id": chat, "message_id": message, "reaction": [emoji("👍")]}
        assert await bot.refused("setMessageReaction", **given) == (400, f"Bad Request: {words}")


# Drafts


async def test_a_draft_changes_and_gives_way_to_a_message(at):
    emulator, bot = at
    for text in ("so", "so far", ""):
        assert await bot.ok("sendMessageDraft", chat_id=ANN, draft_id=3, text=text)
        assert [one.text for one in emulator.world.chat(ANN).drafts.values()] == [text]
    await bot.ok("sendMessageDraft", chat_id=ANN, draft_id=4, text="another")
    assert len(emulator.world.chat(ANN).drafts) == 2
    await bot.ok("sendMessage", chat_id=ANN, text="done")
    assert emulator.world.chat(ANN).drafts == {}
    assert emulator.world.chat(ANN).bot_messages == 1


async def test_drafts_that_are_refused(at):
    emulator, bot = at
    group = emulator.world.add_group("Team", [ANN]).id
    for given, words in [
        ({"chat_id": ANN, "draft_id": 0}, "RANDOM_ID_INVALID"),
        ({"chat_id": ANN}, "RANDOM_ID_INVALID"),
        ({"chat_id": group, "draft_id": 1}, "TEXTDRAFT_PEER_INVALID"),
        ({"chat_id": ANN, "draft_id": 1, "message_thread_id": 77}, "message thread not found"),
    ]:
        assert await bot.refused("sendMessageDraft", text="x", **given) == (400, f"Bad Request: {words}")
    long = await bot.refused("sendMessageDraft", chat_id=ANN, draft_id=1, text="x" * 4097)
    assert long == (400, "Bad Request: MESSAGE_TOO_LONG")
    assert emulator.world.chat(ANN).drafts == {}


# Commands


@pytest.mark.parametrize(
    ("command", "description", "words"),
    [
        ("New", "x", "BOT_COMMAND_INVALID"),
        ("", "x", "BOT_COMMAND_INVALID"),
        ("x" * 33, "x", "BOT_COMMAND_INVALID"),
        ("a-b", "x", "BOT_COMMAND_INVALID"),
        ("new", "", "BOT_COMMAND_DESCRIPTION_INVALID"),
        ("new", "x" * 257, "BOT_COMMAND_DESCRIPTION_INVALID"),
    ],
)
async def test_commands_that_are_refused(at, command, description, words):
    _, bot = at
    given = [{"command": command, "description": description}]
    assert await bot.refused("setMyCommands", commands=given) == (400, f"Bad Request: {words}")
    assert await bot.ok("getMyCommands") == []
