"""Entities as Telegram keeps them, so that nothing is left to its own repairs. Pure.

Source: https://core.telegram.org/bots/api#messageentity
"""

from dataclasses import dataclass, field
from typing import Any

MAX_ENTITIES = 100

# What is kept first when there are too many.
_RANKS = {"pre": 0, "text_link": 1, "blockquote": 2, "code": 3, "bold": 4}
# What is around what else, where two have the same words.
_AROUND = {"blockquote": 0, "bold": 1, "italic": 2, "strikethrough": 3, "text_link": 4, "code": 5, "pre": 5}


@dataclass(slots=True)
class Span:
    """An entity in characters of the text."""

    kind: str
    start: int
    end: int
    extra: dict[str, Any] = field(default_factory=dict[str, Any])


_CONTAINED = frozenset({"bold", "italic", "strikethrough"})


def entities(text: str, spans: list[Span]) -> list[dict[str, Any]]:
    """Spans as Telegram keeps them: none empty, no style around code, none of a kind within its like."""
    code = sorted((one.start, one.end) for one in spans if one.kind in {"code", "pre"})
    links = sorted((one.start, one.end) for one in spans if one.kind == "text_link")
    kept: list[Span] = []
    for kind in ("pre", "blockquote", "text_link", "code", "bold", "italic", "strikethrough"):
        alike = sorted((one for one in spans if one.kind == kind), key=lambda one: (one.start, -one.end))
        reached = 0
        for one in alike:
            if one.end <= reached or (kind == "code" and _within(one, links)):
                continue
            for start, end in _gaps(max(one.start, reached), one.end, code if kind in _CONTAINED else []):
                span = _trimmed(text, Span(kind, start, end, one.extra))
                if span is not None:
                    kept.append(span)
            reached = one.end
    kept.sort(key=lambda one: (_RANKS.get(one.kind, 9), one.start))
    kept = sorted(kept[:MAX_ENTITIES], key=lambda one: (one.start, -one.end, _AROUND[one.kind]))
    return [
        {
            "type": one.kind,
            "offset": _units(text, 0, one.start),
            "length": _units(text, one.start, one.end),
            **one.extra,
        }
        for one in kept
    ]


def _within(one: Span, places: list[tuple[int, int]]) -> bool:
    return any(start <= one.start and one.end <= end for start, end in places)


def _gaps(start: int, end: int, holes: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """What is left of a stretch around its holes."""
    left: list[tuple[int, int]] = []
    for begin, stop in holes:
        if stop <= start or begin >= end:
            continue
        left.append((start, begin))
        start = max(start, stop)
    return [*left, (start, end)]


def _trimmed(text: str, span: Span) -> Span | None:
    words = text[span.start : span.end]
    end = span.start + len(words.rstrip())
    start = span.start if span.kind == "pre" else span.start + len(words) - len(words.lstrip())
    return Span(span.kind, start, end, span.extra) if start < end else None


def _units(text: str, start: int, end: int) -> int:
    part = text[start:end]
    return len(part) if part.isascii() else len(part.encode("utf-16-le")) // 2
