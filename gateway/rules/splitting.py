"""Cutting one block that is too long for a message. What is cut off begins the next message.

Code is closed and opened again, a table repeats its header, emphasis ends and begins anew. A cut falls at the
end of a sentence, a line or a word where there is one, outside of links and code, and never inside of what
is one character to the eye.
"""

import re
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass, field

from gateway.rules.blocks import Kind, Leaf, Page, within
from gateway.rules.chunking import fitting, whole_before

Fits = Callable[[str], bool]

_FENCE = re.compile(r"(`{3,}|~{3,})([^\n]*)")
_NO_MARK = re.compile(r"[^ \t>]")
_LINE_HEAD = re.compile(r"[ \t>]*")
_SENTENCE = re.compile("[.!?\u2026][)\\]\"'\u201d\u2019\u00bb*_]*\\s|[\u3002\uff01\uff1f]|\\n")
_WORD = re.compile(r"\s")
_NEW_BLOCK = re.compile(r"(?:[-+*]|\d{1,9}[.)])(?:\s|$)|[#>|<]|=+\s*$|-{3}|`{3}|~{3}|\[[^\]]*\]:")
_MARK_ROOM = 12


@dataclass(slots=True)
class Stretch:
    """A part of a text that has a mark around it, or that is not to be cut (then the mark is empty).

    Its ends are a line and how far before the end of that line: so they stay true when the beginning is cut.
    """

    start: tuple[int, int]
    end: tuple[int, int]
    mark: str


@dataclass(slots=True)
class Block:
    """A leaf, or what is left of one. `shown` are its lines in the piece at hand, `later` in a piece that
    begins in the midst of it. `fixed` lines at the beginning are repeated as `opening`, and `closing` ends
    each part.
    """

    kind: Kind
    shown: list[str]
    later: list[str]
    stretches: list[Stretch] = field(default_factory=list[Stretch])
    fixed: int = 0
    opening: list[str] = field(default_factory=list[str])
    closing: str = ""
    closing_later: str = ""

    @property
    def text(self) -> str:
        """The block as it is in the piece at hand."""
        return "\n".join(self.shown)


def block(page: Page, leaf: Leaf, since: int) -> Block:
    """A leaf in a piece that begins with line `since`."""
    numbers = range(leaf.first, leaf.last + 1)
    lines = [page.lines[number] for number in numbers]
    shown = [within(line, number, leaf.holders, since) for line, number in zip(lines, numbers, strict=True)]
    return Block(leaf.kind, shown, shown)


def prepare(page: Page, leaf: Leaf, whole: Block) -> Block:
    """The same block with all that it takes to cut it."""
    numbers = range(leaf.first, leaf.last + 1)
    later = [within(page.lines[number], number, leaf.holders, leaf.last + 1) for number in numbers]
    quotes = "> " * sum(holder.quote for holder in leaf.holders)
    begin = len(page.source[page.begins[leaf.first] : leaf.start].decode(errors="replace"))
    own = page.lines[leaf.first][begin:]
    made = Block(leaf.kind, list(whole.shown), later)
    if leaf.kind is Kind.CODE:
        _prepare_code(made, own, quotes)
    elif leaf.kind is Kind.TABLE and len(later) > 2:
        made.fixed, made.opening = 2, [quotes + own, later[1]]
    elif leaf.kind in {Kind.TEXT, Kind.HEADING}:
        depth = quotes.count(">")
        made.later = [quotes + _without_marks(line, depth) for line in later]
        made.stretches = [
            Stretch(_before_end(page, leaf, span.start), _before_end(page, leaf, span.end), span.mark)
            for span in leaf.spans
        ]
    return made


def _prepare_code(made: Block, own: str, quotes: str) -> None:
    found = _FENCE.match(own)
    if found is None:
        made.kind = Kind.LINES
        return
    fence = found[1]
    head = made.shown[0][: len(made.shown[0]) - len(own)]
    bare = made.later[0].removesuffix(own)
    quoted, indent = "", ""
    if not _NO_MARK.search(bare):  # else an item begins on the same line, and the fence with its content
        at = bare.rfind(">") + 1
        at += bare[at : at + 1] == " " and at > 0
        quoted, indent = bare[:at], bare[at:]
    else:
        quoted = quotes
    last = made.shown[-1].lstrip(" \t>").rstrip()
    if len(made.shown) > 1 and len(last) >= len(fence) and set(last) == {fence[0]}:
        made.closing = made.shown.pop()
        made.later.pop()
    else:
        made.closing = _NO_MARK.sub(" ", head) + fence
    made.fixed, made.opening = 1, [f"{quoted}{indent}{own.rstrip()}"]
    made.closing_later = f"{quoted}{indent}{fence}"
    made.shown = [*made.shown, made.closing]
    made.later = [*made.later, made.closing_later]


