"""Bot API methods that write to a chat."""

from adapters.emulators.events import JsonObject
from adapters.emulators.telegram_api import Ask, TelegramApi, method_table
from adapters.emulators.telegram_files import Media
from adapters.emulators.telegram_params import Params, bad_request, read_markup, read_text
from adapters.emulators.telegram_reactions import read_reactions
from adapters.emulators.telegram_values import Chat, Draft, Message

NOT_MODIFIED = (
    "message is not modified: specified new message content and reply markup are exactly the same as a "
    "current content and reply markup of the message"
)
_ACTIONS = frozenset(
    {
        "typing",
        "upload_photo",
        "record_video",
        "upload_video",
        "record_voice",
        "upload_voice",
        "record_audio",
        "upload_audio",
        "upload_document",
        "choose_sticker",
        "find_location",
        "pick_up_location",
        "record_video_note",
        "upload_video_note",
    }
)


def _thread(params: Params, chat: Chat) -> int | None:
    if "message_thread_id" not in params:
        return None
    thread = params.integer("message_thread_id")
    if thread == 0:
        return None
    if thread not in chat.topics:
        raise bad_request("message thread not found")
    return thread


def _reply_target(params: Params, chat: Chat) -> Message | None:
    asked = params.mapping("reply_parameters", "reply parameters") or {}
    number = Params(asked).integer("message_id") or params.integer("reply_to_message_id")
    if number == 0:
        return None
    target = chat.message(number)
    optional = asked.get("allow_sending_without_reply") is True or params.flag("allow_sending_without_reply")
    if target is None and not optional:
        raise bad_request("message to be replied not found")
    return target


def send_message(api: TelegramApi, ask: Ask) -> JsonObject:
    params = ask.params
    text, entities = read_text(params, "message is too long")
    markup = read_markup(params)
    params.mapping("link_preview_options", "link preview options")
    return post(api, ask, api.open_chat(ask), text, entities, markup)


def post(
    api: TelegramApi,
    ask: Ask,
    chat: Chat,
    text: str,
    entities: list[JsonObject],
    markup: JsonObject | None,
    media: Media | None = None,
) -> JsonObject:
    """Put a message into a chat: a text, or a file with its caption."""
    thread = _thread(ask.params, chat)
    target = _reply_target(ask.params, chat)
    if thread is None and target is not None and target.in_topic:
        thread = target.thread
    api.take_entities(entities)
    api.spend(ask.bot, chat)
    message = chat.append(
        ask.bot.person, text, entities, thread=thread, reply_to=target, markup=markup, media=media
    )
    for key in [key for key in chat.drafts if key[0] == thread]:  # the message takes their place
        del chat.drafts[key]
    api.events.emit("message", message.as_event())
    return message.as_json()


def send_message_draft(api: TelegramApi, ask: Ask) -> bool:
    text, entities = read_text(ask.params, "MESSAGE_TOO_LONG", optional=True)
    chat = api.open_chat(ask)
    if chat.kind != "private":
        raise bad_request("TEXTDRAFT_PEER_INVALID")
    thread = _thread(ask.params, chat)
    number = ask.params.integer("draft_id")
    if number == 0:
        raise bad_request("RANDOM_ID_INVALID")
    api.take_entities(entities)
    api.spend(ask.bot, chat)
    chat.drafts[thread, number] = Draft(text, entities)
    api.events.emit(
        "draft", {"chat": chat.id, "thread": thread, "draft_id": number, "text": text, "entities": entities}
    )
    return True


def edit_message_text(api: TelegramApi, ask: Ask) -> JsonObject:
    text, entities = read_text(ask.params, "MESSAGE_TOO_LONG")
    markup = read_markup(ask.params, inline_only=True)
    chat = api.open_chat(ask)
    message = api.own_message(ask, chat)
    if message.media is not None:
        raise bad_request("there is no text in the message to edit")
    return rewrite(api, ask, message, text, entities, markup)


def edit_message_reply_markup(api: TelegramApi, ask: Ask) -> JsonObject:
    markup = read_markup(ask.params, inline_only=True)
    message = api.own_message(ask, api.open_chat(ask))
    return rewrite(api, ask, message, message.text, message.entities, markup)


def rewrite(
    api: TelegramApi,
    ask: Ask,
    message: Message,
    text: str,
    entities: list[JsonObject],
    markup: JsonObject | None,
) -> JsonObject:
    api.take_entities(entities)
    api.spend(ask.bot, message.chat)
    if text == message.text and entities == message.entities and markup == message.markup:
        raise bad_request(NOT_MODIFIED)
    message.rewrite(text, entities, markup)
    api.events.emit("edit", message.as_event())
    return message.as_json()


def delete_message(api: TelegramApi, ask: Ask) -> bool:
    chat = api.open_chat(ask)
    message = chat.message(ask.params.integer("message_id"))
    if message is None:
        raise bad_request("message to delete not found")
    own = message.author.id == ask.bot.person.id
    if not own and chat.kind != "private" and ask.bot.person.id not in chat.admins:
        raise bad_request("message can't be deleted")
    message.deleted = True
    api.events.emit("delete", {"chat": chat.id, "message_id": message.id})
    return True


def set_message_reaction(api: TelegramApi, ask: Ask) -> bool:
    chat = api.open_chat(ask)
    number = ask.params.integer("message_id")
    message = chat.message(number)
    if message is None and number in chat.messages:
        raise bad_request("MESSAGE_ID_INVALID")  # it was there once
    if message is None:
        raise bad_request("message to react not found")
    reactions = read_reactions(ask.params, chat.permitted_reactions)
    if message.topic_name is not None:
        raise bad_request("REACTION_INVALID")
    if not reactions and not message.reactions:
        raise bad_request("REACTION_EMPTY")
    message.reactions = reactions
    api.events.emit("reaction", {"chat": chat.id, "message_id": message.id, "reaction": message.reactions})
    return True


def send_chat_action(api: TelegramApi, ask: Ask) -> bool:
    action = ask.params.text("action").lower()
    chat = api.open_chat(ask)
    thread = _thread(ask.params, chat)
    if action not in _ACTIONS:
        raise bad_request("wrong parameter action in request")
    api.events.emit("action", {"chat": chat.id, "action": action, "thread": thread})
    return True


def answer_callback_query(api: TelegramApi, ask: Ask) -> bool:
    query_id = ask.params.text("callback_query_id")
    if query_id not in ask.bot.callbacks:
        raise bad_request("query is too old and response timeout expired or query ID is invalid")
    ask.bot.callbacks[query_id] = False
    text = ask.params.text("text")
    if len(text) > 200:
        raise bad_request("MESSAGE_TOO_LONG")
    alert = ask.params.flag("show_alert")
    api.events.emit("callback_answer", {"callback_query_id": query_id, "text": text, "show_alert": alert})
    return True


METHODS = method_table(
    send_message,
    send_message_draft,
    edit_message_text,
    edit_message_reply_markup,
    delete_message,
    set_message_reaction,
    send_chat_action,
    answer_callback_query,
)
