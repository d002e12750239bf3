"""Cutting an answer into messages, each of which is Markdown by itself.

An answer is cut between its blocks, at the outermost place in the second half of a message; a block that is
longer than a message is cut by `splitting`. Nothing that can be read is lost: the lines of the answer are
copied, and only indents of lists that began in an earlier message are left out.
"""

import re
from collections.abc import Callable

from gateway.model.text import effort, tidy
from gateway.rules.blocks import Kind, Leaf, Page, read, within
from gateway.rules.chunking import chunk, utf16_len
from gateway.rules.splitting import Block, block, prepare, split

_NUMBER = re.compile(r"([ \t>]*)(\d{1,9})([.)])")
_FENCES = re.compile(r"```|~~~")
_NO_MARK = re.compile(r"[^ \t>]")
_FENCE = re.compile(r"`{3,}|~{3,}")
_FENCE_LINE = re.compile(r"^ {0,3}(`{3,20}|~{3,20})([^\n`]*)$", re.MULTILINE)
_MOST_EFFORT = 9_000  # parts that are looked at before a text is cut as plain text
_FENCE_ROOM = 32
_ORPHAN = 50  # what it costs to leave a heading at the end of a message


def cut(text: str, limit: int, fits: Callable[[str], bool]) -> tuple[str, ...]:
    """Cut Markdown into pieces of at most `limit` UTF-16 code units that all `fits`, none of them blank.

    A text that fits is returned as it is. One of too many or too deeply nested parts is cut as plain text.
    """
    if not text.strip():
        return ()
    if utf16_len(text) <= limit and fits(text):
        return (text,)
    text = tidy(text)
    asked = _Asked(fits, _MOST_EFFORT)
    pieces: list[str] | None = None
    if effort(text) <= _MOST_EFFORT and (page := read(text)) is not None:
        pieces = _Cutter(page, limit, asked).pieces(3 * len(text) + 4 * limit)
    if pieces is None:
        return tuple(_plain(text, limit, asked))
    return tuple(part for piece in pieces for part in _fitting(piece, limit, asked))


class _Asked:
    """Asks the same only once, and knows when it has been asked too much: each answer takes a rendering."""

    def __init__(self, fits: Callable[[str], bool], most: int) -> None:
        self._fits = fits
        self._most = most
        self._known: dict[str, bool] = {}

    @property
    def tired(self) -> bool:
        """Whether so much was asked that it has to come to an end."""
        return self._most < 0

    def __call__(self, text: str) -> bool:
        known = self._known.get(text)
        if known is None:
            self._most -= effort(text) + len(text) // 50 + 1
            known = self._known[text] = self._fits(text)
        return known


def closed(text: str) -> str:
    """The text with an end to its last block of code, if that has none."""
    if not _FENCES.search(text):
        return text
    page = read(tidy(text))
    if page is None or not page.leaves or page.leaves[-1].kind is not Kind.CODE:
        return text
    leaf = page.leaves[-1]
    line = page.lines[leaf.first]
    begin = len(page.source[page.begins[leaf.first] : leaf.start].decode(errors="replace"))
    fence = _FENCE.match(line, begin)
    last = page.lines[leaf.last].strip(" \t>")
    if fence is None or (
        leaf.last > leaf.first and set(last) == {fence[0][0]} and len(last) >= len(fence[0])
    ):
        return text
    margin = _NO_MARK.sub(" ", line[:begin])
    return f"{text}{'' if text.endswith(chr(10)) else chr(10)}{margin}{fence[0]}"


def _fitting(piece: str, limit: int, fits: Callable[[str], bool]) -> list[str]:
    """The piece, or plain chunks of it where it does not fit after all."""
    if utf16_len(piece) <= limit and fits(piece):
        return [piece] if piece.strip() else []
    return _plain(piece, limit, fits)


