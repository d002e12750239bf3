"""Commands, as Discord lists and tells of them: pure, on payloads as they come."""

import pytest

from adapters.discord.commands import listed
from adapters.discord.interactions import interaction, received
from adapters.discord.places import DIRECT, Place
from gateway.model.address import ChatKind
from gateway.model.command import CommandInfo

DM = Place(500, DIRECT)
CHANNEL = Place(600, 0, guild=700, threads=True)
THREAD = Place(800, 11, guild=700, parent=600)


def given(name="model", *options, **more):
    return {
        "id": "1000",
        "type": 2,
        "data": {"id": "5", "name": name, "type": 1, "options": list(options)},
        "member": {"nick": "Annie", "user": {"id": "7", "username": "ann"}},
        **more,
    }


def option(value, kind=3):
    return {"name": "name", "type": kind, "value": value}


@pytest.mark.parametrize(
    ("place", "chat", "thread", "kind"),
    [
        (DM, "500", "", ChatKind.DIRECT),
        (CHANNEL, "600", "", ChatKind.GROUP),
        (THREAD, "600", "800", ChatKind.GROUP),
    ],
)
def test_a_command_belongs_where_it_was_given(place, chat, thread, kind):
    """In a channel that is the channel: nothing that a thread could be opened from was said."""
    item = interaction(given("model", option(" opus ")), place)
    assert (item.chat, item.thread, item.chat_kind) == (chat, thread, kind)
    assert (item.command, item.text, item.to_bot, item.button) == ("model", "opus", True, "")
    assert (item.event_id, item.author_id, item.author_name, item.message_ref) == ("i1000", "7", "Annie", "")


@pytest.mark.parametrize("options", [(), (option(5, 4),), (option(None),), ("x",)])
def test_a_command_without_a_text(options):
    assert interaction(given("new", *options), DM).text == ""


@pytest.mark.parametrize(
    "wrong",
    [
        {"type": 4},
        {"data": {"name": "Tell the bot", "type": 3}},
        {"data": {}},
        {"data": {"name": 5}},
        {"id": None},
        {"member": {}},
    ],
)
def test_what_is_no_command(wrong):
    assert interaction({**given(), **wrong}, DM) is None


def test_what_is_said_of_it():
    assert received(interaction(given("new"), DM)) == "Received: /new"
    assert received(interaction(given("model", option("a\nb")), DM)) == "Received: /model a b"
    assert len(received(interaction(given("model", option("x" * 3000)), DM))) < 400


def test_how_commands_are_listed():
    bare, named = listed([CommandInfo("new", "start anew"), CommandInfo("model", "choose", "Model name")])
    assert (bare["name"], bare["description"], bare["options"]) == ("new", "start anew", [])
    (argument,) = named["options"]
    assert argument == {"type": 3, "name": "model-name", "description": "Model name", "required": False}
    assert bare["contexts"] == [0, 1]


@pytest.mark.parametrize(
    ("argument", "name"), [("<a [b]>", "a-b"), ("…", "text"), ("x" * 50, "x" * 32), ("Größe", "größe")]
)
def test_names_of_arguments_are_one_word(argument, name):
    (shown,) = listed([CommandInfo("new", "start", argument)])
    assert shown["options"][0]["name"] == name


def test_what_discord_would_refuse_is_left_out_or_shortened():
    odd = [CommandInfo(one, "x") for one in ("New", "a b", "", "x" * 33, "fine")]
    assert [one["name"] for one in listed(odd)] == ["fine"]
    assert [one["name"] for one in listed([CommandInfo("new", "1"), CommandInfo("new", "2")])] == ["new"]
    (long,) = listed([CommandInfo("new", "word " * 50)])
    assert len(long["description"]) == 100
    (empty,) = listed([CommandInfo("new", " ")])
    assert empty["description"] == "new"
    assert len(listed([CommandInfo(f"c{number}", "x") for number in range(120)])) == 100
