"""Cutting a long text into messages that a platform accepts, at the best place near the limit.

Platforms count UTF-16 code units: a character outside the basic plane counts twice, and is never cut in two.
"""

import unicodedata

_BREAKS = ("\n\n", "\n", " ")
_ZWJ = "\u200d"
_LONGEST = (
    64  # characters that are one to the eye; there is no limit, but whoever writes more wants to test us
)


def utf16_len(text: str) -> int:
    """The length of a text in UTF-16 code units."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def fitting(text: str, limit: int) -> int:
    """How many characters of a text, from its beginning, are at most `limit` code units."""
    return _fit(text, 0, max(limit, 0))


def whole_before(text: str, at: int) -> int:
    """The last place up to `at` that is not within what is one character to the eye; `at` where all are."""
    if at >= len(text):
        return len(text)
    for place in range(at, max(at - _LONGEST, 0), -1):
        if not _joined(text, place):
            return place
    return at


def _joined(text: str, at: int) -> bool:
    """Whether the characters on both sides of a place are one to the eye."""
    before, after = text[at - 1], text[at]
    if before.isascii() and after.isascii():
        return before == "\r" and after == "\n"
    if _ZWJ in {before, after}:
        return True
    code = ord(after)
    if unicodedata.category(after)[0] == "M" or 0x1F3FB <= code <= 0x1F3FF or 0xE0020 <= code <= 0xE007F:
        return True
    if _flag(before) and _flag(after):
        run = 0
        while run < at and _flag(text[at - 1 - run]) and run < _LONGEST:
            run += 1
        return run % 2 == 1
    if 0x1160 <= code <= 0x11FF:  # the later parts of a Korean syllable
        return 0x1100 <= ord(before) <= 0x11FF
    return False


def _flag(char: str) -> bool:
    return 0x1F1E6 <= ord(char) <= 0x1F1FF


def chunk(text: str, limit: int) -> tuple[str, ...]:
    """Cut `text` into pieces of at most `limit` code units, none of them blank.

    A cut falls after a paragraph, a line or a word in the second half of the piece, if there is such a place;
    the white space around a cut is dropped, as platforms drop it at the edges of a message anyway.
    """
    pieces: list[str] = []
    text = text.strip()
    start = 0
    while start < len(text):
        end = max(_fit(text, start, limit), start + 1)  # one character may be more than there is room for
        if end < len(text):
            end = _best_cut(text, start, end)
        pieces.append(text[start:end].rstrip())
        start = end
        while start < len(text) and text[start].isspace():
            start += 1
    return tuple(pieces)


def _fit(text: str, start: int, limit: int) -> int:
    """Where a piece that begins at `start` has to end to stay within `limit` code units."""
    units = 0
    for index in range(start, min(len(text), start + limit + 1)):
        units += 2 if ord(text[index]) > 0xFFFF else 1
        if units > limit:
            return index
    return min(len(text), start + limit + 1)


def _best_cut(text: str, start: int, end: int) -> int:
    for mark in _BREAKS:
        found = text.rfind(mark, start, end + len(mark))
        if found > start + (end - start) // 2:
            return found
    return max(whole_before(text, end), start + 1) if whole_before(text, end) > start else end
