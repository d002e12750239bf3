"""Users and places of this Discord, as they go over the wire.

A thread is a channel with a parent; what its bot may do there is the parent's business. Ids are snowflakes:
numbers inside, text on the wire.
"""

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from adapters.emulators.events import JsonObject

if TYPE_CHECKING:
    from adapters.emulators.discord_message import Message

EPOCH = 1_420_070_400_000  # milliseconds; the first of January 2015
TEXT, DIRECT, THREAD = 0, 1, 11  # types of channels

VIEW_CHANNEL, SEND_MESSAGES, READ_HISTORY = 1 << 10, 1 << 11, 1 << 16
ADD_REACTIONS, ATTACH_FILES = 1 << 6, 1 << 15
_EVERYTHING_ELSE = ADD_REACTIONS | 1 << 14 | ATTACH_FILES | 1 << 18 | 1 << 31 | 1 << 35 | 1 << 38
EVERYONE = VIEW_CHANNEL | SEND_MESSAGES | READ_HISTORY | _EVERYTHING_ELSE


class Snowflakes:
    """Ids that hold the time of day and grow without exception."""

    def __init__(self) -> None:
        self._last = 0

    def next(self) -> int:
        now = (int(time.time() * 1000) - EPOCH) << 22
        self._last = max(now, self._last + 1)
        return self._last


