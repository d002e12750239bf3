"""One connection to Discord's gateway: the SDK's websocket, for one account alone.

The SDK's websocket asks a few things of a client. Here they come from a small stand-in, so that addresses,
token and listeners belong to the account and no class of the SDK is changed. Events are handed on as plain
JSON, in the order in which they arrive, from the one task that reads.
"""

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

import aiohttp
from yarl import URL

from adapters.discord.payloads import Json
from adapters.discord.rest import Rest
from adapters.discord.sdk import GARBLED, DiscordWebSocket, Intents

HEARD = (
    "READY",
    "RESUMED",
    "GUILD_CREATE",
    "GUILD_DELETE",
    "CHANNEL_CREATE",
    "CHANNEL_UPDATE",
    "CHANNEL_DELETE",
    "THREAD_CREATE",
    "THREAD_UPDATE",
    "THREAD_DELETE",
    "THREAD_LIST_SYNC",
    "MESSAGE_CREATE",
    "MESSAGE_UPDATE",
    "MESSAGE_DELETE",
    "MESSAGE_DELETE_BULK",
    "INTERACTION_CREATE",
)
"""The events that are handed on."""

OPEN_SECONDS = 60
SILENCE_SECONDS = 60.0
"""The longest silence before a connection counts as dead; heartbeats are answered far more often."""

_SHORTEST_SILENCE = 1.0
_GOING_AWAY = 1000

INTENTS = Intents(guilds=True, guild_messages=True, dm_messages=True, message_content=True)


@dataclass(frozen=True, slots=True)
class Told:
    """One event, as it came."""

    name: str
    data: Json


class GarbledError(Exception):
    """The gateway sent something that makes no sense. The connection is of no more use."""


@dataclass(frozen=True, slots=True)
class Resume:
    """A session of the gateway that can be gone on with, and where."""

    session: str
    sequence: int
    url: str


class Socket(DiscordWebSocket):
    """The SDK's websocket, told apart in two things: when silence is death, and what nonsense is."""

    async def received_message(self, msg: Any, /) -> None:  # noqa: ANN401  (the signature is the SDK's)
        """One frame. Raises GarbledError for what nobody can read."""
        try:
            if isinstance(msg, bytes):
                msg = self._decompressor.decompress(msg)
                if msg is None:  # a part of a payload
                    return
            if self._keep_alive is None:
                self._learn_silence(json.loads(msg))
            await super().received_message(msg)
        except GARBLED as error:
            raise GarbledError(type(error).__name__) from error

    def _learn_silence(self, hello: Json) -> None:
        """Every heartbeat is answered, so a silence of two that is nearly over says enough."""
        if hello["op"] == self.HELLO:
            silence = 1.5 * hello["d"]["heartbeat_interval"] / 1000
            self._max_heartbeat_timeout = min(SILENCE_SECONDS, max(_SHORTEST_SILENCE, silence))


class Wire:
    """At most one open websocket at a time."""

    def __init__(self, token: str, rest: Rest) -> None:
        self._client = _Client(token, rest)

    async def open(self, url: str, resume: Resume | None = None) -> None:
        """Connect, and say who this is. Raises what the SDK, aiohttp and `Socket` raise."""
        parts: dict[str, Any] = {"gateway": URL(url), "initial": resume is None}
        if resume is not None:
            parts |= {
                "gateway": URL(resume.url),
                "session": resume.session,
                "sequence": resume.sequence,
                "resume": True,
            }
        async with asyncio.timeout(OPEN_SECONDS):
            await Socket.from_client(cast("Any", self._client), **parts)

    async def read(self) -> list[Told]:
        """Read one frame, and hand out what it tells. Raises when the connection is over."""
        socket = self._client.socket
        assert socket is not None, "open comes first"
        await socket.poll_event()
        told, self._client.told = self._client.told, []
        return told

    @property
    def asked_to_leave(self) -> bool:
        """Whether it ended because Discord asked for a reconnect, and nothing is wrong."""
        socket = self._client.socket
        return socket is not None and socket._close_code is not None  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]

    @property
    def session(self) -> Resume | None:
        """What a next connection can go on with; None before READY and after an end for good."""
        socket = self._client.socket
        if socket is None or socket.session_id is None or socket.sequence is None:
            return None
        return Resume(socket.session_id, socket.sequence, str(socket.gateway))

    async def close(self, *, for_good: bool = False) -> None:
        """Close what is open. A session that is closed for good is gone, and the bot offline at once."""
        socket = self._client.socket
        if socket is not None:
            await socket.close(_GOING_AWAY if for_good else 4000)


class _Client:
    """What the SDK's websocket asks of its client, its HTTP and its state, in one."""

    def __init__(self, token: str, rest: Rest) -> None:
        self._rest = rest
        self.token = token
        self.told: list[Told] = []
        self.socket: Socket | None = None
        self.http = self
        self._connection = self
        self._enable_debug_events = False
        self.shard_count = None
        self._activity = None
        self._status = None
        self._intents = INTENTS
        self.heartbeat_timeout = SILENCE_SECONDS
        self.parsers: Mapping[str, Callable[[Json], None]] = {
            name: partial(self._note, name) for name in HEARD
        }

    def _note(self, name: str, data: Json) -> None:
        # Told later: an error in what listens must not pass for an error in what was sent.
        self.told.append(Told(name, data))

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        return asyncio.get_running_loop()

    async def ws_connect(self, url: str) -> aiohttp.ClientWebSocketResponse:
        self.socket = None
        self.told = []
        return await self._rest.websocket(url)

    def _update_references(self, socket: Socket) -> None:
        # Called before the first frame is read: a connection that fails while it opens is known, too.
        self.socket = socket

    def dispatch(self, *_: object) -> None:
        """The SDK's own events have no listeners."""

    async def call_hooks(self, *_: object, **__: object) -> None:
        """Nor has what it says before it identifies."""
