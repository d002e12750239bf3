"""Messages of this Discord, as they go over the wire."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast

from adapters.emulators.discord_files import StoredFile
from adapters.emulators.discord_values import Channel, User, timestamp
from adapters.emulators.events import JsonObject

# Types of messages. People and the bot write DEFAULT, REPLY and COMMAND; the others the platform writes.
DEFAULT, THREAD_CREATED, REPLY, COMMAND, THREAD_STARTER = 0, 18, 19, 20, 21
WRITTEN = frozenset({DEFAULT, REPLY, COMMAND})
SUPPRESS_EMBEDS, HAS_THREAD, EPHEMERAL, LOADING = 1 << 2, 1 << 5, 1 << 6, 1 << 7
HAS_SNAPSHOT = 1 << 14


@dataclass(frozen=True, slots=True)
class Edition:
    """What a message said, from when on (`time.monotonic()`)."""

    text: str
    at: float


@dataclass(slots=True)
class Message:
    """One message. `fields` are what its author gave beside the text (components, embeds, flags …).

    `forwarded` is the message that it passes on, instead of saying something.
    """

    id: int
    channel: Channel
    author: User
    content: str
    kind: int = DEFAULT
    nonce: str | int | None = None
    mentions: tuple[User, ...] = ()
    reference: "Message | None" = None
    fields: JsonObject = field(default_factory=dict[str, object])
    flags: int = 0
    files: tuple[StoredFile, ...] = ()
    forwarded: "Message | None" = None
    thread: Channel | None = None
    deleted: bool = False
    written: str = field(default_factory=timestamp)
    edited: str | None = None
    at: float = field(default_factory=time.monotonic)
    editions: list[Edition] = field(default_factory=list[Edition])
    reactions: dict[str, set[int]] = field(default_factory=dict[str, set[int]])

    def rewrite(self, content: str, fields: Mapping[str, object], flags: int) -> None:
        self.content = content
        self.fields.update(fields)
        self.flags = flags
        self.edited = timestamp()
        self.editions.append(Edition(content, time.monotonic()))

    @property
    def components(self) -> list[JsonObject]:
        return cast("list[JsonObject]", self.fields.get("components", []))

    def buttons(self) -> list[JsonObject]:
        """Those that can be pressed."""
        rows = [cast("list[JsonObject]", row.get("components", [])) for row in self.components]
        items = [item for row in rows for item in row]
        return [one for one in items if one["type"] == 2 and "custom_id" in one and not one.get("disabled")]

    def as_json(self, *, nonce: bool = True, nested: bool = True) -> JsonObject:
        """The message. `nested` is false for one that is shown inside another."""
        shown: JsonObject = {
            "id": str(self.id),
            "channel_id": str(self.channel.id),
            "author": self.author.as_json(),
            "content": self.content,
            "timestamp": self.written,
            "edited_timestamp": self.edited,
            "tts": False,
            "mention_everyone": False,
            "mentions": [user.as_json() for user in self.mentions],
            "mention_roles": [],
            "attachments": [one.as_json() for one in self.files],
            "embeds": self.fields.get("embeds", []),
            "components": self.components,
            "pinned": False,
            "type": self.kind,
            "flags": self.flags,
        }
        if nonce and self.nonce is not None:
            shown["nonce"] = self.nonce
        if self.reactions:
            shown["reactions"] = [self._reaction(emoji, users) for emoji, users in self.reactions.items()]
        if self.thread is not None:
            shown["thread"] = self.thread.as_json()
        if "webhook" in self.fields:
            shown["webhook_id"] = shown["application_id"] = self.fields["webhook"]
        if self.forwarded is not None:
            shown["message_reference"] = {**self._pointer(self.forwarded), "type": 1}
            shown["message_snapshots"] = [{"message": self.forwarded.as_snapshot()}]
        if self.reference is not None:
            shown["message_reference"] = self._pointer(self.reference)
            if nested:
                answered = None if self.reference.deleted else self.reference.as_json(nested=False)
                shown["referenced_message"] = answered
        return shown

    def as_snapshot(self) -> JsonObject:
        """The message as one that passes it on shows it: without its author."""
        kept = (
            "content",
            "timestamp",
            "edited_timestamp",
            "mentions",
            "mention_roles",
            "attachments",
            "embeds",
            "components",
            "type",
            "flags",
        )
        whole = self.as_json(nonce=False, nested=False)
        return {name: whole[name] for name in kept}

    def as_told(self) -> JsonObject:
        """The message as the gateway tells it."""
        shown = self.as_json()
        guild = self.channel.guild
        if guild is not None:
            shown["guild_id"] = str(guild.id)
            shown["member"] = self.author.as_member()
        shown["channel_type"] = self.channel.kind
        return shown

    def as_event(self) -> JsonObject:
        return {
            "chat": str(self.channel.root.id),
            "thread": str(self.channel.id) if self.channel.parent is not None else "",
            "message_id": str(self.id),
            "from_bot": self.author.bot,
            "text": self.content,
            "user": str(self.author.id),
            "files": [one.name for one in self.files],
        }

    def _pointer(self, target: "Message") -> JsonObject:
        pointer: JsonObject = {
            "type": 0,
            "message_id": str(target.id),
            "channel_id": str(target.channel.id),
        }
        if target.channel.guild is not None:
            pointer["guild_id"] = str(target.channel.guild.id)
        return pointer

    def _reaction(self, emoji: str, users: set[int]) -> JsonObject:
        return {
            "emoji": {"id": None, "name": emoji},
            "count": len(users),
            "count_details": {"burst": 0, "normal": len(users)},
            "burst_colors": [],
            "me": self.channel.bot.id in users,
            "me_burst": False,
        }
