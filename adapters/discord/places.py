"""The channels and threads that the bot may read, as far as a conversation needs to know them.

The gateway tells of them all at connect and then of each change; of every one, a line of numbers is kept.
Direct chats are not kept: they say all that is to be known about them.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from adapters.discord.payloads import Json, as_id, items, mapping, mappings
from adapters.discord.snowflakes import snowflake

TEXT, DIRECT, NEWS = 0, 1, 5
THREADS: Final = frozenset({10, 11, 12})
FORUMS: Final = frozenset({15, 16})
_TALKED_IN: Final = frozenset({TEXT, 2, NEWS, 13}) | THREADS | FORUMS

ADMINISTRATOR = 1 << 3
VIEW = 1 << 10
READ_HISTORY = 1 << 16
CREATE_THREADS = 1 << 35
_ALL = (1 << 60) - 1


@dataclass(slots=True)
class Place:
    """A channel, a thread (then it has a `parent`) or a direct chat.

    `last` is the newest message when the gateway told of it, `readable` and `threads` (whether one can be
    opened here) what the bot's permissions allow as far as known. `for_bot` says whether a thread was opened
    for the bot; None where that is to be found out.
    """

    id: int
    kind: int
    guild: int = 0
    parent: int = 0
    last: int = 0
    readable: bool = True
    threads: bool = False
    for_bot: bool | None = False

    @property
    def direct(self) -> bool:
        """Whether it is a direct chat."""
        return self.guild == 0

    @property
    def is_thread(self) -> bool:
        """Whether it is a thread."""
        return self.kind in THREADS

    @property
    def chat(self) -> str:
        """The chat of messages in it."""
        return str(self.parent if self.is_thread else self.id)

    @property
    def scope(self) -> str:
        """What its cursor is kept under. Direct chats are told apart, since nothing lists them."""
        return f"{DIRECT_SCOPE}{self.id}" if self.direct else str(self.id)


DIRECT_SCOPE = "dm:"


@dataclass(slots=True)
class Guild:
    """A server: since when the bot is in it, and what its roles allow everywhere."""

    joined: int
    permissions: int
    roles: frozenset[int]
    places: set[int] = field(default_factory=set[int])


class Places:
    """What is known of one bot's servers."""

    def __init__(self) -> None:
        self.me = 0
        self._places: dict[int, Place] = {}
        self._guilds: dict[int, Guild] = {}
        self._roles: dict[int, frozenset[int]] = {}

    def begin(self, me: int) -> None:
        """A new session of the gateway: it tells of everything anew."""
        self.me = me
        self._places.clear()
        self._guilds.clear()
        self._roles.clear()

    def get(self, place_id: int) -> Place | None:
        """A known channel or thread."""
        return self._places.get(place_id)

    def joined(self, place: Place) -> int:
        """The id of the moment from which on the bot may have something to do with it."""
        guild = self._guilds.get(place.guild)
        return 0 if guild is None else guild.joined

    def roles_of_bot(self, guild: int) -> frozenset[int]:
        """The roles that are the bot itself: people mention them in its stead."""
        return self._roles.get(guild, frozenset())

    def enter(self, data: Json) -> list[Place]:
        """A server with all its channels and active threads."""
        guild_id = as_id(data.get("id"))
        if not guild_id:
            return []
        self.leave(guild_id)
        roles = mappings(data.get("roles"))
        mine = _my_roles(data, self.me) | {guild_id}  # the role of everyone has the server's id
        granted = 0
        for role in roles:
            if as_id(role.get("id")) in mine:
                granted |= _bits(role.get("permissions"))
        self._guilds[guild_id] = Guild(_joined(data), granted, frozenset(mine))
        self._roles[guild_id] = frozenset(
            as_id(role.get("id"))
            for role in roles
            if as_id(mapping(role.get("tags")).get("bot_id")) == self.me
        )
        found = (self.put({**one, "guild_id": guild_id}) for one in mappings(data.get("channels")))
        places = [place for place in found if place is not None]
        return places + self.put_threads(guild_id, data.get("threads"))

    def leave(self, guild_id: int) -> None:
        """The bot is no longer in a server, or the server is away for a while."""
        guild = self._guilds.pop(guild_id, None)
        self._roles.pop(guild_id, None)
        for place_id in guild.places if guild is not None else ():
            self._places.pop(place_id, None)

    def put_threads(self, guild_id: int, threads: object) -> list[Place]:
        """Threads of a server."""
        found = (self.put({**one, "guild_id": guild_id}) for one in mappings(threads))
        return [place for place in found if place is not None]

    def put(self, data: Json) -> Place | None:
        """A channel or thread as it is now; None for one in which nobody talks."""
        place_id, kind = as_id(data.get("id")), data.get("type")
        guild_id = as_id(data.get("guild_id"))
        if not place_id or kind not in _TALKED_IN or not guild_id:
            return None
        place = Place(
            place_id,
            kind,
            guild_id,
            parent=as_id(data.get("parent_id")) if kind in THREADS else 0,
            last=as_id(data.get("last_message_id")),
        )
        if place.is_thread:
            self._judge_thread(place, data)
        else:
            allowed = self._allowed(guild_id, data)
            place.readable = allowed & (VIEW | READ_HISTORY) == VIEW | READ_HISTORY and kind not in FORUMS
            place.threads = kind in {TEXT, NEWS} and bool(allowed & CREATE_THREADS)
        self._places[place_id] = place
        guild = self._guilds.get(guild_id)
        if guild is not None:
            guild.places.add(place_id)
        return place

    def remove(self, place_id: int) -> None:
        """A channel or thread is gone."""
        place = self._places.pop(place_id, None)
        guild = self._guilds.get(place.guild) if place is not None else None
        if guild is not None:
            guild.places.discard(place_id)

    def _judge_thread(self, place: Place, data: Json) -> None:
        known = self._places.get(place.id)
        parent = self._places.get(place.parent)
        place.readable = parent is None or parent.readable or parent.kind in FORUMS
        if as_id(data.get("owner_id")) == self.me:
            place.for_bot = True
        else:
            place.for_bot = known.for_bot if known is not None else None

    def _allowed(self, guild_id: int, data: Json) -> int:
        """The bot's permissions in a channel; everything, where the server is not known well enough."""
        guild = self._guilds.get(guild_id)
        if guild is None or not guild.permissions or guild.permissions & ADMINISTRATOR:
            return _ALL
        allowed = guild.permissions
        overwrites = {as_id(one.get("id")): one for one in mappings(data.get("permission_overwrites"))}
        allowed = _overwrite(allowed, (overwrites[guild_id],) if guild_id in overwrites else ())
        mine = guild.roles - {guild_id}
        allowed = _overwrite(allowed, [one for key, one in overwrites.items() if key in mine])
        return _overwrite(allowed, (overwrites[self.me],) if self.me in overwrites else ())


def _overwrite(allowed: int, rules: Iterable[Json]) -> int:
    deny = allow = 0
    for rule in rules:
        deny |= _bits(rule.get("deny"))
        allow |= _bits(rule.get("allow"))
    return allowed & ~deny | allow


def _my_roles(data: Json, me: int) -> set[int]:
    for member in mappings(data.get("members")):
        if as_id(mapping(member.get("user")).get("id")) == me:
            return {as_id(one) for one in items(member.get("roles"))}
    return set()


def _joined(data: Json) -> int:
    joined = data.get("joined_at")
    if not isinstance(joined, str):
        return 0
    try:
        return snowflake(datetime.fromisoformat(joined).timestamp())
    except ValueError:
        return 0


def _bits(value: object) -> int:
    return int(value) if isinstance(value, str) and value.isascii() and value.isdigit() else 0
