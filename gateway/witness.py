"""An ear for what happens before anybody listens.

Counting and tracing need libraries that are imported after the first poll; what happens until then is kept
for them, and so is what a traced gateway has not got round to.
"""

from collections import deque

from gateway.model.happening import Happening, Witness, unseen

KEPT = 20_000
"""Happenings that are kept at most: some thousand messages."""


class Ear:
    """Keeps what happens until it is taken, or passed on. `lost` is what there was no room for."""

    __slots__ = ("_deaf", "_kept", "_listener", "_most", "lost")

    def __init__(self, most: int = KEPT) -> None:
        self._kept: deque[Happening] = deque()
        self._listener: Witness | None = None
        self._most = most
        self._deaf = False
        self.lost = 0

    def __call__(self, happening: Happening) -> None:
        """Hear of something."""
        if self._listener is not None:
            self._listener(happening)
        elif len(self._kept) < self._most:
            self._kept.append(happening)
        elif not self._deaf:
            self.lost += 1

    def pass_on(self, listener: Witness) -> None:
        """Tell somebody what is kept, and everything from now on."""
        while self._kept:
            listener(self._kept.popleft())
        self._listener = listener

    def take(self) -> Happening | None:
        """The first that is kept, if there is any."""
        return self._kept.popleft() if self._kept else None

    def stop(self) -> None:
        """Nobody will listen."""
        self._kept.clear()
        self._listener = None
        self._most, self._deaf = 0, True


def told(ears: list[Ear]) -> Witness:
    """One witness that tells all of them, at most two."""
    if not ears:
        return unseen
    if len(ears) == 1:
        return ears[0]
    first, second = ears

    def both(happening: Happening) -> None:
        first(happening)
        second(happening)

    return both
