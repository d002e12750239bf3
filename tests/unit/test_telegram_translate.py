"""What a person said in Telegram, as the gateway understands it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.telegram.sdk import Update, User, prepare
from adapters.telegram.translate import NAME_LIMIT, translate
from adapters.telegram.updates import Read, Unreadable, read
from gateway.model.address import ChatKind
from gateway.model.message import Inbound

prepare(Update, User)

ME = User(id=42, is_bot=True, first_name="Carryon", username="Carryon_Bot")
ANN = {"id": 1001, "is_bot": False, "first_name": "Ann", "last_name": "Example", "username": "ann"}
DIRECT = {"id": 1001, "type": "private", "first_name": "Ann"}
GROUP = {"id": -100123, "type": "supergroup", "title": "Team"}


def update(text=None, chat=DIRECT, **more):
    message = {"message_id": 7, "date": 1_700_000_000, "chat": chat, "from": ANN, **more}
    if text is not None:
        message["text"] = text
    return {"update_id": 900, "message": message}


def heard(*args, **more):
    return translate(Update.model_validate(update(*args, **more)), ME)


def utf16(text):
    return len(text.encode("utf-16-le")) // 2


def entity(text, part, kind, **more):
    return {"type": kind, "offset": utf16(text[: text.index(part)]), "length": utf16(part), **more}


def test_a_direct_message():
    assert heard("hello") == Inbound(
        event_id="900",
        chat="1001",
        chat_kind=ChatKind.DIRECT,
        author_id="1001",
        author_name="Ann Example",
        text="hello",
        sent_at=1_700_000_000.0,
        message_ref="7",
    )


@pytest.mark.parametrize("kind", ["group", "supergroup"])
def test_a_group_message_that_is_not_for_the_bot(kind):
    inbound = heard("hello all", {**GROUP, "type": kind})
    assert inbound.chat_kind is ChatKind.GROUP
    assert not inbound.to_bot


# Being named


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("@carryon_bot help me", "help me"),
        ("@CARRYON_BOT, help me", "help me"),
        ("@Carryon_Bot: help\nme", "help\nme"),
        ("  @Carryon_Bot   help me", "help me"),
        ("@Carryon_Bot", "@Carryon_Bot"),
        ("@Carryon_Bot  ", "@Carryon_Bot  "),
        ("@Carryon_Bot's turn", "@Carryon_Bot's turn"),
        ("help me @carryon_bot please", "help me @carryon_bot please"),
        ("😀👨‍👩‍👧 é @carryon_bot help", "😀👨‍👩‍👧 é @carryon_bot help"),
        ("@carryon_bot 😀 help", "😀 help"),
    ],
)
def test_a_mention(text, rest):
    start = text.index("@")
    named = text[start : start + len("@Carryon_Bot")]
    inbound = heard(text, GROUP, entities=[entity(text, named, "mention")])
    assert inbound.to_bot
    assert inbound.text == rest


def test_a_mention_after_emoji_is_measured_in_utf16():
    text = "😀😀😀 @ann and @carryon_bot"
    inbound = heard(
        text, GROUP, entities=[entity(text, "@ann", "mention"), entity(text, "@carryon_bot", "mention")]
    )
    assert inbound.to_bot


@pytest.mark.parametrize("other", ["@ann hello", "@carryon_bot2 hello", "@carryon hello"])
def test_a_mention_of_somebody_else(other):
    inbound = heard(other, GROUP, entities=[entity(other, other.split()[0], "mention")])
    assert not inbound.to_bot
    assert inbound.text == other


def test_a_mention_by_link():
    text = "Carryon, hello"
    bot = {"id": 42, "is_bot": True, "first_name": "Carryon"}
    link = entity(text, "Carryon", "text_mention", user=bot)
    assert heard(text, GROUP, entities=[link]).text == "hello"
    assert heard(text, GROUP, entities=[link]).to_bot
    assert not heard(text, GROUP, entities=[{**link, "user": ANN}]).to_bot


def test_a_mention_in_a_caption():
    text = "@carryon_bot what is this?"
    inbound = heard(
        chat=GROUP,
        caption=text,
        caption_entities=[entity(text, "@carryon_bot", "mention")],
        photo=[{"file_id": "f", "file_unique_id": "u", "width": 1, "height": 1}],
    )
    assert (inbound.to_bot, inbound.text) == (True, "what is this?")


def replied(author, message_id=5):
    return {"message_id": message_id, "date": 1, "chat": GROUP, "from": author, "text": "earlier"}


BOT = {"id": 42, "is_bot": True, "first_name": "Carryon"}


def test_a_reply():
    assert heard("yes", GROUP, reply_to_message=replied(BOT)).to_bot
    assert not heard("yes", GROUP, reply_to_message=replied(ANN)).to_bot


# Commands


@pytest.mark.parametrize(
    ("text", "chat", "to_bot", "command", "rest"),
    [
        ("/stop", DIRECT, True, "stop", ""),
        ("/STOP now please", DIRECT, True, "stop", "now please"),
        ("/stop@carryon_bot now", DIRECT, True, "stop", "now"),
        ("/stop@other_bot now", DIRECT, False, "", "/stop@other_bot now"),
        ("/stop", GROUP, True, "stop", ""),
        ("/stop@Carryon_BOT 😀 now", GROUP, True, "stop", "😀 now"),
        ("/stop@other_bot now", GROUP, False, "", "/stop@other_bot now"),
        ("/new\nline", GROUP, True, "new", "line"),
    ],
)
def test_a_command(text, chat, to_bot, command, rest):
    inbound = heard(text, chat, entities=[entity(text, text.split()[0], "bot_command")])
    assert (inbound.to_bot, inbound.command, inbound.text) == (to_bot, command, rest)


@pytest.mark.parametrize("chat", [DIRECT, GROUP])
def test_a_command_that_goes_on_where_ours_end_is_the_agents(chat):
    text = "/new-feature x"
    inbound = heard(text, chat, entities=[entity(text, "/new", "bot_command")])
    assert (inbound.to_bot, inbound.command, inbound.text) == (True, "", text)


def test_a_command_after_the_mention():
    text = "@carryon_bot /stop now"
    found = [entity(text, "@carryon_bot", "mention"), entity(text, "/stop", "bot_command")]
    inbound = heard(text, GROUP, entities=found)
    assert (inbound.to_bot, inbound.command, inbound.text) == (True, "stop", "now")


def test_a_command_in_the_middle_is_only_text():
    text = "please /stop"
    inbound = heard(text, GROUP, entities=[entity(text, "/stop", "bot_command")])
    assert (inbound.to_bot, inbound.command, inbound.text) == (False, "", text)


# Threads


def test_a_topic_is_a_thread():
    assert heard("hi", GROUP, message_thread_id=33, is_topic_message=True).thread == "33"


def test_a_chain_of_replies_is_not():
    assert heard("hi", GROUP, message_thread_id=33).thread == ""


def test_writing_in_a_topic_that_the_bot_opened_is_not_a_reply_to_it():
    in_topic = {"message_thread_id": 33, "is_topic_message": True}
    assert not heard("hi", GROUP, reply_to_message=replied(BOT, 33), **in_topic).to_bot
    assert heard("hi", GROUP, reply_to_message=replied(BOT, 34), **in_topic).to_bot


# Authors


def test_a_long_name_is_cut_and_kept_on_one_line():
    author = {**ANN, "first_name": "A\nn  n" * 50}
    inbound = heard("hi", **{"from": author})
    assert len(inbound.author_name) <= NAME_LIMIT
    assert "\n" not in inbound.author_name


@pytest.mark.parametrize(("username", "shown"), [("ann", "ann"), (None, "1001")])
def test_a_blank_name(username, shown):
    author = {"id": 1001, "is_bot": False, "first_name": " ", "username": username}
    assert heard("hi", **{"from": author}).author_name == shown


def test_a_bot():
    assert heard("hi", GROUP, **{"from": {**ANN, "is_bot": True}}).from_bot


def test_an_anonymous_admin_is_the_group():
    stand_in = {"id": 1087968824, "is_bot": True, "first_name": "Group", "username": "GroupAnonymousBot"}
    inbound = heard("hi", GROUP, sender_chat=GROUP, **{"from": stand_in})
    assert (inbound.author_id, inbound.author_name, inbound.from_bot) == ("-100123", "Team", False)


# Other content

FILE = {"file_id": "f", "file_unique_id": "u"}


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (
            {
                "sticker": {
                    **FILE,
                    "type": "regular",
                    "width": 1,
                    "height": 1,
                    "is_animated": False,
                    "is_video": False,
                    "emoji": "😀",
                }
            },
            "[sticker 😀]",
        ),
        ({"location": {"longitude": 1.0, "latitude": 2.0}}, "[location]"),
        ({"dice": {"emoji": "🎲", "value": 6}}, "[dice]"),
        ({"something_of_next_year": {}}, "[message of an unknown kind]"),
    ],
)
def test_content_without_words_is_named(content, text):
    assert heard(**content).text == text


@pytest.mark.parametrize(
    "service",
    [
        {"new_chat_members": [ANN]},
        {"left_chat_member": ANN},
        {"new_chat_title": "New"},
        {"pinned_message": replied(ANN)},
        {"group_chat_created": True},
        {"forum_topic_created": {"name": "Topic", "icon_color": 1}},
        {"migrate_to_chat_id": -1005},
    ],
)
def test_service_messages_are_nothing(service):
    assert heard(chat=GROUP, **service) is None


@pytest.mark.parametrize("kind", ["channel_post", "edited_channel_post"])
def test_other_updates_are_nothing(kind):
    body = update("hi", GROUP)["message"]
    assert translate(Update.model_validate({"update_id": 1, kind: body}), ME) is None


def test_a_message_of_nobody_is_nothing():
    body = update("hi", {"id": -1, "type": "channel", "title": "News"})
    assert translate(Update.model_validate(body), ME) is None
    body = update("hi", GROUP)
    del body["message"]["from"]
    assert translate(Update.model_validate(body), ME) is None


# Reading what is not quite right


def test_what_is_strange_elsewhere_does_not_cost_the_words():
    found = read(
        update("@carryon_bot hi", GROUP, entities=[{"type": "mention", "offset": 0, "length": 12}], poll=1)
    )
    assert isinstance(found, Read)
    assert "poll" in found.trouble
    inbound = translate(found.update, ME)
    assert (inbound.text, inbound.to_bot, inbound.author_name) == ("hi", True, "Ann Example")


def test_a_reply_survives_the_reduction():
    strange = {**replied(BOT), "photo": "gone"}
    found = read(update("yes", GROUP, reply_to_message=strange, message_thread_id=3, is_topic_message=True))
    inbound = translate(found.update, ME)
    assert (inbound.to_bot, inbound.thread) == (True, "3")


def test_the_reason_never_holds_the_words():
    found = read({"update_id": 5, "message": {"text": ["my secret"], "chat": "my secret"}})
    assert isinstance(found, Unreadable)
    assert found.update_id == 5
    assert "secret" not in found.reason
    assert found.reason


@pytest.mark.parametrize(
    "raw", [None, 3, "x", [], {}, {"update_id": "1"}, {"update_id": True}, {"update_id": 1.5}]
)
def test_without_an_id_it_is_unreadable(raw):
    found = read(raw)
    assert isinstance(found, Unreadable)
    assert found.update_id is None


WORDS = st.text(st.sampled_from("aé😀\n @/:,"), max_size=12)
NUMBERS = st.integers(-3, 30)
KINDS = st.sampled_from(["mention", "bot_command", "text_mention", "bold"])


@given(
    text=WORDS,
    chat=st.sampled_from([DIRECT, GROUP]),
    entities=st.lists(
        st.builds(lambda t, o, n: {"type": t, "offset": o, "length": n}, KINDS, NUMBERS, NUMBERS)
    ),
)
def test_no_entity_is_too_strange(text, chat, entities):
    inbound = heard(text, chat, entities=entities)
    assert not inbound.command or inbound.to_bot


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(["update_id", "message", "callback_query", "poll"]), JSON))
def test_anything_can_be_read_or_set_aside(raw):
    found = read(raw)
    if isinstance(found, Read):
        translate(found.update, ME)


@given(
    st.sampled_from(["message_id", "date", "chat", "from", "text", "entities", "photo", "sender_chat"]), JSON
)
def test_a_message_with_one_strange_part_can_be_read_or_set_aside(part, value):
    raw = update("hello", GROUP)
    raw["message"][part] = value
    found = read(raw)
    if isinstance(found, Read):
        translate(found.update, ME)
