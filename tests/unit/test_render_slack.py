"""Markdown as Slack reads it, whole and while it grows."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.slack.render import render
from tests.corpus.answers import answers

ZERO = "\u200b"


@pytest.mark.parametrize(
    ("markdown", "shown"),
    [
        ("**b** #### x `c`", "**b** #### x `c`"),
        ("<!channel> <!here|x> <@U1>", f"<{ZERO}!channel> <{ZERO}!here|x> <@U1>"),
        ("| a | b |\n|--|--|\n| 1 | <!here> |", f"```\na | b\n--+--------\n1 | <{ZERO}!here>\n```"),
        ("```py title\nx", "```py title\nx\n```"),
        ("~~~\nx\n~~~", "```\nx\n```"),
        ("[r][1]\n\n[1]: http://a.b", "[r](http://a.b)\n\n"),
        ("![alt](http://a.b/c.png)", "[alt](http://a.b/c.png)"),
    ],
)
def test_shown(markdown, shown):
    assert render(markdown) == shown


@pytest.mark.parametrize(
    ("markdown", "shown"),
    [
        ("a\n\n```py\nx", "a\n\n```py\nx"),
        ("a\n\n| x | y |\n", "a\n\n"),
        ("a\n\n| x |\n|---|\n| 1 |", "a\n\n"),
        ("a\n\n| x |\n|---|\n| 1 |\n\nb", "a\n\n```\nx\n-\n1\n```\n\nb"),
        ("| x |\n", "| x |\n"),
    ],
)
def test_shown_while_it_grows(markdown, shown):
    assert render(markdown, closed=False) == shown


def test_what_is_shown_of_a_growing_answer_is_only_added_to():
    table = "| a | b |\n|---|---|\n| 1 | 22222 |\n| 333 | 4 |"
    text = f"Here:\n\n{table}\n\nAnd:\n\n```py\nx = 1\n```\n\nDone **now**."
    shown = ""
    for end in range(5, len(text) + 1):
        grown = render(text[:end], closed=False)
        assert grown.startswith(shown), (shown, grown)
        shown = grown
    assert shown == render(text)


@pytest.mark.parametrize("closed", [True, False])
def test_the_corpus(closed):
    for name, answer in answers().items():
        shown = render(answer, closed=closed)
        assert shown.strip() or not answer.strip(), name
        assert "<!" not in shown.replace("<!-", ""), name


@given(st.text(st.sampled_from("ab|-\n`~#> *_[]()!:1.\t<"), max_size=80), st.booleans())
@settings(max_examples=100, deadline=None)
def test_anything(text, closed):
    assert bool(render(text, closed=closed).strip()) == bool(text.strip())
