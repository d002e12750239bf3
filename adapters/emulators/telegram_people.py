"""What people do on this Telegram, and what bots hear of it."""

import secrets
import time
from dataclasses import dataclass

from adapters.emulators.control import ControlError
from adapters.emulators.events import EventLog, JsonObject
from adapters.emulators.telegram_entities import utf16_length
from adapters.emulators.telegram_files import Media
from adapters.emulators.telegram_params import MAX_CAPTION, MAX_TEXT
from adapters.emulators.telegram_values import Chat, Message, Person, people_entities
from adapters.emulators.telegram_world import Bot, TelegramWorld

KEEP_CALLBACKS = 10_000  # per bot


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a message is written, as `send` is told."""

    chat_id: int | None
    reply_to: int | None
    thread: int | None
    bot_id: int | None


class TelegramPeople:
    """People's actions. Methods are twins of control routes and raise ControlError for what nobody could do.

    `chat_id` is left out for the private chat with the bot; `bot_id` matters only where several bots exist.
    """

    def __init__(self, world: TelegramWorld, events: EventLog) -> None:
        self._world = world
        self._events = events

    def send(
        self,
        user_id: int,
        text: str,
        *,
        chat_id: int | None = None,
        reply_to: int | None = None,
        thread: int | None = None,
        bot_id: int | None = None,
    ) -> Message:
        """A user writes: in the private chat with the bot, or in a group. Returns the message."""
        if not text.strip() or utf16_length(text) > MAX_TEXT:
            raise ControlError(f"a message has 1 to {MAX_TEXT} UTF-16 units")
        where = _Place(chat_id, reply_to, thread, bot_id)
        return self._write(user_id, where, text, None)

    def send_file(
        self,
        user_id: int,
        media: Media,
        text: str = "",
        *,
        chat_id: int | None = None,
        reply_to: int | None = None,
        thread: int | None = None,
        bot_id: int | None = None,
    ) -> Message:
        """A user sends a file of `TelegramWorld.files`, with a caption or without. Returns the message."""
        if utf16_length(text) > MAX_CAPTION:
            raise ControlError(f"a caption has at most {MAX_CAPTION} UTF-16 units")
        return self._write(user_id, _Place(chat_id, reply_to, thread, bot_id), text, media)

    def _write(self, user_id: int, where: "_Place", text: str, media: Media | None) -> Message:
        chat_id, reply_to, thread, bot_id = where.chat_id, where.reply_to, where.thread, where.bot_id
        if chat_id is None or chat_id == user_id:
            chat = self._world.open_private(user_id, bot_id=bot_id)
        else:
            chat = self._world.chat(chat_id, bot_id)
        author = self._member(chat, user_id)
        if thread is not None and thread not in chat.topics:
            raise ControlError(f"no topic {thread} in chat {chat.id}", 404)
        target = None
        if reply_to is not None:
            target = chat.message(reply_to)
            if target is None:
                raise ControlError(f"no message {reply_to} in chat {chat.id}", 404)
            if thread is None:
                # In a supergroup every reply is in a thread, which is named by the message at its root.
                thread = target.thread or (
                    target.id if chat.kind == "supergroup" and not chat.forum else None
                )
        elif thread is not None:
            target = chat.topics[thread]  # people's clients answer the message that opened the topic
        message = chat.append(
            author, text, people_entities(text), thread=thread, reply_to=target, media=media
        )
        self._tell(chat, message, "message", bot_id)
        self._events.emit("message", message.as_event())
        return message

    def edit(
        self,
        user_id: int,
        message_id: int,
        text: str,
        *,
        chat_id: int | None = None,
        bot_id: int | None = None,
    ) -> Message:
        """A user changes the text of their own message, or the caption of their file."""
        chat = self._world.chat(user_id if chat_id is None else chat_id, bot_id)
        message = chat.message(message_id)
        if message is None or message.author.id != user_id:
            raise ControlError(f"user {user_id} has no message {message_id} in chat {chat.id}", 404)
        if not text.strip() and message.media is None:
            raise ControlError("a message has a text")
        message.rewrite(text, people_entities(text), None)
        self._tell(chat, message, "edited_message", bot_id)
        self._events.emit("edit", message.as_event())
        return message

    def delete(
        self, user_id: int, message_id: int, *, chat_id: int | None = None, bot_id: int | None = None
    ) -> None:
        """A user deletes their own message. No bot is told."""
        chat = self._world.chat(user_id if chat_id is None else chat_id, bot_id)
        message = chat.message(message_id)
        if message is None or message.author.id != user_id:
            raise ControlError(f"user {user_id} has no message {message_id} in chat {chat.id}", 404)
        message.deleted = True
        self._events.emit("delete", {"chat": chat.id, "message_id": message.id})

    def press(
        self,
        user_id: int,
        message_id: int,
        *,
        data: str | None = None,
        label: str | None = None,
        chat_id: int | None = None,
        bot_id: int | None = None,
    ) -> str:
        """A user presses the first callback button with this data or label; the callback query's id."""
        bot = self._world.bot(bot_id)
        chat = self._world.chat(user_id if chat_id is None else chat_id, bot_id)
        message = chat.message(message_id)
        if message is None:
            raise ControlError(f"no message {message_id} in chat {chat.id}", 404)
        person = self._member(chat, user_id)
        for button in _callback_buttons(message.markup):
            if (data is None or button["callback_data"] == data) and (
                label is None or button["text"] == label
            ):
                break
        else:
            raise ControlError(f"message {message_id} has no such callback button")
        query_id = str(secrets.randbits(63))
        bot.callbacks[query_id] = True
        if len(bot.callbacks) > KEEP_CALLBACKS:
            del bot.callbacks[next(iter(bot.callbacks))]
        bot.updates.push(
            "callback_query",
            {
                "id": query_id,
                "from": person.as_json(),
                "message": message.as_json(),
                "chat_instance": str(chat.id * 7919),
                "data": button["callback_data"],
            },
        )
        self._events.emit(
            "press",
            {"chat": chat.id, "message_id": message_id, "user": user_id, "callback_query_id": query_id},
        )
        return query_id

    def block(self, user_id: int, *, blocked: bool = True, bot_id: int | None = None) -> None:
        """A user blocks or unblocks the bot; the bot is told by `my_chat_member`."""
        bot, chat = self._world.bot(bot_id), self._world.open_private(user_id, bot_id=bot_id)
        if chat.blocked is not blocked and chat.user is not None:
            chat.blocked = blocked
            self._membership(bot, chat, chat.user, gone=blocked)

    def kick(
        self, chat_id: int, *, kicked: bool = True, by: int | None = None, bot_id: int | None = None
    ) -> None:
        """A bot is removed from a group, or taken back."""
        bot, chat = self._world.bot(bot_id), self._world.chat(chat_id)
        if (bot.person.id in chat.kicked) is kicked:
            return
        if kicked:
            chat.kicked.add(bot.person.id)
        else:
            chat.kicked.discard(bot.person.id)
            chat.members[bot.person.id] = bot.person
        actor = next(
            (person for person in chat.members.values() if by is None or person.id == by), bot.person
        )
        self._membership(bot, chat, actor, gone=kicked)

    def _member(self, chat: Chat, user_id: int) -> Person:
        if chat.user is not None:
            if chat.user.id != user_id:
                raise ControlError(f"chat {chat.id} is private; user {user_id} is not in it")
            if chat.blocked:
                raise ControlError(f"user {user_id} has blocked the bot")
            return chat.user
        person = chat.members.get(user_id)
        if person is None:
            raise ControlError(f"user {user_id} is not in chat {chat.id}")
        return person

    def _tell(self, chat: Chat, message: Message, kind: str, bot_id: int | None) -> None:
        body = message.as_json()
        if chat.user is not None:
            self._world.bot(bot_id).updates.push(kind, body)
            return
        for bot in self._world.bots():
            if (
                bot.person.id in chat.members
                and bot.person.id not in chat.kicked
                and _hears(bot, chat, message)
            ):
                bot.updates.push(kind, body)

    def _membership(self, bot: Bot, chat: Chat, actor: Person, *, gone: bool) -> None:
        shown = bot.person.as_json()
        here: JsonObject = {"user": shown, "status": "member"}
        away: JsonObject = {"user": shown, "status": "kicked", "until_date": 0}
        bot.updates.push(
            "my_chat_member",
            {
                "chat": chat.as_json(),
                "from": actor.as_json(),
                "date": int(time.time()),
                "old_chat_member": here if gone else away,
                "new_chat_member": away if gone else here,
            },
        )


def _hears(bot: Bot, chat: Chat, message: Message) -> bool:
    """Privacy mode lets through commands, mentions and replies to the bot; an admin hears everything."""
    if bot.reads_all or bot.person.id in chat.admins:
        return True
    answered = message.reply_to
    if answered is not None and answered.topic_name is None and answered.author.id == bot.person.id:
        return True
    name = f"@{bot.person.username}".lower()
    text = message.text.lower()
    if text.startswith("/"):
        command = text.split(maxsplit=1)[0]
        return "@" not in command or command.endswith(name)
    return name in text


def _callback_buttons(markup: JsonObject | None) -> list[dict[str, str]]:
    rows: object = (markup or {}).get("inline_keyboard", [])
    found: list[dict[str, str]] = []
    if isinstance(rows, list):
        for row in rows:  # pyright: ignore[reportUnknownVariableType] - checked when the bot sent it
            found.extend(button for button in row if "callback_data" in button)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    return found
