"""What the emulated Slack consists of: users, conversations, messages, and their JSON shapes.

See https://docs.slack.dev/reference/events/message and https://docs.slack.dev/reference/objects.
"""

import time
from dataclasses import dataclass, field
from typing import Protocol

from adapters.emulators.events import JsonObject
from adapters.emulators.slack_blocks import blocks_text, buttons, label, unescape

KINDS = {"channel": "public_channel", "group": "private_channel", "im": "im", "mpim": "mpim"}


@dataclass(frozen=True, slots=True)
class App:
    """The one app: its ids, its bot user, and where it is installed."""

    team_id: str
    app_id: str
    bot_id: str
    user_id: str
    name: str
    team_name: str = "Carryon"
    team_domain: str = "carryon"

    def profile(self) -> JsonObject:
        return {
            "id": self.bot_id,
            "app_id": self.app_id,
            "user_id": self.user_id,
            "name": self.name,
            "team_id": self.team_id,
            "deleted": False,
            "updated": 1_700_000_000,
            "icons": {},
        }


@dataclass(frozen=True, slots=True)
class Person:
    """A user; the bot is one too."""

    id: str
    name: str
    team_id: str
    is_bot: bool = False

    def as_json(self) -> JsonObject:
        return {
            "id": self.id,
            "team_id": self.team_id,
            "name": self.name.lower(),
            "deleted": False,
            "real_name": self.name,
            "tz": "Etc/UTC",
            "tz_offset": 0,
            "profile": {"real_name": self.name, "display_name": self.name, "team": self.team_id},
            "is_admin": False,
            "is_bot": self.is_bot,
            "is_app_user": False,
            "updated": 1_700_000_000,
        }


class Shared(Protocol):
    """A file, as far as a message knows it."""

    @property
    def id(self) -> str: ...

    @property
    def name(self) -> str: ...

    def in_message(self) -> JsonObject: ...


