"""Messages that people changed or took back, as `Inbound`. Pure.

Slack tells of a change for many reasons: a link is shown as a preview, a thread gets a reply, a bot rewrites
its own message. Only what a person edited counts, and that alone bears a new mark of it. A message that is
deleted although others answered it is not deleted to Slack: it changes, into a stone that says so.
"""

from collections.abc import Mapping
from dataclasses import replace

from adapters.slack.files import is_ts
from adapters.slack.markup import mentioned
from adapters.slack.payload import Payload, one_line, part_of, text_of
from adapters.slack.translate import Me, Said, said, translate
from gateway.model.address import ChatKind
from gateway.model.message import Change, Inbound

_STONE = "tombstone"


def edited(fields: Payload, chat: str, me: Me) -> Said | None:
    """The message as it reads now, where `message_changed` tells that a person edited it."""
    if text_of(fields, "subtype") != "message_changed" or not is_ts(text_of(fields, "ts")):
        return None
    new, old = part_of(fields, "message"), part_of(fields, "previous_message")
    mark = part_of(new, "edited")
    author = text_of(new, "user")
    if not author or text_of(mark, "user") != author or mark == part_of(old, "edited"):
        return None
    if old and text_of(new, "text") == text_of(old, "text"):
        return None
    message = said(new, chat, me)
    return None if message is None or message.from_bot else message


def as_edit(message: Said, fields: Payload, me: Me, names: Mapping[str, str], *, ours: bool) -> Inbound:
    """What it reads now. `fields` are those of the event, whose ts is its own."""
    at = text_of(fields, "ts")
    return replace(
        translate(message, me, names, ours=ours),
        event_id=f"{message.event_id}:edited:{at}",
        sent_at=float(at),
        change=Change.EDITED,
    )


def deleted(fields: Payload, chat: str, me: Me) -> Inbound | None:
    """A message that somebody took back; None for the bot's own, and for every other event."""
    at, ref = text_of(fields, "ts"), _deleted(fields)
    old = part_of(fields, "previous_message")
    if not chat or not is_ts(at) or not is_ts(ref):
        return None
    author = text_of(old, "user")
    if author == me.user_id or text_of(old, "bot_id"):
        return None
    direct, thread = chat.startswith("D"), text_of(old, "thread_ts")
    own = thread if thread != ref else ""
    return Inbound(
        event_id=f"{chat}:{ref}:deleted",
        chat=chat,
        chat_kind=ChatKind.DIRECT if direct else ChatKind.GROUP,
        author_id=author,
        author_name=one_line(author),
        text="",
        sent_at=float(at),
        thread=own if direct else own or ref,
        message_ref=ref,
        to_bot=direct or me.user_id in mentioned(text_of(old, "text")),
        change=Change.DELETED,
    )


def _deleted(fields: Payload) -> str:
    match text_of(fields, "subtype"):
        case "message_deleted":
            return text_of(fields, "deleted_ts")
        case "message_changed":
            new = part_of(fields, "message")
            return text_of(new, "ts") if text_of(new, "subtype") == _STONE else ""
        case _:
            return ""