def timestamp() -> str:
    """Now, as the platform writes it."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


@dataclass(frozen=True, slots=True)
class User:
    """A person or the bot."""

    id: int
    name: str
    bot: bool = False

    def as_json(self) -> JsonObject:
        shown: JsonObject = {
            "id": str(self.id),
            "username": "".join(letter for letter in self.name.lower() if letter.isalnum()) or "user",
            "global_name": None if self.bot else self.name,
            "discriminator": "0",
            "avatar": None,
            "public_flags": 0,
        }
        if self.bot:
            shown["bot"] = True
        return shown

    def as_member(self) -> JsonObject:
        """What a guild knows of its member beside the user."""
        return {
            "roles": [],
            "joined_at": "2024-01-01T00:00:00.000000+00:00",
            "nick": None,
            "avatar": None,
            "premium_since": None,
            "pending": False,
            "deaf": False,
            "mute": False,
            "flags": 0,
        }


@dataclass(slots=True)
class Guild:
    """A server. `bot_in` turns false when the bot is thrown out."""

    id: int
    name: str
    members: dict[int, User] = field(default_factory=dict[int, User])
    channels: "dict[int, Channel]" = field(default_factory=dict[int, "Channel"])
    bot_in: bool = True

    @property
    def owner(self) -> User:
        return next(user for user in self.members.values())

    def threads(self) -> "list[Channel]":
        """Those that are not archived, newest first, of channels that the bot sees."""
        found = [one for one in self.channels.values() if one.kind == THREAD and not one.archived]
        return sorted((one for one in found if one.visible), key=lambda one: one.id, reverse=True)

    def as_partial(self) -> JsonObject:
        return {
            "id": str(self.id),
            "name": self.name,
            "icon": None,
            "owner": False,
            "permissions": str(EVERYONE),
            "features": [],
        }

    def as_json(self) -> JsonObject:
        everyone: JsonObject = {
            "id": str(self.id),
            "name": "@everyone",
            "color": 0,
            "colors": {"primary_color": 0, "secondary_color": None, "tertiary_color": None},
            "hoist": False,
            "position": 0,
            "permissions": str(EVERYONE),
            "managed": False,
            "mentionable": False,
            "flags": 0,
        }
        return {
            "id": str(self.id),
            "name": self.name,
            "icon": None,
            "owner_id": str(self.owner.id),
            "roles": [everyone],
            "emojis": [],
            "stickers": [],
            "features": [],
            "verification_level": 0,
            "default_message_notifications": 0,
            "explicit_content_filter": 0,
            "mfa_level": 0,
            "afk_timeout": 300,
            "afk_channel_id": None,
            "system_channel_id": None,
            "system_channel_flags": 0,
            "rules_channel_id": None,
            "public_updates_channel_id": None,
            "vanity_url_code": None,
            "description": None,
            "banner": None,
            "premium_tier": 0,
            "preferred_locale": "en-US",
            "nsfw_level": 0,
            "premium_progress_bar_enabled": False,
        }

    def as_created(self, bot: User) -> JsonObject:
        """The guild as GUILD_CREATE tells it; without the presences intent it lists the bot alone."""
        places = [one for one in self.channels.values() if one.kind == TEXT]
        return {
            **self.as_json(),
            "joined_at": "2024-01-01T00:00:00.000000+00:00",
            "large": False,
            "unavailable": False,
            "member_count": len(self.members),
            "voice_states": [],
            "members": [{"user": bot.as_json(), **bot.as_member()}],
            "channels": [one.as_json() for one in places],
            "threads": [one.as_json() for one in self.threads()],
            "presences": [],
            "stage_instances": [],
            "guild_scheduled_events": [],
            "soundboard_sounds": [],
        }


@dataclass(slots=True)
class Channel:
    """A text channel of a guild, a direct chat (it has a `user`) or a thread (it has a `parent`).

    `view`, `send`, `history`, `react` and `attach` are what the bot may do; in a direct chat `send` is false
    when it is blocked.
    """

    id: int
    kind: int
    bot: User
    name: str = ""
    guild: Guild | None = None
    user: User | None = None
    parent: "Channel | None" = None
    owner: User | None = None
    view: bool = True
    send: bool = True
    history: bool = True
    react: bool = True
    attach: bool = True
    archived: bool = False
    locked: bool = False
    deleted: bool = False
    last_message_id: int | None = None
    messages: "dict[int, Message]" = field(default_factory=dict[int, "Message"])
    nonces: "dict[str, tuple[Message, float]]" = field(default_factory=dict[str, "tuple[Message, float]"])
    created: str = field(default_factory=timestamp)

    @property
    def root(self) -> "Channel":
        """The channel that a thread belongs to, or the channel itself."""
        return self.parent or self

    @property
    def visible(self) -> bool:
        return self.root.view and (self.guild is None or self.guild.bot_in)

    def permissions(self) -> int:
        """What the bot may do here, as the platform's bits."""
        root = self.root
        if not self.visible:
            return 0
        gone = (0 if root.send else SEND_MESSAGES | 1 << 38) | (0 if root.history else READ_HISTORY)
        gone |= (0 if root.react else ADD_REACTIONS) | (0 if root.attach else ATTACH_FILES)
        return EVERYONE & ~gone

    def as_json(self) -> JsonObject:
        shown: JsonObject = {
            "id": str(self.id),
            "type": self.kind,
            "last_message_id": None if self.last_message_id is None else str(self.last_message_id),
            "flags": 0,
        }
        if self.user is not None:
            return {**shown, "recipients": [self.user.as_json()]}
        assert self.guild is not None
        shown |= {"guild_id": str(self.guild.id), "name": self.name, "rate_limit_per_user": 0}
        if self.parent is not None:
            return {**shown, **self._as_thread(self.parent)}
        return {
            **shown,
            "topic": None,
            "position": 0,
            "parent_id": None,
            "nsfw": False,
            "permission_overwrites": self._overwrites(),
        }

    def _overwrites(self) -> list[JsonObject]:
        denied = EVERYONE & ~self.permissions() if self.view else VIEW_CHANNEL
        if not denied:
            return []
        return [{"id": str(self.bot.id), "type": 1, "allow": "0", "deny": str(denied)}]

    def _as_thread(self, parent: "Channel") -> JsonObject:
        owner = self.owner or self.bot
        shown: JsonObject = {
            "parent_id": str(parent.id),
            "owner_id": str(owner.id),
            "message_count": max(len(self.messages) - 1, 0),
            "total_message_sent": max(len(self.messages) - 1, 0),
            "member_count": 1,
            "thread_metadata": {
                "archived": self.archived,
                "auto_archive_duration": 1440,
                "archive_timestamp": self.created,
                "create_timestamp": self.created,
                "locked": self.locked,
            },
        }
        if owner is self.bot:
            shown["member"] = self.as_thread_member()
        return shown

    def as_thread_member(self) -> JsonObject:
        return {
            "id": str(self.id),
            "user_id": str(self.bot.id),
            "join_timestamp": self.created,
            "flags": 0,
        }
