"""The demo agent's sessions: one append-only file of JSON lines each.

A prompt is in the file before work on it begins and its answer when the turn ended, each written with one
system call. So after a kill the history holds the doomed prompt without an answer, and no half line; a line
that was torn all the same is skipped when the file is read.
"""

import json
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from gateway.agents.demo_script import Request, fold, plain, read_blocks, read_note, read_transcript

_SAFE_ID = re.compile(r"[0-9a-f]{32}")

Entry = dict[str, object]


@dataclass(slots=True)
class Memory:
    """What a history amounts to.

    `own` are the user's texts that were said to this session, `told` those that it knows from a transcript,
    `unfinished` the requests that have no answer yet, `started` the tools that began working on them. `last`
    is what those two were before the latest answer. `characters` is how long all of it is.
    """

    own: list[str] = field(default_factory=list[str])
    told: list[str] = field(default_factory=list[str])
    unfinished: list[str] = field(default_factory=list[str])
    started: set[str] = field(default_factory=set[str])
    characters: int = 0
    last: tuple[list[str], set[str]] = field(default_factory=lambda: (list[str](), set[str]()))

    def take(self, request: Request) -> None:
        """A prompt arrives. Without a note the old request is given up; with one it is carried on."""
        self.characters += request.length
        if request.preamble:
            transcript = read_transcript(request.preamble)
            self.told = [text for text in map(plain, transcript.texts) if text]
            self.unfinished, self.started = [], set(transcript.started)
            if transcript.unfinished:
                self.unfinished.append(transcript.unfinished)
        if not request.goes_on:
            self.unfinished, self.started = [], set()
        else:
            quoted, steps = read_note(request.note)
            if not self.unfinished and self._just_answered(quoted):  # that answer did not arrive
                self.unfinished, self.started = list(self.last[0]), self.started | self.last[1]
            if quoted:
                self.unfinished = [quoted]  # all that is unfinished, in order
            self.started |= steps
        self._add(request.text)
        if words := plain(request.text):
            self.own.append(words)

    def answered(self, answer: str) -> None:
        """The turn ended well."""
        self.characters += len(answer)
        self.last = (self.unfinished, self.started)
        self.unfinished, self.started = [], set()

    def _just_answered(self, quoted: str) -> bool:
        """Whether the latest answer was to what a note quotes. One that quotes nothing means just that."""
        return not quoted or any(_key(text) in _key(quoted) for text in self.last[0])

    def _add(self, text: str) -> None:
        if text.strip() and _key(text) not in map(_key, self.unfinished):
            self.unfinished.append(text)


def _key(text: str) -> str:
    return plain(text) or fold(text)


class SessionFiles:
    """The directory of session files."""

    def __init__(self, home: Path) -> None:
        self._directory = home / "sessions"
        self._directory.mkdir(parents=True, exist_ok=True)

    def create(self, cwd: str) -> str:
        """A new session; its id is also its file's name."""
        session_id = os.urandom(16).hex()
        self.append(session_id, {"role": "session", "cwd": cwd})
        return session_id

    def cwd(self, session_id: str) -> str:
        """The working directory in which a session was begun."""
        return next((str(entry["cwd"]) for entry in self.read(session_id) if "cwd" in entry), "")

    def append(self, session_id: str, entry: Entry) -> None:
        """Add a line. It survives the end of this process once this returns."""
        line = json.dumps(entry, separators=(",", ":")) + "\n"
        handle = os.open(self._path(session_id), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(handle, line.encode())
        finally:
            os.close(handle)

    def knows(self, session_id: str) -> bool:
        """Whether there is such a session. An id that is not one of ours never reaches the file system."""
        return _SAFE_ID.fullmatch(session_id) is not None and self._path(session_id).is_file()

    def read(self, session_id: str) -> list[Entry]:
        """Every whole line."""
        entries: list[Entry] = []
        content = self._path(session_id).read_bytes()
        if content and not content.endswith(b"\n"):
            self._end_torn_line(session_id)
        for line in content.splitlines():
            try:
                entry = json.loads(line)
            except ValueError:
                continue
            if isinstance(entry, dict):
                entries.append(entry)  # pyright: ignore[reportUnknownArgumentType]
        return entries

    def _end_torn_line(self, session_id: str) -> None:
        with self._path(session_id).open("ab") as file:
            file.write(b"\n")

    def _path(self, session_id: str) -> Path:
        return self._directory / f"{session_id}.jsonl"


def blocks_of(entry: Entry) -> list[str]:
    """The text blocks of a user entry."""
    blocks = entry.get("blocks")
    return [str(block) for block in blocks] if isinstance(blocks, list) else []  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]


def files_of(entry: Entry) -> list[tuple[str, str]]:
    """Name and address of each file of a user entry."""
    files = cast("list[dict[str, str]]", entry.get("files", []))
    return [(one["name"], one["uri"]) for one in files]


def remember(entries: Iterable[Entry]) -> Memory:
    """Read a history from its beginning."""
    memory = Memory()
    for entry in entries:
        match entry.get("role"):
            case "user":
                memory.take(read_blocks(blocks_of(entry)))
            case "tool":
                memory.started.add(str(entry.get("name", "")))
            case "assistant":
                memory.answered(str(entry.get("text", "")))
            case _:
                pass
    return memory
