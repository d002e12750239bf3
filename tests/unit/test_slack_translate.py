"""Payloads become inbound values, the same from live and from history."""

import pytest

from adapters.slack.intake import cursors_of, later, stamp
from adapters.slack.translate import Me, command, press, said, scope, translate
from gateway.model.address import ChatKind

ME = Me("U0", "B0", "T1", "carryon")
TS = "1700000000.000100"


def fields(text="hello", **more):
    return {"type": "message", "user": "U1", "ts": TS, "text": text, **more}


def inbound(text="hello", chat="D1", *, ours=False, **more):
    message = said(fields(text, **more), chat, ME)
    assert message is not None
    return translate(message, ME, {"U1": "Ann"}, ours=ours)


def test_a_direct_message():
    item = inbound()
    assert (item.event_id, item.chat, item.thread, item.message_ref) == (f"D1:{TS}", "D1", "", TS)
    assert (item.chat_kind, item.to_bot, item.from_bot) == (ChatKind.DIRECT, True, False)
    assert (item.author_id, item.author_name, item.sent_at) == ("U1", "Ann", 1700000000.0001)


def test_a_parent_in_a_direct_chat_is_not_in_its_own_thread():
    assert inbound(thread_ts=TS).thread == ""
    assert inbound(thread_ts="1600000000.000100").thread == "1600000000.000100"


@pytest.mark.parametrize("chat", ["C1", "G1"])
def test_in_a_channel(chat):
    item = inbound("<@U0> hello", chat)
    assert (item.chat_kind, item.to_bot, item.thread, item.text) == (ChatKind.GROUP, True, TS, "hello")
    assert not inbound(chat=chat).to_bot
    assert inbound(chat=chat, ours=True).to_bot
    assert inbound("hello <@U0>", chat).text == "hello @carryon"
    assert inbound("<@U0>", chat).text == "@carryon"


def test_a_mention_event_is_the_same_message():
    assert inbound("<@U0> hi", "C1") == inbound("<@U0> hi", "C1", type="app_mention", channel="C1")


@pytest.mark.parametrize(
    ("more", "heard"),
    [
        ({"subtype": "file_share"}, True),
        ({"subtype": "thread_broadcast"}, True),
        ({"subtype": "me_message"}, True),
        ({"subtype": "bot_message", "bot_id": "B9"}, True),
        ({"subtype": "message_changed"}, False),
        ({"subtype": "message_deleted"}, False),
        ({"subtype": "channel_join"}, False),
        ({"subtype": "tombstone"}, False),
        ({"subtype": "unheard_of"}, False),
        ({"hidden": True}, False),
        ({"ts": ""}, False),
        ({"ts": "nonsense"}, False),
        ({"ts": None}, False),
        ({"user": None}, False),
        ({"text": ""}, False),
        ({"text": None}, False),
        ({"text": 7}, False),
    ],
)
def test_what_counts_as_said(more, heard):
    assert (said(fields(**more), "C1", ME) is not None) is heard


def test_bots():
    assert inbound(bot_id="B9").from_bot
    assert inbound(user="U0").from_bot
    assert inbound(user=None, bot_id="B9", subtype="bot_message").author_id == "B9"


PDF = {"id": "F1", "name": "a.pdf"}


def test_files_need_no_words():
    assert (inbound("", subtype="file_share", files=[PDF]).text, inbound(files=[PDF]).text) == ("", "hello")
    assert [one.name for one in inbound("", files=[PDF, {"id": "F2", "name": "b"}]).attachments] == [
        "a.pdf",
        "b",
    ]
    assert said(fields("", files=[{"name": "without an id"}]), "C1", ME) is None
    assert said(fields("", files=[{"id": "F1", "mode": "tombstone"}]), "C1", ME) is None


@pytest.mark.parametrize("text", ["<@U0>", "  <@U0> ", "<@U0|carryon>"])
def test_the_name_alone_calls_for_the_file_below_it(text):
    assert (inbound(text, "C1", files=[PDF]).text, inbound(text, "C1", files=[PDF]).to_bot) == ("", True)
    assert inbound("<@U0> read this", "C1", files=[PDF]).text == "read this"
    assert inbound("<@U1>", "D1", files=[PDF]).text == "@Ann"


