"""The gateway's side of one websocket: from HELLO to the last frame.

What is sent goes through a queue with one writer, so events of the world keep their order and nothing waits
for a slow client. Payloads of the client are calls like any other: `identify`, `resume` and `heartbeat` are
logged and suffer faults; an injected 429 closes with 4008, an injected 500 or 502 with 4000.
"""

import asyncio
import json
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from aiohttp import WSMsgType, web

from adapters.emulators.calls import Call
from adapters.emulators.discord_frames import packing
from adapters.emulators.discord_sessions import Session
from adapters.emulators.discord_starts import (
    ALREADY_AUTHENTICATED,
    AUTHENTICATION_FAILED,
    DECODE_ERROR,
    INVALID_SEQ,
    INVALID_VERSION,
    NOT_AUTHENTICATED,
    RATE_LIMITED,
    SESSION_TIMED_OUT,
    UNKNOWN_ERROR,
    UNKNOWN_OPCODE,
    GatewayClose,
)
from adapters.emulators.events import JsonObject
from adapters.emulators.server import RUBBISH, Reply

if TYPE_CHECKING:
    from adapters.emulators.discord import DiscordEmulator

MAX_PAYLOAD = 4096  # bytes
_END_SESSIONS = frozenset({AUTHENTICATION_FAILED, INVALID_SEQ, SESSION_TIMED_OUT})
_IGNORED = frozenset({3, 4})  # presence and voice
_OK = Reply(200, b"")


