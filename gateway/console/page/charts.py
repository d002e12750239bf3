"""The charts of the page about speed."""

from collections.abc import Mapping

from gateway.console.page.drawing import bars, lines, seconds
from gateway.console.page.rendering import clock, stamp
from gateway.console.page.speed import Speed

_DAY = 86400


def charts(speed: Speed) -> Mapping[str, object]:
    """How long answers took, what that consisted of, and how much waited."""
    slots = speed.slots
    moments = [_moment(slot.begin, speed.width * len(slots)) for slot in slots]
    return {
        "total": lines(
            [("p95", [slot.p95 for slot in slots]), ("p50", [slot.p50 for slot in slots])], moments
        ),
        "consists": lines(
            [
                ("work", [slot.worked for slot in slots]),
                ("wait", [slot.waited for slot in slots]),
                ("send", [slot.sent for slot in slots]),
            ],
            moments,
        ),
        "depth": bars([slot.depth for slot in slots], moments),
        "moments": [stamp(slot.begin) for slot in slots],
        "seconds": seconds,
    }


def _moment(at: float, span: float) -> str:
    if span < _DAY:
        return clock(at)[:5] if span > 600 else clock(at)
    return stamp(at)[5:10]
