"""Telegram's part of the control API: playing the people, reading what they saw.

Every route takes `bot` (a bot's id) where several bots exist; without it the first bot is meant. Arguments in
brackets may be left out. Common routes (events, calls, faults, wait) are in `control`.

    GET    bots                                            [{id, username, pending, polling}]
    POST   users {[name], [id], [username], [language]}    -> the Bot API's User
    POST   private {user}                                  the user presses Start (no message) -> Chat
    POST   groups {[title], [members], [forum], [kind], [bot_admin], [id]}    -> Chat
    POST   topics {chat, [name]}                           -> {message_thread_id}
    GET    chats                                           [Chat + {bot_messages, last_message_id, blocked}]
    POST   send {user, text, [chat], [reply_to], [thread]} -> {message_id, chat}
    POST   send_many {messages: [as for send, ...]}        -> [{message_id, chat}, ...]
    POST   send_file {user, [content], [size], [name], [mime], [kind], [text], [says], [group], [chat], ...}
                                                           -> {message_id, chat, file_id}
    POST   edit {user, message_id, text, [chat]}           -> {message_id, chat}; of a file, its caption
    POST   delete {user, message_id, [chat]}               no bot is told, as on Telegram
    POST   press {user, message_id, [data], [label], [chat]}    -> {callback_query_id}
    POST   block {user, [blocked]}                         blocked: false unblocks
    POST   kick {chat, [kicked], [by]}                     kicked: false takes the bot back
    GET    transcript?chat=ID&[after=MESSAGE_ID]           every message in order, with edits and reactions
    GET    drafts?chat=ID                                  [{thread, draft_id, text, entities}]
    GET    commands                                        what the bot has set: [{command, description}]
    GET    file?file_id=ID                                 {name, mime, kind, size, content}
    POST   expire_files                                    every path of getFile ends -> {expired}
    POST   reactions {chat, [allowed: [...]]}              the reactions that a chat permits; left out: all
    POST   refuse_entities {times}                         refuse so many of the next texts with entities
    GET    updates                                         pending (unconfirmed) updates, as they will be sent
    POST   updates {update: {...}}                         queue any JSON object as an update -> {update_id}
    POST   redeliver {update_id}                           deliver once more, even if confirmed
    GET    limits                                          {enabled, scale}
    POST   limits {[enabled], [scale]}

`content` of a file is base64; with `size` alone it is made up, that many bytes. `kind` is one of photo,
document (the default), audio, voice, video, video_note, animation, sticker. `says` is the size that the bot
is told, to make it a lie. Messages with the same `group` are an album. Events: `draft`, `reaction`, and
`media` with `message`.

Wait conditions, beside the common ones:

    bot_messages  {chat, count}    the bot has sent that many messages to the chat (deleted ones count)
    bot_text      {chat, text}     a message of the bot, as it reads now, contains the text -> the message
    pending       {count}          so many updates are unconfirmed (0: all confirmed)
    polling       {}               a long poll of the bot is waiting
"""

import json
from dataclasses import replace
from typing import cast

from adapters.emulators.control import Args, ControlError, ControlTable
from adapters.emulators.events import EventLog, JsonObject
from adapters.emulators.telegram_api import TelegramApi
from adapters.emulators.telegram_file_control import add_file_routes
from adapters.emulators.telegram_people import TelegramPeople
from adapters.emulators.telegram_values import Message
from adapters.emulators.telegram_world import TelegramWorld


def add_telegram_routes(
    table: ControlTable, world: TelegramWorld, people: TelegramPeople, api: TelegramApi, events: EventLog
) -> None:
    _add_people(table, world)
    _add_actions(table, people)
    _add_changes(table, people)
    add_file_routes(table, world, people)
    _add_views(table, world)
    _add_updates(table, world)
    _add_conditions(table, world, events)

    def set_limits(args: Args) -> object:
        limits = replace(
            api.limits,
            enabled=args.flag("enabled", api.limits.enabled),
            scale=args.number("scale", api.limits.scale),
        )
        if limits.scale <= 0:
            raise ControlError("scale must be above 0")
        api.set_limits(limits)
        return show_limits(args)

    def show_limits(_: Args) -> object:
        return {"enabled": api.limits.enabled, "scale": api.limits.scale}

    def refuse_entities(args: Args) -> object:
        api.refuse_entities = args.integer("times")
        return True

    table.add("POST", "refuse_entities", refuse_entities)
    table.add("GET", "limits", show_limits)
    table.add("POST", "limits", set_limits)


