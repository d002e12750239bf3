"""Interactions: buttons pressed and commands given by people, and how the bot answers them.

Each is answered once, within three seconds; after that its token serves for fifteen minutes to change the
answer and to add more.
"""

import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from adapters.emulators.discord_api import Ask, DiscordApi, Route, route
from adapters.emulators.discord_files import check_files
from adapters.emulators.discord_message import COMMAND, EPHEMERAL, LOADING, Message
from adapters.emulators.discord_messages import EMPTY, is_empty, read_fields, rewrite
from adapters.emulators.discord_params import ApiError, Body, bad_choice, form_error, read_content
from adapters.emulators.discord_values import EVERYONE, Channel, User
from adapters.emulators.events import JsonObject

if TYPE_CHECKING:
    from adapters.emulators.discord import DiscordEmulator

PRESS, SLASH = 3, 2  # types of interactions
KEEP = 10_000


@dataclass(slots=True)
class Interaction:
    """`answer` is the callback's type, 0 until there is one; `original` the message that it made."""

    id: int
    token: str
    kind: int
    channel: Channel
    user: User
    at: float
    message: Message | None = None
    answer: int = 0
    original: Message | None = None
    follow_ups: dict[int, Message] = field(default_factory=dict[int, Message])


class Interactions:
    """Those of late. Times are the emulator's clock."""

    def __init__(self, emulator: "DiscordEmulator") -> None:
        self._emulator = emulator
        self._known: dict[int, Interaction] = {}

    def begin(
        self, kind: int, channel: Channel, user: User, data: JsonObject, message: Message | None = None
    ) -> Interaction:
        """Tell the bot of a new one."""
        world = self._emulator.world
        now = self._emulator.options.clock()
        made = Interaction(
            world.snowflakes.next(), secrets.token_urlsafe(48), kind, channel, user, now, message
        )
        self._known[made.id] = made
        if len(self._known) > KEEP:
            del self._known[next(iter(self._known))]
        if not self._emulator.options.interactions_endpoint:
            self._emulator.news.interaction(self._as_json(made, data), channel)
        return made

    def find(self, interaction_id: int, token: str) -> Interaction | None:
        found = self._known.get(interaction_id)
        return found if found is not None and secrets.compare_digest(found.token, token) else None

    def by_token(self, token: str) -> Interaction | None:
        return next((one for one in self._known.values() if one.token == token), None)

    def whispered(self, user_id: int) -> list[Message]:
        """What the bot said that this person alone sees."""
        found = [one for one in self._known.values() if one.user.id == user_id]
        said = [each for one in found for each in (one.original, *one.follow_ups.values())]
        return [one for one in said if one is not None and one.flags & EPHEMERAL and not one.deleted]

    def _as_json(self, made: Interaction, data: JsonObject) -> JsonObject:
        channel, guild = made.channel, made.channel.guild
        shown: JsonObject = {
            "id": str(made.id),
            "application_id": str(self._emulator.world.application_id),
            "type": made.kind,
            "token": made.token,
            "version": 1,
            "data": data,
            "channel_id": str(channel.id),
            "channel": channel.as_json(),
            "app_permissions": str(channel.permissions()),
            "locale": "en-US",
            "entitlements": [],
            "entitlement_sku_ids": [],
            "authorizing_integration_owners": {"0": str(guild.id) if guild is not None else "0"},
            "context": 1 if guild is None else 0,
            "attachment_size_limit": self._emulator.options.file_limit,
        }
        if guild is None:
            shown["user"] = made.user.as_json()
        else:
            member = {**made.user.as_member(), "user": made.user.as_json(), "permissions": str(EVERYONE)}
            shown |= {"guild_id": str(guild.id), "guild_locale": "en-US", "member": member}
            shown["guild"] = {"id": str(guild.id), "locale": "en-US", "features": []}
        if made.message is not None:
            shown["message"] = made.message.as_json(nonce=False)
        return shown


def interaction_callback(api: DiscordApi, ask: Ask) -> JsonObject | None:
    found = api.emulator.interactions.find(ask.id("interaction"), ask.path["token"])
    if found is None or (not found.answer and api.now - found.at > api.emulator.options.interaction_seconds):
        raise ApiError(404, 10062, "Unknown interaction")
    if found.answer:
        raise ApiError(400, 40060, "Interaction has already been acknowledged.")
    kind = ask.form.integer("type")
    if kind not in (4, 5, 6, 7) or (kind in (6, 7) and found.kind != PRESS):
        raise bad_choice("type", (4, 5, 6, 7) if found.kind == PRESS else (4, 5))
    data = ask.form.mapping("data") or Body({})
    message = _answer(api, ask, found, kind, data)
    found.answer = kind
    seen: JsonObject = {
        "interaction": str(found.id),
        "chat": str(found.channel.root.id),
        "user": str(found.user.id),
        "answer": kind,
        "text": "" if message is None else message.content,
        "ephemeral": bool(message is not None and message.flags & EPHEMERAL),
    }
    api.events.emit("interaction_answer", seen)
    if ask.query.get("with_response") not in {"1", "true"}:
        return None
    return _resource(found, kind, message)


