"""A payload becomes an `Inbound`. Pure: the same payload and the same knowledge give the same value.

The event id of a message is its channel and its `ts`. A mention in a channel comes as two events with ids of
their own, a redelivery with a new envelope, and the history has no such ids at all: this one they all share.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from adapters.slack.files import attachments_of, is_ts
from adapters.slack.markup import is_mention, mentioned, readable, without_leading_mention
from adapters.slack.payload import Payload, one_line, part_of, parts_of, text_of
from gateway.model.address import ChatKind
from gateway.model.message import Inbound

_HEARD = frozenset({"", "bot_message", "file_share", "me_message", "thread_broadcast"})
_COMMAND = re.compile(r"\s*/([A-Za-z][A-Za-z0-9_-]*)(?:\s+|\Z)")
_WORD = re.compile(r"\s*/?([A-Za-z][A-Za-z0-9_-]*)(?:\s+|\Z)")
_HELP = "help"


@dataclass(frozen=True, slots=True)
class Me:
    """The bot: its user, and where it is installed."""

    user_id: str
    bot_id: str
    team_id: str
    name: str


@dataclass(frozen=True, slots=True)
class Said:
    """A message as it came, with the few things that are needed before it can be translated.

    `thread` is its parent's ts, and empty for what stands in the channel itself. `chat` is where it was said.
    """

    fields: Payload
    chat: str
    ts: str
    thread: str
    text: str
    author: str
    from_bot: bool
    mentions_bot: bool

    @property
    def direct(self) -> bool:
        """Whether it was said in a direct conversation."""
        return self.chat.startswith("D")

    @property
    def event_id(self) -> str:
        """What live and history, message and mention share."""
        return f"{self.chat}:{self.ts}"

    @property
    def root(self) -> str:
        """The ts that a reply to it names as its thread."""
        return self.thread or self.ts

    @property
    def people(self) -> list[str]:
        """Whose names it needs."""
        return list(dict.fromkeys([self.author, *mentioned(self.text)]))


def said(fields: Payload, chat: str, me: Me) -> Said | None:
    """A message that somebody wrote; None for everything else (edits, joins, deletions)."""
    ts = text_of(fields, "ts")
    if text_of(fields, "subtype") not in _HEARD or not is_ts(ts) or fields.get("hidden"):
        return None
    author = text_of(fields, "user") or text_of(fields, "bot_id")
    if not chat or not author:
        return None
    text = _words(fields)
    if not text and not attachments_of(fields):
        return None
    thread = text_of(fields, "thread_ts")
    from_bot = bool(text_of(fields, "bot_id")) or author == me.user_id
    return Said(
        fields=fields,
        chat=chat,
        ts=ts,
        thread="" if thread == ts else thread,
        text=text,
        author=author,
        from_bot=from_bot,
        mentions_bot=not from_bot and me.user_id in mentioned(text),
    )


def scope(chat: str, thread: str) -> str:
    """The cursor's scope: a channel, or a thread of it."""
    return f"{chat}/{thread}" if thread else chat


def translate(
    message: Said, me: Me, names: Mapping[str, str], *, ours: bool, backfilled: bool = False
) -> Inbound:
    """What was said. `ours` tells that it stands in a thread in which the bot takes part."""
    kind = ChatKind.DIRECT if message.direct else ChatKind.GROUP
    to_bot = message.direct or message.mentions_bot or ours
    text = words_of(message, me, names)
    command, text = _command(text) if to_bot else ("", text)
    return Inbound(
        event_id=message.event_id,
        chat=message.chat,
        chat_kind=kind,
        author_id=message.author,
        author_name=one_line(names.get(message.author, "")) or message.author,
        text=text,
        sent_at=float(message.ts),
        thread=message.thread if message.direct else message.root,
        message_ref=message.ts,
        to_bot=to_bot,
        from_bot=message.from_bot,
        command=command,
        backfilled=backfilled,
        attachments=attachments_of(message.fields),
    )


def words_of(message: Said, me: Me, names: Mapping[str, str]) -> str:
    """A message as a person reads it, without the bot's name before it."""
    text = without_leading_mention(message.text, me.user_id)
    if text == message.text and attachments_of(message.fields) and is_mention(text, me.user_id):
        return ""  # the name alone, where what is meant is the file below it
    return readable(text, {**names, me.user_id: me.name})


def press(payload: Payload) -> Inbound | None:
    """A pressed button; None for what is pressed elsewhere than below a message."""
    container, user = part_of(payload, "container"), part_of(payload, "user")
    pressed = next(iter(parts_of(payload, "actions")), None)
    chat = text_of(container, "channel_id") or text_of(part_of(payload, "channel"), "id")
    ts, author = text_of(container, "message_ts"), text_of(user, "id")
    if pressed is None or not chat or not author or not is_ts(ts):
        return None
    value, at = text_of(pressed, "value"), text_of(pressed, "action_ts")
    if not value or not is_ts(at):
        return None
    thread = text_of(container, "thread_ts") or text_of(part_of(payload, "message"), "thread_ts")
    direct = chat.startswith("D")
    return Inbound(
        event_id=f"{chat}:{ts}:{at}:{author}",
        chat=chat,
        chat_kind=ChatKind.DIRECT if direct else ChatKind.GROUP,
        author_id=author,
        author_name=one_line(text_of(user, "name") or text_of(user, "username")) or author,
        text="",
        sent_at=float(at),
        thread="" if direct and thread == ts else thread,
        message_ref=ts,
        to_bot=True,
        button=value,
    )


def command(payload: Payload, now: float, offered: Collection[str] = ()) -> Inbound | None:
    """One of Slack's own slash commands, which know no threads.

    An app cannot have a command that Slack has, such as /status. So one command of the app's takes the
    gateway's as its first word; those that are `offered` are also understood by themselves.
    """
    chat, author, name = (text_of(payload, part) for part in ("channel_id", "user_id", "command"))
    trigger = text_of(payload, "trigger_id")
    if not chat or not author or not trigger or not name.startswith("/"):
        return None
    text = readable(text_of(payload, "text"), {}).strip()
    word = name[1:].lower()
    if word not in offered:
        found = _WORD.match(text)
        word, text = (found[1].lower(), text[found.end() :].strip()) if found else (_HELP, text)
    return Inbound(
        event_id=f"command:{trigger}",
        chat=chat,
        chat_kind=ChatKind.DIRECT if chat.startswith("D") else ChatKind.GROUP,
        author_id=author,
        author_name=one_line(text_of(payload, "user_name")) or author,
        text=text,
        sent_at=now,
        to_bot=True,
        command=word,
    )


def team_of(fields: Payload, me: Me) -> str:
    """The workspace of a message's author."""
    return text_of(fields, "user_team") or text_of(fields, "team") or me.team_id


def _words(fields: Payload) -> str:
    """What somebody wrote, or else what they passed on of somebody else's."""
    text = text_of(fields, "text")
    if text.strip():
        return text
    return next((text_of(one, "fallback") for one in parts_of(fields, "attachments")), "")


def _command(text: str) -> tuple[str, str]:
    found = _COMMAND.match(text)
    return (found[1].lower(), text[found.end() :].strip()) if found else ("", text)
