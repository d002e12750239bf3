"""What Discord tells becomes what was said: pure, on payloads as they come."""

import pytest

from adapters.discord.interactions import interaction as press
from adapters.discord.places import DIRECT, Place
from adapters.discord.translate import NAME_LIMIT, Me, deleted, edited, names, translate
from gateway.model.address import ChatKind
from gateway.model.message import Change

ME = Me(42, "Carryon", frozenset({77}))
DM = Place(500, DIRECT)
CHANNEL = Place(600, 0, guild=700, threads=True)
VOICE = Place(601, 2, guild=700)
THREAD = Place(800, 11, guild=700, parent=600)
OURS = Place(801, 11, guild=700, parent=600, for_bot=True)
ID = 1_000_000_000_000_000_000


def payload(content="hello", **more):
    return {
        "id": str(ID),
        "channel_id": "500",
        "type": 0,
        "content": content,
        "author": {"id": "7", "username": "ann", "global_name": "Ann"},
        "mentions": [],
        "attachments": [],
        "embeds": [],
        **more,
    }


BOT = {"id": "42", "username": "carryon", "global_name": None, "bot": True}


def mention(content, **more):
    return payload(content, mentions=[BOT], **more)


def read(data, place=CHANNEL, *, threads=True, **more):
    return translate(data, place, ME, threads=threads, **more)


def test_a_direct_message():
    item = read(payload(), DM)
    assert (item.chat, item.thread, item.chat_kind, item.text) == ("500", "", ChatKind.DIRECT, "hello")
    assert (item.author_id, item.author_name, item.event_id) == ("7", "Ann", str(ID))
    assert not item.from_bot
    assert item.sent_at == pytest.approx(1_658_488_979.101)


@pytest.mark.parametrize(
    ("place", "threads", "thread"),
    [
        (CHANNEL, True, str(ID)),
        (CHANNEL, False, ""),
        (VOICE, True, ""),
        (THREAD, True, "800"),
        (THREAD, False, "800"),
    ],
)
def test_where_a_mention_is_answered(place, threads, thread):
    item = read(mention("<@42> hi"), place, threads=threads)
    assert (item.to_bot, item.text, item.thread) == (True, "hi", thread)
    assert item.chat == ("601" if place is VOICE else "600")


def test_what_is_not_for_the_bot():
    item = read(payload())
    assert (item.to_bot, item.thread) == (False, "")
    assert not read(payload(), THREAD).to_bot
    assert read(payload(), OURS).to_bot


def test_a_reply_to_the_bot():
    assert read(payload(type=19, referenced_message={"author": BOT})).to_bot
    assert not read(payload(type=19, referenced_message={"author": {"id": "8"}})).to_bot
    assert not read(payload(type=19, referenced_message=None)).to_bot


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("<@42> hi", "hi"),
        ("<@!42>, hi", "hi"),
        ("  <@42>:\nhi", "hi"),
        ("<@42><@42> hi", "hi"),
        ("<@&77> hi", "hi"),
        ("hi <@42>", "hi @carryon"),
        ("<@42>", "@carryon"),
        ("<@42> ask <@8> in <#9>", "ask @Bob B. in #rules"),
        ("<@42> ask <@11> of <@&12> in <#13>", "ask <@11> of <@&12> in <#13>"),
    ],
)
def test_mentions_are_cut_or_named(content, text):
    bob = {"id": "8", "username": "bob", "member": {"nick": "Bob\nB."}}
    data = payload(content, mentions=[BOT, bob], mention_channels=[{"id": "9", "name": "rules"}])
    assert read(data).text == text


def test_the_bots_own_role_is_the_bot():
    assert read(payload("<@&77> hi", mention_roles=["77"])).to_bot
    assert not read(payload("<@&78> hi", mention_roles=["78"])).to_bot
    assert names(payload("x", mention_roles=["77"]), ME)


@pytest.mark.parametrize(
    ("content", "place", "command", "text"),
    [
        ("/new", DM, "new", ""),
        ("/New  over again", DM, "new", "over again"),
        ("<@42> /stop", CHANNEL, "stop", ""),
        ("/stop", OURS, "stop", ""),
        ("/stop", CHANNEL, "", "/stop"),
        ("/usr/bin is a folder", DM, "", "/usr/bin is a folder"),
        ("say /new", DM, "", "say /new"),
    ],
)
def test_commands_written_as_text(content, place, command, text):
    item = read(mention(content) if "<@42>" in content else payload(content), place)
    assert (item.command, item.text) == (command, text)


@pytest.mark.parametrize(
    ("more", "text"),
    [
        ({"sticker_items": [{"name": "Wave"}]}, "[sticker Wave]"),
        ({"embeds": [{"title": "News"}]}, "[embed News]"),
        ({"poll": {"question": {"text": "When?"}}}, "[poll When?]"),
        ({"message_reference": {"type": 1}, "message_snapshots": [{"message": {"content": "far"}}]},
         "[forwarded] far"),
    ],
)  # fmt: skip
def test_what_has_no_words_has_a_label(more, text):
    assert read(payload("", **more), DM).text == text
    assert read(payload("words", **more), DM).text == "words"


FILES = [{"id": "9", "filename": "a.png", "content_type": "image/png", "size": 5, "url": "https://x/"}]


