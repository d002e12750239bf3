"""What the methods of the REST API share; the methods are functions in the `discord_*_methods` modules.

An effect is synchronous, so a call has happened entirely or not at all. Refusals are ApiError with the
platform's codes. See https://discord.com/developers/docs/topics/opcodes-and-status-codes#json.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from adapters.emulators.calls import Call
from adapters.emulators.discord_files import Given
from adapters.emulators.discord_limits import Buckets, Limits
from adapters.emulators.discord_message import Message
from adapters.emulators.discord_params import ApiError, Body, snowflake
from adapters.emulators.discord_values import DIRECT, THREAD, Channel, Guild
from adapters.emulators.events import JsonObject

if TYPE_CHECKING:
    from adapters.emulators.discord import DiscordEmulator


@dataclass(frozen=True, slots=True)
class Created:
    """A result that is answered with 201."""

    value: object


@dataclass(frozen=True, slots=True)
class Ask:
    """One call as a method sees it: what its path names, its query, its body, the files that came with it."""

    path: Mapping[str, str]
    query: Mapping[str, str]
    body: object
    call: Call
    files: tuple[Given, ...] = ()

    @property
    def form(self) -> Body:
        """The body, which has to be an object."""
        if not isinstance(self.body, dict):
            raise ApiError(400, 50035, "Invalid Form Body")
        return Body(self.body)  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]

    def id(self, name: str) -> int:
        return snowflake(self.path[name], f"{name}_id")

    def maybe_id(self, name: str) -> int | None:
        """An id in the query."""
        return snowflake(self.query[name], name) if name in self.query else None


Method = Callable[["DiscordApi", Ask], object]


@dataclass(frozen=True, slots=True)
class Route:
    """A verb and a path, the name of its method in logs, its bucket, and whether it needs the token."""

    verb: str
    pattern: re.Pattern[str]
    name: str
    method: Method
    bucket: str
    open: bool


def route(
    verb: str, path: str, name: str, method: Method, bucket: str = "", *, is_open: bool = False
) -> Route:
    """`{channel}` in a path stands for one part of it."""
    pattern = re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path) + r"\Z")
    return Route(verb, pattern, name, method, bucket or name, is_open)


class DiscordApi:
    """What the methods share: the world, the news, the limits, and looking things up."""

    def __init__(self, emulator: "DiscordEmulator", limits: Limits) -> None:
        self.emulator = emulator
        self.world = emulator.world
        self.news = emulator.news
        self.events = emulator.events
        self.commands: dict[int, list[JsonObject]] = {}  # of a guild, or of all (0)
        self.creates: dict[int, tuple[int, float]] = {}  # commands made there, until when they count
        self.set_limits(limits)

    def set_limits(self, limits: Limits) -> None:
        """Change the limits from now on; what was spent is forgotten."""
        self.limits = limits
        self.buckets = Buckets(limits)

    @property
    def now(self) -> float:
        return self.emulator.options.clock()

    def channel(self, ask: Ask) -> Channel:
        """The channel in the path, when the bot sees it."""
        channel = self.world.channels.get(ask.id("channel"))
        if channel is None:
            raise ApiError(404, 10003, "Unknown Channel")
        if not channel.visible:
            raise ApiError(403, 50001, "Missing Access")
        return channel

    def open_channel(self, ask: Ask) -> Channel:
        """The channel in the path, when the bot may write there."""
        channel = self.channel(ask)
        self.check_writable(channel)
        return channel

    def check_writable(self, channel: Channel) -> None:
        if channel.root.send:
            return
        if channel.kind == DIRECT:
            raise ApiError(403, 50007, "Cannot send messages to this user")
        raise ApiError(403, 50013, "Missing Permissions")

    def message(self, ask: Ask, channel: Channel) -> Message:
        """The message in the path."""
        message = channel.messages.get(ask.id("message"))
        if message is None or message.deleted or not channel.root.history:
            raise ApiError(404, 10008, "Unknown Message")
        return message

    def guild(self, ask: Ask) -> Guild:
        guild = self.world.guilds.get(ask.id("guild"))
        if guild is None or not guild.bot_in:
            raise ApiError(404, 10004, "Unknown Guild")
        return guild

    def wake(self, thread: Channel) -> None:
        """A message brings an archived thread back, unless it is locked."""
        if thread.kind != THREAD or not thread.archived:
            return
        if thread.locked:
            raise ApiError(400, 50083, "Thread is archived")
        thread.archived = False
        self.news.thread(thread, "UPDATE")