def _without_marks(line: str, depth: int) -> str:
    for _ in range(depth):
        bare = line.lstrip(" ")
        if not bare.startswith(">"):
            break
        line = bare[1:]
    return line.strip(" \t") if line.endswith("\\") else line.lstrip(" \t")


def _before_end(page: Page, leaf: Leaf, place: int) -> tuple[int, int]:
    number = min(max(page.line_at(place), leaf.first), leaf.last)
    rest = page.source[place : page.begins[number] + len(page.lines[number].encode())]
    return number - leaf.first, len(rest.decode(errors="replace"))


def split(whole: Block, room: int, fits: Fits, *, force: bool) -> tuple[str, Block] | None:
    """The beginning of a block that `fits`, and the rest of it. None where there is no room for any of it;
    with `force` something is cut off all the same, for the sake of an end.
    """
    if whole.kind in {Kind.TEXT, Kind.HEADING}:
        return _split_text(whole, room, fits, force=force)
    return _split_lines(whole, room, fits, force=force)


def _split_lines(whole: Block, room: int, fits: Fits, *, force: bool) -> tuple[str, Block] | None:
    end = [whole.closing] if whole.closing else []
    body = whole.shown[whole.fixed : len(whole.shown) - len(end)]
    head = whole.shown[: whole.fixed]
    count = _count(head, body, end, room)
    while count > 0 and not fits("\n".join((*head, *body[:count], *end))):
        count = min(count - 1, count * 3 // 4)
    count = _at_blank_line(body, count)
    if count > 0:
        return "\n".join((*head, *body[:count], *end)), _rest(whole, whole.fixed + count, None)
    if not force or not any(line.strip(" \t>") for line in body):
        return None
    if whole.kind is Kind.TABLE:  # a row longer than a message is no row any more
        plain = Block(Kind.LINES, whole.shown, whole.later)
        return _split_lines(plain, room, fits, force=True)
    return _split_line(whole, head, body, room, fits)


def _split_line(whole: Block, head: list[str], body: list[str], room: int, fits: Fits) -> tuple[str, Block]:
    """Cut the first line that is not blank, for which alone there is not enough room."""
    end = [whole.closing] if whole.closing else []
    number = next(index for index, line in enumerate(body) if line.strip(" \t>"))
    line, margin = body[number], _margin(body[number])
    least = len(line) - len(line.lstrip(" \t>")) + 1
    at = whole_before(line, fitting(line, room - sum(len(one) + 1 for one in (*head, *end))))
    while at > least and not fits("\n".join((*head, line[:at], *end))):
        at = whole_before(line, at * 3 // 4)
    at = max(at, least)
    rest = _rest(whole, whole.fixed + number, f"{margin}{line[at:]}" if line[at:].strip() else None)
    if not line[at:].strip():
        rest.shown = rest.later = [*rest.shown[: rest.fixed], *rest.shown[rest.fixed + 1 :]]
    return "\n".join((*head, line[:at], *end)), rest


def _margin(line: str) -> str:
    """The marks of quotes before a line."""
    head = _LINE_HEAD.match(line)
    return head[0][: head[0].rfind(">") + 1] + " " if head and ">" in head[0] else ""


def _count(head: list[str], body: list[str], end: list[str], room: int) -> int:
    """How many lines of the body there is room for."""
    room -= sum(len(one) + 1 for one in (*head, *end))
    for count, line in enumerate(body):
        room -= (len(line) if line.isascii() else len(line.encode("utf-16-le")) // 2) + 1
        if room < -1:
            return min(count, len(body) - 1)
    return len(body) - 1


def _at_blank_line(body: list[str], count: int) -> int:
    """A little earlier, where an empty line is near; never so that only empty lines are left on a side."""
    for at in range(count, max(count * 2 // 3, 1), -1):
        if not body[at - 1].strip(" \t>"):
            count = at
            break
    return count if any(line.strip(" \t>") for line in body[:count]) else 0


def _rest(whole: Block, at: int, cut_line: str | None) -> Block:
    later = whole.later[at:]
    if cut_line is not None:
        later[0] = cut_line
    lines = [*whole.opening, *later]
    rest = Block(whole.kind, lines, lines, fixed=len(whole.opening), opening=whole.opening)
    rest.closing = rest.closing_later = whole.closing_later
    return rest


def _split_text(whole: Block, room: int, fits: Fits, *, force: bool) -> tuple[str, Block] | None:
    begins = [0]
    for line in whole.shown:
        begins.append(begins[-1] + len(line) + 1)
        if begins[-1] > room:
            break
    text = "\n".join(whole.shown[: len(begins) - 1])
    places: list[tuple[int, int, str]] = []
    for one in whole.stretches:
        if one.start[0] >= len(begins) - 1 or (start := _offset(one.start, begins)) > room:
            break
        end = _offset(one.end, begins) if one.end[0] < len(begins) - 1 else len(text)
        places.append((start, end, one.mark))
    most = min(fitting(text, room - _MARK_ROOM), len(text) - (len(begins) > len(whole.shown)))
    while most > 0:
        at = _best(text, most, places, room)
        head, marks = _head(text, at, places)
        if head and fits(head):
            return head, _tail(whole, text, at, begins, marks)
        if at <= _least(text):
            break
        most = min(at - 1, most * 3 // 4)
    if not force:
        return None
    at = _least(text)
    return text[:at], _tail(whole, text, at, begins, "")


def _least(text: str) -> int:
    """How much has to be cut off so that less is left: what begins a line begins the rest, too."""
    head = _LINE_HEAD.match(text)
    return min((head.end() if head else 0) + 1, len(text))


def _offset(place: tuple[int, int], begins: list[int]) -> int:
    line, before_end = place
    if line < 0:
        return 0
    return max(begins[line + 1] - 1 - before_end, begins[line])


def _head(text: str, at: int, places: list[tuple[int, int, str]]) -> tuple[str, str]:
    """What is cut off, with the marks closed that are open there, and these marks."""
    head = text[:at].rstrip()
    marks = [mark for start, end, mark in sorted(places) if mark and start + len(mark) < at < end - len(mark)]
    if sum(map(len, marks)) > _MARK_ROOM:
        marks = []  # nobody means so many
    return head + "".join(reversed(marks)) if _LINE_HEAD.fullmatch(head) is None else "", "".join(marks)


def _tail(whole: Block, text: str, at: int, begins: list[int], marks: str) -> Block:
    """The rest, with the same marks opened again."""
    skipped = len(text[at:]) - len(text[at:].lstrip())
    at += skipped
    number = max(index for index, begin in enumerate(begins[:-1]) if begin <= at)
    left = begins[number + 1] - 1 - at
    line = whole.later[number]
    head = _LINE_HEAD.match(line)
    quotes = head[0] if head and ">" in head[0] else ""
    content = line[max(len(line) - left, len(quotes)) :] if left < len(line) else line[len(quotes) :]
    lines = [f"{quotes}{marks}{content}", *whole.later[number + 1 :]]
    stretches = [
        Stretch((one.start[0] - number, one.start[1]), (one.end[0] - number, one.end[1]), one.mark)
        for one in whole.stretches
        if one.end[0] > number or (one.end[0] == number and one.end[1] < left)
    ]
    return Block(Kind.TEXT, lines, lines, stretches)


def _best(text: str, most: int, places: list[tuple[int, int, str]], room: int) -> int:
    """Where to cut, at most at `most`; what is shorter than `room` can stand in the next message."""
    solid = [(start, end) for start, end, mark in places if not mark and start < most and end - start <= room]
    marked = [(start, end) for start, end, mark in places if mark and start < most]
    half = most // 2
    least = _least(text)
    solid_ends = _merged(solid)
    for holes in (_merged([*solid, *marked]), solid_ends):
        for pattern, low in ((_SENTENCE, half), (_WORD, half)):
            found = [one.end() for one in pattern.finditer(text, low, most + 1)]
            for at in reversed(found):
                if at >= least and _may_cut(text, at, holes):
                    return at
    for one in reversed([one.end() for one in _WORD.finditer(text, 0, half)]):
        if one >= least and _may_cut(text, one, solid_ends):
            return one
    for start, end in solid:
        if start < most < end and start > half:
            most = start
    return max(whole_before(text, most), 1)


def _merged(holes: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Holes in order, those that overlap made one."""
    merged: list[tuple[int, int]] = []
    for start, end in sorted(holes):
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _may_cut(text: str, at: int, holes: list[tuple[int, int]]) -> bool:
    """Whether a place, which is not before the first words, is outside of all holes and begins no block."""
    if at >= len(text):
        return False
    before = bisect_left(holes, (at, 0)) - 1
    if before >= 0 and holes[before][0] < at < holes[before][1]:
        return False
    rest = text[at : at + 80].lstrip()
    return bool(rest) and _NEW_BLOCK.match(rest) is None
