"""People, chats and messages as Telegram's servers know them, and their JSON as the Bot API shows it.

Field names follow https://core.telegram.org/bots/api#available-types. Messages are mutable because people and
bots edit them; everything else about a message is fixed when it is sent.
"""

import re
import time
from collections import deque
from dataclasses import dataclass, field

from adapters.emulators.events import JsonObject
from adapters.emulators.telegram_entities import utf16_length
from adapters.emulators.telegram_files import Media

KEEP_MESSAGES = 10_000  # per chat
KEEP_EDITS = 500  # per message; the count of edits is never cut

_COMMAND = re.compile(r"(?<![\w/])/[A-Za-z0-9_]{1,64}(?:@[A-Za-z0-9_]{3,32})?(?![\w/])")
_MENTION = re.compile(r"(?<![\w@/])@[A-Za-z0-9_]{3,32}(?!\w)")


@dataclass(frozen=True, slots=True)
class Person:
    """A Telegram user or bot."""

    id: int
    first_name: str
    username: str | None = None
    is_bot: bool = False
    language_code: str | None = None

    def as_json(self) -> JsonObject:
        shown: JsonObject = {"id": self.id, "is_bot": self.is_bot, "first_name": self.first_name}
        if self.username:
            shown["username"] = self.username
        if self.language_code:
            shown["language_code"] = self.language_code
        return shown


@dataclass(frozen=True, slots=True)
class Edit:
    """One earlier wording. `at` is `time.monotonic()` of the edit that replaced it."""

    at: float
    text: str


@dataclass(frozen=True, slots=True)
class Draft:
    """What a bot shows of a message that it has not sent."""

    text: str
    entities: list[JsonObject]


@dataclass(slots=True)
class Message:
    """One message; of a file, `text` is the caption.

    `at` is `time.monotonic()` seconds, `date` and `edit_date` are Unix seconds.
    """

    id: int
    chat: "Chat"
    author: Person
    date: int
    at: float
    text: str
    entities: list[JsonObject]
    thread: int | None = None
    in_topic: bool = False
    reply_to: "Message | None" = None
    markup: JsonObject | None = None
    edit_date: int | None = None
    edit_count: int = 0
    edits: deque[Edit] = field(default_factory=lambda: deque[Edit](maxlen=KEEP_EDITS))
    deleted: bool = False
    reactions: list[object] = field(default_factory=list[object])
    topic_name: str | None = None  # the service message that opens a topic
    media: Media | None = None

    def rewrite(self, text: str, entities: list[JsonObject], markup: JsonObject | None) -> None:
        self.edits.append(Edit(time.monotonic(), self.text))
        self.edit_count += 1
        self.text, self.entities, self.markup = text, entities, markup
        self.edit_date = int(time.time())

    def as_json(self, *, with_reply: bool = True) -> JsonObject:
        """The Bot API's Message object."""
        shown: JsonObject = {
            "message_id": self.id,
            "from": self.author.as_json(),
            "chat": self.chat.as_json(),
            "date": self.date,
        }
        if self.thread is not None:
            shown["message_thread_id"] = self.thread
        if self.in_topic:
            shown["is_topic_message"] = True
        if with_reply and self.reply_to is not None:
            shown["reply_to_message"] = self.reply_to.as_json(with_reply=False)
        if self.edit_date is not None:
            shown["edit_date"] = self.edit_date
        if self.topic_name is not None:
            shown["forum_topic_created"] = {"name": self.topic_name, "icon_color": 7322096}
            return shown
        if self.media is not None:
            shown.update(self.media.as_json())
        if self.text or self.media is None:
            shown["text" if self.media is None else "caption"] = self.text
        if self.entities:
            shown["entities" if self.media is None else "caption_entities"] = self.entities
        if self.markup is not None and "inline_keyboard" in self.markup:
            shown["reply_markup"] = self.markup
        return shown

    def as_event(self) -> JsonObject:
        """What `message` and `edit` events tell."""
        return {
            "chat": self.chat.id,
            "message_id": self.id,
            "from": self.author.id,
            "from_bot": self.author.is_bot,
            "thread": self.thread,
            "edit_count": self.edit_count,
            "text": self.text,
            "media": None if self.media is None else self.media.as_seen(),
        }

    def as_transcript(self) -> JsonObject:
        """What the control API shows."""
        return {
            "message_id": self.id,
            "author": {"id": self.author.id, "name": self.author.first_name},
            "from_bot": self.author.is_bot,
            "date": self.date,
            "at": self.at,
            "text": self.text,
            "entities": self.entities,
            "thread": self.thread,
            "reply_to": None if self.reply_to is None else self.reply_to.id,
            "reply_markup": self.markup,
            "edits": [{"at": edit.at, "text": edit.text} for edit in self.edits],
            "edit_count": self.edit_count,
            "deleted": self.deleted,
            "reactions": self.reactions,
            "media": None if self.media is None else self.media.as_seen(),
        }


