"""How fast one may write to a platform.

A leaky bucket lets its size through at once and then its rate, so what passes in a window is at most its size
plus its rate for that long; platforms choose their numbers so as to stay under their limits in every window.
They are kept in memory: after a restart, the platform's own refusal is what counts.
"""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from aiolimiter import AsyncLimiter

CHATS = 4096
"""How many chats are remembered; the ones used longest ago are forgotten."""


@dataclass(frozen=True, slots=True)
class Rate:
    """`size` messages at once, and `size` more every `seconds`."""

    size: float
    seconds: float


class Pace:
    """The limits of one account. Waiting in one chat holds up no other.

    `rates` are those of a chat, `overall` that of all of them together.
    """

    def __init__(
        self,
        rates: Callable[[str], Sequence[Rate]],
        overall: Rate,
        *,
        enabled: bool = True,
        chats: int = CHATS,
    ) -> None:
        self._rates = rates
        self._enabled = enabled
        self._chats = chats
        self._by_chat: OrderedDict[str, tuple[AsyncLimiter, ...]] = OrderedDict()
        self._overall = _limiter(overall)

    async def wait(self, chat: str) -> None:
        """Return when one more message may be written in the chat; it is counted as written."""
        if not self._enabled:
            return
        for limiter in (*self._limiters(chat), self._overall):
            await limiter.acquire()

    async def spare(self, chat: str) -> bool:
        """Whether something that can be left out may be written now; if so, it is counted as written.

        A third is kept for what matters: an answer that is ready does not wait for one that is growing.
        """
        if not self._enabled:
            return True
        limiters = (*self._limiters(chat), self._overall)
        if not all(one.has_capacity(1 + (one.max_rate - 1) / 3) for one in limiters):
            return False
        for one in limiters:
            await one.acquire()  # there is room, so this does not wait
        return True

    def at_leisure(self) -> bool:
        """Whether there is so much room that something unimportant may be sent."""
        return not self._enabled or self._overall.has_capacity(self._overall.max_rate / 2)

    def _limiters(self, chat: str) -> tuple[AsyncLimiter, ...]:
        known = self._by_chat.get(chat)
        if known is None:
            known = self._by_chat[chat] = tuple(map(_limiter, self._rates(chat)))
            if len(self._by_chat) > self._chats:
                self._by_chat.popitem(last=False)
        self._by_chat.move_to_end(chat)
        return known


def _limiter(rate: Rate) -> AsyncLimiter:
    return AsyncLimiter(rate.size, rate.seconds)
