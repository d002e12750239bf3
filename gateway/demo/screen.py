"""How the demo prints: a timeline while it happens, then a table. Plain text unless it is on a terminal."""

import os
import shutil
import sys
import textwrap
import time
from collections.abc import Sequence
from enum import Enum
from typing import TextIO

import typer

WIDEST = 100
NARROWEST = 60
_TIME, _WHERE, _WHO = 8, 8, 11  # columns


class Tone(Enum):
    """What a line is about, and how it looks in colour."""

    PLAIN = ("", False)
    PERSON = ("cyan", False)
    BOT = ("green", False)
    GATEWAY = ("yellow", False)
    GOOD = ("green", True)
    ALARM = ("red", True)

    def paint(self, text: str) -> str:
        """The text with the codes of its colour."""
        colour, bold = self.value
        return typer.style(text, fg=colour or None, bold=bold)


class Screen:
    """Standard output. The clock starts with the first line of the timeline."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._colours = wants_colours(out)
        self._width = max(NARROWEST, min(WIDEST, shutil.get_terminal_size((WIDEST, 24)).columns))
        self._began: float | None = None

    def line(self, text: str = "", tone: Tone = Tone.PLAIN) -> None:
        """A paragraph, wrapped."""
        for part in textwrap.wrap(text, self._width) or [""]:
            self._write(self._painted(part, tone))

    def tell(self, who: str, what: str, tone: Tone = Tone.PLAIN, where: str = "") -> None:
        """One thing that happened just now; `where` is the platform that it happened on."""
        now = time.monotonic()
        self._began = now if self._began is None else self._began
        wide = self._width - _TIME - _WHERE - _WHO - 4
        lines = [part for line in what.splitlines() for part in textwrap.wrap(line, wide)] or [""]
        head = f"{now - self._began:{_TIME - 2}.1f} s  {where:<{_WHERE}} {who:<{_WHO}} "
        for part in lines:
            self._write(head + self._painted(part, tone))
            head = " " * len(head)

    def table(self, rows: Sequence[tuple[str, Sequence[str], str]]) -> None:
        """A name, a number for each platform and a remark in each row, between two rules."""
        names = max(len(name) for name, _, _ in rows)
        wide = max(len(value) for _, values, _ in rows for value in values)
        lines = [
            "  ".join((f"  {name:<{names}}", *(f"{value:>{wide}}" for value in values), remark)).rstrip()
            for name, values, remark in rows
        ]
        rule = "-" * min(self._width, max(map(len, lines)) + 2)
        for text in (rule, *(line[: self._width] for line in lines), rule):
            self._write(text)

    def _painted(self, text: str, tone: Tone) -> str:
        return tone.paint(text) if self._colours and tone is not Tone.PLAIN else text

    def _write(self, text: str) -> None:
        encoding = self._out.encoding or "utf-8"
        typer.echo(text.encode(encoding, "replace").decode(encoding), file=self._out, color=self._colours)


def wants_colours(out: TextIO) -> bool:
    """Only on a terminal that knows them, and not where NO_COLOR asks for none (no-color.org)."""
    return out.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def complain(text: str) -> None:
    """A line on standard error, as all commands print theirs."""
    for line in text.splitlines():
        encoding = sys.stderr.encoding or "utf-8"
        typer.echo(f"carryon: {line}".encode(encoding, "replace").decode(encoding), err=True)
