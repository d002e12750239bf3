"""Where a YAML parser's refusal points for people, and what they probably meant.

A parser tells where it gave up. That is often a line or more after the slip. Nothing of the file is repeated.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

_GENERAL = "correct the text there or just before it; texts with special characters need quotes"
_OUTERMOST = "write each key of the outermost level without any space before it"
_KEY = re.compile(r" *(?:- +)?[\w.\"'-]+ *:(?:[ \t]|$)")
_ADVICE = (
    (r"undefined alias|scanning an alias", "a text that begins with * needs quotes"),
    (r"scanning an anchor", "a text that begins with & needs quotes"),
    (r"found '-'", "a list entry stands among keys: indent it below the key that it belongs to"),
    (r"found '\?'", "a key stands among list entries: indent it as the key above the list"),
    (r"sequence entries", "begin a list on a line of its own, or write [one, two]"),
    (r"found '[\]}]'", "a bracket is closed that was never opened: remove it, or quote the text"),
    (r"<block mapping start>", "indent this line exactly as the others of its section"),
    (
        r"found '<scalar>'",
        "a text goes on behind its closing quote, or quotes above were not closed: quote the whole",
    ),
    (r"got '<scalar>'", "put a comma between the entries"),
    (r"escape", r"inside double quotes \ has a meaning of its own: use single quotes, or write \\"),
    (r"another document", "remove --- and what follows, or what is before it: one document is allowed"),
    (
        r"block scalar",
        "a text behind | or > begins on the next line; quote a text that begins with one of them",
    ),
    (r"simple key", "a key needs a colon and a space: write key: value"),
)
_OPEN = r"quoted scalar.*end of stream|parsing a flow.*(?:':'|<stream end>)"


class Mark(Protocol):
    """A place, with line and column from 0."""

    @property
    def line(self) -> int: ...

    @property
    def column(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Insight:
    """Where to look, with line and column from 0, and what to do. `moved`: not where the parser gave up."""

    line: int
    column: int
    advice: str
    moved: bool = False


def insight(text: str, said: str, begun: Mark | None, noticed: Mark) -> Insight:
    """What lies behind a refusal. `said` is the parser's, `begun` where what it was reading began."""
    lines = text.splitlines()
    line = lines[noticed.line] if noticed.line < len(lines) else ""
    if "mapping values" in said:
        return _second_colon(lines, line, noticed)
    if re.search(r"simple key", said) and begun:
        first = lines[begun.line] if begun.line < len(lines) else ""
        return Insight(begun.line, begun.column, _no_key(first, said), moved=True)
    if "got '{'" in said and "${" in line:
        advice = 'inside [ ] and { } a reference needs quotes: "${NAME}"'
        return Insight(noticed.line, noticed.column, advice)
    if re.search(_OPEN, said) and begun and (begun.line or begun.column):  # at 1:1 it is the whole file
        sign = "the quotes that begin" if "quoted" in said else "the bracket that opens"
        return Insight(begun.line, begun.column, f"close {sign} here", moved=begun.line != noticed.line)
    first = next((n for n, one in enumerate(lines) if _says(one)), noticed.line)
    if "document start" in said and lines[first].startswith(" "):
        return Insight(
            first, 0, "write each key of the outermost level without any space before it", moved=True
        )
    sign = begun if begun and re.search("scanning an (alias|anchor)", said) else noticed
    return Insight(sign.line, sign.column, _advice(said, lines, noticed))


def _advice(said: str, lines: Sequence[str], noticed: Mark) -> str:
    line, column = lines[noticed.line] if noticed.line < len(lines) else "", noticed.column
    sign = line[column : column + 1]
    if "cannot start any token" in said:
        if sign != "\t":
            return "a text that begins with this sign needs quotes"
        return (
            "indent with spaces, not tabs"
            if not line[:column].strip()
            else "write a space instead of the tab"
        )
    if "document start" in said:
        if lines[noticed.line - 1].startswith("["):
            return "[section] is not YAML: write section: and indent its keys below it"
        return _OUTERMOST
    return next((advice for pattern, advice in _ADVICE if re.search(pattern, said)), _GENERAL)


def _second_colon(lines: Sequence[str], line: str, noticed: Mark) -> Insight:
    """A colon where none may be: in a text, in a line indented too far, or after a line that is no key."""
    before = next((n for n in range(noticed.line - 1, -1, -1) if _says(lines[n])), None)
    if _KEY.match(line[: noticed.column]):
        advice = "a text with a colon and a space in it needs quotes"
        return Insight(noticed.line, noticed.column, advice)
    if before is not None and not _KEY.match(lines[before]):
        column = len(lines[before]) - len(lines[before].lstrip())
        return Insight(before, column, _no_key(lines[before], ""), moved=True)
    advice = "the key above has a value already: indent this line as that key, or remove the value"
    return Insight(noticed.line, noticed.column, advice)


def _says(line: str) -> bool:
    return bool(line.strip()) and not line.lstrip().startswith("#")


def _no_key(line: str, said: str) -> str:
    """What is wrong with a line that was to be a key and its value."""
    if re.match(r"(<{7}|={7}|>{7})( |$)", line):
        return "a merge conflict was left in the file: keep one of both versions, and remove the signs"
    if re.match(r"\s*[\w-]+\s*=", line):
        return "write key: value, with a colon instead of ="
    if re.match(r"\s*(?:- +)?[\w-]+:\S", line):
        return "a space is missing behind the colon: write key: value"
    if re.match(r"\s*[\w-]+\s*:\u00a0", line):
        return "the space behind the colon is a special one, as web pages have them: write a plain one"
    return (
        next((advice for pattern, advice in _ADVICE if re.search(pattern, said)), _GENERAL)
        if said
        else ("a key needs a colon and a space: write key: value")
    )