def _answer(api: DiscordApi, ask: Ask, found: Interaction, kind: int, data: Body) -> Message | None:
    if kind == 4:
        found.original = _write(api, ask, found, data)
    elif kind == 5:
        found.original = _write(api, ask, found, data, loading=True)
    elif kind == 7 and found.message is not None:
        rewrite(api, found.message, data)
        found.original = found.message
    else:
        found.original = found.message
    return found.original


def _write(
    api: DiscordApi,
    ask: Ask,
    found: Interaction,
    data: Body,
    *,
    loading: bool = False,
    follow_up: bool = False,
) -> Message:
    """A message of the bot as the answer; one that only the user sees is kept out of the channel."""
    content, fields = read_content(data, path="data.content"), read_fields(data)
    _, files = check_files(ask.files, data, api.emulator.options.file_limit)
    if not loading and is_empty(content, fields) and not files:
        raise EMPTY
    kind = COMMAND if found.kind == SLASH and not follow_up else 0
    ephemeral = data.integer("flags") & EPHEMERAL
    fields["webhook"] = str(api.world.application_id)
    if ephemeral:
        message = Message(api.world.snowflakes.next(), found.channel, api.world.bot, content, kind)
    else:
        message = api.world.append(found.channel, api.world.bot, content, kind=kind)
    message.fields = fields
    message.files = api.emulator.files.keep(found.channel.id, files)
    message.flags = ephemeral | (LOADING if loading else 0)
    if not ephemeral:
        api.news.message(message)
    return message


def _resource(found: Interaction, kind: int, message: Message | None) -> JsonObject:
    shown: JsonObject = {
        "id": str(found.id),
        "type": found.kind,
        "channel_id": str(found.channel.id),
        "guild_id": None if found.channel.guild is None else str(found.channel.guild.id),
    }
    if kind == 6 or message is None:
        return {"interaction": shown}
    shown |= {
        "response_message_id": str(message.id),
        "response_message_loading": bool(message.flags & LOADING),
        "response_message_ephemeral": bool(message.flags & EPHEMERAL),
    }
    return {"interaction": shown, "resource": {"type": kind, "message": message.as_json(nonce=False)}}


def _by_token(api: DiscordApi, ask: Ask) -> Interaction:
    found = api.emulator.interactions.by_token(ask.path["token"])
    if found is None or ask.id("application") != api.world.application_id or not found.answer:
        raise ApiError(404, 10015, "Unknown Webhook")
    if api.now - found.at > api.emulator.options.token_seconds:
        raise ApiError(401, 50027, "Invalid Webhook Token")
    return found


def _named(api: DiscordApi, ask: Ask) -> Message:
    found = _by_token(api, ask)
    if ask.path["message"] == "@original":
        message = found.original
    else:
        number = ask.id("message")
        own = found.original if found.original is not None and found.original.id == number else None
        message = own or found.follow_ups.get(number)
    if message is None or message.deleted:
        raise ApiError(404, 10008, "Unknown Message")
    return message


def create_follow_up(api: DiscordApi, ask: Ask) -> JsonObject:
    found = _by_token(api, ask)
    message = _write(api, ask, found, ask.form, follow_up=True)
    found.follow_ups[message.id] = message
    return message.as_json(nonce=False)


def get_answer(api: DiscordApi, ask: Ask) -> JsonObject:
    return _named(api, ask).as_json(nonce=False)


def edit_answer(api: DiscordApi, ask: Ask) -> JsonObject:
    message = _named(api, ask)
    if message.deleted or message.author is not api.world.bot:
        raise form_error("message", "UNKNOWN", "Unknown message")
    message.flags &= ~LOADING
    return rewrite(api, message, ask.form)


def delete_answer(api: DiscordApi, ask: Ask) -> None:
    message = _named(api, ask)
    message.deleted = True
    if not message.flags & EPHEMERAL:
        api.news.delete(message)


_CALLBACK = "/interactions/{interaction}/{token}/callback"
_HOOK = "/webhooks/{application}/{token}"
_HOOKED = _HOOK + "/messages/{message}"

ROUTES: list[Route] = [
    route("POST", _CALLBACK, "interactionCallback", interaction_callback, "callbacks", is_open=True),
    route("POST", _HOOK, "createFollowup", create_follow_up, "webhooks", is_open=True),
    route("GET", _HOOKED, "getInteractionResponse", get_answer, "webhooks", is_open=True),
    route("PATCH", _HOOKED, "editInteractionResponse", edit_answer, "webhooks", is_open=True),
    route("DELETE", _HOOKED, "deleteInteractionResponse", delete_answer, "webhooks", is_open=True),
]
