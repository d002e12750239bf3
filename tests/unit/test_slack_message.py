"""What a message reads, with progress and without markup, and what stands below a thread."""

import pytest

from adapters.labels import REPEAT_LABEL
from adapters.slack.client import RefusedError
from adapters.slack.message import NOTHING_YET, content, fits, plain_content, with_progress
from adapters.slack.status import LENGTH, lines_of
from adapters.slack.writing import of_markup
from gateway.model.delivery import Button

STOP = (Button("Stop", "s"),)


def test_progress_stands_below_the_text():
    assert with_progress("words", "⚙ `a step`") == "words\n\n⚙ `a step`"
    assert with_progress("", "⚙ `a step`") == "⚙ `a step`"
    assert with_progress("words", "") == "words"


def test_progress_is_never_code_of_the_text():
    assert with_progress("see\n```\nx = 1", "doing") == "see\n```\nx = 1\n```\n\ndoing"


def test_progress_gives_way():
    longest = "x" * 11_900
    assert with_progress(longest, "y" * 99) == longest


def test_what_fits_leaves_room_for_the_label():
    room = 12_000 - len(REPEAT_LABEL)
    assert fits("x" * room)
    assert not fits("x" * (room + 1))
    assert fits("😀" * (room // 2))
    assert not fits("😀" * (room // 2 + 1))


def test_a_message_without_words_has_a_sign():
    assert content("", ()) == {"markdown_text": NOTHING_YET}
    assert content("", STOP)["blocks"][0]["text"] == NOTHING_YET


def test_what_stands_in_for_blocks_calls_nobody():
    assert content("<!channel> & co", STOP)["text"] == "&lt;!channel&gt; &amp; co"


def test_plain_words():
    assert plain_content("*a* <!here> & b", (), new=True) == {
        "text": "*a* &lt;!here&gt; &amp; b",
        "mrkdwn": False,
    }


@pytest.mark.parametrize(("buttons", "new"), [((), False), (STOP, False), (STOP, True)])
def test_plain_words_in_blocks(buttons, new):
    blocks = plain_content("x" * 6_000, buttons, new=new)["blocks"]
    sections = [one for one in blocks if one["type"] == "section"]
    assert [len(one["text"]["text"]) for one in sections] == [2_900, 2_900, 200]
    assert {one["text"]["type"] for one in sections} == {"plain_text"}
    assert len(blocks) - len(sections) == len(buttons)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (RefusedError("invalid_blocks"), True),
        (RefusedError("msg_blocks_too_long"), True),
        (RefusedError("invalid_arguments", detail="[ERROR] failed: /markdown_text"), True),
        (RefusedError("invalid_arguments", detail="[ERROR] missing required field: channel"), False),
        (RefusedError("invalid_arguments"), False),
        (RefusedError("channel_not_found"), False),
        (RefusedError("msg_too_long"), False),
    ],
)
def test_what_is_refused_for_its_markup(error, expected):
    assert of_markup(error) is expected


@pytest.mark.parametrize(
    ("progress", "lines"),
    [
        ("", []),
        (" \n\n", []),
        ("⚙ `Reading notes.txt` (2 done)", ["⚙ Reading notes.txt (2 done)"]),
        ("- **one**\n• two\n> three", ["one", "two", "three"]),
        ("x" * 60, ["x" * (LENGTH - 1) + "…"]),
        ("\n".join(map(str, range(12))), [str(n) for n in range(2, 12)]),
    ],
)
def test_the_line_below_a_thread(progress, lines):
    assert lines_of(progress) == lines
