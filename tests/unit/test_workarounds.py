"""Gemini's session files before a load, as its version 0.61 leaves them."""

import json
import os
from pathlib import Path

import pytest

from gateway.agents.workarounds import before_load

SESSION = "1b2c3d4e-5f60-4718-89ab-cdef01234567"
SAFE = "session-2020-01-01T00-00-1b2c3d4e.jsonl"
HEAD = {"sessionId": SESSION, "projectHash": "a" * 64, "startTime": "2026-11-20T10:31:07.000Z"}


def written(chats: Path, name: str, *said: str, age: int = 0) -> str:
    """A session's file: its head, and each message of the user with an answer. Without any, it is a stub."""
    chats.mkdir(parents=True, exist_ok=True)
    entries: list[object] = [HEAD]
    for text in said:
        entries += [{"type": "user", "content": text}, {"type": "gemini", "content": f"You said {text}"}]
    content = "".join(json.dumps(entry) + "\n" for entry in entries)
    (chats / name).write_text(content)
    os.utime(chats / name, (1_000_000 - age, 1_000_000 - age))
    return content


@pytest.fixture
def chats(tmp_path: Path) -> Path:
    return tmp_path / ".gemini" / "tmp" / "project" / "chats"


def files(chats: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in chats.iterdir()}


def test_load_in_the_minute_of_the_session_overwrites_nothing(tmp_path: Path, chats: Path) -> None:
    content = written(chats, "session-2026-11-20T10-31-1b2c3d4e.jsonl", "hello")
    before_load("gemini", tmp_path, SESSION)
    assert files(chats) == {SAFE: content}


def test_stub_of_an_earlier_load_goes_so_that_it_takes_nothing_with_it(tmp_path: Path, chats: Path) -> None:
    content = written(chats, "session-2026-11-20T10-31-1b2c3d4e.jsonl", "hello", age=60)
    written(chats, "session-2026-11-20T10-32-1b2c3d4e.jsonl")
    before_load("gemini", tmp_path, SESSION)
    assert files(chats) == {SAFE: content}


def test_every_further_load_is_prepared_the_same_way(tmp_path: Path, chats: Path) -> None:
    content = written(chats, SAFE, "hello", "and again", age=120)
    for minute in (33, 34, 35):
        written(chats, f"session-2026-11-20T10-{minute}-1b2c3d4e.jsonl")
        before_load("gemini", tmp_path, SESSION)
        assert files(chats) == {SAFE: content}


@pytest.mark.parametrize(("safe", "other", "kept"), [
    (("one",), ("one", "two"), "other"),
    (("one", "two"), ("three",), "safe"),
    (("one",), ("two",), "other"),  # as long: the newer one
])  # fmt: skip
def test_of_two_files_with_a_conversation_the_whole_one_is_loaded(
    tmp_path: Path, chats: Path, safe: tuple[str, ...], other: tuple[str, ...], kept: str
) -> None:
    content = {
        "safe": written(chats, SAFE, *safe, age=60),
        "other": written(chats, "session-2026-11-20T10-31-1b2c3d4e.jsonl", *other),
    }
    before_load("gemini", tmp_path, SESSION)
    assert files(chats)[SAFE] == content[kept]


def test_every_project_is_looked_at_and_other_sessions_are_left_alone(tmp_path: Path, chats: Path) -> None:
    elsewhere = tmp_path / ".gemini" / "tmp" / "another" / "chats"
    content = written(elsewhere, "session-2026-11-20T10-31-1b2c3d4e.jsonl", "hello")
    theirs = {name: written(chats, name) for name in ("session-2026-11-20T10-31-ffffffff.jsonl", "logs.json")}
    before_load("gemini", tmp_path, SESSION)
    assert files(elsewhere) == {SAFE: content}
    assert files(chats) == theirs


def test_lines_that_are_torn_do_not_make_a_stub(tmp_path: Path, chats: Path) -> None:
    content = written(chats, "session-2026-11-20T10-31-1b2c3d4e.jsonl", "hello") + '[1]\n{"type": "us'
    (chats / "session-2026-11-20T10-31-1b2c3d4e.jsonl").write_text(content)
    before_load("gemini", tmp_path, SESSION)
    assert files(chats) == {SAFE: content}


@pytest.mark.parametrize(("preset", "session"), [
    ("", SESSION), ("claude", SESSION), ("gemini", "../../.."), ("gemini", "*"), ("gemini", ""),
])  # fmt: skip
def test_nothing_is_touched_without_need(tmp_path: Path, chats: Path, preset: str, session: str) -> None:
    name = "session-2026-11-20T10-31-1b2c3d4e.jsonl"
    content = written(chats, name)
    before_load(preset, tmp_path, session)
    assert files(chats) == {name: content}


def test_what_cannot_be_prepared_is_left_alone(tmp_path: Path, chats: Path) -> None:
    before_load("gemini", tmp_path, SESSION)  # there is nothing at all
    (chats / "session-2026-11-20T10-31-1b2c3d4e.jsonl").mkdir(parents=True)
    before_load("gemini", tmp_path, SESSION)
    assert [path.name for path in chats.iterdir()] == ["session-2026-11-20T10-31-1b2c3d4e.jsonl"]
