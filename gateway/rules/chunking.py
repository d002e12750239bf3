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
    rest = text.strip()
    while utf16_len(rest) > limit:
        end = _fit(rest, limit)
        cut = _best_cut(rest, end)
        pieces.append(rest[:cut].rstrip())
        rest = rest[cut:].lstrip()
    if rest:
        pieces.append(rest)
    return tuple(pieces)


def _fit(text: str, limit: int) -> int:
    """How many characters of `text` fit into `limit` code units."""
    units = 0
    for index, char in enumerate(text):
        units += 2 if ord(char) > 0xFFFF else 1
        if units > limit:
            return index
    return len(text)


def _best_cut(text: str, end: int) -> int:
    for mark in _BREAKS:
        found = text.rfind(mark, 0, end + len(mark))
        if found > end // 2:
            return found
    return end
