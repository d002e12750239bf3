"""Who exists on this Discord: one bot with its application, people, guilds, channels.

The world changes here and nowhere else; telling the bot of it is `discord_news`.
"""

import base64
import re
from collections.abc import Iterable

from adapters.emulators.control import ControlError
from adapters.emulators.discord_message import DEFAULT, Message
from adapters.emulators.discord_values import (
    DIRECT,
    TEXT,
    THREAD,
    Channel,
    Guild,
    Snowflakes,
    User,
)

BOT_ID = 1_100_000_000_000_004_242
_MENTION = re.compile(r"<@!?(\d{1,20})>")
_TOKEN = re.compile(r"[A-Za-z0-9_-]{8,40}\.[A-Za-z0-9_-]{4,10}\.[A-Za-z0-9_-]{10,80}\Z")


def token_of(bot_id: int) -> str:
    """A token of valid shape: its first part is the bot's id."""
    head = base64.urlsafe_b64encode(str(bot_id).encode()).decode().rstrip("=")
    return f"{head}.GEmulA.a-token-of-valid-shape-for-tests"


def bot_of(token: str) -> int | None:
    """The id in a token; None for what no token looks like."""
    if not _TOKEN.match(token):
        return None
    head = token.partition(".")[0]
    try:
        named = base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)).decode()
    except ValueError:
        return None
    return int(named) if named.isascii() and named.isdigit() else None


class DiscordWorld:
    """The bot, people, guilds and channels. Raises ControlError for what does not exist."""

    def __init__(self, bot_id: int = BOT_ID, name: str = "Carryon") -> None:
        self.snowflakes = Snowflakes()
        self.bot = User(bot_id, name, bot=True)
        self.application_id = bot_id  # as of every application made since 2021
        self.owner = User(self.snowflakes.next(), "Owner")
        self.people: dict[int, User] = {}
        self.guilds: dict[int, Guild] = {}
        self.channels: dict[int, Channel] = {}
        self.direct: dict[int, Channel] = {}

    def add_person(self, name: str = "") -> User:
        user = User(self.snowflakes.next(), name or f"User {len(self.people) + 1}")
        self.people[user.id] = user
        return user

    def person(self, user_id: int) -> User:
        user = self.people.get(user_id)
        if user is None:
            raise ControlError(f"no person {user_id}", 404)
        return user

    def add_guild(self, name: str = "Guild", members: Iterable[int] = ()) -> Guild:
        """A guild of its owner, these people and the bot, without channels."""
        guild = Guild(self.snowflakes.next(), name)
        known = [self.owner, self.bot, *(self.person(one) for one in members)]
        guild.members = {user.id: user for user in known}
        self.guilds[guild.id] = guild
        return guild

    def add_channel(self, guild: Guild, name: str = "general") -> Channel:
        channel = Channel(self.snowflakes.next(), TEXT, self.bot, name, guild)
        self._keep(channel)
        return channel

    def add_thread(self, parent: Channel, name: str, owner: User, starter: Message | None = None) -> Channel:
        """A public thread; made from a message it has that message's id."""
        thread_id = starter.id if starter is not None else self.snowflakes.next()
        thread = Channel(thread_id, THREAD, self.bot, name, parent.guild, parent=parent, owner=owner)
        self._keep(thread)
        return thread

    def open_direct(self, user_id: int) -> Channel:
        """The direct chat of a person with the bot."""
        channel = self.direct.get(user_id)
        if channel is None:
            channel = Channel(self.snowflakes.next(), DIRECT, self.bot, user=self.person(user_id))
            self.direct[user_id] = self.channels[channel.id] = channel
        return channel

    def drop_channel(self, channel: Channel) -> None:
        """Delete a channel and its threads."""
        for one in [kept for kept in self.channels.values() if kept.root is channel or kept is channel]:
            one.deleted = True
            del self.channels[one.id]
            if one.guild is not None:
                del one.guild.channels[one.id]

    def guild(self, guild_id: int) -> Guild:
        guild = self.guilds.get(guild_id)
        if guild is None:
            raise ControlError(f"no guild {guild_id}", 404)
        return guild

    def channel(self, channel_id: int) -> Channel:
        channel = self.channels.get(channel_id)
        if channel is None:
            raise ControlError(f"no channel {channel_id}", 404)
        return channel

    def message(self, channel: Channel, message_id: int) -> Message:
        message = channel.messages.get(message_id)
        if message is None or message.deleted:
            raise ControlError(f"no message {message_id} in channel {channel.id}", 404)
        return message

    def append(
        self,
        channel: Channel,
        author: User,
        content: str,
        *,
        kind: int = DEFAULT,
        reference: Message | None = None,
        nonce: str | int | None = None,
    ) -> Message:
        """A new message at the end of a channel."""
        message = Message(
            self.snowflakes.next(), channel, author, content, kind, nonce, self.mentioned(content), reference
        )
        channel.messages[message.id] = message
        channel.last_message_id = message.id
        return message

    def mentioned(self, content: str) -> tuple[User, ...]:
        """The users that a text names, each once."""
        found: dict[int, User] = {}
        for number in _MENTION.findall(content):
            user = self.bot if int(number) == self.bot.id else self.people.get(int(number))
            if user is not None:
                found[user.id] = user
        return tuple(found.values())

    def _keep(self, channel: Channel) -> None:
        assert channel.guild is not None
        self.channels[channel.id] = channel
        channel.guild.channels[channel.id] = channel