@pytest.mark.parametrize(
    ("content", "more", "text"),
    [
        ("", {}, ""),
        ("words", {}, "words"),
        ("<@42>", {}, ""),
        ("", {"sticker_items": [{"name": "Wave"}]}, "[sticker Wave]"),
    ],
)
def test_files_speak_for_themselves(content, more, text):
    item = read(payload(content, attachments=FILES, mentions=[BOT], **more))
    assert (item.text, [one.name for one in item.attachments]) == (text, ["a.png"])


@pytest.mark.parametrize(("inner", "text"), [("", "[forwarded]"), ("far", "[forwarded] far")])
def test_files_that_are_passed_on(inner, text):
    snapshot = {"message": {"content": inner, "attachments": FILES}}
    item = read(payload("", message_reference={"type": 1}, message_snapshots=[snapshot]), DM)
    assert (item.text, len(item.attachments)) == (text, 1)


WHEN = "2026-01-02T03:04:05.600000+00:00"


def change(data, place=CHANNEL):
    return edited(data, place, ME, threads=True)


def test_an_edit():
    item = change(mention("<@42> hi again", edited_timestamp=WHEN))
    assert (item.change, item.text, item.message_ref, item.to_bot) == (
        Change.EDITED,
        "hi again",
        str(ID),
        True,
    )
    assert item.sent_at == pytest.approx(1_767_323_045.6)
    later = change(mention("<@42> hi again", edited_timestamp="2026-01-02T03:04:06+00:00"))
    assert len({item.event_id, later.event_id, str(ID)}) == 3


@pytest.mark.parametrize("when", [None, "", 5])
def test_what_nobody_edited(when):
    assert change(payload(edited_timestamp=when)) is None


def test_a_part_of_a_message_is_no_edit():
    whole = payload(edited_timestamp=WHEN, attachments=FILES)
    part = {name: one for name, one in whole.items() if name != "content"}
    assert change(whole) is not None
    assert change(part) is None
    assert change({"id": str(ID), "content": "x", "edited_timestamp": WHEN}) is None
    assert change(payload(edited_timestamp="tomorrow")).sent_at == pytest.approx(1_658_488_979.101)


@pytest.mark.parametrize(
    ("place", "chat", "thread"), [(DM, "500", ""), (CHANNEL, "600", ""), (OURS, "600", "801")]
)
def test_a_deletion(place, chat, thread):
    item = deleted(ID, place, 5.0)
    assert (item.change, item.message_ref, item.author_id) == (Change.DELETED, str(ID), "")
    assert (item.chat, item.thread, item.sent_at, item.text) == (chat, thread, 5.0, "")
    assert item.event_id not in {str(ID), change(payload(edited_timestamp=WHEN)).event_id}


def test_what_is_nothing():
    assert read(payload("")) is None
    assert read(payload("  ")) is None
    for kind in (1, 6, 7, 8, 18, 20, 21, 24, 99, None, "0"):
        assert read(payload(type=kind)) is None
    for broken in (
        {},
        {"id": "x"},
        {"id": str(ID), "type": 0},
        payload(author=None),
        payload(author={"id": {}}),
    ):
        assert read(broken) is None
    assert read(payload(["not", "text"])) is None


def test_bots_are_told_apart():
    assert read(payload(author=BOT)).from_bot
    assert read(payload(webhook_id="9")).from_bot
    assert read(payload(author={"id": "8", "username": "d", "system": True})).from_bot


def test_names_are_one_short_line():
    assert read(payload(member={"nick": "Dr.\n Ann"})).author_name == "Dr. Ann"
    assert read(payload(author={"id": "7", "username": "ann", "global_name": " "})).author_name == "ann"
    assert read(payload(author={"id": "7"})).author_name == "7"
    assert len(read(payload(member={"nick": "x" * 100})).author_name) == NAME_LIMIT


def test_live_and_read_back_are_the_same_event():
    live, back = read(mention("<@42> hi")), read(mention("<@42> hi"), backfilled=True)
    assert (live.event_id, live.thread, back.backfilled) == (back.event_id, back.thread, True)


def test_a_press():
    data = {
        "id": str(ID + 5),
        "type": 3,
        "data": {"custom_id": "token", "component_type": 2},
        "member": {"nick": "Annie", "user": {"id": "7", "username": "ann"}},
        "message": {"id": "33"},
    }
    item = press(data, THREAD)
    assert (item.button, item.text, item.event_id) == ("token", "", f"i{ID + 5}")
    assert (item.chat, item.thread, item.message_ref) == ("600", "800", "33")
    assert (item.author_id, item.author_name, item.to_bot) == ("7", "Annie", True)
    direct = {**data, "member": None, "user": {"id": "7", "username": "ann"}}
    assert (press(direct, DM).chat, press(direct, DM).author_name) == ("500", "ann")


@pytest.mark.parametrize(
    "wrong", [{"type": 2}, {"data": {}}, {"data": {"custom_id": 5}}, {"id": None}, {"member": {}}]
)
def test_other_interactions(wrong):
    data = {"id": "1", "type": 3, "data": {"custom_id": "x"}, "member": {"user": {"id": "7"}}}
    assert press({**data, **wrong}, DM) is None
