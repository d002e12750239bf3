"""REST methods that read places and open new ones: channels, their history, threads, direct chats."""

from adapters.emulators.discord_api import Ask, Created, DiscordApi, Route, route
from adapters.emulators.discord_message import HAS_THREAD, THREAD_CREATED, THREAD_STARTER, WRITTEN, Message
from adapters.emulators.discord_params import ApiError, bad_choice, form_error, snowflake
from adapters.emulators.discord_values import TEXT, THREAD, Channel, User
from adapters.emulators.discord_world import DiscordWorld
from adapters.emulators.events import JsonObject


def get_channel(api: DiscordApi, ask: Ask) -> JsonObject:
    return api.channel(ask).as_json()


def get_channel_messages(api: DiscordApi, ask: Ask) -> list[JsonObject]:
    """Newest first. `after` gives the messages next to that id, not the newest ones of the channel."""
    channel = api.channel(ask)
    try:
        limit = int(ask.query.get("limit", "50"))
    except ValueError:
        limit = 0
    if not 1 <= limit <= 100:
        raise form_error("limit", "NUMBER_TYPE_MAX", "int value should be between 1 and 100.")
    before, after, around = ask.maybe_id("before"), ask.maybe_id("after"), ask.maybe_id("around")
    if sum(one is not None for one in (before, after, around)) > 1:
        raise form_error("before", "MUTUALLY_EXCLUSIVE", "Only one of around, before, after may be passed.")
    if not channel.root.history:
        return []
    found = [one for one in channel.messages.values() if not one.deleted]
    if after is not None:
        found = [one for one in found if one.id > after][:limit]
    elif around is not None:
        found = _around(found, around, limit)
    else:
        found = [one for one in found if before is None or one.id < before][-limit:]
    nonce = api.emulator.options.history_nonce
    return [one.as_json(nonce=nonce) for one in reversed(found)]


