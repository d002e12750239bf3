"""Cutting Markdown: every piece fits and is Markdown by itself, and nothing that can be read is lost."""

import itertools
import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gateway.model.text import effort
from gateway.rules import markdown
from gateway.rules.chunking import chunk, utf16_len, whole_before
from gateway.rules.markdown import closed, cut
from tests.corpus.answers import answers

FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
SHORT = [text for text in answers().values() if len(text) < 6_000]
ODD = st.lists(
    st.sampled_from(
        [
            "\n",
            "\n\n",
            " ",
            "- ",
            "1. ",
            "> ",
            "```",
            "````",
            "~~~",
            "`",
            "**",
            "*",
            "|",
            "|--|",
            "# ",
            "    ",
            "word",
            "[a](b)",
            "[x]: y",
            "$",
            "\\",
            "<b>",
            "\t",
            FAMILY,
            "é",
            "\ud83d",
            "\r\n",
            "===",
            "---",
            "![",
            "](",
            "[^1]: ",
            "&amp;",
        ]
    ),
    max_size=60,
).map("".join)


def anything(_):
    return True


def words(text):
    return re.findall(r"w\d+x", text)


@given(st.sampled_from(SHORT), st.integers(300, 4_096))
@settings(max_examples=60, deadline=None)
def test_pieces_keep_every_word_and_close_what_they_open(text, limit):
    pieces = cut(text, limit, anything)
    assert all(utf16_len(piece) <= limit and piece.strip() for piece in pieces)
    whole = len(pieces) == 1
    assert all(closed(piece) == piece for piece in pieces) or whole
    assert list(dict.fromkeys(words(" ".join(pieces)))) == list(dict.fromkeys(words(text)))


@given(st.one_of(ODD, st.text(max_size=200)), st.integers(8, 80), st.integers(4, 80))
@settings(max_examples=150, deadline=None)
@example("```\n\n\n\n" + "x" * 50, 20, 20)
@example("| a |\n|---|\n" + "| bbbbbbbbbb |\n" * 3, 12, 12)
@example("- \n\n      code\n" * 5, 9, 9)
@example(f"> # {FAMILY}word===[a](b)\n` é", 20, 6)  # the mark alone was cut off, for ever
@example("# **> word 1. > ", 10, 54)
@example(f"``**{FAMILY}```` x", 30, 4)
def test_anything_at_all_is_cut_into_pieces_that_fit(text, limit, fitting):
    pieces = cut(text, limit, lambda piece: utf16_len(piece) <= fitting)
    assert all(0 < utf16_len(piece) <= limit and piece.strip() for piece in pieces)
    assert bool(pieces) == bool(text.strip())
    letters = re.sub(r"[^é]|\s", "", text)
    assert "".join(re.findall("é", "".join(pieces))).startswith(letters)


def test_a_text_that_fits_is_itself_and_is_not_parsed(monkeypatch):
    monkeypatch.setattr(markdown, "read", None)
    text = "  # as it is \r\n```\nopen"
    assert cut(text, 100, anything) == (text,)
    assert cut(" \n\t", 100, anything) == ()


def test_what_fits_is_asked_and_not_only_counted():
    pieces = cut("one two. three four. five six.", 100, lambda piece: len(piece) <= 12)
    assert pieces == ("one two.", "three four.", "five six.")


