"""Does a page show what really comes? Words have to be the same; numbers and widths need not be."""

import re

DIGITS = re.compile(r"\d[\d.,:TZ-]*")
CODE = re.compile(r"\b[A-Z0-9]{4}-[A-Z0-9]{4}\b")
VARYING = re.compile(rf"({CODE.pattern}|{DIGITS.pattern}|…)")


def missing(shown: str, real: str) -> str | None:
    """The first line of what is shown that does not come, in this order; None if all of them do."""
    rest = [" ".join(line.split()) for line in real.splitlines()]
    for line in shown.splitlines():
        words = " ".join(line.split())
        if not words or not re.search(r"\w", words):
            continue
        wanted = re.compile(_pattern(words))
        at = next((number for number, one in enumerate(rest) if wanted.search(one)), None)
        if at is None:
            return words
        del rest[: at + 1]
    return None


def _pattern(words: str) -> str:
    pieces: list[str] = []
    for piece in VARYING.split(words):
        if CODE.fullmatch(piece):
            pieces.append(CODE.pattern)
        elif DIGITS.fullmatch(piece):
            pieces.append(DIGITS.pattern)
        elif piece == "…":
            pieces.append(".*")
        else:
            pieces.append(re.escape(piece))
    return "".join(pieces).replace(r"\ .*", ".*").replace(r".*\ ", ".*")
