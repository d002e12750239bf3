"""How long answers take, and how much waits: from the latest messages, in slots of equal length."""

import math
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

from gateway.console.page.parts import PageParts
from gateway.model.overview import Overview, Passage

LATEST = 1000
"""Messages that are looked at."""

SLOTS = 24
"""Slots at most."""

_WIDTHS = (10, 30, 60, 300, 900, 3600, 3 * 3600, 6 * 3600, 12 * 3600, 86400, 7 * 86400)


@dataclass(frozen=True, slots=True)
class Slot:
    """A stretch of time: how long the answers took to messages that came in it, in seconds.

    `waited` is until the turn began, `worked` the turn, `sent` from its end until the answer was sent: the
    middle values. `depth` is the most messages that waited at one moment of it.
    """

    begin: float
    count: int
    p50: float | None
    p95: float | None
    waited: float | None
    worked: float | None
    sent: float | None
    depth: int


@dataclass(frozen=True, slots=True)
class Speed:
    """All of it."""

    slots: tuple[Slot, ...]
    width: float
    messages: int
    p50: float | None
    p95: float | None
    deepest: int
    waiting: int


async def speed_of(parts: PageParts) -> Speed:
    """Measure the latest messages."""
    passages = await parts.shelf.passages(LATEST)
    return measured(passages, await parts.shelf.overview(), parts.clock.now())


def measured(passages: Sequence[Passage], overview: Overview, now: float) -> Speed:
    """The same of what was read."""
    begin = min((one.received_at for one in passages), default=now)
    width = next((w for w in _WIDTHS if (now - begin) / w <= SLOTS - 1), _WIDTHS[-1])
    first = math.floor(begin / width) * width
    number = min(SLOTS, max(1, math.floor((now - first) / width) + 1))
    first = math.floor(now / width - number + 1) * width
    by_slot: dict[int, list[Passage]] = {}
    for one in passages:
        by_slot.setdefault(math.floor((one.received_at - first) / width), []).append(one)
    depths = _depths(passages, overview, [first + width * slot for slot in range(number + 1)])
    slots = tuple(_slot(first + width * i, by_slot.get(i, ()), depths[i]) for i in range(number))
    totals = _between(passages, "received_at", "answered_at")
    return Speed(
        slots,
        width,
        len(passages),
        quantile(totals, 0.5),
        quantile(totals, 0.95),
        max(depths, default=0),
        overview.waiting,
    )


def _slot(begin: float, passages: Sequence[Passage], depth: int) -> Slot:
    totals = _between(passages, "received_at", "answered_at")
    parts = (("received_at", "started_at"), ("started_at", "ended_at"), ("ended_at", "answered_at"))
    waited, worked, sent = (quantile(_between(passages, *ends), 0.5) for ends in parts)
    p50, p95 = quantile(totals, 0.5), quantile(totals, 0.95)
    return Slot(begin, len(passages), p50, p95, waited, worked, sent, depth)


def _between(passages: Sequence[Passage], begin: str, end: str) -> list[float]:
    """Seconds from one moment to another, sorted, where there are both. Clocks may be set back."""
    pairs = ((getattr(one, begin), getattr(one, end)) for one in passages)
    return sorted(max(0.0, b - a) for a, b in pairs if a is not None and b is not None)


def quantile(values: Sequence[float], share: float) -> float | None:
    """The value below or at which this share of the sorted values lies."""
    return values[max(0, math.ceil(share * len(values)) - 1)] if values else None


def _depths(passages: Sequence[Passage], overview: Overview, edges: Sequence[float]) -> list[int]:
    """The most messages that waited at one moment, in each stretch between two edges.

    A message without a turn waits if its session's queue says so; else it was withdrawn.
    """
    queues: Mapping[int, float] = {queue.session_id: queue.oldest_at for queue in overview.queues}
    changes: Counter[float] = Counter()
    for one in passages:
        waits = one.turn_id is None and queues.get(one.session_id, math.inf) <= one.received_at
        if one.started_at is None and not waits:
            continue
        changes[one.received_at] += 1
        if one.started_at is not None:
            changes[max(one.received_at, one.started_at)] -= 1
    moments = sorted(changes)
    levels = list(accumulate(changes[moment] for moment in moments))
    found: list[int] = []
    for begin, end in pairwise(edges):
        low, high = bisect_right(moments, begin), bisect_left(moments, end)
        before = levels[low - 1] if low else 0
        found.append(max(before, *levels[low:high], 0))
    return found