@pytest.mark.parametrize(
    ("text", "limit", "pieces"),
    [
        ("aaaa aaaa\n\nbbbb\n\ncccc", 18, ["aaaa aaaa\n\nbbbb", "cccc"]),
        ("aaaa aaaa\n\n# Head\n\ncccc cccc cc", 24, ["aaaa aaaa", "# Head\n\ncccc cccc cc"]),
        ("````py\none\ntwo\nthree\n````", 22, ["````py\none\ntwo\n````", "````py\nthree\n````"]),
        ("~~~\n```\ntwo\n```\n~~~", 16, ["~~~\n```\ntwo\n~~~", "~~~\n```\n~~~"]),
        (
            "1. x\n   ```py\n   one\n     two\n   ```\n2. y",
            34,
            ["1. x\n   ```py\n   one\n   ```", "```py\n  two\n```\n2. y"],
        ),
        ("> ```\n> one\n> two\n> ```", 18, ["> ```\n> one\n> ```", "> ```\n> two\n> ```"]),
        (
            "| a | b |\n|---|---|\n| 1 | 2 |\n| 3 | 4 |",
            32,
            ["| a | b |\n|---|---|\n| 1 | 2 |", "| a | b |\n|---|---|\n| 3 | 4 |"],
        ),
        ("1. aaaaaa\n1. bbbbbb\n1. cccccc", 12, ["1. aaaaaa", "2. bbbbbb", "3. cccccc"]),
        (
            "".join(f"1. {letter * 6}\n" for letter in "abcdefghij") + "   ```\n   x\n   ```",
            26,
            [
                "1. aaaaaa\n1. bbbbbb",
                "3. cccccc\n1. dddddd",
                "5. eeeeee\n1. ffffff",
                "7. gggggg\n1. hhhhhh",
                "9. iiiiii\n1. jjjjjj",
                "```\nx\n```",
            ],
        ),
        ("- aaaaaa\n  - bbbbbb\n    - cccccc\n- dd", 20, ["- aaaaaa\n  - bbbbbb", "- cccccc\n- dd"]),
        ("One two. Three four. Five", 23, ["One two. Three four.", "Five"][:0] or None),
        ("> quoted words are here to be cut", 22, None),
        ("aaa [two words](http://x.y/z) bbb", 30, ["aaa", "[two words](http://x.y/z) bbb"]),
        ("**bold words are long and strong**", 30, None),
        ("aaaa aaaa aaaa\n- no list", 16, None),
    ],
)
def test_where_it_is_cut(text, limit, pieces):
    found = cut(text, limit, anything)
    assert all(utf16_len(piece) <= limit for piece in found)
    if pieces is not None:
        assert list(found) == pieces


def test_emphasis_ends_and_begins_anew():
    pieces = cut("**bold words that are long and strong indeed**", 40, anything)
    assert len(pieces) > 1
    assert all(piece.startswith("**") and piece.endswith("**") for piece in pieces)


def test_a_quote_stays_a_quote():
    assert all(piece.startswith("> ") for piece in cut("> " + "quoted words. " * 20, 60, anything))


def test_code_and_links_are_not_cut_in_two():
    text = " ".join(f"`code with spaces {number}` [link words](http://x.y/{number})" for number in range(50))
    for piece in cut(text, 200, anything):
        assert piece.count("`") % 2 == 0
        assert piece.count("[") == piece.count("](http://x.y/") == piece.count(")")


def test_what_is_one_character_to_the_eye_is_not_cut():
    for one in (
        FAMILY,
        "e\u0301\u0301",
        "\U0001f44d\U0001f3fd",
        "\U0001f1e9\U0001f1ea",
        "\u1112\u1161\u11ab",
    ):
        pieces = cut(one * 100, 60, anything)
        assert "".join(pieces) == one * 100
        assert all(len(piece) % len(one) == 0 for piece in pieces), one
        assert whole_before(one * 3, len(one) + 1) == len(one)


def test_numbers_go_on_in_a_list_of_six_hundred():
    text = "\n".join(f"{number}. item {number}" for number in range(1, 601))
    pieces = cut(text, 500, anything)
    first = [int(piece.split(".")[0]) for piece in pieces]
    assert first == [int(piece.split("item ")[1].split()[0]) for piece in pieces]


def test_a_heading_is_not_left_behind():
    text = "\n\n".join(f"## Head {number}\n\n{'words ' * 20}" for number in range(20))
    assert not any(piece.rsplit("\n", 1)[-1].startswith("#") for piece in cut(text, 400, anything))