def _plain(text: str, limit: int, fits: Callable[[str], bool]) -> list[str]:
    """Chunks of a text, without a look at what they consist of but its blocks of code."""
    pieces: list[str] = []
    fence = ""
    waiting = [(one, limit) for one in reversed(chunk(text, max(limit - 2 * _FENCE_ROOM, limit // 2, 1)))]
    while waiting:
        one, size = waiting.pop()
        after = _left_open(one, fence)
        opened = f"{fence}\n{one}" if fence else one
        whole = f"{opened}\n{after[: len(after) - len(after.lstrip('`~'))]}" if after else opened
        if utf16_len(whole) <= limit and fits(whole):
            pieces.append(whole)
            fence = after
        elif size > 1:
            smaller = chunk(one, size // 2)
            waiting += [(part, size // 2) for part in reversed(smaller)]
        else:
            pieces.append(one)
            fence = after
    return pieces


def _left_open(text: str, fence: str) -> str:
    """The fence of the block of code that is open after a text, if `fence` is open before it."""
    for found in _FENCE_LINE.finditer(text):
        if not fence:
            fence = found[1] + found[2].strip().split(" ")[0][: _FENCE_ROOM - len(found[1])]
        elif found[1].startswith(fence[: len(fence) - len(fence.lstrip("`~"))]) and not found[2].strip():
            fence = ""
    return fence


class _Cutter:
    """Goes through the leaves once. `_rest` is what an earlier piece left of the leaf at `_at`."""

    def __init__(self, page: Page, limit: int, fits: _Asked) -> None:
        self._page = page
        self._limit = limit
        self._fits = fits
        self._at = 0
        self._rest: Block | None = None

    def pieces(self, most: int) -> list[str] | None:
        """All pieces; None where they would become more than `most` characters, or are too hard to find."""
        found: list[str] = []
        while self._at < len(self._page.leaves):
            found.append(self._piece())
            most -= len(found[-1])
            if most < 0 or self._fits.tired:
                return None
        return found

    def _piece(self) -> str:
        leaves = self._page.leaves
        start, rest = self._at, self._rest
        since = leaves[start].first if rest is None else leaves[start].last + 1
        blocks = self._taken(start, rest, since)
        parts = self._joined(blocks, start, since)
        count = self._most(parts)
        if count == len(parts) and start + count == len(leaves):
            self._at, self._rest = start + count, None
            return "".join(parts)
        used = utf16_len("".join(parts[:count]))
        if count and used * 2 >= self._limit:
            count = self._best_end(start, count, parts)
            self._at, self._rest = start + count, None
            return "".join(parts[:count])
        return self._with_part(blocks, parts, start, count)

    def _taken(self, start: int, rest: Block | None, since: int) -> list[Block]:
        """The blocks that may be in this piece, and the one after them."""
        blocks: list[Block] = []
        units = 0
        for index in range(start, len(self._page.leaves)):
            leaf = self._page.leaves[index]
            if index == start and rest is not None:
                one = rest
            else:
                first_line = _renumbered(self._page.lines[leaf.first], leaf) if index == start else None
                one = block(self._page, leaf, since)
                if first_line is not None:
                    one.shown = [within(first_line, leaf.first, leaf.holders, since), *one.shown[1:]]
            blocks.append(one)
            units += utf16_len(one.text)
            if units > self._limit:
                break
        return blocks

    def _joined(self, blocks: list[Block], start: int, since: int) -> list[str]:
        """The blocks' texts, each but the first with the lines that are between it and the one before."""
        parts: list[str] = []
        for offset, one in enumerate(blocks):
            between = ""
            if offset:
                leaf, before = self._page.leaves[start + offset], self._page.leaves[start + offset - 1]
                blank = self._page.lines[before.last + 1 : leaf.first]
                shared = [holder for holder in leaf.holders if holder in before.holders]
                between = "\n" + "".join(
                    f"{within(line, before.last + 1, shared, since).rstrip()}\n" for line in blank[:2]
                )
                if not blank and before.kind is Kind.TEXT and _loses_its_list(before, leaf, since):
                    marks = "> " * sum(holder.quote for holder in shared)
                    between += (
                        f"{marks.rstrip()}\n"  # a list that begins with 2 needs an empty line before it
                    )
            parts.append(between + one.text)
        return parts

    def _most(self, parts: list[str]) -> int:
        """How many of the parts fit into one message."""
        count, units = 0, 0
        for part in parts:
            units += utf16_len(part)
            if units > self._limit:
                break
            count += 1
        low, high = 0, count
        if self._fits("".join(parts[:count])):
            return count
        while low < high:
            middle = (low + high + 1) // 2
            if self._fits("".join(parts[:middle])):
                low = middle
            else:
                high = middle - 1
        return low

    def _best_end(self, start: int, count: int, parts: list[str]) -> int:
        """After how many leaves to end, of those at which the piece is at least half full."""
        best, best_cost = count, None
        units = utf16_len("".join(parts[:count]))
        for end in range(count, 0, -1):
            if units * 2 < self._limit and (best_cost or 0) < _ORPHAN:
                break
            cost = self._cost(self._page.leaves[start + end - 1], self._page.leaves[start + end])
            if best_cost is None or cost < best_cost:
                best, best_cost = end, cost
            units -= utf16_len(parts[end - 1])
        return best

    def _cost(self, before: Leaf, after: Leaf) -> int:
        """How bad it is to cut between two leaves."""
        if before.kind is Kind.HEADING:
            return _ORPHAN
        shared = sum(holder in before.holders for holder in after.holders)
        deep = 2 * shared + (len(after.holders) > shared or len(before.holders) > shared)
        leads = before.kind is Kind.TEXT and self._page.lines[before.last].rstrip(" *_").endswith(":")
        return deep + 4 * leads - 2 * (after.kind is Kind.HEADING and not after.holders) + 2

    def _with_part(self, blocks: list[Block], parts: list[str], start: int, count: int) -> str:
        """The piece with the beginning of the next leaf, which is too long for it."""
        done = "".join(parts[:count])
        leaf = self._page.leaves[start + count]
        one = blocks[count]
        if count or self._rest is None:
            one = prepare(self._page, leaf, one)
        between = parts[count][: len(parts[count]) - len(blocks[count].text)]
        room = self._limit - utf16_len(done) - len(between)

        def fits(text: str) -> bool:
            whole = done + between + text
            return utf16_len(whole) <= self._limit and self._fits(whole)

        halves = split(one, room, fits, force=not count)
        if halves is None and not count:
            self._at, self._rest = start + 1, None
            return one.text
        if halves is None:
            self._at, self._rest = start + count, None
            return done
        head, rest = halves
        self._at, self._rest = start + count, rest
        return done + between + head


def _loses_its_list(before: Leaf, leaf: Leaf, since: int) -> bool:
    """Whether an item follows upon a text that stands in no list any more, in a piece from `since` on."""
    items = [holder for holder in before.holders if not holder.quote]
    begins = any(one.line == leaf.first and one.number is not None for one in leaf.holders)
    return begins and bool(items) and all(holder.line < since for holder in items)


def _renumbered(line: str, leaf: Leaf) -> str | None:
    """The line with which a piece begins, if its item really has another number than it says."""
    begun = next((one for one in leaf.holders if one.line == leaf.first and not one.quote), None)
    if begun is None or begun.number is None:
        return None
    number = str(begun.number)
    changed = _NUMBER.sub(
        lambda found: f"{found[1]}{number}{found[3]}{' ' * (len(found[2]) - len(number))}", line, count=1
    )
    begun.shift = max(len(changed) - len(line), 0)
    return changed if changed != line else None
