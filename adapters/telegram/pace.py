"""How fast one may write to Telegram, from the limits it recommends.

About one message a second in a chat, twenty a minute in a group, thirty a second over all
(https://core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this).
"""

from collections.abc import Sequence

from adapters.pace import CHATS, Pace, Rate

PER_CHAT = Rate(3, 3.15)  # short bursts, then a little less than one a second
PER_GROUP = Rate(5, 20)  # 5 + 15 in a minute
OVERALL = Rate(10, 0.5)  # 10 + 20 in a second


def telegram_pace(*, enabled: bool = True, chats: int = CHATS) -> Pace:
    """The limits of one bot."""
    return Pace(_rates, OVERALL, enabled=enabled, chats=chats)


def _rates(chat: str) -> Sequence[Rate]:
    in_group = chat.startswith(("-", "@"))  # people have positive ids
    return (PER_CHAT, PER_GROUP) if in_group else (PER_CHAT,)
