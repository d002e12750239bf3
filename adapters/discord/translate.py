"""A message becomes an `Inbound`. Pure: the same payload gives the same value.

The event id is the message's id, the same from the gateway and from a channel's history; that of an edit has
the time of the edit with it. What the payload does not say of its place comes with it.
"""

import re
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from adapters.discord.attachments import attachments
from adapters.discord.payloads import Json, as_id, items, mapping, mappings
from adapters.discord.payloads import text as text_of
from adapters.discord.places import Place
from adapters.discord.snowflakes import moment
from gateway.model.address import ChatKind
from gateway.model.message import Change, Inbound

NAME_LIMIT = 64
"""The longest author name that is passed on, in characters."""

EDIT, DELETION = "e", "d"
"""What the event ids of edits and deletions begin with."""

_WRITTEN: Final = frozenset({0, 19})  # a message and a reply; the other types are the platform's own words
_FORWARD = 1
_FORWARDED = "[forwarded]"

_USER = re.compile(r"<@!?(\d{1,20})>")
_ROLE = re.compile(r"<@&(\d{1,20})>")
_CHANNEL = re.compile(r"<#(\d{1,20})>")
_LEADING = re.compile(r"\s*<@([!&]?)(\d{1,20})>[,:]?\s*")
_COMMAND = re.compile(r"/([A-Za-z0-9_-]{1,32})(?:\s+|$)")


@dataclass(frozen=True, slots=True)
class Me:
    """The bot: its id, its name, and in a server the roles that are itself."""

    id: int
    name: str
    roles: frozenset[int] = frozenset()


def translate(data: Json, place: Place, me: Me, *, threads: bool, backfilled: bool = False) -> Inbound | None:
    """What somebody wrote; None for what nobody said (joins, pins, boosts) and for what has no words.

    With `threads`, what is said to the bot in a channel belongs to the thread that its answer opens.
    """
    message_id, author = as_id(data.get("id")), mapping(data.get("author"))
    author_id = as_id(author.get("id"))
    if not message_id or not author_id or data.get("type") not in _WRITTEN:
        return None
    content = text_of(data.get("content"))
    named = _mentions(data, content, me)
    files = attachments(data, place.id)
    text = _words(data, content, me, named=named, files=bool(files))
    if not text and not files:
        return None
    addressed = named or _answers(data, me) or (place.is_thread and place.for_bot is True)
    command = ""
    if addressed or place.direct:
        command, text = _command(text)
    opens = threads and addressed and place.threads and not place.is_thread
    return Inbound(
        event_id=str(message_id),
        chat=place.chat,
        chat_kind=ChatKind.DIRECT if place.direct else ChatKind.GROUP,
        author_id=str(author_id),
        author_name=name_of(author, mapping(data.get("member"))),
        text=text,
        sent_at=moment(message_id),
        thread=str(place.id) if place.is_thread else str(message_id) if opens else "",
        message_ref=str(message_id),
        to_bot=addressed,
        from_bot=_is_bot(data, author),
        command=command,
        backfilled=backfilled,
        attachments=files,
    )


def edited(data: Json, place: Place, me: Me, *, threads: bool) -> Inbound | None:
    """What somebody changed; None where it was Discord that changed something, like adding a preview."""
    when = text_of(data.get("edited_timestamp"))
    if not when or "content" not in data:
        return None
    item = translate(data, place, me, threads=threads)
    if item is None:
        return None
    event_id = f"{EDIT}{item.event_id}:{when}"
    return replace(item, event_id=event_id, change=Change.EDITED, sent_at=_seconds(when) or item.sent_at)


def deleted(message_id: int, place: Place, now: float) -> Inbound:
    """What was taken back. Discord says neither by whom nor when."""
    return Inbound(
        event_id=f"{DELETION}{message_id}",
        chat=place.chat,
        chat_kind=ChatKind.DIRECT if place.direct else ChatKind.GROUP,
        author_id="",
        author_name="",
        text="",
        sent_at=now,
        thread=str(place.id) if place.is_thread else "",
        message_ref=str(message_id),
        change=Change.DELETED,
    )


