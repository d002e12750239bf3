"""What goes to Discord, as values."""

import pytest

from adapters.discord.files import carries
from adapters.discord.messages import LIMIT, body, growing, mime_of, name_of, new_message
from adapters.labels import REPEAT_LABEL
from gateway.model.address import Route
from gateway.model.attachment import OutFile
from gateway.model.delivery import Delivery, DeliveryKind, DeliveryState

ROUTE = Route("discord", "600")


def owed(text="answer", **more):
    return Delivery(1, ROUTE, DeliveryKind.REPLY, text, DeliveryState.SENDING, "key", **more)


def out(name="notes.txt", mime="text/plain", size=5):
    return OutFile("/nowhere/x", name, mime, size)


def test_progress_stands_small_below_the_words():
    assert growing("words", "Reading a.txt\n\n Running ") == "words\n\n-# Reading a.txt\n-# Running"
    assert growing("", "Reading") == "-# Reading"
    assert growing("words", "") == "words"


def test_progress_is_left_out_where_there_is_no_room():
    longest = "x" * (LIMIT - 10)
    assert growing(longest, "y" * 20) == longest


def test_a_fence_that_is_open_does_not_swallow_progress():
    assert growing("```\ncode", "Reading").endswith("```\n\n-# Reading")


def test_what_becomes_too_long_by_rendering_is_sent_as_it_is():
    """The fence is closed by rendering, for which there is no room."""
    text = "```\n" + "x" * (LIMIT - 4)
    assert body(owed(text)) == text
    assert growing(text, "") == text
    short = "```\n" + "x" * 100
    assert body(owed(short)) != short
    assert body(owed("words", doubtful=True)) == REPEAT_LABEL + "words"


@pytest.mark.parametrize(
    ("given", "shown"), [("a\nb\r.txt", "a_b_.txt"), ('"q".txt', '"q".txt'), ("\ud83d.txt", "?.txt")]
)
def test_names_of_files_can_be_sent(given, shown):
    assert name_of(out(given)) == shown


@pytest.mark.parametrize("wrong", ["", "text", "text/plain\r\nX: y", "a b/c", "text/plain; charset=x"])
def test_types_of_files_can_be_sent(wrong):
    assert mime_of(out(mime=wrong)) == "application/octet-stream"
    assert mime_of(out()) == "text/plain"


def test_a_message_names_its_file():
    assert new_message(owed("", file=out()), "600")["attachments"] == [{"id": 0, "filename": "notes.txt"}]
    assert "attachments" not in new_message(owed(), "600")


@pytest.mark.parametrize(
    ("name", "kept", "same"),
    [
        ("my notes.txt", {"filename": "my_notes.txt"}, True),
        ("Übersicht 1.txt", {"filename": "bersicht_1.txt", "title": "Übersicht 1"}, True),
        ("漢字.txt", {"filename": "unknown.txt"}, True),
        ("notes.txt", {"filename": "other.txt"}, False),
        ("notes.txt", {"filename": "notes.txt", "size": 6}, False),
        ("notes.txt", {}, False),
    ],
)
def test_a_file_is_known_again(name, kept, same):
    assert carries({"attachments": [{"size": 5, **kept}]}, out(name)) is same


def test_a_message_with_other_files_is_another_message():
    one = {"size": 5, "filename": "notes.txt"}
    assert carries({"attachments": [one]}, out())
    assert not carries({"attachments": [one, one]}, out())
    assert not carries({"attachments": []}, out())