def _add_people(table: ControlTable, world: TelegramWorld) -> None:
    def add_user(args: Args) -> object:
        person = world.add_user(
            args.text("name", ""),
            user_id=args.maybe_integer("id"),
            username=args.maybe_text("username"),
            language_code=args.text("language", "en"),
        )
        return person.as_json()

    def add_group(args: Args) -> object:
        chat = world.add_group(
            args.text("title", "Group"),
            [int(str(member)) for member in args.listing("members")],
            forum=args.flag("forum", False),
            kind=args.text("kind", "supergroup"),
            bot_admin=args.flag("bot_admin", False),
            chat_id=args.maybe_integer("id"),
        )
        return chat.as_json()

    def open_private(args: Args) -> object:
        return world.open_private(args.integer("user"), bot_id=args.maybe_integer("bot")).as_json()

    def add_topic(args: Args) -> object:
        thread = world.add_topic(
            args.integer("chat"), args.text("name", "Topic"), bot_id=args.maybe_integer("bot")
        )
        return {"message_thread_id": thread}

    table.add("POST", "users", add_user)
    table.add("POST", "private", open_private)
    table.add("POST", "groups", add_group)
    table.add("POST", "topics", add_topic)


def _sent(message: Message) -> JsonObject:
    return {"message_id": message.id, "chat": message.chat.id}


def _add_actions(table: ControlTable, people: TelegramPeople) -> None:
    def send(args: Args) -> JsonObject:
        message = people.send(
            args.integer("user"),
            args.text("text"),
            chat_id=args.maybe_integer("chat"),
            reply_to=args.maybe_integer("reply_to"),
            thread=args.maybe_integer("thread"),
            bot_id=args.maybe_integer("bot"),
        )
        return _sent(message)

    def send_many(args: Args) -> object:
        messages = args.listing("messages")
        if not all(isinstance(message, dict) for message in messages):
            raise ControlError("messages must be objects")
        return [send(Args(cast("JsonObject", message))) for message in messages]

    table.add("POST", "send", send)
    table.add("POST", "send_many", send_many)


def _add_changes(table: ControlTable, people: TelegramPeople) -> None:
    def edit(args: Args) -> object:
        message = people.edit(
            args.integer("user"),
            args.integer("message_id"),
            args.text("text"),
            chat_id=args.maybe_integer("chat"),
            bot_id=args.maybe_integer("bot"),
        )
        return _sent(message)

    def delete(args: Args) -> object:
        people.delete(
            args.integer("user"),
            args.integer("message_id"),
            chat_id=args.maybe_integer("chat"),
            bot_id=args.maybe_integer("bot"),
        )
        return True

    def press(args: Args) -> object:
        query_id = people.press(
            args.integer("user"),
            args.integer("message_id"),
            data=args.maybe_text("data"),
            label=args.maybe_text("label"),
            chat_id=args.maybe_integer("chat"),
            bot_id=args.maybe_integer("bot"),
        )
        return {"callback_query_id": query_id}

    def block(args: Args) -> object:
        people.block(
            args.integer("user"), blocked=args.flag("blocked", True), bot_id=args.maybe_integer("bot")
        )
        return True

    def kick(args: Args) -> object:
        people.kick(
            args.integer("chat"),
            kicked=args.flag("kicked", True),
            by=args.maybe_integer("by"),
            bot_id=args.maybe_integer("bot"),
        )
        return True

    table.add("POST", "edit", edit)
    table.add("POST", "delete", delete)
    table.add("POST", "press", press)
    table.add("POST", "block", block)
    table.add("POST", "kick", kick)


