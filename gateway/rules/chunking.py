"""Cutting a long text into messages that a platform accepts, at the best place near the limit.

Platforms count UTF-16 code units: a character outside the basic plane counts twice, and is never cut in two.
"""

_BREAKS = ("\n\n", "\n", " ")


def utf16_len(text: str) -> int:
    """The length of a text in UTF-16 code units."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def chunk(text: str, limit: int) -> tuple[str, ...]:
    """Cut `text` into pieces of at most `limit` code units, none of them blank.

    A cut falls after a paragraph, a line or a word in the second half of the piece, if there is such a place;
    the white space around a cut is dropped, as platforms drop it at the edges of a message anyway.
    """
    pieces: list[str] = []
    text = text.strip()
    start = 0
    while start < len(text):
        end = _fit(text, start, limit)
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
    return end
