"""How fast one may write to Telegram, from the limits it recommends.

About one message a second in a chat, twenty a minute in a group, thirty a second over all
(https://core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this). A leaky bucket lets
its size through at once and then its rate, so what passes in a window is at most its size plus its rate
for that long; the numbers below stay under the limits in every window. They are kept in memory: after a
restart, Telegram's own 429 is what counts.
"""

from collections import OrderedDict
from dataclasses import dataclass

from aiolimiter import AsyncLimiter

CHATS = 4096
"""How many chats are remembered; the ones used longest ago are forgotten."""


@dataclass(frozen=True, slots=True)
class Rate:
    """`size` messages at once, and `size` more every `seconds`."""

    size: float
    seconds: float


PER_CHAT = Rate(3, 3.15)  # short bursts, then a little less than one a second
PER_GROUP = Rate(5, 20)  # 5 + 15 in a minute
OVERALL = Rate(10, 0.5)  # 10 + 20 in a second


class Pace:
    """The limits of one account. Waiting in one chat holds up no other."""

    def __init__(self, *, enabled: bool = True, chats: int = CHATS) -> None:
        self._enabled = enabled
        self._chats = chats
        self._by_chat: OrderedDict[str, tuple[AsyncLimiter, ...]] = OrderedDict()
        self._overall = _limiter(OVERALL)

    async def wait(self, chat: str) -> None:
        """Return when one more message may be written in the chat; it is counted as written."""
        if not self._enabled:
            return
        for limiter in (*self._limiters(chat), self._overall):
            await limiter.acquire()

    def at_leisure(self) -> bool:
        """Whether there is so much room that something unimportant may be sent."""
        return not self._enabled or self._overall.has_capacity(self._overall.max_rate / 2)

    def _limiters(self, chat: str) -> tuple[AsyncLimiter, ...]:
        known = self._by_chat.get(chat)
        if known is None:
            in_group = chat.startswith(("-", "@"))  # people have positive ids
            known = self._by_chat[chat] = tuple(
                _limiter(rate) for rate in ((PER_CHAT, PER_GROUP) if in_group else (PER_CHAT,))
            )
            if len(self._by_chat) > self._chats:
                self._by_chat.popitem(last=False)
        self._by_chat.move_to_end(chat)
        return known


def _limiter(rate: Rate) -> AsyncLimiter:
    return AsyncLimiter(rate.size, rate.seconds)