@dataclass(slots=True)
class Chat:
    """A private chat (of one user with one bot), a group or a supergroup."""

    id: int
    kind: str  # private | group | supergroup
    title: str
    user: Person | None = None
    username: str | None = None
    forum: bool = False
    blocked: bool = False  # private: the user has blocked the bot
    kicked: set[int] = field(default_factory=set[int])  # groups: ids of bots that were removed
    admins: set[int] = field(default_factory=set[int])
    members: dict[int, Person] = field(default_factory=dict[int, Person])
    topics: dict[int, Message] = field(default_factory=dict[int, Message])
    messages: dict[int, Message] = field(default_factory=dict[int, Message])
    drafts: dict[tuple[int | None, int], Draft] = field(default_factory=dict[tuple[int | None, int], Draft])
    permitted_reactions: frozenset[str] | None = None  # None: all that there are
    last_id: int = 0
    bot_messages: int = 0
    shown: JsonObject | None = None  # the rendered Chat object; it does not change

    def as_json(self) -> JsonObject:
        if self.shown is None:
            shown: JsonObject = {"id": self.id, "type": self.kind}
            if self.user is not None:
                shown["first_name"] = self.user.first_name
            else:
                shown["title"] = self.title
            if self.username:
                shown["username"] = self.username
            if self.forum:
                shown["is_forum"] = True
            self.shown = shown
        return self.shown

    def append(
        self,
        author: Person,
        text: str,
        entities: list[JsonObject],
        *,
        thread: int | None = None,
        reply_to: Message | None = None,
        markup: JsonObject | None = None,
        media: Media | None = None,
    ) -> Message:
        """Give the next message its id and keep it; the oldest beyond KEEP_MESSAGES is forgotten."""
        self.last_id += 1
        message = Message(
            self.last_id, self, author, int(time.time()), time.monotonic(), text, entities, thread=thread
        )
        message.in_topic = thread is not None and thread in self.topics
        message.reply_to, message.markup, message.media = reply_to, markup, media
        self.messages[message.id] = message
        if author.is_bot and (text or media is not None):  # the service message of a topic has none
            self.bot_messages += 1
        if len(self.messages) > KEEP_MESSAGES:
            del self.messages[next(iter(self.messages))]
        return message

    def message(self, message_id: int) -> Message | None:
        """The message, unless it does not exist or was deleted."""
        found = self.messages.get(message_id)
        return None if found is None or found.deleted else found


def people_entities(text: str) -> list[JsonObject]:
    """The entities that a person's client computes: bot commands and mentions (UTF-16 offsets)."""
    if "/" not in text and "@" not in text:
        return []
    found = [("bot_command", match) for match in _COMMAND.finditer(text)]
    taken = [match.span() for _, match in found]
    found += [
        ("mention", match)
        for match in _MENTION.finditer(text)
        if not any(start <= match.start() < end for start, end in taken)
    ]
    found.sort(key=lambda item: item[1].start())
    return [
        {"type": kind, "offset": utf16_length(text[: match.start()]), "length": utf16_length(match[0])}
        for kind, match in found
    ]