class Connection:
    """One client. It is the `Line` of the session that it identifies or resumes."""

    def __init__(self, emulator: "DiscordEmulator", request: web.BaseRequest) -> None:
        self._emulator = emulator
        self._request = request
        self._socket = web.WebSocketResponse(timeout=1.0, max_msg_size=0)
        compress = request.query.get("compress", "")
        self._packing = packing(compress if emulator.options.compression == "as_asked" else "")
        self._outbox: asyncio.Queue[str | bytes | int] = asyncio.Queue()
        self._commands: deque[float] = deque()
        self._closed_with: int | None = None  # by this side
        self.session: Session | None = None

    # The line of a session.

    def send(self, text: str) -> None:
        self._outbox.put_nowait(text)

    def close(self, code: int) -> None:
        self._outbox.put_nowait(code)

    def abort(self) -> None:
        if self._request.transport is not None:
            self._request.transport.abort()

    def say(self, op: int, data: object = None) -> None:
        """Send one payload that is no event."""
        self.send(json.dumps({"t": None, "s": None, "op": op, "d": data}))

    @property
    def _authenticated(self) -> bool:
        return self._emulator.sessions.counts(self.session)

    # The life of a connection.

    async def run(self) -> web.StreamResponse:
        await self._socket.prepare(self._request)
        try:
            async with asyncio.TaskGroup() as tasks:
                writer = tasks.create_task(self._write())
                await self._read()
                self._outbox.put_nowait(0)
                await writer
        finally:
            self._ended()
        return self._socket

    async def _read(self) -> None:
        query = self._request.query
        if query.get("v") not in {"9", "10"}:
            self.close(INVALID_VERSION)
        elif query.get("encoding", "json") != "json":
            self.close(DECODE_ERROR)
        else:
            interval = self._emulator.options.heartbeat_interval
            self.say(10, {"heartbeat_interval": interval, "_trace": []})
        async for message in self._socket:
            try:
                if message.type not in {WSMsgType.TEXT, WSMsgType.BINARY}:
                    continue
                await self._hear(message.data)
            except GatewayClose as close:
                self.close(close.code)

    async def _write(self) -> None:
        """Put on the wire what is queued, until the connection is over."""
        while True:
            item = await self._outbox.get()
            if isinstance(item, int):
                if item:
                    self._closed_with = item
                    self._emulator.events.emit("gateway_close", {"code": item})
                    await self._socket.close(code=item)
                return
            try:
                await self._put(item)
            except ConnectionError:
                return  # the reader learns of it as well

    async def _put(self, item: str | bytes) -> None:
        if isinstance(item, bytes):  # rubbish is not even packed
            await self._socket.send_bytes(item)
            return
        packed = self._packing.pack(item)
        if isinstance(packed, str):
            await self._socket.send_str(packed)
        else:
            await self._socket.send_bytes(packed)

    def _ended(self) -> None:
        session = self.session
        if session is not None and session.line is self:
            if self._closed_with is not None:
                resumable = self._closed_with not in _END_SESSIONS
            else:  # a client that says goodbye in the ordinary way has ended its session with it
                resumable = self._socket.close_code not in {1000, 1001}
            self._emulator.sessions.leave(session, resumable=resumable)
            self._emulator.events.emit("disconnected", {"session": session.id})

    # Payloads of the client.

    async def _hear(self, raw: str | bytes) -> None:
        if len(raw.encode() if isinstance(raw, str) else raw) > MAX_PAYLOAD:
            raise GatewayClose(DECODE_ERROR)
        try:
            parsed: object = json.loads(raw)
        except ValueError:
            raise GatewayClose(DECODE_ERROR) from None
        if not isinstance(parsed, dict):
            raise GatewayClose(DECODE_ERROR)
        payload = cast("JsonObject", parsed)
        self._count()
        op, data = payload.get("op"), payload.get("d")
        if op == 1:
            await self._carry_out("heartbeat", {"seq": data}, self._heartbeat)
        elif op == 2:
            given = _object(data)
            shown = {name: value for name, value in given.items() if name != "token"}
            await self._carry_out("identify", shown, lambda: self._identify(given))
        elif op == 6:
            given = _object(data)
            shown = {name: value for name, value in given.items() if name != "token"}
            await self._carry_out("resume", shown, lambda: self._resume(given))
        elif op in _IGNORED or op == 8:
            if self.session is None or not self._authenticated:
                raise GatewayClose(NOT_AUTHENTICATED)
            if op == 8:
                self._list_members(self.session, _object(data))
        else:
            raise GatewayClose(UNKNOWN_OPCODE)

    async def _carry_out(self, method: str, shown: JsonObject, act: Callable[[], None]) -> None:
        call = self._emulator.calls.open(str(self._emulator.world.bot.id), method, shown, "", "")
        ends: list[int] = []

        async def effect() -> Reply:
            try:
                act()
            except GatewayClose as close:
                ends.append(close.code)
                return Reply(400, b"", accepted=False, detail=f"close {close.code}")
            return _OK

        await self._emulator.carry_out(self._request, call, effect)
        if ends:
            raise GatewayClose(ends[0])
        if call.outcome == "fault":
            self._suffer(call)

    def _suffer(self, call: Call) -> None:
        if call.detail == "rubbish":
            self._outbox.put_nowait(RUBBISH)
        elif call.detail != "dropped":
            raise GatewayClose(RATE_LIMITED if call.detail == "429" else UNKNOWN_ERROR)

    def _count(self) -> None:
        limits, now = self._emulator.api.limits, self._emulator.options.clock()
        if not limits.enabled:
            return
        while self._commands and self._commands[0] <= now - limits.commands.seconds / limits.scale:
            self._commands.popleft()
        self._commands.append(now)
        if len(self._commands) > limits.commands.count:
            raise GatewayClose(RATE_LIMITED)

    def _heartbeat(self) -> None:
        if not self._emulator.sessions.frozen:
            self.say(11)

    def _identify(self, given: JsonObject) -> None:
        if self._authenticated:
            raise GatewayClose(ALREADY_AUTHENTICATED)
        intents = self._emulator.starts.check(given)
        if not self._emulator.starts.spend():
            self.say(9, data=False)
            return
        session = self.session = self._emulator.sessions.open(self, intents)
        for name, data in self._emulator.starts.greeting(session):
            session.tell(name, json.dumps(data))
        self._emulator.events.emit("ready", {"session": session.id})

    def _resume(self, given: JsonObject) -> None:
        if self._authenticated:
            raise GatewayClose(ALREADY_AUTHENTICATED)
        seq, session_id = given.get("seq"), given.get("session_id")
        if not isinstance(session_id, str) or not isinstance(seq, int) or isinstance(seq, bool):
            raise GatewayClose(DECODE_ERROR)
        self._emulator.starts.check_token(given)
        session = self._emulator.sessions.find(session_id)
        if session is not None and seq > session.seq:
            raise GatewayClose(INVALID_SEQ)
        missed = None if session is None else session.missed(seq)
        if session is None or missed is None:
            self.say(9, data=False)
            return
        if session.line is not None:
            session.line.close(UNKNOWN_ERROR)  # one connection at a time
        session.line = self.session = None
        for text in missed:
            self.send(text)
        self.session, session.line = session, self
        session.tell("RESUMED", '{"_trace":[]}')
        self._emulator.events.emit("resumed", {"session": session.id, "replayed": len(missed)})

    def _list_members(self, session: Session, given: JsonObject) -> None:
        guild = self._emulator.world.guilds.get(int(str(given.get("guild_id", "0"))))
        if guild is None:
            return
        chunk: JsonObject = {
            "guild_id": str(guild.id),
            "members": [{"user": one.as_json(), **one.as_member()} for one in guild.members.values()],
            "chunk_index": 0,
            "chunk_count": 1,
        }
        if "nonce" in given:
            chunk["nonce"] = given["nonce"]
        session.tell("GUILD_MEMBERS_CHUNK", json.dumps(chunk))


def _object(data: object) -> JsonObject:
    if not isinstance(data, dict):
        raise GatewayClose(DECODE_ERROR)
    return cast("JsonObject", data)
