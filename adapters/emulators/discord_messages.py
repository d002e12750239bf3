"""REST methods that write to a channel.

Sending with `enforce_nonce` is idempotent for a while: the author's message with that nonce in that channel
is answered instead of a second one being made.
"""

import unicodedata
from collections.abc import Sequence
from urllib.parse import unquote

from adapters.emulators.discord_api import Ask, DiscordApi, Route, route
from adapters.emulators.discord_files import Given, check_files
from adapters.emulators.discord_message import (
    DEFAULT,
    HAS_THREAD,
    REPLY,
    SUPPRESS_EMBEDS,
    WRITTEN,
    Message,
)
from adapters.emulators.discord_params import (
    ApiError,
    Body,
    form_error,
    read_components,
    read_content,
    read_nonce,
    snowflake,
)
from adapters.emulators.discord_values import DIRECT, Channel
from adapters.emulators.events import JsonObject

EMPTY = ApiError(400, 50006, "Cannot send an empty message")
MOST_REACTIONS = 20
_KEPT_FLAGS = SUPPRESS_EMBEDS | 1 << 12  # notifications


def read_fields(body: Body) -> JsonObject:
    """What a message may have beside its text, as far as the body names it. Raises ApiError."""
    fields: JsonObject = {}
    if "components" in body:
        fields["components"] = read_components(body)
    if "embeds" in body:
        embeds = body.listing("embeds")
        if len(embeds) > 10:
            raise form_error("embeds", "BASE_TYPE_MAX_LENGTH", "Must be 10 or fewer in length.")
        fields["embeds"] = embeds
    allowed = body.mapping("allowed_mentions")
    if allowed is not None:
        parse = allowed.listing("parse")
        if not set(map(str, parse)) <= {"everyone", "users", "roles"}:
            raise form_error("allowed_mentions.parse.0", "BASE_TYPE_CHOICES", "Value must be one of those.")
        fields["allowed_mentions"] = allowed.values
    return fields


def is_empty(content: str, fields: JsonObject) -> bool:
    return not content and not fields.get("embeds") and not fields.get("components")


def create_message(api: DiscordApi, ask: Ask) -> JsonObject:
    channel = api.open_channel(ask)
    body = ask.form
    content, fields, nonce = read_content(body), read_fields(body), read_nonce(body)
    _, files = check_files(ask.files, body, api.emulator.options.file_limit)
    if is_empty(content, fields) and not files:
        raise EMPTY
    if files and not channel.root.attach:
        raise ApiError(403, 50013, "Missing Permissions")
    target = _target(body, channel)
    if nonce is not None and body.flag("enforce_nonce"):
        made, at = channel.nonces.get(str(nonce), (None, 0.0))
        if made is not None and api.now - at <= api.emulator.options.nonce_seconds:
            api.events.emit("nonce", {**made.as_event(), "nonce": nonce})
            return made.as_json()
    api.wake(channel)
    message = api.world.append(
        channel,
        api.world.bot,
        content,
        kind=DEFAULT if target is None else REPLY,
        reference=target,
        nonce=nonce,
    )
    message.fields = fields
    message.files = api.emulator.files.keep(channel.id, files)
    message.flags = body.integer("flags") & _KEPT_FLAGS
    if nonce is not None:
        channel.nonces[str(nonce)] = (message, api.now)
    api.news.message(message)
    return message.as_json()


def _target(body: Body, channel: Channel) -> Message | None:
    """The message that is answered. Raises ApiError when it has to exist and does not."""
    reference = body.mapping("message_reference")
    if reference is None or reference.integer("type") != 0:
        return None
    number = snowflake(reference.values.get("message_id"), "message_reference.message_id")
    place = reference.values.get("channel_id")
    target = channel.messages.get(number)
    if not channel.root.history:
        raise ApiError(400, 160002, "Cannot reply without permission to read message history")
    if place is not None and snowflake(place, "message_reference.channel_id") != channel.id:
        target = None
    if target is not None and not target.deleted:
        if target.kind not in WRITTEN:
            raise form_error("message_reference", "REPLIES_CANNOT_REPLY_TO_SYSTEM_MESSAGE", "System message")
        return target
    if reference.values.get("fail_if_not_exists") is False:
        return None
    raise form_error("message_reference", "REPLIES_UNKNOWN_MESSAGE", "Unknown message")


