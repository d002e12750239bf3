"""Slack's markup is read as a person reads it, and nobody is summoned by accident."""

import pytest

from adapters.slack.markup import (
    escaped,
    harmless,
    is_mention,
    mentioned,
    readable,
    unescape,
    without_leading_mention,
)

NAMES = {"U1": "Ann", "U2": "Bob <&>"}


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("a &lt;b&gt; &amp;amp; c", "a <b> &amp; c"),
        ("hi <@U1> and <@U2>", "hi @Ann and @Bob <&>"),
        ("<@U9> <@U9|carl> <@W7>", "@U9 @carl @W7"),
        ("see <#C1|general>, <#C2>, <#C3|>", "see #general, #C2, #C3"),
        ("<!here> <!channel> <!everyone>", "@here @channel @everyone"),
        ("<!subteam^S1|@team> <!subteam^S1>", "@team @subteam"),
        ("<!date^1700000000^{date}|14 November>", "14 November"),
        ("<https://a.example>", "https://a.example"),
        ("<https://a.example|a.example>", "https://a.example"),
        ("<https://a.example/?a=1&amp;b=2|the place>", "the place (https://a.example/?a=1&b=2)"),
        ("<mailto:a@b.example|a@b.example> <tel:123|123>", "a@b.example 123"),
        ("1 &lt; 2 <", "1 < 2 <"),
        ("", ""),
    ],
)
def test_reading(text, read):
    assert readable(text, {**NAMES, "U2": "Bob &lt;&amp;&gt;"} if "U2" in text else NAMES) == read


def test_who_is_mentioned():
    assert mentioned("<@U1> <@U2|b> <@U1> &lt;@U3&gt; @U4") == ["U1", "U2"]


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("<@U1> hello", "hello"),
        ("  <@U1>, hello", "hello"),
        ("<@U1|bot>: hello", "hello"),
        ("<@U1>hello", "hello"),
        ("<@U2> hello", "<@U2> hello"),
        ("hello <@U1>", "hello <@U1>"),
        ("<@U1>", "<@U1>"),
        ("<@U1> <@U1> hello", "<@U1> hello"),
    ],
)
def test_a_leading_mention_is_cut(text, rest):
    assert without_leading_mention(text, "U1") == rest


def test_only_summons_are_defused():
    assert harmless("<!here>") != "<!here>"
    for text in ("<!-- comment -->", "<!doctype html>", "<@U1>", "a < !here", "plain"):
        assert harmless(text) == text


@pytest.mark.parametrize("text", ["<!channel> & <@U1>", "&amp; &lt;b&gt;", "plain", ""])
def test_an_escaped_text_means_nothing_and_reads_the_same(text):
    assert "<" not in escaped(text)
    assert unescape(escaped(text)) == text


def test_a_mention_alone():
    assert is_mention(" <@U1|bot> ", "U1")
    for text in ("<@U2>", "<@U1> <@U1>", "<@U1> hello", ""):
        assert not is_mention(text, "U1")
