"""Rate limits as one number per key.

The generic cell rate algorithm: a key holds the time at which it would be empty again. It permits short
bursts and a steady rate after them, and needs no timers.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rate:
    """`count` actions in `seconds`, of which `burst` may come at once."""

    count: float
    seconds: float
    burst: int

    def scaled(self, scale: float) -> "Rate":
        """The same shape at `scale` times the speed."""
        return Rate(self.count * scale, self.seconds, self.burst)


class Limiter:
    """Many keys under one rate. Times are seconds on the caller's clock, always growing."""

    def __init__(self, rate: Rate) -> None:
        self._interval = rate.seconds / rate.count
        self._slack = (rate.burst - 1) * self._interval
        self._empty_at: dict[object, float] = {}

    def wait(self, key: object, now: float) -> float:
        """Seconds until an action of `key` would be permitted; 0 when it is now."""
        return max(0.0, self._empty_at.get(key, now) - now - self._slack)

    def spend(self, key: object, now: float) -> None:
        self._empty_at[key] = max(self._empty_at.get(key, now), now) + self._interval