def _add_views(table: ControlTable, world: TelegramWorld) -> None:
    def bots(_: Args) -> object:
        return [
            {
                "id": bot.person.id,
                "username": bot.person.username,
                "pending": len(bot.updates),
                "polling": bot.updates.polling,
            }
            for bot in world.bots()
        ]

    def chats(args: Args) -> object:
        private = world.bot(args.maybe_integer("bot")).private
        return [
            {
                **chat.as_json(),
                "bot_messages": chat.bot_messages,
                "last_message_id": chat.last_id,
                "blocked": chat.blocked,
            }
            for chat in (*private.values(), *world.groups.values())
        ]

    def transcript(args: Args) -> object:
        chat = world.chat(args.integer("chat"), args.maybe_integer("bot"))
        after = args.maybe_integer("after") or 0
        return [message.as_transcript() for message in chat.messages.values() if message.id > after]

    def drafts(args: Args) -> object:
        chat = world.chat(args.integer("chat"), args.maybe_integer("bot"))
        return [
            {"thread": thread, "draft_id": number, "text": draft.text, "entities": draft.entities}
            for (thread, number), draft in chat.drafts.items()
        ]

    def commands(args: Args) -> object:
        found = world.bot(args.maybe_integer("bot")).commands
        return [one for listed in found.values() for one in listed]

    def reactions(args: Args) -> object:
        chat = world.chat(args.integer("chat"), args.maybe_integer("bot"))
        allowed = args.listing("allowed") if "allowed" in args.values else None
        chat.permitted_reactions = None if allowed is None else frozenset(map(str, allowed))
        return True

    table.add("GET", "drafts", drafts)
    table.add("GET", "commands", commands)
    table.add("POST", "reactions", reactions)
    table.add("GET", "bots", bots)
    table.add("GET", "chats", chats)
    table.add("GET", "transcript", transcript)


def _add_updates(table: ControlTable, world: TelegramWorld) -> None:
    def pending(args: Args) -> object:
        queue = world.bot(args.maybe_integer("bot")).updates
        return [cast("object", json.loads(update.encoded)) for update in queue.pending()]

    def push_raw(args: Args) -> object:
        queue = world.bot(args.maybe_integer("bot")).updates
        return {"update_id": queue.push_raw(args.mapping("update"))}

    def redeliver(args: Args) -> object:
        queue = world.bot(args.maybe_integer("bot")).updates
        update = queue.find(args.integer("update_id"))
        if update is None:
            raise ControlError("no such update, or it was confirmed too long ago", 404)
        queue.repeat([update])
        return True

    table.add("GET", "updates", pending)
    table.add("POST", "updates", push_raw)
    table.add("POST", "redeliver", redeliver)


def _add_conditions(table: ControlTable, world: TelegramWorld, events: EventLog) -> None:
    async def bot_messages(args: Args) -> object:
        chat_id, bot_id, count = args.integer("chat"), args.maybe_integer("bot"), args.integer("count")

        def probe() -> int | None:
            chat = world.maybe_chat(chat_id, bot_id)  # it may come to be while we wait
            have = 0 if chat is None else chat.bot_messages
            return have if have >= count else None

        return await events.until(probe)

    async def bot_text(args: Args) -> object:
        chat_id, bot_id, text = args.integer("chat"), args.maybe_integer("bot"), args.text("text")

        def probe() -> JsonObject | None:
            chat = world.maybe_chat(chat_id, bot_id)
            for message in () if chat is None else reversed(chat.messages.values()):
                if message.author.is_bot and not message.deleted and text in message.text:
                    return message.as_transcript()
            return None

        return await events.until(probe)

    async def pending(args: Args) -> object:
        queue, count = world.bot(args.maybe_integer("bot")).updates, args.integer("count")
        return await events.until(lambda: True if len(queue) == count else None)

    async def polling(args: Args) -> object:
        queue = world.bot(args.maybe_integer("bot")).updates
        return await events.until(lambda: queue.polling)

    table.add_condition("bot_messages", bot_messages)
    table.add_condition("bot_text", bot_text)
    table.add_condition("pending", pending)
    table.add_condition("polling", polling)
