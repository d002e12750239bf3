"""Web API methods about reactions. See https://docs.slack.dev/reference/methods/reactions.add."""

import re

from adapters.emulators.control import ControlError
from adapters.emulators.events import EventLog, JsonObject
from adapters.emulators.slack_api import Ask, Method, SlackApi
from adapters.emulators.slack_params import ApiError, micros
from adapters.emulators.slack_values import Channel, Message

MAX_EMOJI = 50  # different ones on one message
MAX_OF_ONE = 23  # of one user on one message
_EMOJI = re.compile(r"[a-z0-9_+'-]{1,100}(::skin-tone-[2-6])?\Z")


def _named(api: SlackApi, ask: Ask) -> tuple[Channel, Message, str]:
    name = ask.params.required("name").strip(":")
    channel, message = _message(api, ask)
    if channel.archived:
        raise ApiError("is_archived")
    if not _EMOJI.match(name):
        raise ApiError("invalid_name")
    return channel, message, name


def _message(api: SlackApi, ask: Ask) -> tuple[Channel, Message]:
    given, ts = ask.params.text("channel"), ask.params.text("timestamp")
    if not given or not ts:
        raise ApiError("no_item_specified")
    if micros(ts) is None:
        raise ApiError("bad_timestamp")
    channel = api.find_channel(given)
    if not channel.bot_in:
        raise ApiError("not_in_channel")
    message = channel.message(ts)
    if message is None:
        raise ApiError("message_not_found")
    return channel, message


def add(api: SlackApi, ask: Ask) -> JsonObject:
    channel, message, name = _named(api, ask)
    give(api.events, channel, message, api.world.bot.id, name)
    return {}


def give(events: EventLog, channel: Channel, message: Message, user: str, name: str) -> None:
    """A user reacts. Raises ApiError."""
    users = message.reactions.get(name, [])
    if user in users:
        raise ApiError("already_reacted")
    if sum(user in one for one in message.reactions.values()) >= MAX_OF_ONE:
        raise ApiError("too_many_reactions")
    if not users and len(message.reactions) >= MAX_EMOJI:
        raise ApiError("too_many_emoji")
    message.reactions.setdefault(name, []).append(user)
    _tell(events, channel, message, user, name, on=True)


def remove(api: SlackApi, ask: Ask) -> JsonObject:
    channel, message, name = _named(api, ask)
    take(api.events, channel, message, api.world.bot.id, name)
    return {}


def take(events: EventLog, channel: Channel, message: Message, user: str, name: str) -> None:
    """A user takes a reaction back. Raises ApiError."""
    users = message.reactions.get(name, [])
    if user not in users:
        raise ApiError("no_reaction")
    users.remove(user)
    if not users:
        del message.reactions[name]
    _tell(events, channel, message, user, name, on=False)


def get(api: SlackApi, ask: Ask) -> JsonObject:
    channel, message = _message(api, ask)
    return {"type": "message", "channel": channel.id, "message": message.as_json()}


def react(api: SlackApi, person: str, chat: str, ts: str, name: str, *, removed: bool = False) -> None:
    """What a person does. Raises ControlError."""
    channel, message = api.world.channel(chat), api.world.message(chat, ts)
    if person not in channel.members:
        raise ControlError(f"user {person} is not in channel {chat}")
    try:
        (take if removed else give)(api.events, channel, message, person, name)
    except ApiError as error:
        raise ControlError(str(error)) from None


def _tell(events: EventLog, channel: Channel, message: Message, user: str, name: str, *, on: bool) -> None:
    events.emit(
        "reaction",
        {"chat": channel.id, "message_id": message.ts, "user": user, "name": name, "on": on},
    )


METHODS = (
    Method("reactions.add", add, 3, ("reactions:write",)),
    Method("reactions.remove", remove, 2, ("reactions:write",)),
    Method("reactions.get", get, 3, ("reactions:read",)),
)
