"""Cutting long texts: every piece fits, no character is cut in two, nothing but white space is lost."""

import itertools

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.rules.chunking import chunk, utf16_len

LIMIT = 4096
PEOPLE = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
TEXTS = st.text(st.one_of(st.characters(), st.sampled_from(" \n\t.\U0001f600")), max_size=300)


def solid(text):
    return "".join(text.split())


@given(TEXTS, st.integers(2, 60))
@example("\U0001f600" * 20, 3)
@example(" " * 50, 5)
@example("a" * 9 + "\n\n" + "b" * 9, 10)
def test_pieces_fit_and_keep_the_text(text, limit):
    pieces = chunk(text, limit)
    assert all(utf16_len(piece) <= limit for piece in pieces)
    assert all(piece == piece.strip() and piece for piece in pieces)
    assert solid("".join(pieces)) == solid(text)


@given(st.text(max_size=50))
def test_the_length_is_that_of_the_platforms(text):
    assert utf16_len(text) == sum(2 if ord(char) > 0xFFFF else 1 for char in text)


def test_the_length_of_half_a_pair():
    assert utf16_len("\ud83d") == 1
    assert chunk("\ud83d" * 10, 4) == ("\ud83d" * 4, "\ud83d" * 4, "\ud83d" * 2)


@pytest.mark.parametrize("limit", [2000, LIMIT])
@pytest.mark.parametrize(
    "text",
    [
        "x" * 100_000,
        "\U0001f600" * 50_000,
        PEOPLE * 12_500,
        "word " * 20_000,
        "line\n" * 20_000,
        "\n" * 100_000 + "x",
        " x" * 50_000,
        "é" * 100_000,
        "a\n\n" * 33_000,
        ("x" * 2_047 + " ") * 48,
    ],
    ids=[
        "one word",
        "emoji",
        "families",
        "words",
        "lines",
        "blank",
        "short",
        "accents",
        "paragraphs",
        "near",
    ],
)
def test_a_hundred_thousand_characters(text, limit):
    pieces = chunk(text, limit)
    assert all(0 < utf16_len(piece) <= limit for piece in pieces)
    assert solid("".join(pieces)) == solid(text)
    assert len(pieces) <= 4 + 2 * utf16_len(text) // limit + 1


@pytest.mark.parametrize("text", ["", " ", "\n" * 10_000, "\u00a0\u2003\t "])
def test_nothing_is_no_message(text):
    assert chunk(text, LIMIT) == ()


def test_no_pair_is_cut():
    for piece in chunk("a" + "\U0001f600" * 5_000, LIMIT):
        piece.encode("utf-8")
        assert piece.strip("a") == "\U0001f600" * len(piece.strip("a"))


def test_a_short_text_is_one_piece_without_its_edges():
    assert chunk("  hello \n", LIMIT) == ("hello",)
    assert chunk("x" * LIMIT, LIMIT) == ("x" * LIMIT,)
    assert len(chunk("x" * (LIMIT + 1), LIMIT)) == 2


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("aaaa bb\n\ncc dd", ("aaaa bb", "cc dd")),
        ("aaaa bb\ncc dd e", ("aaaa bb", "cc dd e")),
        ("aaaa bbbb cccc", ("aaaa bbbb", "cccc")),
        ("a bbbbbbbbbbbbb", ("a bbbbbbbb", "bbbbb")),
        ("aaaaaaaaaa bb", ("aaaaaaaaaa", "bb")),
    ],
    ids=["paragraph", "line", "word", "no early cut", "at the limit"],
)
def test_where_it_is_cut(text, pieces):
    assert chunk(text, 10) == pieces


def test_order_is_kept():
    words = [f"w{number}" for number in range(3_000)]
    pieces = chunk(" ".join(words), 100)
    assert list(itertools.chain.from_iterable(piece.split() for piece in pieces)) == words