def name_of(user: Json, member: Json) -> str:
    """What somebody is called in a place."""
    for name in (member.get("nick"), user.get("global_name"), user.get("username")):
        shown = _one_line(text_of(name))
        if shown:
            return shown
    return text_of(user.get("id"))


def names(data: Json, me: Me) -> bool:
    """Whether a message mentions the bot."""
    return _mentions(data, text_of(data.get("content")), me)


def _mentions(data: Json, content: str, me: Me) -> bool:
    if any(as_id(user.get("id")) == me.id for user in mappings(data.get("mentions"))):
        return True
    if any(as_id(one) in me.roles for one in items(data.get("mention_roles"))):
        return True
    return any(int(found) == me.id for found in _USER.findall(content))


def _answers(data: Json, me: Me) -> bool:
    """Whether it replies to the bot."""
    return as_id(mapping(mapping(data.get("referenced_message")).get("author")).get("id")) == me.id


def _is_bot(data: Json, author: Json) -> bool:
    return author.get("bot") is True or author.get("system") is True or bool(data.get("webhook_id"))


def _words(data: Json, content: str, me: Me, *, named: bool, files: bool) -> str:
    """What was said; a label for what has no words and is no file, like a sticker."""
    if named:
        rest = content
        while found := _LEADING.match(rest):
            if int(found[2]) not in (me.roles if found[1] == "&" else {me.id}):
                break
            rest = rest[found.end() :]
        content = rest if rest or files else content
    content = _readable(content, data, me).strip()
    if content:
        return content
    labels = [_label("sticker", one.get("name")) for one in mappings(data.get("sticker_items"))]
    labels += [_label("embed", one.get("title")) for one in mappings(data.get("embeds"))]
    poll = mapping(data.get("poll"))
    if poll:
        labels.append(_label("poll", mapping(poll.get("question")).get("text")))
    if labels:
        return " ".join(labels)
    return _forwarded(data, me)


def _forwarded(data: Json, me: Me) -> str:
    if mapping(data.get("message_reference")).get("type") != _FORWARD:
        return ""
    found = ""
    for snapshot in mappings(data.get("message_snapshots")):
        message = mapping(snapshot.get("message"))
        said, files = text_of(message.get("content")), bool(message.get("attachments"))
        inner = _words({**message, "message_reference": None}, said, me, named=False, files=files)
        if inner:
            return f"{_FORWARDED} {inner}"
        found = _FORWARDED if files else found
    return found


def _readable(content: str, data: Json, me: Me) -> str:
    """Ids in the text become names, where the payload has them."""
    users = {as_id(one.get("id")): one for one in mappings(data.get("mentions"))}
    channels = {
        as_id(one.get("id")): text_of(one.get("name")) for one in mappings(data.get("mention_channels"))
    }

    def user(found: re.Match[str]) -> str:
        known = users.get(int(found[1]))
        if known is not None:
            return f"@{name_of(known, mapping(known.get('member')))}"
        return f"@{me.name}" if int(found[1]) == me.id else found[0]

    def role(found: re.Match[str]) -> str:
        return f"@{me.name}" if int(found[1]) in me.roles else found[0]

    def channel(found: re.Match[str]) -> str:
        name = channels.get(int(found[1]))
        return f"#{name}" if name else found[0]

    return _CHANNEL.sub(channel, _ROLE.sub(role, _USER.sub(user, content)))


def _label(what: str, name: object) -> str:
    shown = _one_line(text_of(name))
    return f"[{what} {shown}]" if shown else f"[{what}]"


def _command(text: str) -> tuple[str, str]:
    """A leading slash command, and the text without it."""
    found = _COMMAND.match(text)
    if found is None:
        return "", text
    return found[1].lower(), text[found.end() :].strip()


def _one_line(name: str) -> str:
    return " ".join(name.split())[:NAME_LIMIT].rstrip()


def _seconds(when: str) -> float:
    """A time as Discord writes it, in seconds since the epoch; 0 for what is none."""
    try:
        return datetime.fromisoformat(when).timestamp()
    except ValueError:
        return 0.0