@dataclass(slots=True)
class Message:
    """One message. `thread` is the parent's ts in replies and "" elsewhere; `replies` are those of a parent.

    `text` is as it goes over the wire: Slack's own markup, or Markdown when `markdown` is set. `streaming` is
    None for what was never streamed, and says afterwards whether more may come. `unfurled` are the previews
    of its links. `at` is `time.monotonic()` of when it came to read so.
    """

    ts: str
    channel: str
    author: Person
    text: str
    app: App | None = None
    blocks: list[JsonObject] = field(default_factory=list[JsonObject])
    markdown: bool = False
    thread: str = ""
    root_author: str = ""
    broadcast: bool = False
    metadata: JsonObject | None = None
    streaming: bool | None = None
    stream_opened: float = 0.0
    stream_moved: float = 0.0
    rewritten: bool = False
    at: float = field(default_factory=time.monotonic)
    edits: int = 0
    edited: str = ""
    deleted: bool = False
    replies: list["Message"] = field(default_factory=list["Message"])
    reactions: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    files: list[Shared] = field(default_factory=list[Shared])
    unfurled: list[JsonObject] = field(default_factory=list[JsonObject])

    @property
    def from_bot(self) -> bool:
        return self.app is not None

    @property
    def root(self) -> str:
        """The ts that replies to this message name as their thread."""
        return self.thread or self.ts

    def standing_replies(self) -> list["Message"]:
        return [one for one in self.replies if not one.deleted]

    def read(self) -> str:
        """What a person reads: the blocks when there are any, because Slack shows those instead."""
        said = self.text if self.markdown else unescape(self.text)
        if self.streaming is not None and not self.rewritten:  # blocks stand beneath a stream's text
            return "\n".join(part for part in (said, blocks_text(self.blocks)) if part)
        return blocks_text(self.blocks) if self.blocks else said

    def labels(self) -> tuple[str, ...]:
        return tuple(label(button) for _, button in buttons(self.blocks))

    def as_event(self) -> JsonObject:
        """As it stands in the emulator's log of events."""
        shown: JsonObject = {
            "chat": self.channel,
            "thread": self.thread,
            "message_id": self.ts,
            "from_bot": self.from_bot,
            "text": self.read(),
        }
        if self.files:
            shown["files"] = [{"id": one.id, "name": one.name} for one in self.files]
        return shown

    def as_json(self, *, metadata: bool = False) -> JsonObject:
        if self.deleted:
            return self._as_tombstone()
        shown: JsonObject = {
            "type": "message",
            "user": self.author.id,
            "team": self.author.team_id,
            "ts": self.ts,
            "text": self.text,
        }
        if self.app is not None:
            shown |= {
                "bot_id": self.app.bot_id,
                "app_id": self.app.app_id,
                "bot_profile": self.app.profile(),
            }
        else:
            shown["client_msg_id"] = f"00000000-0000-4000-8000-{int(self.ts.replace('.', '')) % 16**12:012x}"
        if self.blocks:
            shown["blocks"] = self.blocks
        if self.edited:
            shown["edited"] = {"user": self.author.id, "ts": self.edited}
        if self.files:
            shown |= {"subtype": "file_share", "upload": False}
            shown["files"] = [one.in_message() for one in self.files]
        if self.unfurled:
            shown["attachments"] = self.unfurled
        if self.broadcast:
            shown["subtype"] = "thread_broadcast"
        if self.streaming is not None:
            shown["streaming_state"] = "in_progress" if self.streaming else "completed"
        if self.reactions:
            shown["reactions"] = [
                {"name": name, "users": users, "count": len(users)} for name, users in self.reactions.items()
            ]
        if metadata and self.metadata is not None:
            shown["metadata"] = self.metadata
        return shown | self._as_thread()

    def _as_thread(self) -> JsonObject:
        if self.thread:
            return {"thread_ts": self.thread, "parent_user_id": self.root_author}
        replies = self.standing_replies()
        if not replies:
            return {}
        users = list(dict.fromkeys(one.author.id for one in replies))
        return {
            "thread_ts": self.ts,
            "reply_count": len(replies),
            "reply_users_count": len(users),
            "latest_reply": replies[-1].ts,
            "reply_users": users[:5],
            "is_locked": False,
            "subscribed": False,
        }

    def _as_tombstone(self) -> JsonObject:
        """What is left of a deleted parent while it has replies."""
        return {
            "type": "message",
            "subtype": "tombstone",
            "user": "USLACKBOT",
            "hidden": True,
            "ts": self.ts,
            "text": "This message was deleted.",
            **self._as_thread(),
        }


@dataclass(slots=True)
class Channel:
    """A conversation: `kind` is channel, group (private), im or mpim. `user` is the person of an im."""

    id: str
    kind: str
    name: str
    created: int
    members: dict[str, Person] = field(default_factory=dict[str, Person])
    user: Person | None = None
    bot_in: bool = True
    archived: bool = False
    messages: dict[str, Message] = field(default_factory=dict[str, Message])

    def message(self, ts: str) -> Message | None:
        """A message that stands."""
        found = self.messages.get(ts)
        return None if found is None or found.deleted else found

    def as_json(self, bot_user: str) -> JsonObject:
        shown: JsonObject = {
            "id": self.id,
            "created": self.created,
            "is_archived": self.archived,
            "is_im": self.kind == "im",
            "is_mpim": self.kind == "mpim",
            "is_org_shared": False,
            "context_team_id": next(iter(self.members.values())).team_id if self.members else "",
        }
        if self.user is not None:
            return shown | {"user": self.user.id, "is_user_deleted": False, "is_open": True}
        return shown | {
            "name": self.name,
            "name_normalized": self.name,
            "is_channel": self.kind == "channel",
            "is_group": self.kind == "group",
            "is_private": self.kind != "channel",
            "is_general": False,
            "is_member": self.bot_in,
            "is_shared": False,
            "is_ext_shared": False,
            "creator": next((one for one in self.members if one != bot_user), bot_user),
            "num_members": len(self.members) + self.bot_in,
            "topic": {"value": "", "creator": "", "last_set": 0},
            "purpose": {"value": "", "creator": "", "last_set": 0},
        }