def test_something_shared():
    assert inbound("", attachments=[{"fallback": "what Bob said"}]).text == "what Bob said"
    assert said(fields("", attachments=["nonsense"]), "C1", ME) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/new", ("new", "")),
        (" /New  and more", ("new", "and more")),
        ("/a-b c", ("a-b", "c")),
        ("/etc/passwd is wrong", ("", "/etc/passwd is wrong")),
        ("not /new", ("", "not /new")),
        ("/ new", ("", "/ new")),
    ],
)
def test_commands(text, expected):
    item = inbound(text)
    assert (item.command, item.text) == expected
    mentioned = inbound(f"<@U0> {text}", "C1")
    assert (mentioned.command, mentioned.text.strip()) == (expected[0], expected[1].strip())
    assert inbound(text, "C1").command == ""


def test_a_name_is_one_bounded_line():
    message = said(fields(), "D1", ME)
    assert translate(message, ME, {"U1": "a\n" * 99}, ours=False).author_name == ("a " * 32).rstrip()
    assert translate(message, ME, {}, ours=False).author_name == "U1"


def pressed(**more):
    return {
        "type": "block_actions",
        "user": {"id": "U1", "name": "ann"},
        "container": {"type": "message", "message_ts": TS, "channel_id": "C1", "thread_ts": "1.000001"},
        "channel": {"id": "C1"},
        "message": {"ts": TS},
        "actions": [{"type": "button", "value": "y:1", "action_ts": "1700000009.000001"}],
        **more,
    }


def test_a_press():
    item = press(pressed())
    assert item.event_id == f"C1:{TS}:1700000009.000001:U1"
    assert (item.button, item.text, item.thread, item.to_bot) == ("y:1", "", "1.000001", True)
    assert (item.author_name, item.message_ref) == ("ann", TS)


@pytest.mark.parametrize(
    "more",
    [
        {"actions": []},
        {"actions": None},
        {"actions": ["x"]},
        {"actions": [{"action_ts": "1.000001"}]},
        {"actions": [{"value": "y"}]},
        {"container": {"type": "view"}, "channel": None},
        {"user": None},
    ],
)
def test_presses_of_other_things(more):
    assert press(pressed(**more)) is None


SLASH = {
    "command": "/Carryon",
    "text": "Status a &amp; b",
    "channel_id": "D1",
    "user_id": "U1",
    "user_name": "ann",
    "trigger_id": "1.2.x",
}


def test_a_slash_command():
    item = command(SLASH, 5.0, {"status"})
    assert (item.event_id, item.command, item.text, item.sent_at) == ("command:1.2.x", "status", "a & b", 5.0)
    assert item.chat_kind is ChatKind.DIRECT
    for missing in ("command", "channel_id", "user_id", "trigger_id"):
        assert command({**SLASH, missing: ""}, 5.0) is None


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("/carryon", "status", ("status", "")),
        ("/carryon", "  New  and more", ("new", "and more")),
        ("/carryon", "/stop", ("stop", "")),
        ("/carryon", "nonsense", ("nonsense", "")),
        ("/carryon", "", ("help", "")),
        ("/carryon", "?", ("help", "?")),
        ("/carryon", "5 things", ("help", "5 things")),
        ("/new", "", ("new", "")),
        ("/New", "status please", ("new", "status please")),
        ("/ask", "new", ("new", "")),
    ],
)
def test_the_command_is_the_first_word_unless_it_is_offered_by_itself(name, text, expected):
    item = command({**SLASH, "command": name, "text": text}, 5.0, {"new", "status", "stop"})
    assert (item.command, item.text) == expected


def test_cursors():
    top, reply = said(fields(), "C1", ME), said(fields(thread_ts="1.000001"), "C1", ME)
    assert cursors_of(top, ours=False) == {"C1": TS}
    assert cursors_of(top, ours=True) == {"C1": TS, f"C1/{TS}": TS}
    assert cursors_of(reply, ours=False) == {}
    assert cursors_of(reply, ours=True) == {"C1/1.000001": TS}
    assert cursors_of(said(fields(), "D1", ME), ours=True) == {"D1": TS}
    assert scope("C1", "") == "C1"


def test_stamps():
    assert later("2.000000", "1.999999")
    assert later("10.000000", "9.000000")
    assert not later("1.000000", "1.000000")
    assert later("1.000000", "")
    assert stamp(-5) == "0.000000"
    assert stamp(1.5) == "1.500000"
