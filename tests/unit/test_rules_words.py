"""Numbers, times and other people's words in a sentence."""

import pytest

from gateway.rules.words import ago, counted, lasting, one_line


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (-5, "0 s"),
        (0.4, "0 s"),
        (59.4, "59 s"),
        (60, "1 min"),
        (125, "2 min 5 s"),
        (3600, "1 h"),
        (3720.2, "1 h 2 min"),
        (86400, "1 day"),
        (2 * 86400 + 7300, "2 days 2 h"),
    ],
)
def test_lengths_of_time(seconds, told):
    assert lasting(seconds) == told


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (-5, "just now"),
        (59, "just now"),
        (60, "1 min ago"),
        (7300, "2 h ago"),
        (86400, "1 day ago"),
        (2e5, "2 days ago"),
    ],
)
def test_times_past(seconds, told):
    assert ago(seconds) == told


def test_numbers_of_things():
    assert [counted(number, "turn") for number in (0, 1, 2, 12345)] == [
        "0 turns",
        "1 turn",
        "2 turns",
        "12,345 turns",
    ]


def test_words_from_outside_stay_in_their_line():
    assert one_line("a\nb\0\u202ec  d", 80) == "a b c d"
    assert one_line("x" * 81, 80) == "x" * 79 + "…"
