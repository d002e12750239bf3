"""Who appears in the demo and what they say. The words of one platform never appear on another.

On each platform one person has asked before, one waits for something slow when the gateway is killed and
writes on while it is down, and one writes for the first time while it is down.
"""

from collections.abc import Sequence
from dataclasses import dataclass

THINKING = 2.0
"""Seconds that the agent needs for the interrupted request when it does not repeat the tool."""

TOOL = 5.0
"""Seconds that its tool runs: long enough for half an answer to stand in every chat when the kill comes."""

_SLOW = f"[[sleep {THINKING:g}s]]"


@dataclass(frozen=True, slots=True)
class Line:
    """What a person says, and the word that the answer must contain."""

    who: str
    text: str
    word: str


@dataclass(frozen=True, slots=True)
class Cast:
    """The people of one platform. `in_channel`: the newcomer mentions the bot in a channel."""

    platform: str
    earlier: Line
    slow: Line
    later: Line
    newcomer: Line
    in_channel: bool = False


_CASTS = {
    "telegram": (
        Line("Bob", "Which host runs Wren?", "Wren"),
        Line(
            "Ann", f"Please build the release [[tool build {TOOL:g}s]] {_SLOW} and name it Falcon.", "Falcon"
        ),
        Line("Ann", "Tell the Heron team about it.", "Heron"),
        Line("Cleo", "Is Kestrel still on call?", "Kestrel"),
    ),
    "discord": (
        Line("Eve", "Where are the logs of Cedar?", "Cedar"),
        Line("Dan", f"Please run the tests [[tool tests {TOOL:g}s]] {_SLOW} and tell Maple.", "Maple"),
        Line("Dan", "Copy Hazel on it.", "Hazel"),
        Line("Finn", "Who looks after Rowan?", "Rowan"),
    ),
    "slack": (
        Line("Hana", "Which branch has Amber in it?", "Amber"),
        Line(
            "Gus", f"Please write the notes [[tool draft {TOOL:g}s]] {_SLOW} and send them to Opal.", "Opal"
        ),
        Line("Gus", "Add a line about Topaz.", "Topaz"),
        Line("Ivo", "Is Garnet up again?", "Garnet"),
    ),
}

PLATFORMS = tuple(_CASTS)
"""The platforms that the demo knows."""


def casts(platforms: Sequence[str]) -> tuple[Cast, ...]:
    """The people of these platforms.

    Discord tells no bot of a direct chat that was opened while the bot was away, so there the newcomer writes
    in a channel.
    """
    return tuple(Cast(name, *_CASTS[name], in_channel=name == "discord") for name in platforms)
