"""Rate limits as the platform keeps them: buckets of a window each, and one limit over everything.

A bucket belongs to a kind of route and to the channel, guild or webhook in it. Its window opens with the
first request and is over all at once, which is what the headers announce.
"""

import time
from dataclasses import dataclass, field
from hashlib import md5


@dataclass(frozen=True, slots=True)
class Window:
    """`count` requests in `seconds`."""

    count: int
    seconds: float


_ORDINARY = Window(10, 10)
_USUAL = {
    "messages": Window(5, 5),
    "edits": Window(5, 5),
    "deletes": Window(5, 1),
    "typing": Window(5, 5),
    "reactions": Window(1, 0.25),
    "history": Window(10, 10),
    "threads": Window(10, 60),
    "webhooks": Window(5, 2),
    "callbacks": Window(1_000, 1),
}


@dataclass(frozen=True, slots=True)
class Limits:
    """About what Discord grants; `scale` is how many times faster windows pass.

    `overall` is across all routes; `identify_seconds` must lie between two sessions' starts; `commands` is
    what one gateway connection may send.
    """

    enabled: bool = True
    scale: float = 1.0
    buckets: dict[str, Window] = field(default_factory=lambda: dict(_USUAL))
    overall: Window = field(default_factory=lambda: Window(50, 1))
    identify_seconds: float = 5.0
    commands: Window = field(default_factory=lambda: Window(120, 60))


@dataclass(slots=True)
class _Open:
    left: int
    ends: float


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a bucket stands after a request. `wait` is above 0 when the request came too soon."""

    bucket: str
    limit: int
    remaining: int
    reset_after: float
    wait: float = 0
    overall: bool = False

    def headers(self) -> dict[str, str]:
        shown = {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.remaining),
            "X-RateLimit-Reset": f"{time.time() + self.reset_after:.3f}",
            "X-RateLimit-Reset-After": f"{self.reset_after:.3f}",
            "X-RateLimit-Bucket": self.bucket,
        }
        if self.wait > 0:
            shown |= refusal_headers(self.wait, overall=self.overall)
        return shown


def refusal_headers(wait: float, *, overall: bool) -> dict[str, str]:
    """What a 429 of the platform itself carries. Without `Via` it would look like one of its proxy."""
    shown = {
        "Retry-After": str(max(1, round(wait))),
        "X-RateLimit-Scope": "global" if overall else "user",
        "Via": "1.1 google",
    }
    if overall:
        shown["X-RateLimit-Global"] = "true"
    return shown


class Buckets:
    """The windows that are open. Times are seconds on the caller's clock, always growing."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._open: dict[tuple[str, str], _Open] = {}

    def spend(self, name: str, major: str, now: float, *, exempt: bool = False) -> Standing:
        """Count one request; `exempt` is true for what the overall limit does not cover."""
        window = self.limits.buckets.get(name, _ORDINARY)
        label = md5(name.encode(), usedforsecurity=False).hexdigest()
        if not self.limits.enabled:
            return Standing(label, 1_000_000, 999_999, window.seconds)
        overall = self._window("", "", self.limits.overall, now)
        own = self._window(name, major, window, now)
        if overall.left <= 0 and not exempt:
            return Standing(label, window.count, own.left, own.ends - now, overall.ends - now, overall=True)
        if own.left <= 0:
            return Standing(label, window.count, 0, own.ends - now, own.ends - now)
        own.left -= 1
        overall.left -= not exempt
        return Standing(label, window.count, own.left, own.ends - now)

    def _window(self, name: str, major: str, window: Window, now: float) -> _Open:
        found = self._open.get((name, major))
        if found is None or found.ends <= now:
            found = _Open(window.count, now + window.seconds / self.limits.scale)
            self._open[name, major] = found
        return found
