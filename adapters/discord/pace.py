"""How fast one may write to Discord.

Five messages and five edits in five seconds of a channel, fifty requests a second over all
(https://discord.com/developers/docs/topics/rate-limits). Edits are counted apart from messages.
"""

from collections.abc import Sequence

from adapters.pace import CHATS, Pace, Rate

PER_CHANNEL = Rate(2, 3.5)  # 2 + 2.86 in five seconds
OVERALL = Rate(10, 10 / 35)  # 10 + 35 in a second


def discord_pace(*, enabled: bool = True, chats: int = CHATS) -> Pace:
    """The limits of one bot."""
    return Pace(_rates, OVERALL, enabled=enabled, chats=chats)


def edits(channel: str) -> str:
    """What the edits in a channel are counted under."""
    return f"edit:{channel}"


def _rates(_channel: str) -> Sequence[Rate]:
    return (PER_CHANNEL,)
