"""An update becomes an `Inbound`. Pure: the same update and the same bot give the same value.

The event id is the update's id. It is unique per bot, and it is what a redelivery repeats; a message id is
neither (it is unique only within its chat, and an edit or a migrated group uses it again).

Offsets and lengths of entities count UTF-16 code units, so everything that is cut is cut in that measure.
"""

import re
from typing import Final

from adapters.telegram.media import attachments
from adapters.telegram.sdk import CallbackQuery, ContentType, Message, MessageEntity, Update, User
from gateway.model.address import ChatKind
from gateway.model.message import Change, Inbound

NAME_LIMIT = 64
"""The longest author name that is passed on, in characters."""

_KINDS: Final = {"private": ChatKind.DIRECT, "group": ChatKind.GROUP, "supergroup": ChatKind.GROUP}

# What stands for content that has no words and no file to be fetched. What aiogram knows and is not here is a
# service message.
LABELS: Final = {
    ContentType.ANIMATION: "animation",
    ContentType.AUDIO: "audio",
    ContentType.CHECKLIST: "checklist",
    ContentType.CONTACT: "contact",
    ContentType.DICE: "dice",
    ContentType.DOCUMENT: "document",
    ContentType.GAME: "game",
    ContentType.GIVEAWAY: "giveaway",
    ContentType.INVOICE: "invoice",
    ContentType.LIVE_PHOTO: "live photo",
    ContentType.LOCATION: "location",
    ContentType.PAID_MEDIA: "paid media",
    ContentType.PHOTO: "photo",
    ContentType.POLL: "poll",
    ContentType.RICH_MESSAGE: "rich message",
    ContentType.STICKER: "sticker",
    ContentType.STORY: "story",
    ContentType.UNKNOWN: "message of an unknown kind",
    ContentType.VENUE: "venue",
    ContentType.VIDEO: "video",
    ContentType.VIDEO_NOTE: "video note",
    ContentType.VOICE: "voice message",
}

_AFTER_MENTION = re.compile(r"[,:]?\s+")


def translate(update: Update, me: User) -> Inbound | None:
    """What a person said, edited or pressed; None for everything else (joins, pins, channel posts)."""
    if update.callback_query is not None:
        return _press(update.update_id, update.callback_query)
    message = update.message or update.edited_message
    if message is None:
        return None
    kind = _KINDS.get(message.chat.type)
    files = attachments(message)
    text = message.caption or "" if files else _words(message)
    author = _author(message)
    if kind is None or text is None or author is None:
        return None
    author_id, author_name, from_bot = author
    entities = message.entities or message.caption_entities or []
    to_bot, command, text = _understand(text, entities, me, kind)
    if kind is ChatKind.GROUP:
        to_bot = to_bot or _answers(message, me)
    return Inbound(
        event_id=str(update.update_id),
        chat=str(message.chat.id),
        chat_kind=kind,
        author_id=author_id,
        author_name=author_name,
        text=text,
        sent_at=message.date.timestamp(),
        thread=_thread(message),
        message_ref=str(message.message_id),
        to_bot=to_bot,
        from_bot=from_bot,
        command=command,
        attachments=files,
        change=Change.NEW if update.message is not None else Change.EDITED,
    )


def _press(update_id: int, query: CallbackQuery) -> Inbound | None:
    """A pressed button; None where its message is out of the bot's sight."""
    message = query.message
    if not isinstance(message, Message) or not query.data:
        return None
    kind = _KINDS.get(message.chat.type)
    if kind is None:
        return None
    user = query.from_user
    name = _one_line(f"{user.first_name} {user.last_name or ''}")
    return Inbound(
        event_id=str(update_id),
        chat=str(message.chat.id),
        chat_kind=kind,
        author_id=str(user.id),
        author_name=name or user.username or str(user.id),
        text="",
        sent_at=message.date.timestamp(),
        thread=_thread(message),
        message_ref=str(message.message_id),
        to_bot=True,
        from_bot=user.is_bot,
        button=query.data,
    )


