"""What the demo agent wrote down: the prompts that it was given and the tools that it ran."""

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from gateway.rules.note import NOTE_MARKER, TRANSCRIPT_MARKER

_ENCLOSED = re.compile(r"\[file: attachments/\d+-([^\]]*)\]")


class Memory:
    """The demo agent's session files."""

    def __init__(self, home: Path) -> None:
        self._home = home

    def _entries(self) -> list[dict[str, Any]]:
        files = sorted((self._home / "sessions").glob("*.jsonl"))
        return [
            json.loads(line) for path in files for line in path.read_text().splitlines() if line.endswith("}")
        ]

    @property
    def prompts(self) -> list[list[str]]:
        """The blocks of every prompt."""
        return [entry["blocks"] for entry in self._entries() if entry["role"] == "user"]

    @property
    def notes(self) -> list[str]:
        """Every recovery note."""
        return [block for blocks in self.prompts for block in blocks if block.startswith(NOTE_MARKER)]

    @property
    def transcripts(self) -> list[str]:
        """Every transcript that stood in front of a prompt."""
        return [block for blocks in self.prompts for block in blocks if block.startswith(TRANSCRIPT_MARKER)]

    def heard(self, words: str) -> int:
        """How many prompts had these words in their text, outside notes and transcripts."""
        return sum(
            words in block
            for blocks in self.prompts
            for block in blocks
            if not block.startswith((NOTE_MARKER, TRANSCRIPT_MARKER))
        )

    def given(self, name: str) -> list[Path]:
        """Where the files of this name lie that came with prompts, one for each prompt that had it."""
        return self.all_given.get(name, [])

    @property
    def all_given(self) -> dict[str, list[Path]]:
        """The same for all names."""
        found: dict[str, list[Path]] = {}
        for entry in self._entries():
            for file in entry.get("files", ()):
                found.setdefault(file["name"], []).append(Path(urlsplit(file["uri"]).path))
        return found

    def all_told(self, *, transcripts: bool = False) -> Counter[str]:
        """How many prompts named each of these files, in their note or their text, or in a transcript too."""
        found = Counter[str]()
        for blocks in self.prompts:
            told = [one for one in blocks if transcripts or not one.startswith(TRANSCRIPT_MARKER)]
            found.update({name for block in told for name in _ENCLOSED.findall(block)})
        return found

    def ran(self, tool: str) -> int:
        """How often a tool was begun."""
        return sum(entry["role"] == "tool" and entry["name"] == tool for entry in self._entries())
