"""What happens on this Discord, told to the bot by the gateway and to tests by the log of events.

The bot hears nothing of places that it does not see.
"""

import time
from collections.abc import Sequence

from adapters.emulators.discord_message import Message
from adapters.emulators.discord_sessions import (
    DIRECT_MESSAGES,
    DIRECT_REACTIONS,
    DIRECT_TYPING,
    GUILD_MESSAGES,
    GUILD_REACTIONS,
    GUILD_TYPING,
    GUILDS,
    Dispatch,
    Sessions,
)
from adapters.emulators.discord_values import Channel, Guild, User
from adapters.emulators.events import EventLog, JsonObject


class DiscordNews:
    """One method for each thing that happens; call it once the world has changed."""

    def __init__(self, sessions: Sessions, events: EventLog) -> None:
        self._sessions = sessions
        self._events = events

    def message(self, message: Message) -> None:
        self.tell_message(message)
        self._events.emit("message", message.as_event())

    def tell_message(self, message: Message) -> None:
        """Tell the bot alone, for instance once more."""
        self._tell_message("MESSAGE_CREATE", message)

    def edit(self, message: Message) -> None:
        self.tell_change(message)
        self._events.emit("edit", message.as_event())

    def tell_change(self, message: Message) -> None:
        """Tell the bot alone that something about a message is otherwise, like a preview of its links."""
        self._tell_message("MESSAGE_UPDATE", message)

    def delete(self, message: Message) -> None:
        channel = message.channel
        data: JsonObject = {"id": str(message.id), "channel_id": str(channel.id), **_guild_id(channel)}
        self._tell(channel, "MESSAGE_DELETE", data, (GUILD_MESSAGES, DIRECT_MESSAGES))
        self._events.emit("delete", message.as_event())

    def purge(self, channel: Channel, messages: Sequence[Message]) -> None:
        """Many at once, as a moderator does."""
        ids = [str(one.id) for one in messages]
        data: JsonObject = {"ids": ids, "channel_id": str(channel.id), **_guild_id(channel)}
        self._tell(channel, "MESSAGE_DELETE_BULK", data, (GUILD_MESSAGES, DIRECT_MESSAGES))
        for one in messages:
            self._events.emit("delete", one.as_event())

    def typing(self, channel: Channel, user: User) -> None:
        data: JsonObject = {
            "channel_id": str(channel.id),
            "user_id": str(user.id),
            "timestamp": int(time.time()),
            **_guild_id(channel),
        }
        if channel.guild is not None:
            data["member"] = {"user": user.as_json(), **user.as_member()}
        self._tell(channel, "TYPING_START", data, (GUILD_TYPING, DIRECT_TYPING))
        if user.bot:
            thread = str(channel.id) if channel.parent is not None else ""
            self._events.emit("action", {"chat": str(channel.root.id), "thread": thread, "action": "typing"})

    def reaction(self, message: Message, user: User, emoji: str, *, added: bool) -> None:
        channel = message.channel
        data: JsonObject = {
            "user_id": str(user.id),
            "channel_id": str(channel.id),
            "message_id": str(message.id),
            "emoji": {"id": None, "name": emoji},
            "burst": False,
            "type": 0,
            **_guild_id(channel),
        }
        if added:
            data["message_author_id"] = str(message.author.id)
            if channel.guild is not None:
                data["member"] = {"user": user.as_json(), **user.as_member()}
        name = "MESSAGE_REACTION_ADD" if added else "MESSAGE_REACTION_REMOVE"
        self._tell(channel, name, data, (GUILD_REACTIONS, DIRECT_REACTIONS))
        seen = {**message.as_event(), "user": str(user.id), "emoji": emoji, "added": added}
        self._events.emit("reaction", seen)

    def thread(self, thread: Channel, change: str) -> None:
        """`change` is CREATE, UPDATE or DELETE."""
        data = thread.as_json()
        if change == "CREATE":
            data["newly_created"] = True
        if change == "DELETE":
            data = {name: data[name] for name in ("id", "guild_id", "parent_id", "type")}
        self._tell(thread, f"THREAD_{change}", data, (GUILDS, GUILDS))
        seen = {"chat": str(thread.root.id), "thread": str(thread.id), "change": change.lower()}
        self._events.emit("thread", seen)

    def channel(self, channel: Channel, change: str) -> None:
        """`change` is CREATE, UPDATE or DELETE. A channel that is hidden now is told of once more."""
        if channel.guild is not None and channel.guild.bot_in:
            self._sessions.tell(
                Dispatch(f"CHANNEL_{change}", channel.as_json(), GUILDS, chat=str(channel.id))
            )
        self._events.emit("channel", {"chat": str(channel.id), "change": change.lower()})

    def threads_of(self, channel: Channel) -> None:
        """The bot has come to see a channel and learns of its threads."""
        guild = channel.guild
        if guild is None:
            return
        threads = [one for one in guild.threads() if one.parent is channel]
        data: JsonObject = {
            "guild_id": str(guild.id),
            "channel_ids": [str(channel.id)],
            "threads": [one.as_json() for one in threads],
            "members": [one.as_thread_member() for one in threads if one.owner is channel.bot],
        }
        self._tell(channel, "THREAD_LIST_SYNC", data, (GUILDS, GUILDS))

    def guild_joined(self, guild: Guild, bot: User) -> None:
        self._sessions.tell(Dispatch("GUILD_CREATE", guild.as_created(bot), GUILDS))
        self._events.emit("guild", {"guild": str(guild.id), "bot_in": True})

    def guild_left(self, guild: Guild) -> None:
        """The bot was thrown out; a guild that is merely away would carry `unavailable`."""
        self._sessions.tell(Dispatch("GUILD_DELETE", {"id": str(guild.id)}, GUILDS))
        self._events.emit("guild", {"guild": str(guild.id), "bot_in": False})

    def interaction(self, data: JsonObject, channel: Channel) -> None:
        self._sessions.tell(Dispatch("INTERACTION_CREATE", data, chat=str(channel.root.id)))

    def _tell_message(self, name: str, message: Message) -> None:
        channel = message.channel
        if not channel.visible:
            return
        data = message.as_told()
        intent = DIRECT_MESSAGES if channel.guild is None else GUILD_MESSAGES
        bare: JsonObject | None = None
        if channel.guild is not None and not message.author.bot and channel.bot not in message.mentions:
            hidden: JsonObject = {"content": "", "embeds": [], "attachments": [], "components": []}
            bare = {name: one for name, one in data.items() if name != "message_snapshots"} | hidden
        self._sessions.tell(
            Dispatch(name, data, intent, bare, chat=str(channel.root.id), text=message.content)
        )

    def _tell(self, channel: Channel, name: str, data: JsonObject, intents: tuple[int, int]) -> None:
        if channel.visible:
            intent = intents[channel.guild is None]
            self._sessions.tell(Dispatch(name, data, intent, chat=str(channel.root.id)))


def _guild_id(channel: Channel) -> JsonObject:
    return {} if channel.guild is None else {"guild_id": str(channel.guild.id)}