def _words(message: Message) -> str | None:
    if message.text is not None:
        return message.text
    if message.caption is not None:
        return message.caption
    content = message.content_type
    label = LABELS.get(ContentType(content))
    if label is None:
        return None
    if message.sticker is not None and message.sticker.emoji:
        label = f"{label} {message.sticker.emoji}"
    elif message.document is not None and message.document.file_name and content == ContentType.DOCUMENT:
        label = f"{label} {_one_line(message.document.file_name)}"
    return f"[{label}]"


def _author(message: Message) -> tuple[str, str, bool] | None:
    """Id, name, and whether it is a bot. An anonymous admin or a channel writes in the name of a chat."""
    if message.sender_chat is not None:
        chat = message.sender_chat
        return str(chat.id), _one_line(chat.title or chat.username or str(chat.id)), False
    user = message.from_user
    if user is None:
        return None
    name = _one_line(f"{user.first_name} {user.last_name or ''}")
    return str(user.id), name or user.username or str(user.id), user.is_bot


def _one_line(name: str) -> str:
    return " ".join(name.split())[:NAME_LIMIT].rstrip()


def _thread(message: Message) -> str:
    # Replies in ordinary groups carry a message_thread_id as well; only topics are conversations.
    if message.is_topic_message and message.message_thread_id is not None:
        return str(message.message_thread_id)
    return ""


def _answers(message: Message, me: User) -> bool:
    """Whether it replies to the bot. What replies to nothing in a topic looks like a reply to its opening."""
    replied = message.reply_to_message
    if replied is None or replied.from_user is None or replied.from_user.id != me.id:
        return False
    return not (message.is_topic_message and replied.message_id == message.message_thread_id)


def _understand(text: str, entities: list[MessageEntity], me: User, kind: ChatKind) -> tuple[bool, str, str]:
    """Whether the bot is named, the command meant for it, and the text without either.

    A bare command in a group is for every bot there, so for this one too.
    """
    if not entities:
        return False, "", text
    wide = text.encode("utf-16-le", "surrogatepass")
    start = len(wide) - len(text.lstrip().encode("utf-16-le", "surrogatepass"))  # in bytes
    mentions = [entity for entity in entities if _names(wide, entity, me)]
    if kind is ChatKind.GROUP:
        for entity in mentions:
            if entity.offset * 2 == start:
                rest = _narrow(wide[_end(entity) :])
                gap = _AFTER_MENTION.match(rest)
                if gap is not None and gap.end() < len(rest):
                    start = _end(entity) + 2 * gap.end()
    for entity in entities:
        if entity.type == "bot_command" and entity.offset * 2 == start:
            name, _, addressee = _cut(wide, entity)[1:].partition("@")
            if _narrow(wide[_end(entity) :])[:1].strip():
                # Telegram ends a command where ours never do: `/new-feature` is a command of the agent's.
                return True, "", _narrow(wide[start:])
            if not addressee or addressee.lower() == (me.username or "").lower():
                return True, name.lower(), _narrow(wide[_end(entity) :]).strip()
    return bool(mentions), "", _narrow(wide[start:]) if mentions else text


def _names(wide: bytes, entity: MessageEntity, me: User) -> bool:
    if entity.type == "text_mention":
        return entity.user is not None and entity.user.id == me.id
    return (
        entity.type == "mention"
        and me.username is not None
        and _cut(wide, entity).lower() == f"@{me.username.lower()}"
    )


def _end(entity: MessageEntity) -> int:
    return 2 * (entity.offset + entity.length)


def _cut(wide: bytes, entity: MessageEntity) -> str:
    return _narrow(wide[2 * entity.offset : _end(entity)])


def _narrow(wide: bytes) -> str:
    return wide.decode("utf-16-le", "replace")