def _around(found: list[Message], middle: int, limit: int) -> list[Message]:
    older = [one for one in found if one.id < middle]
    newer = [one for one in found if one.id >= middle]
    return older[-(limit // 2) or len(older) :] + newer[: limit - limit // 2]


def get_channel_message(api: DiscordApi, ask: Ask) -> JsonObject:
    channel = api.channel(ask)
    return api.message(ask, channel).as_json(nonce=api.emulator.options.history_nonce)


def make_thread(
    world: DiscordWorld, parent: Channel, name: str, owner: User, starter: Message | None
) -> tuple[Channel, Message]:
    """A thread and the platform's own message about it, which the bot is still to be told of."""
    thread = world.add_thread(parent, name, owner, starter)
    if starter is None:
        return thread, world.append(parent, owner, name, kind=THREAD_CREATED)
    starter.thread = thread
    starter.flags |= HAS_THREAD
    return thread, world.append(thread, owner, "", kind=THREAD_STARTER, reference=starter)


def _start(api: DiscordApi, ask: Ask, starter: Message | None, channel: Channel) -> Created:
    if channel.kind != TEXT:
        raise ApiError(400, 50024, "Cannot execute action on this channel type")
    name = ask.form.sized("name", 1, 100)
    if ask.form.integer("auto_archive_duration", 1440) not in {60, 1440, 4320, 10080}:
        raise bad_choice("auto_archive_duration", (60, 1440, 4320, 10080))
    thread, notice = make_thread(api.world, channel, name, api.world.bot, starter)
    api.news.thread(thread, "CREATE")
    api.news.message(notice)
    return Created(thread.as_json())


def start_thread(api: DiscordApi, ask: Ask) -> Created:
    channel = api.open_channel(ask)
    message = api.message(ask, channel)
    if message.thread is not None:
        raise ApiError(400, 160004, "A thread has already been created for this message")
    if message.kind not in WRITTEN:
        raise ApiError(400, 50068, "Invalid message type")
    return _start(api, ask, message, channel)


def start_thread_alone(api: DiscordApi, ask: Ask) -> Created:
    """Without a message; a thread of no type given would be private, which this emulator does not have."""
    channel = api.open_channel(ask)
    if ask.form.integer("type", 12) != THREAD:
        raise bad_choice("type", (THREAD,))
    return _start(api, ask, None, channel)


def modify_channel(api: DiscordApi, ask: Ask) -> JsonObject:
    """Of a thread, its name and whether it is archived or locked."""
    channel = api.open_channel(ask)
    if channel.kind != THREAD:
        raise ApiError(403, 50013, "Missing Permissions")
    if "name" in ask.form:
        channel.name = ask.form.sized("name", 1, 100)
    if "locked" in ask.form:
        channel.locked = ask.form.flag("locked")
    if "archived" in ask.form:
        channel.archived = ask.form.flag("archived")
    api.news.thread(channel, "UPDATE")
    return channel.as_json()


def list_archived_threads(api: DiscordApi, ask: Ask) -> JsonObject:
    channel = api.channel(ask)
    found = [one for one in api.world.channels.values() if one.parent is channel and one.archived]
    found.sort(key=lambda one: one.id, reverse=True)
    return {"threads": [one.as_json() for one in found], "members": [], "has_more": False}


def join_thread(api: DiscordApi, ask: Ask) -> None:
    channel = api.channel(ask)
    if channel.kind != THREAD:
        raise ApiError(400, 50024, "Cannot execute action on this channel type")


def create_dm(api: DiscordApi, ask: Ask) -> JsonObject:
    given = ask.form.values.get("recipient_id")
    user = api.world.people.get(snowflake(given, "recipient_id"))
    if user is None:
        raise ApiError(400, 50033, "Invalid Recipient(s)")
    return api.world.open_direct(user.id).as_json()


def get_guild(api: DiscordApi, ask: Ask) -> JsonObject:
    return api.guild(ask).as_json()


def get_guild_channels(api: DiscordApi, ask: Ask) -> list[JsonObject]:
    return [one.as_json() for one in api.guild(ask).channels.values() if one.kind == TEXT]


def list_active_threads(api: DiscordApi, ask: Ask) -> JsonObject:
    threads = api.guild(ask).threads()
    own = [one.as_thread_member() for one in threads if one.owner is api.world.bot]
    return {"threads": [one.as_json() for one in threads], "members": own}


def get_guild_member(api: DiscordApi, ask: Ask) -> JsonObject:
    user = api.guild(ask).members.get(ask.id("user"))
    if user is None:
        raise ApiError(404, 10007, "Unknown Member")
    return {"user": user.as_json(), **user.as_member()}


_CHANNEL = "/channels/{channel}"

ROUTES: list[Route] = [
    route("GET", _CHANNEL, "getChannel", get_channel),
    route("PATCH", _CHANNEL, "modifyChannel", modify_channel),
    route("GET", _CHANNEL + "/messages", "getChannelMessages", get_channel_messages, "history"),
    route("GET", _CHANNEL + "/messages/{message}", "getChannelMessage", get_channel_message, "history"),
    route("POST", _CHANNEL + "/messages/{message}/threads", "startThread", start_thread, "threads"),
    route("POST", _CHANNEL + "/threads", "startThread", start_thread_alone, "threads"),
    route("GET", _CHANNEL + "/threads/archived/public", "listArchivedThreads", list_archived_threads),
    route("PUT", _CHANNEL + "/thread-members/@me", "joinThread", join_thread),
    route("POST", "/users/@me/channels", "createDM", create_dm),
    route("GET", "/guilds/{guild}", "getGuild", get_guild),
    route("GET", "/guilds/{guild}/channels", "getGuildChannels", get_guild_channels),
    route("GET", "/guilds/{guild}/threads/active", "listActiveThreads", list_active_threads),
    route("GET", "/guilds/{guild}/members/{user}", "getGuildMember", get_guild_member),
]
