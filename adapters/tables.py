"""Tables for readers that have none: aligned columns in a fixed-width font. Pure.

Widths are those of a terminal: a Chinese character is two columns wide, a combining one none.
"""

import re
from collections.abc import Sequence

from adapters.markdown import Edit, Event, Parsed

_WIDEST = 48
"""Columns to which a cell is filled up. What is longer stands out, and does not blow up the others."""

_EXCESS = re.compile(r"(?<!\\)\|")
_MARGIN = re.compile(r"[ \t>]*")
_TICKS = re.compile(r"`+")


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """Rows of cells, the first one a header, as lines of which none ends in white space."""
    rows = [[_one_line(cell) for cell in row] for row in rows]
    count = max((len(row) for row in rows), default=0)
    widths = [0] * count
    for row in rows:
        for column, cell in enumerate(row):
            widths[column] = max(widths[column], min(_width(cell), _WIDEST))
    lines = [_line(row, widths) for row in rows]
    if len(lines) > 1:
        lines.insert(1, "-+-".join("-" * max(width, 1) for width in widths))
    return "\n".join(lines)


def in_code(rows: Sequence[Sequence[str]], margin: str = "") -> str:
    """A table as a fenced block of code, `margin` before each line but the first."""
    text = aligned(rows)
    fence = "`" * max(3, 1 + max((len(run) for run in _TICKS.findall(text)), default=0))
    return f"\n{margin}".join((fence, *text.split("\n"), fence))


class Rows:
    """The rows of a table, gathered from its events."""

    def __init__(self, parsed: Parsed) -> None:
        self._parsed = parsed
        self._cell: list[str] | None = None
        self._links: list[tuple[str, int]] = []
        self._last = 0
        self.rows: list[list[str]] = []

    def take(self, event: Event) -> None:
        """One event between the table's start and its end."""
        match event.name:
            case "+TableHead" | "+TableRow":
                self.rows.append([])
                self._last = event.start
            case "-TableHead" | "-TableRow":
                self.rows[-1] += self._excess(event.end)
            case "+TableCell":
                self._cell = []
            case "-TableCell":
                self.rows[-1].append("".join(self._cell or ()).strip())
                self._cell, self._last = None, event.end
            case "Text" | "Code":
                self._write(event.value)
            case "InlineHtml" if event.value.lower().startswith("<br"):
                self._write(" ")
            case "InlineHtml" | "InlineMath" | "DisplayMath" | "FootnoteReference":
                self._write(self._parsed.text(event.start, event.end))
            case "+Link" | "+Image":
                self._links.append((event.value["dest_url"], len(self._cell or ())))
            case "-Link" | "-Image":
                self._close_link()
            case "SoftBreak" | "HardBreak":
                self._write(" ")
            case _:
                pass

    def _write(self, text: str) -> None:
        if self._cell is not None:
            self._cell.append(text)

    def _close_link(self) -> None:
        url, begin = self._links.pop()
        words = "".join((self._cell or [])[begin:])
        if url and words != url and not url.startswith(("#", "mailto:")):
            self._write(f" ({url})" if words else url)

    def _excess(self, end: int) -> list[str]:
        """Cells of a row beyond those of the header: Markdown drops them, a reader wants them."""
        rest = self._parsed.text(self._last, end).strip().strip("|")
        return [cell.strip() for cell in _EXCESS.split(rest)] if rest.strip() else []


def tables_in_code(parsed: Parsed) -> list[Edit]:
    """The edits that turn every table of a Markdown text into a block of code."""
    edits: list[Edit] = []
    rows: Rows | None = None
    for event in parsed.events:
        if event.name == "+Table":
            rows = Rows(parsed)
        elif event.name == "-Table" and rows is not None:
            source = parsed.text(event.start, event.end)
            margin = _MARGIN.match(source.partition("\n")[2])
            end = event.end
            if len(rows.rows) == 1 and source.count("\n", 0, -1) == 0:  # a header alone: without its rule
                after = parsed.source.find(b"\n", end)
                end = len(parsed.source) if after < 0 else after
                source = parsed.text(event.start, end)
            block = in_code(rows.rows, margin[0] if margin else "")
            edits.append(Edit(event.start, end, block + "\n" * source.endswith("\n")))
            rows = None
        elif rows is not None:
            rows.take(event)
    return edits


def _one_line(cell: str) -> str:
    return " ".join(cell.split())


def _width(cell: str) -> int:
    if cell.isascii():
        return len(cell)
    from wcwidth import wcswidth  # noqa: PLC0415 - its tables are large, and few texts need them

    return max(wcswidth(cell), 0)


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    cells = [cell + " " * (widths[column] - _width(cell)) for column, cell in enumerate(row)]
    return " | ".join(cells).rstrip()
