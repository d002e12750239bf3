"""Names of files and links to them: whoever names a file, the name is one harmless component of a path."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.rules.files import NAME_LIMIT, local_links, local_target, safe_name, without_local_links

NASTY = st.lists(
    st.one_of(
        st.sampled_from(["..", "/", "\\", ".", " ", "~", "con", "\0", "\n", "-", "\u202e", "\ud83d", ":"]),
        st.text(max_size=8),
    ),
    max_size=30,
).map("".join)


@given(st.one_of(st.text(max_size=300), NASTY))
@example("")
@example("..")
@example("." * 200)
@example("con.txt")
@example("é" * 100 + ".png")
@example("a." + "é" * 6)
@example("\ud83d.txt")
@example("-rf")
def test_a_safe_name_is_one_component(name):
    safe = safe_name(name)
    assert safe
    assert len(safe.encode()) <= NAME_LIMIT
    assert not safe.startswith((".", "-", "~"))
    assert not set(safe) & set('/\\\0\n\r\t:*?"<>| ')
    assert safe.partition(".")[0].lower() not in {"con", "prn", "aux", "nul", "com1", "lpt1"}
    assert all(char.isprintable() for char in safe)
    assert safe_name(safe) == safe


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("report.pdf", "report.pdf"),
        ("../../etc/passwd", "passwd"),
        ("C:\\temp\\photo.JPG", "photo.JPG"),
        (".bashrc", "bashrc"),
        ("два слова.txt", "два_слова.txt"),
        ("nul.txt", "file.txt"),
        ("a" * 200 + ".tar.gz", "a" * 77 + ".gz"),
        ("", "file"),
    ],
)
def test_names(name, safe):
    assert safe_name(name) == safe


@pytest.mark.parametrize(
    ("target", "path"),
    [
        ("out/plot.png", "out/plot.png"),
        ("file:///tmp/a%20b.txt", "/tmp/a b.txt"),
        ("https://example.com/x.png", None),
        ("mailto:a@b.c", None),
        ("#part", None),
        ("//host/x", None),
        ("out/", "out/"),
        ("a%00b", None),
        ("http://[bad", None),
        ("javascript:alert(1)", None),
    ],
)
def test_targets(target, path):
    assert local_target(target) == path


def test_links_of_an_answer_without_those_in_code():
    answer = "![p](out/a.png) [r](<out/b c.md>) `[x](no.txt)` [w](https://e.x/y)\n```\n[z](no.md)\n```\n[r](out/a.png)"
    assert local_links(answer)[0] == "out/a.png"
    assert "no.txt" not in local_links(answer)
    assert "no.md" not in local_links(answer)
    assert len(local_links(answer)) == len(set(local_links(answer)))


def test_links_to_files_that_are_sent_become_their_words():
    answer = "See [the plot](out/a.png) ![](out/a.png), [other](b.md), `[c](out/a.png)`."
    plain = without_local_links(answer, lambda path: path == "out/a.png")
    assert plain == "See the plot a.png, [other](b.md), `[c](out/a.png)`."