@pytest.mark.parametrize(
    "text",
    [
        "`" * 100_000,
        ">" * 10_000,
        "[" * 10_000,
        "[](" * 10_000,
        "- " * 20_000,
        "*a " * 20_000,
        "a**b" * 8_000,
        "a\n\n" * 20_000,
        "line\n" * 20_000,
        "| a |\n|---|\n" + "| b |\n" * 10_000,
        "<" * 50_000,
        "[a]: b\n" * 20_000,
        "e" + "\u0301" * 50_000,
        "".join("  " * depth + "- a\n" for depth in range(300)),
        "```\n" + "x" * 100_000,
        "\\" * 50_000,
        "&" * 50_000,
    ],
    ids=lambda text: text[:8],
)
def test_what_is_hard_to_parse_is_cut_all_the_same(text):
    pieces = cut(text, 4_096, anything)
    assert all(0 < utf16_len(piece) <= 4_096 for piece in pieces)
    assert sum(map(len, pieces)) >= len("".join(text.split())) - 10


@pytest.mark.parametrize(
    "text",
    [
        "*a " * 5_000 + "a* " * 5_000,
        "**a " * 3_000 + " a**" * 3_000,
        "```" + "y" * 3_900 + "\n" + "x\n" * 14_000,
        "> " * 35 + "a\n" + "b\n" * 14_000,
        "1. a\n" * 6_000,
        "".join(f"| {number} |\n|---|\n\n" for number in range(2_000)),
        "a" + " " * 32_000 + "a",
    ],
    ids=lambda text: text[:8],
)
def test_what_is_asked_of_a_platform_has_an_end(text):
    asked = []

    def fits(piece):
        asked.append(effort(piece) + len(piece) // 50)
        return utf16_len(piece) + piece.count("\n") <= 4_000

    pieces = cut(text, 4_000, fits)
    assert sum(asked) < 45_000, "each takes microseconds while everybody waits"
    assert sum(map(len, pieces)) < 4 * len(text)
    assert all(utf16_len(piece) <= 4_000 for piece in pieces)


def test_code_is_closed_where_a_text_is_cut_as_plain_text():
    text = "[a](b)" * 5_000 + "\n\n```py\n" + "x = 1\n" * 1_500 + "```\n\nend"
    pieces = cut(text, 4_000, anything)
    assert effort(text) > 9_000
    assert all(closed(piece) == piece for piece in pieces)
    assert sum(piece.startswith("```py\nx") for piece in pieces) >= 2
    assert pieces[-1].endswith("```\n\nend")


def test_a_table_is_as_much_work_as_the_cells_it_is_filled_up_with():
    assert effort("|a" * 50 + "\n" + "|-" * 50 + "|\n" + "|b\n" * 100) > 5_000
    assert effort("|-|\n" * 10_000) < 50_000


def test_there_is_an_end_to_chunks_with_less_room_than_a_character():
    assert chunk("\U0001f600" * 3, 1) == ("\U0001f600",) * 3


@pytest.mark.parametrize(
    ("text", "end"),
    [
        ("```py\nx", "\n```"),
        ("~~~~\nx\n~~~\n", "~~~~"),
        ("> ```\n> x", "\n> ```"),
        ("- ````\n  x\n  ```", "\n  ````"),
        ("```\nx\n```", ""),
        ("no `code` ```inline```", ""),
        ("a\n\n    ```", ""),
        ("```", "\n```"),
    ],
)
def test_an_open_block_of_code_is_closed(text, end):
    assert closed(text) == text + end
    assert closed(closed(text)) == closed(text)


def test_lines_of_code_survive_whole():
    code = [f"{'  ' * (number % 5)}line {number} `x` **y**" for number in range(400)]
    text = "1. in a list\n\n   ```py\n" + "".join(f"   {line}\n" for line in code) + "   ```"
    pieces = cut(text, 700, anything)
    assert len(pieces) > 3
    assert all(piece.endswith("```") and closed(piece) == piece for piece in pieces)
    inside = itertools.chain.from_iterable(piece.split("```py\n")[1].split("\n") for piece in pieces)
    kept = [line for line in inside if "line" in line]
    assert [line.strip() for line in kept] == [line.strip() for line in code]
    assert kept[-50:] == code[-50:], "the list's indent is gone, the code's is not"
