"""Who the bot is, and what it may do.

Scopes decide what is left to do: without some the bot can neither hear nor answer, and no waiting helps.
Without others it does less, and says so once.
"""

from dataclasses import dataclass

from adapters.slack.client import Client, FailedError
from adapters.slack.translate import Me

NEEDED = ("app_mentions:read", "channels:history", "channels:read", "chat:write", "im:history", "im:read")
"""Scopes without which people are not heard or answered, or not again after an outage."""

OPTIONAL = {
    "commands": "slash commands of the app's do not reach the bot",
    "files:read": "files that people send cannot be fetched",
    "files:write": "files that agents make cannot be sent",
    "groups:history": "messages of private channels that come during an outage are missed",
    "groups:read": "messages of private channels that come during an outage are missed",
    "mpim:history": "messages of group conversations that come during an outage are missed",
    "mpim:read": "messages of group conversations that come during an outage are missed",
    "reactions:write": "messages get no sign of having been received",
    "users:read": "people are called by their ids",
}
"""Scopes that may be left away, and what then goes missing."""

_KINDS = {"im": "im", "mpim": "mpim", "channels": "public_channel", "groups": "private_channel"}


@dataclass(frozen=True, slots=True)
class Identity:
    """The bot. `scopes` is None where Slack did not tell them."""

    me: Me
    scopes: frozenset[str] | None

    @property
    def lacking(self) -> tuple[str, ...]:
        """The needed scopes that are missing."""
        return () if self.scopes is None else tuple(one for one in NEEDED if one not in self.scopes)

    @property
    def without(self) -> tuple[str, ...]:
        """The optional scopes that are missing."""
        return () if self.scopes is None else tuple(one for one in OPTIONAL if one not in self.scopes)

    def has(self, scope: str) -> bool:
        """Whether the bot has a scope, as far as one knows."""
        return self.scopes is None or scope in self.scopes

    @property
    def kinds(self) -> str:
        """The kinds of conversations that can be listed and read, as users.conversations wants them."""
        return ",".join(
            kind for word, kind in _KINDS.items() if self.has(f"{word}:read") and self.has(f"{word}:history")
        )


async def identify(client: Client) -> Identity:
    """Ask Slack. Raises CallError."""
    answer, scopes = await client.identify()
    user_id, team_id = answer.get("user_id"), answer.get("team_id")
    if not isinstance(user_id, str) or not isinstance(team_id, str):
        raise FailedError("auth.test does not say who the bot is")
    bot_id, name = answer.get("bot_id"), answer.get("user")
    me = Me(user_id, str(bot_id or ""), team_id, str(name or user_id))
    listed = None if not scopes else frozenset(one.strip() for one in scopes.split(","))
    return Identity(me, listed)
