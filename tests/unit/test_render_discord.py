"""Markdown as Discord reads it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.discord.render import render
from gateway.rules.markdown import closed
from tests.corpus.answers import answers


@pytest.mark.parametrize(
    ("markdown", "shown"),
    [
        ("**b** *i* `c` [l](http://a.b) > q", "**b** *i* `c` [l](http://a.b) > q"),
        ("### three\n#### four **b** ####\n###### six", "### three\n**four b**\n**six**"),
        ("Title\n===\n\nLower\n---", "# Title\n\n## Lower"),
        ("| a | b |\n|--|--|\n| 1 | `x` |", "```\na | b\n--+--\n1 | x\n```"),
        ("- l\n\n  | a |\n  |---|\n  | 1 |\n- m", "- l\n\n  ```\n  a\n  -\n  1\n  ```\n- m"),
        ("> | a |\n> |---|\n> | ``` |", "> ````\n> a\n> ---\n> ```\n> ````"),
        ("```py\n| a |\n|---|\n#### x", "```py\n| a |\n|---|\n#### x\n```"),
        ("- ```\n  x", "- ```\n  x\n  ```"),
        ("~~~py t=1\nx\n~~~", "```py\nx\n```"),
        ("````\n```\n````", "````\n```\n````"),
        ("![alt](http://a.b/c.png) ![](http://a.b/d.png)", "[alt](http://a.b/c.png) http://a.b/d.png"),
        ("[![alt](http://i.j)](http://k.l)", "[alt](http://k.l)"),
        (
            "[r][1] [s] [c][]\n\n[1]: http://a.b\n[s]: http://s.t\n[c]: http://c.d",
            "[r](http://a.b) [s](http://s.t) [c](http://c.d)\n\n",
        ),
        ("[TODO]: http://kept.example", "[TODO]: http://kept.example"),
        ("<div>\n\ntext | more\n\n</div>", "<div>\n\ntext | more\n\n</div>"),
        ("run:\n\n    a *b*\n      c\n\nend", "run:\n\n```\na *b*\n  c\n```\n\nend"),
        ("a\r\nb", "a\nb"),
    ],
)
def test_shown(markdown, shown):
    assert render(markdown) == shown


def test_the_corpus():
    for name, answer in answers().items():
        shown = render(answer)
        assert shown.strip() or not answer.strip(), name
        assert closed(shown) == shown, name
        assert "\r\n" not in shown, name


def test_what_has_too_many_parts_is_left_as_it_is():
    wide = "|a" * 60 + "\n" + "|-" * 60 + "|\n" + "|b\n" * 500
    assert render(wide) == wide, "the parser would make thirty thousand cells of it"


@given(st.text(st.sampled_from("ab|-\n`~#> *_[]()!:1.\t\\"), max_size=80))
@settings(max_examples=100, deadline=None)
def test_anything(text):
    assert bool(render(text).strip()) == bool(text.strip())
