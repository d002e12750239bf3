"""The blocks of a Markdown text, line by line: what an answer may be cut between.

A leaf is a block that holds no other: a paragraph, a heading, a block of code, a table. Holders are what it
stands in: quotes and items of lists. Every line that is not blank belongs to exactly one leaf, so that
whoever copies all leaves has lost nothing. Parsing is linear, and given up for a text of too many parts.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, cast

_MOST_EVENTS = 150_000
_DEEPEST = 40
_MARK = re.compile(r"[ \t]*(?:[-+*]|\d{1,9}[.)])(?: {1,4}(?=[^ \t])|\t| |$)")
_QUOTE_MARK = re.compile(r" {0,3}> ?")
_QUOTED_BLANK = re.compile(r"[ \t>]*")
_INLINE = frozenset({"Text", "Code", "InlineHtml", "InlineMath", "DisplayMath", "FootnoteReference"})
_SPANS = {"Strong": 2, "Emphasis": 1, "Strikethrough": 2, "Link": 0, "Image": 0}


class Kind(Enum):
    """What a leaf is, as far as it matters to cutting it."""

    TEXT = "text"
    HEADING = "heading"
    CODE = "code"
    TABLE = "table"
    LINES = "lines"


@dataclass(slots=True, eq=False)
class Holder:
    """A quote, or an item whose content stands `width` columns in; `number` is that of an ordered item.

    `shift` is how much wider its mark became where it was given its number.
    """

    quote: bool
    line: int
    width: int = 0
    number: int | None = None
    shift: int = 0


@dataclass(slots=True)
class Span:
    """A part of a paragraph, in bytes of the text. `mark` is what opens and closes it; it is empty for what
    is not to be cut in two: a link, code, a formula.
    """

    start: int
    end: int
    mark: str


@dataclass(slots=True)
class Leaf:
    """Lines `first` to `last`; `start` is where its own content begins, in bytes of the text."""

    kind: Kind
    first: int
    last: int
    holders: tuple[Holder, ...]
    start: int
    spans: list[Span] = field(default_factory=list[Span])


@dataclass(slots=True)
class Page:
    """A text's lines, where each begins in bytes, and its leaves in order."""

    source: bytes
    lines: list[str]
    begins: list[int]
    leaves: list[Leaf]

    def line_at(self, place: int) -> int:
        """The line of a place in bytes."""
        return bisect_right(self.begins, place) - 1


def events(source: str) -> Iterator[tuple[str, Any, int, int]]:
    """The parser's events with their places in bytes; "+" and "-" stand before what begins and ends."""
    import pyromark  # noqa: PLC0415 - only long texts need it, and the start of the program does not

    known = pyromark.Options
    options = (
        known.ENABLE_TABLES
        | known.ENABLE_STRIKETHROUGH
        | known.ENABLE_TASKLISTS
        | known.ENABLE_FOOTNOTES
        | known.ENABLE_MATH
    )
    for event, place in pyromark.events_with_range(source, options=options):
        start, end = place["start"], place["end"]
        if isinstance(event, str):
            yield event, None, start, end
            continue
        ((kind, value),) = cast("dict[str, Any]", event).items()
        if kind not in {"Start", "End"}:
            yield kind, value, start, end
        elif isinstance(value, str):
            yield ("+" if kind == "Start" else "-") + value, None, start, end
        else:
            ((name, detail),) = cast("dict[str, Any]", value).items()
            yield ("+" if kind == "Start" else "-") + name, detail, start, end


def read(text: str) -> Page | None:
    """The blocks of a text with plain line ends; None for one of too many or too deeply nested parts."""
    source = text.encode()
    lines = text.split("\n")
    begins = [0]
    for line in lines[:-1]:
        begins.append(begins[-1] + 1 + (len(line) if line.isascii() else len(line.encode())))
    page = Page(source, lines, begins, [])
    reader = _Reader(page)
    try:
        for count, (name, value, start, end) in enumerate(events(text)):
            if count > _MOST_EVENTS or len(reader.holders) > _DEEPEST:
                return None
            reader.take(name, value, start, end)
    except BaseException as error:
        if type(error).__name__ == "PanicException":  # a bug of the parser, which is no `Exception`
            return None
        raise
    page.leaves = list(_complete(page, reader.leaves))
    return page


