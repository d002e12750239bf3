"""A payload becomes an `Inbound`. Pure: the same payload and the same knowledge give the same value.

The event id of a message is its channel and its `ts`. A mention in a channel comes as two events with ids of
their own, a redelivery with a new envelope, and the history has no such ids at all: this one they all share.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from adapters.slack.markup import mentioned, readable, without_leading_mention
from gateway.model.address import ChatKind
from gateway.model.message import Inbound

NAME_LIMIT = 64
"""The longest author name that is passed on, in characters."""

Payload = Mapping[str, Any]

_HEARD = frozenset({"", "bot_message", "file_share", "me_message", "thread_broadcast"})
_TS = re.compile(r"[0-9]{1,12}\.[0-9]{1,6}", re.ASCII)
_COMMAND = re.compile(r"\s*/([A-Za-z][A-Za-z0-9_-]*)(?:\s+|\Z)")


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
    ts = _text(fields, "ts")
    if _text(fields, "subtype") not in _HEARD or not _TS.fullmatch(ts) or fields.get("hidden"):
        return None
    author = _text(fields, "user") or _text(fields, "bot_id")
    if not chat or not author:
        return None
    text = _words(fields)
    if not text:
        return None
    thread = _text(fields, "thread_ts")
    from_bot = bool(_text(fields, "bot_id")) or author == me.user_id
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
    text = readable(without_leading_mention(message.text, me.user_id), {**names, me.user_id: me.name})
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
    )


def press(payload: Payload) -> Inbound | None:
    """A pressed button; None for what is pressed elsewhere than below a message."""
    container, user = _part(payload, "container"), _part(payload, "user")
    actions = payload.get("actions")
    if not isinstance(actions, list) or not actions:
        return None
    action = cast("list[Any]", actions)[0]
    chat = _text(container, "channel_id") or _text(_part(payload, "channel"), "id")
    ts, author = _text(container, "message_ts"), _text(user, "id")
    if not isinstance(action, Mapping) or not chat or not author or not _TS.fullmatch(ts):
        return None
    pressed = cast("Payload", action)
    value, at = _text(pressed, "value"), _text(pressed, "action_ts")
    if not value or not _TS.fullmatch(at):
        return None
    thread = _text(container, "thread_ts") or _text(_part(payload, "message"), "thread_ts")
    direct = chat.startswith("D")
    return Inbound(
        event_id=f"{chat}:{ts}:{at}:{author}",
        chat=chat,
        chat_kind=ChatKind.DIRECT if direct else ChatKind.GROUP,
        author_id=author,
        author_name=one_line(_text(user, "name") or _text(user, "username")) or author,
        text="",
        sent_at=float(at),
        thread="" if direct and thread == ts else thread,
        message_ref=ts,
        to_bot=True,
        button=value,
    )


def command(payload: Payload, now: float) -> Inbound | None:
    """One of Slack's own slash commands, which know no threads."""
    chat, author, name = (_text(payload, part) for part in ("channel_id", "user_id", "command"))
    trigger = _text(payload, "trigger_id")
    if not chat or not author or not trigger or not name.startswith("/"):
        return None
    return Inbound(
        event_id=f"command:{trigger}",
        chat=chat,
        chat_kind=ChatKind.DIRECT if chat.startswith("D") else ChatKind.GROUP,
        author_id=author,
        author_name=one_line(_text(payload, "user_name")) or author,
        text=readable(_text(payload, "text"), {}).strip(),
        sent_at=now,
        to_bot=True,
        command=name[1:].lower(),
    )


def team_of(fields: Payload, me: Me) -> str:
    """The workspace of a message's author."""
    return _text(fields, "user_team") or _text(fields, "team") or me.team_id


def one_line(name: str) -> str:
    """A name that fits into a line."""
    return " ".join(name.split())[:NAME_LIMIT].rstrip()


def _words(fields: Payload) -> str:
    text = _text(fields, "text")
    if text.strip():
        return text
    files = fields.get("files")
    if isinstance(files, list) and files:
        listed = (cast("Payload", one) for one in cast("list[Any]", files) if isinstance(one, Mapping))
        return " ".join(f"[file {one_line(_text(one, 'name'))}".rstrip() + "]" for one in listed)
    attached = fields.get("attachments")
    if isinstance(attached, list) and attached:
        first = cast("list[Any]", attached)[0]
        return _text(cast("Payload", first), "fallback") if isinstance(first, Mapping) else ""
    return ""


def _command(text: str) -> tuple[str, str]:
    found = _COMMAND.match(text)
    return (found[1].lower(), text[found.end() :].strip()) if found else ("", text)


def _text(fields: Payload, name: str) -> str:
    value = fields.get(name)
    return value if isinstance(value, str) else ""


def _part(fields: Payload, name: str) -> Payload:
    value = fields.get(name)
    return cast("Payload", value) if isinstance(value, Mapping) else {}
