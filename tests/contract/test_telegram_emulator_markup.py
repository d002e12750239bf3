"""Markup is parsed, counted and refused as Telegram does it."""

import pytest

from adapters.emulators.telegram_entities import MarkupError
from adapters.emulators.telegram_html import parse_html
from adapters.emulators.telegram_markdown import parse_markdown, parse_markdown_v2


def entity(kind, offset, length, **extra):
    return {"type": kind, "offset": offset, "length": length, **extra}


@pytest.mark.parametrize(
    ("source", "text", "entities"),
    [
        ("a &lt;b&gt; &amp;&quot;&nbsp;", 'a <b> &"&nbsp;', []),
        ("😀<b>x<i>y</i></b>", "😀xy", [entity("bold", 2, 2), entity("italic", 3, 1)]),
        (
            '<a href="http://x.test/?a&amp;b">x</a>',
            "x",
            [entity("text_link", 0, 1, url="http://x.test/?a&b")],
        ),
        ("<a>x</a>", "x", []),
        ('<pre><code class="language-py">a&lt;b</code></pre>', "a<b", [entity("pre", 0, 3, language="py")]),
        (
            '<span class="tg-spoiler">x</span><code>y</code>',
            "xy",
            [entity("spoiler", 0, 1), entity("code", 1, 1)],
        ),
        ("<blockquote expandable>q</blockquote>", "q", [entity("expandable_blockquote", 0, 1)]),
        ("<b></b>x", "x", []),
    ],
)
def test_html(source, text, entities):
    assert parse_html(source) == (text, entities)


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        ("a < b", "Unclosed start tag at byte offset 2"),
        ("é<p>x</p>", 'Unsupported start tag "p" at byte offset 2'),
        ("<b>x", 'Can\'t find end tag corresponding to start tag "b"'),
        ("x</b>", "Unexpected end tag at byte offset 1"),
        ("<b><i>x</b></i>", 'expected "</i>", found "</b>"'),
        ("<span>x</span>", 'Unsupported start tag "span"'),
    ],
)
def test_malformed_html(source, complaint):
    with pytest.raises(MarkupError, match=complaint):
        parse_html(source)


@pytest.mark.parametrize(
    ("source", "text", "entities"),
    [
        (r"1\.5 \* 2 \\ \_", r"1.5 * 2 \ _", []),
        ("*b _i_*", "b i", [entity("bold", 0, 3), entity("italic", 2, 1)]),
        (
            "__u__ ~s~ ||h||",
            "u s h",
            [entity("underline", 0, 1), entity("strikethrough", 2, 1), entity("spoiler", 4, 1)],
        ),
        ("`a.b*c`", "a.b*c", [entity("code", 0, 5)]),
        ("```py\nx = [1]\n```", "x = [1]\n", [entity("pre", 0, 8, language="py")]),
        ("```\nx``y\n```", "x``y\n", [entity("pre", 0, 5)]),
        (r"[t\]](http://x.test/\))", "t]", [entity("text_link", 0, 2, url="http://x.test/)")]),
        (">a\n>b\nc", "a\nb\nc", [entity("blockquote", 0, 3)]),
        (">a||", "a", [entity("expandable_blockquote", 0, 1)]),
        ("![x](tg://emoji?id=5)", "x", [entity("custom_emoji", 0, 1, custom_emoji_id="5")]),
    ],
)
def test_markdown_v2(source, text, entities):
    assert parse_markdown_v2(source) == (text, entities)


@pytest.mark.parametrize("char", "()~`>#+-=|{}.!_*[]")
def test_markdown_v2_refuses_every_reserved_character(char):
    with pytest.raises(MarkupError):
        parse_markdown_v2(f"a{char}b")
    assert parse_markdown_v2(f"a\\{char}b") == (f"a{char}b", [])


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        ("a.b", "Character '.' is reserved and must be escaped with the preceding"),
        ("é *b", "Can't find end of Bold entity at byte offset 3"),
        ("*a _b* c_", "Can't find end of"),
        ("```x", "Can't find end of Pre entity"),
        ("[x](y", "Can't find end of a URL"),
    ],
)
def test_malformed_markdown_v2(source, complaint):
    with pytest.raises(MarkupError, match=complaint):
        parse_markdown_v2(source)


def test_legacy_markdown():
    assert parse_markdown("*b* `c` 2.5!") == ("b c 2.5!", [entity("bold", 0, 1), entity("code", 2, 1)])
    with pytest.raises(MarkupError, match="starting at byte offset 1"):
        parse_markdown("a_b")