class _Reader:
    """Gathers leaves from events. A close list's items have text that is in no paragraph."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._lists: list[int | None] = []
        self._leaf: Leaf | None = None
        self._loose: Leaf | None = None
        self._spans: list[Span] = []
        self.holders: list[Holder] = []
        self.leaves: list[Leaf] = []

    def take(self, name: str, value: object, start: int, end: int) -> None:  # noqa: C901, PLR0912 - a case for each event
        """One event."""
        bare = name[1:]
        if name in _INLINE or name in {"SoftBreak", "HardBreak", "TaskListMarker"} or bare in _SPANS:
            self._inline(name, start, end)
            return
        if name[0] == "+" or name == "Rule":
            self._settle()
        match name:
            case "+BlockQuote":
                self.holders.append(Holder(quote=True, line=self._page.line_at(start)))
            case "+List":
                self._lists.append(value if isinstance(value, int) else None)
            case "+Item":
                self._item(start)
            case "+FootnoteDefinition":
                self.holders.append(Holder(quote=False, line=self._page.line_at(start), width=4))
            case "+Paragraph":
                self._open(Kind.TEXT, start, end)
            case "+Heading":
                self._open(Kind.HEADING, start, end)
            case "+CodeBlock":
                self._open(Kind.CODE if isinstance(value, dict) else Kind.LINES, start, end)
            case "+Table":
                self._open(Kind.TABLE, start, end)
            case "+HtmlBlock" | "Rule":
                self._open(Kind.LINES, start, end)
                self._settle()
            case "-Paragraph" | "-Heading" | "-CodeBlock" | "-Table" | "-HtmlBlock":
                self._leaf = None
            case "-BlockQuote" | "-Item" | "-FootnoteDefinition":
                self._settle()
                self.holders.pop()
            case "-List":
                self._lists.pop()
            case _:
                pass

    def _item(self, start: int) -> None:
        line = self._page.line_at(start)
        rest = self._page.source[start : start + 64].decode(errors="ignore").partition("\n")[0]
        mark = _MARK.match(rest)
        number = self._lists[-1]
        if number is not None:
            self._lists[-1] = number + 1
        before = self._page.source[self._page.begins[line] : start].decode(errors="replace")
        own = len(before) - len(before.rstrip(" "))
        inside = any(holder.line == line for holder in self.holders)
        width = (len(mark[0].expandtabs(4)) if mark else 2) + (0 if inside else self._beyond(own))
        self.holders.append(Holder(quote=False, line=line, width=width, number=number))

    def _beyond(self, spaces: int) -> int:
        """How far an item's mark stands in from where the content of its holder begins."""
        outer = 0
        for holder in self.holders:
            outer = 0 if holder.quote else outer + holder.width
        if self.holders and self.holders[-1].quote:
            return max(spaces - 1, 0)
        return max(spaces - outer - any(holder.quote for holder in self.holders), 0)

    def _open(self, kind: Kind, start: int, end: int) -> None:
        self._leaf = self._made(kind, start, end)
        self.leaves.append(self._leaf)

    def _made(self, kind: Kind, start: int, end: int) -> Leaf:
        end = start + len(self._page.source[start:end].rstrip()) or start
        first = self._page.line_at(start)
        last = max(self._page.line_at(max(end - 1, start)), first)
        return Leaf(kind, first, last, tuple(self.holders), start)

    def _inline(self, name: str, start: int, end: int) -> None:
        if self._leaf is None:
            if self._loose is None:
                self._loose = self._made(Kind.TEXT, start, end)
                self.leaves.append(self._loose)
            self._loose.last = max(self._loose.last, self._page.line_at(max(end - 1, start)))
        leaf = self._leaf or self._loose
        if leaf is None or leaf.kind not in {Kind.TEXT, Kind.HEADING}:
            return
        if name[0] == "+":
            length = _SPANS[name[1:]]
            mark = self._page.source[start : start + length].decode(errors="replace")
            if name == "+Strikethrough" and mark != "~~":
                mark = "~"
            leaf.spans.append(Span(start, end, mark))
        elif name in {"Code", "InlineMath", "DisplayMath", "InlineHtml", "FootnoteReference"}:
            leaf.spans.append(Span(start, end, ""))

    def _settle(self) -> None:
        self._leaf = self._loose = None


def _complete(page: Page, leaves: Iterable[Leaf]) -> Iterator[Leaf]:
    """The leaves, and one for each run of lines that belong to none: empty items, definitions of links."""
    at = 0
    for leaf in leaves:
        if leaf.last < at:
            continue
        leaf.first = max(leaf.first, at)
        yield from _unclaimed(page, at, leaf.first)
        yield leaf
        at = leaf.last + 1
    yield from _unclaimed(page, at, len(page.lines))


def _unclaimed(page: Page, start: int, stop: int) -> Iterator[Leaf]:
    first = None
    for number in range(start, stop):
        if not _QUOTED_BLANK.fullmatch(page.lines[number]):
            first = number if first is None else first
        elif first is not None:
            yield Leaf(Kind.LINES, first, number - 1, (), page.begins[first])
            first = None
    if first is not None:
        yield Leaf(Kind.LINES, first, stop - 1, (), page.begins[first])


def within(line: str, number: int, holders: Iterable[Holder], since: int) -> str:
    """Line `number` in a piece that begins with line `since`: without the indents of items that began before
    it. Marks of quotes stay.
    """
    if all(holder.quote or (holder.line >= since and not holder.shift) for holder in holders):
        return line
    marks = ""
    for holder in holders:
        if not holder.quote and holder.line >= since:
            shift = holder.shift if holder.line != number and line.strip() else 0
            return f"{marks}{' ' * shift}{line}"
        if not holder.quote:
            line = _dedented(line, holder.width)
        elif mark := _QUOTE_MARK.match(line):
            marks += "> "
            line = line[mark.end() :]
        else:
            break
    return marks + line


def _dedented(line: str, columns: int) -> str:
    lead = len(line) - len(line.lstrip(" \t"))
    if "\t" in line[:lead]:
        line = line[:lead].expandtabs(4) + line[lead:]
        lead = len(line) - len(line.lstrip(" "))
    return line[min(lead, columns) :]
