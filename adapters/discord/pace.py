"""How fast one may write to Discord.

Five messages and five edits in five seconds of a channel, four reactions a second, fifty requests a second
over all (https://discord.com/developers/docs/topics/rate-limits). Each kind is counted apart from the others.
"""

from collections.abc import Sequence

from adapters.pace import CHATS, Pace, Rate

PER_CHANNEL = Rate(2, 3.5)  # 2 + 2.86 in five seconds
REACTIONS = Rate(1, 0.3)
OVERALL = Rate(10, 10 / 35)  # 10 + 35 in a second

_EDITS, _SIGNS = "edit:", "sign:"


def discord_pace(*, enabled: bool = True, chats: int = CHATS) -> Pace:
    """The limits of one bot."""
    return Pace(_rates, OVERALL, enabled=enabled, chats=chats)


def edits(channel: str) -> str:
    """What the edits in a channel are counted under."""
    return _EDITS + channel


def signs(channel: str) -> str:
    """What the reactions in a channel are counted under."""
    return _SIGNS + channel


def _rates(channel: str) -> Sequence[Rate]:
    return (REACTIONS,) if channel.startswith(_SIGNS) else (PER_CHANNEL,)
