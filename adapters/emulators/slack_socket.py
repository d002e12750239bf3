"""Socket Mode's connections: a ticket from apps.connections.open opens one, once; at most ten at a time.

Only what has been said hello to counts as connected. What goes out is queued, and one task of the connection
writes it, so that sending never waits for a slow reader.
"""

import asyncio
import json
import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import cast

from aiohttp import ClientConnectionError, WSMsgType, web

from adapters.emulators.control import ControlError
from adapters.emulators.events import EventLog, JsonObject
from adapters.emulators.faults import FaultBook
from adapters.emulators.slack_deliveries import Deliveries, Link, Patience

MAX_CONNECTIONS = 10
PATH = "/link/"
REASONS = ("warning", "refresh_requested", "link_disabled", "too_many_websockets")
_CLOSE_WITHIN = 1.0  # seconds for the client's half of a closing handshake


@dataclass(slots=True)
class _Connection:
    number: int
    abort: Callable[[], None]
    queue: asyncio.Queue[str | None] = field(default_factory=asyncio.Queue[str | None])

    def send(self, text: str) -> None:
        self.queue.put_nowait(text)

    def close(self) -> None:
        self.queue.put_nowait(None)


class SlackSocket:
    """The connections of the app, and the deliveries over them."""

    def __init__(self, events: EventLog, faults: FaultBook, app_id: str, patience: Patience) -> None:
        self._events = events
        self._app_id = app_id
        self._tickets: set[str] = set()
        self._open: list[_Connection] = []
        self._numbers = 0
        self.deliveries = Deliveries(events, faults, patience, self._links)

    @property
    def connected(self) -> int:
        """How many connections are open, past their hello."""
        return len(self._open)

    def _links(self) -> list[Link]:
        return list(self._open)

    def ticket(self) -> str:
        """The right to open one connection."""
        ticket = secrets.token_hex(16)
        self._tickets.add(ticket)
        return ticket

    # What goes wrong on command.

    def disconnect(self, reason: str, *, close: bool) -> None:
        """Say `disconnect` on every connection, and close them unless it is a mere warning."""
        if reason not in REASONS:
            raise ControlError(f"no such reason: {reason}; there are {', '.join(REASONS)}")
        for connection in list(self._open):
            connection.send(_disconnect(reason))
            if close:
                connection.close()
                self._gone(connection)

    def drop(self) -> None:
        """Cut every connection without a word."""
        for connection in list(self._open):
            connection.abort()
            self._gone(connection)

    # One connection.

    async def serve(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer a request for a connection, and stay with it until it ends."""
        ticket = request.query.get("ticket", "")
        if ticket not in self._tickets:
            return web.Response(status=403, text="invalid ticket")
        self._tickets.remove(ticket)
        socket = web.WebSocketResponse(timeout=_CLOSE_WITHIN)
        await socket.prepare(request)
        if len(self._open) >= MAX_CONNECTIONS:
            await socket.send_str(_disconnect("too_many_websockets"))
            await socket.close()
            return socket
        transport = request.transport
        self._numbers += 1
        connection = _Connection(self._numbers, lambda: None if transport is None else transport.abort())
        try:
            with suppress(ClientConnectionError):  # it left before it was greeted
                await socket.send_str(self._hello())
                self._open.append(connection)
                self._events.emit("connected", {"connection": connection.number, "open": len(self._open)})
                async with asyncio.TaskGroup() as tasks:
                    writer = tasks.create_task(_write(connection, socket))
                    await self._read(socket)
                    writer.cancel()
        finally:
            self._gone(connection)
        return socket

    async def _read(self, socket: web.WebSocketResponse) -> None:
        async for message in socket:
            if message.type is not WSMsgType.TEXT:
                continue
            try:
                parsed: object = json.loads(cast("str", message.data))
            except ValueError:
                parsed = None
            if isinstance(parsed, dict):
                given = cast("JsonObject", parsed)
                self.deliveries.acknowledge(str(given.get("envelope_id", "")), given.get("payload"))

    def _gone(self, connection: _Connection) -> None:
        """It takes no more envelopes; said once, however it ends."""
        if connection not in self._open:
            return
        self._open.remove(connection)
        self._events.emit("disconnected", {"connection": connection.number, "open": len(self._open)})
        self.deliveries.closed(connection.number)

    def _hello(self) -> str:
        return json.dumps(
            {
                "type": "hello",
                "num_connections": len(self._open) + 1,
                "debug_info": {
                    "host": "emulator",
                    "build_number": 1,
                    "approximate_connection_time": 18_060,
                },
                "connection_info": {"app_id": self._app_id},
            }
        )


async def _write(connection: _Connection, socket: web.WebSocketResponse) -> None:
    while True:
        text = await connection.queue.get()
        try:
            if text is None:
                await socket.close()
                return
            await socket.send_str(text)
        except ClientConnectionError:
            return  # the reader learns of it too


def _disconnect(reason: str) -> str:
    return json.dumps({"type": "disconnect", "reason": reason, "debug_info": {"host": "emulator"}})