def edit_message(api: DiscordApi, ask: Ask) -> JsonObject:
    channel = api.channel(ask)
    message = api.message(ask, channel)
    if message.author is not api.world.bot:
        raise ApiError(403, 50005, "Cannot edit a message authored by another user")
    if channel.kind == DIRECT:
        api.check_writable(channel)
    if channel.archived:
        raise ApiError(400, 50083, "Thread is archived")
    return rewrite(api, message, ask.form, ask.files)


def rewrite(api: DiscordApi, message: Message, body: Body, given: Sequence[Given] = ()) -> JsonObject:
    """Change what a body names of a message, and add files."""
    kept, files = check_files(given, body, api.emulator.options.file_limit, message.files)
    content = read_content(body) if "content" in body else message.content
    fields = read_fields(body)
    if is_empty(content, {**message.fields, **fields}) and not (kept or files):
        raise EMPTY
    flags = message.flags
    if "flags" in body:
        flags = flags & HAS_THREAD | body.integer("flags") & _KEPT_FLAGS
    store = api.emulator.files
    store.forget([one for one in message.files if one not in kept])
    message.files = (*kept, *store.keep(message.channel.id, files))
    message.rewrite(content, fields, flags)
    message.mentions = api.world.mentioned(content)
    api.news.edit(message)
    return message.as_json(nonce=False)


def delete_message(api: DiscordApi, ask: Ask) -> None:
    channel = api.channel(ask)
    message = api.message(ask, channel)
    if message.author is not api.world.bot:
        if channel.kind == DIRECT:
            raise ApiError(403, 50003, "Cannot execute action on a DM channel")
        raise ApiError(403, 50013, "Missing Permissions")
    if channel.archived:
        raise ApiError(400, 50083, "Thread is archived")
    message.deleted = True
    api.emulator.files.forget(message.files)
    api.news.delete(message)


def trigger_typing(api: DiscordApi, ask: Ask) -> None:
    channel = api.open_channel(ask)
    api.news.typing(channel, api.world.bot)


def create_reaction(api: DiscordApi, ask: Ask) -> None:
    _react(api, ask, added=True)


def delete_reaction(api: DiscordApi, ask: Ask) -> None:
    _react(api, ask, added=False)


def _react(api: DiscordApi, ask: Ask, *, added: bool) -> None:
    channel = api.channel(ask)
    message = api.message(ask, channel)
    emoji = unquote(ask.path["emoji"])
    if not _is_emoji(emoji):
        raise ApiError(400, 10014, "Unknown Emoji")
    if channel.archived:
        raise ApiError(400, 50083, "Thread is archived")
    users = message.reactions.get(emoji, set())
    if added:
        _check_reaction(api, message, emoji)
        users.add(api.world.bot.id)
        message.reactions[emoji] = users
    elif api.world.bot.id in users:
        users.discard(api.world.bot.id)
        if not users:
            del message.reactions[emoji]
    else:
        return
    api.news.reaction(message, api.world.bot, emoji, added=added)


def _check_reaction(api: DiscordApi, message: Message, emoji: str) -> None:
    """Whether the bot may put this one. Joining in where people have it needs no permission."""
    if emoji in message.reactions:
        return
    if not message.channel.root.react:
        raise ApiError(403, 50013, "Missing Permissions")
    direct = api.world.direct.get(message.author.id)
    if direct is not None and not direct.send:
        raise ApiError(403, 90001, "Reaction was blocked")
    if len(message.reactions) >= MOST_REACTIONS:
        raise ApiError(400, 30010, f"Maximum number of reactions reached ({MOST_REACTIONS})")


def _is_emoji(given: str) -> bool:
    """Signs as people type them; those of a guild's own, `name:id`, this emulator does not have."""
    return any(unicodedata.category(one) in {"So", "Sk", "Me"} for one in given) and not any(
        unicodedata.category(one).startswith(("L", "Z", "C")) and one != "\u200d" for one in given
    )


_MESSAGE = "/channels/{channel}/messages/{message}"

ROUTES: list[Route] = [
    route("POST", "/channels/{channel}/messages", "createMessage", create_message, "messages"),
    route("PATCH", _MESSAGE, "editMessage", edit_message, "edits"),
    route("DELETE", _MESSAGE, "deleteMessage", delete_message, "deletes"),
    route("POST", "/channels/{channel}/typing", "triggerTyping", trigger_typing, "typing"),
    route("PUT", _MESSAGE + "/reactions/{emoji}/@me", "createReaction", create_reaction, "reactions"),
    route("DELETE", _MESSAGE + "/reactions/{emoji}/@me", "deleteReaction", delete_reaction, "reactions"),
]
