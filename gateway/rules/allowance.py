"""How much one person, or one account, may write before it is asked to slow down.

Counted over a window that slides, by the platform's own time of each message: so what was read back after an
outage counts as it was written, and not all at once.
"""

from collections import deque
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Allowance:
    """`count` messages in any `seconds`."""

    count: int
    seconds: float


class Window:
    """What was written lately by one of them."""

    __slots__ = ("_times",)

    def __init__(self) -> None:
        self._times: deque[float] = deque()

    def take(self, allowance: Allowance, at: float) -> float | None:
        """Count a message written at `at`; None if it may be, else in how many seconds the next one may.

        One that may not be is not counted: who goes on trying is not kept out for ever.
        """
        while self._times and self._times[0] <= at - allowance.seconds:
            self._times.popleft()
        if len(self._times) >= allowance.count:
            return max(0.0, self._times[0] + allowance.seconds - at)
        self._times.append(at)
        return None
