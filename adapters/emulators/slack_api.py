"""What the Web API's methods share; the methods are functions in `slack_chat` and the modules beside it.

An effect is synchronous, so a call has happened entirely or not at all. Refusals are ApiError, worded as
Slack words them. See https://docs.slack.dev/reference/methods and https://docs.slack.dev/apis/web-api/rate-limits.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field

from adapters.emulators.calls import Call
from adapters.emulators.events import EventLog, JsonObject
from adapters.emulators.limits import Limiter, Rate
from adapters.emulators.slack_files import SlackFiles
from adapters.emulators.slack_hearing import SlackHearing
from adapters.emulators.slack_params import ApiError, Params
from adapters.emulators.slack_people import SlackPeople
from adapters.emulators.slack_socket import SlackSocket
from adapters.emulators.slack_values import Channel, Message
from adapters.emulators.slack_world import SlackWorld

SCOPES: tuple[str, ...] = (
    "app_mentions:read",
    "assistant:write",
    "channels:history",
    "channels:read",
    "chat:write",
    "commands",
    "files:read",
    "files:write",
    "groups:history",
    "groups:read",
    "im:history",
    "im:read",
    "im:write",
    "mpim:history",
    "mpim:read",
    "mpim:write",
    "reactions:read",
    "reactions:write",
    "team:read",
    "users:read",
)
_SCOPE_WORDS = {"channel": "channels", "group": "groups", "im": "im", "mpim": "mpim"}
_TIERS = {
    1: Rate(1, 60, burst=3),
    2: Rate(20, 60, burst=20),
    3: Rate(50, 60, burst=50),
    4: Rate(100, 60, burst=100),
}
MAX_BYTES = 1 << 30  # of a file
SPECIAL = 0  # a tier of its own: far above what one app does


@dataclass(frozen=True, slots=True)
class Ask:
    """One call as a method sees it."""

    params: Params
    call: Call


Run = Callable[["SlackApi", Ask], JsonObject]


@dataclass(frozen=True, slots=True)
class Method:
    """One method: what it does, how often, with which of these scopes and with which kind of token."""

    name: str
    run: Run
    tier: int = 3
    scopes: tuple[str, ...] = ()
    token: str = "xoxb"  # noqa: S105  (a kind of token)


_PER_CHANNEL = Rate(1, 1, burst=3)
_POSTS = Rate(300, 60, burst=100)


@dataclass(frozen=True, slots=True)
class Limits:
    """About what Slack grants; `scale` multiplies every rate.

    `channel` and `posts` are those of chat.postMessage: in one channel, and everywhere.
    """

    enabled: bool = True
    scale: float = 1.0
    channel: Rate = _PER_CHANNEL
    posts: Rate = _POSTS
    tiers: dict[int, Rate] = field(default_factory=lambda: dict(_TIERS))


@dataclass(frozen=True, slots=True)
class Streaming:
    """How long a stream stays open without a word, and altogether, in seconds; as observed."""

    idle: float = 30.0
    whole: float = 300.0


class SlackApi:
    """What the methods share: the world, what the app is told, scopes and rate limits.

    `app_scopes` are those of the app-level token, `token_app` is the app that it belongs to where that is
    another one. `largest_file` is the workspace's own limit in bytes. `markdown_refusal` is the word that
    Slack refuses every Markdown with, as it does now and then; empty while it takes it.
    """

    def __init__(
        self,
        world: SlackWorld,
        people: SlackPeople,
        hearing: SlackHearing,
        socket: SlackSocket,
        events: EventLog,
        files: SlackFiles,
    ) -> None:
        self.files = files
        self.largest_file = MAX_BYTES
        self.markdown_refusal = ""
        self.world = world
        self.people = people
        self.hearing = hearing
        self.socket = socket
        self.events = events
        self.scopes = SCOPES
        self.app_scopes: tuple[str, ...] = ("connections:write",)
        self.token_app = ""
        self.socket_mode = True
        self.streaming = Streaming()
        self.clock: Callable[[], float] = lambda: 0.0
        self.base_url: Callable[[], str] = lambda: ""
        self.set_limits(Limits())

    # Rate limits and scopes.

    def set_limits(self, limits: Limits) -> None:
        """Change the limits from now on; what was spent is forgotten."""
        self.limits = limits
        self._tiers = {tier: Limiter(rate.scaled(limits.scale)) for tier, rate in limits.tiers.items()}
        self._channel = Limiter(limits.channel.scaled(limits.scale))
        self._posts = Limiter(limits.posts.scaled(limits.scale))

    def spend(self, method: Method) -> None:
        """Count one call of a method; refuses with 429 when it comes too soon."""
        limiter = self._tiers.get(method.tier)
        if self.limits.enabled and limiter is not None:
            self._spend((limiter, method.name))

    def spend_post(self, channel: Channel) -> None:
        """Count one posted message."""
        if self.limits.enabled:
            self._spend((self._channel, channel.id), (self._posts, ""))

    def _spend(self, *keys: tuple[Limiter, str]) -> None:
        now = self.clock()
        wait = max(limiter.wait(key, now) for limiter, key in keys)
        if wait > 0:
            raise ApiError("ratelimited", retry_after=math.ceil(wait))
        for limiter, key in keys:
            limiter.spend(key, now)

    def need(self, *any_of: str) -> None:
        """Refuse unless the app has one of these scopes."""
        if any_of and not set(any_of) & set(self.scopes):
            raise ApiError("missing_scope", {"needed": any_of[0], "provided": ",".join(self.scopes)})

    def need_for(self, channel: Channel, what: str) -> None:
        self.need(f"{_SCOPE_WORDS[channel.kind]}:{what}")

    # Finding what a call names.

    def find_channel(self, given: str) -> Channel:
        """A conversation that the app may know of."""
        channel = self.world.channels.get(given)
        if channel is None or (channel.kind != "channel" and not channel.bot_in):
            raise ApiError("channel_not_found")
        return channel

    def readable(self, given: str) -> Channel:
        """A conversation whose history the app may read."""
        channel = self.find_channel(given)
        self.need_for(channel, "history")
        if not channel.bot_in:
            raise ApiError("not_in_channel")
        return channel

    def writable(self, given: str) -> Channel:
        """A conversation that the app may write to; a user's id stands for the direct one."""
        if given in self.world.people:
            given = self.world.open_direct(given).id
        elif given == self.world.bot.id:
            raise ApiError("cannot_dm_bot")
        channel = self.find_channel(given)
        if not channel.bot_in:
            raise ApiError("not_in_channel")
        if channel.archived:
            raise ApiError("is_archived")
        return channel

    def own_message(self, channel: Channel, ts: str, error: str) -> Message:
        """The app's message that an edit names."""
        message = channel.message(ts)
        if message is None:
            raise ApiError("message_not_found")
        if not message.from_bot:
            raise ApiError(error)
        return message

    # What happens to messages.

    def place(self, channel: Channel, message: Message) -> None:
        """A new message of the app's: everybody sees it, the app hears of it."""
        self.world.place(channel, message)
        self.events.emit("message", message.as_event())
        self.hearing.message(channel, message)

    def rewritten(self, channel: Channel, message: Message, previous: JsonObject) -> None:
        """A message of the app's reads otherwise now."""
        message.at = self.events.emit("edit", message.as_event()).at
        self.hearing.changed(channel, message, previous)

    def expire_streams(self) -> int:
        """Slack loses patience with every open stream; how many there were."""
        found = [
            one
            for channel in self.world.channels.values()
            for one in channel.messages.values()
            if one.streaming
        ]
        for one in found:
            one.streaming = False
        return len(found)

    def page(self, ask: Ask, found: list[str], default: int, most: int) -> tuple[list[str], str]:
        """One page of ids and the cursor of the next; the cursor is the id that the next page begins with."""
        limit = min(max(ask.params.integer("limit", default) or default, 1), most)
        cursor = ask.params.text("cursor")
        if cursor:
            if cursor not in found:
                raise ApiError("invalid_cursor")
            found = found[found.index(cursor) :]
        return found[:limit], found[limit] if len(found) > limit else ""
