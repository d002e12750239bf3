"""Markdown as Telegram shows it: the words, and entities that are already what Telegram keeps."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.telegram.render import render
from tests.corpus.answers import answers

BITS = st.lists(
    st.sampled_from(
        [
            "\n",
            "\n\n",
            " ",
            "- ",
            "1. ",
            "> ",
            "```",
            "`",
            "**",
            "*",
            "_",
            "~~",
            "|",
            "|--|",
            "# ",
            "    ",
            "word",
            "[a](http://b.c)",
            "[",
            "](",
            ")",
            "![",
            "$",
            "\\",
            "<b>",
            "\U0001f600",
            "\u0301",
            "\ud83d",
            "\r\n",
            "[x] ",
            "&amp;",
            "[^1]",
            "[^1]: ",
        ]
    ),
    max_size=50,
).map("".join)


def marked(rendered):
    """Each entity with its words."""
    data = rendered.text.encode("utf-16-le")
    return [
        (one["type"], data[2 * one["offset"] : 2 * (one["offset"] + one["length"])].decode("utf-16-le"))
        for one in rendered.entities
    ]


def check(rendered):
    """What Telegram would refuse or repair."""
    units = len(rendered.text.encode("utf-16-le")) // 2
    assert rendered.text == rendered.text.rstrip()
    assert len(rendered.entities) <= 100
    places = [(one["offset"], -one["length"]) for one in rendered.entities]
    assert places == sorted(places)
    for one, (kind, words) in zip(rendered.entities, marked(rendered), strict=True):
        assert one["offset"] >= 0 < one["length"]
        assert one["offset"] + one["length"] <= units
        assert words == words.rstrip()
        assert kind == "pre" or words == words.strip()
        if kind == "text_link":
            assert one["url"].startswith(("http://", "https://", "tg://"))
    spans = [(one["offset"], one["offset"] + one["length"], one["type"]) for one in rendered.entities]
    for index, (start, end, kind) in enumerate(spans):
        for begin, stop, other in spans[index + 1 :]:
            if begin < end:
                assert kind != other, "of a kind within its like"
                assert kind not in {"code", "pre"}, "something in code"
                if {kind, other} & {"blockquote", "text_link", "code", "pre"}:
                    assert stop <= end or {kind, other} & {"bold", "italic", "strikethrough"}
        assert start < end


def test_the_corpus():
    for answer in answers().values():
        check(render(answer[:4_000]))


@given(st.one_of(BITS, st.text(max_size=200)))
@settings(max_examples=120, deadline=None)
def test_anything(text):
    rendered = render(text)
    check(rendered)
    assert bool(rendered.text) == bool(text.strip())


@pytest.mark.parametrize(
    ("markdown", "text"),
    [
        ("plain text, no markup - at all", "plain text, no markup - at all"),
        ("# Head\ntext", "Head\ntext"),
        ("- a\n  - b\n    c\n\n  d\n- e", "• a\n  • b\n    c\n\n  d\n• e"),
        ("7. a\n8. b", "7. a\n8. b"),
        ("- [ ] a\n- [x] b", "☐ a\n☑ b"),
        ("1. a\n   ```py\n   x\n   ```\n   b", "1. a\nx\n   b"),
        ("| a | 名前 |\n|--|--|\n| `x` | y |", "a | 名前\n--+-----\nx | y"),
        ("| a |\n|--|\n| b | lost? |", "a\n--+------\nb | lost?"),
        ("a || b || c <T> x_y_z 2*3*4", "a || b || c <T> x_y_z 2*3*4"),
        ("costs $5 and $10, $a_b$", "costs $5 and $10, $a_b$"),
        (r"\(a_1 * b_1\) and \*this\*", r"\(a_1 * b_1\) and *this*"),
        ("a<br>b &amp; c", "a\nb & c"),
        ("[TODO]: later", "[TODO]: later"),
        ("see[^1]\n\n[^1]: note", "see[1]\n\n[1]: note"),
        ("a\r\nb\r\n\r\nc", "a\nb\n\nc"),
        ("> a\n> > b", "a\n> b"),
        ("---", "———"),
        ("```\n```", "```\n```"),
        ("half \ud83d *x*", "half \ufffd x"),
        (
            "[w](docs/a.md) [m](mailto:a@b.c) [l](http://localhost/x) [a](#b)",
            "w (docs/a.md) m (a@b.c) l (http://localhost/x) a",
        ),
        ("![alt](http://a.b/c.png) ![](http://a.b/c.png)", "alt http://a.b/c.png"),
    ],
)
def test_words(markdown, text):
    assert render(markdown).text == text


def test_marks():
    rendered = render("**b *bi* `c` \U0001f600** ~~s~~ [l](http://a.b/(c)) `x`")
    assert rendered.text == "b bi c \U0001f600 s l x"
    assert marked(rendered) == [
        ("bold", "b bi"),
        ("italic", "bi"),
        ("code", "c"),
        ("bold", "\U0001f600"),
        ("strikethrough", "s"),
        ("text_link", "l"),
        ("code", "x"),
    ]
    assert rendered.entities[5]["url"] == "http://a.b/(c)"


def test_blocks():
    rendered = render("# H **x**\n\n> q `c`\n> ```py\n> code\n> ```\n\n```c++ title\nint x;\n\n```")
    assert marked(rendered) == [
        ("bold", "H x"),
        ("blockquote", "q c\ncode"),
        ("code", "c"),
        ("pre", "code"),
        ("pre", "int x;"),
    ]
    assert [one.get("language") for one in rendered.entities] == [None, None, None, "py", "c++"]


def test_a_link_around_code_and_an_image_in_a_link():
    rendered = render("[`code`](http://a.b) [![alt](http://a.b/i.png)](http://c.d)")
    assert marked(rendered) == [("text_link", "code"), ("text_link", "alt")]
    assert [one["url"] for one in rendered.entities] == ["http://a.b", "http://c.d"]


def test_of_too_many_marks_links_are_kept_first():
    rendered = render(" ".join(f"*i{n}* [l{n}](http://a.b/{n})" for n in range(90)))
    kinds = [one["type"] for one in rendered.entities]
    assert len(kinds) == 100
    assert kinds.count("text_link") == 90


def test_deeper_than_anybody_reads_is_left_as_it_is():
    assert render("> " * 100 + "x").text == ("> " * 100 + "x")
