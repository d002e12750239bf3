"""The connections of the HTTP server: how many, how much each may send, how long it may take an answer.

Strangers can open as many as they like, send without end and read nothing. So a new connection always gets
in, for it may be the one that asks whether the gateway lives; what has been there longest without being of
use makes room.
"""

import asyncio
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final, cast

from gateway.console.exchange import Exchange

LARGEST_HEAD: Final = 32 * 1024
"""Bytes that a connection may send until the head of its first request is complete."""

LARGEST_REQUEST: Final = 128 * 1024
"""Bytes that it may send until the next of its requests is begun: a head, and a body with what chunks add."""

_HEAD_END = b"\r\n\r\n"
_TOO_LONG = b"HTTP/1.1 431 Request Header Fields Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


class Connections:
    """All connections, the oldest first: `most` at once, and `seconds` for each to take what it is sent."""

    def __init__(self, most: int, seconds: float) -> None:
        self.most = most
        self.seconds = seconds
        self._all: dict[asyncio.BaseTransport, _Watched] = {}

    def __len__(self) -> int:
        """How many there are."""
        return len(self._all)

    def watched(self, exchange: Exchange) -> asyncio.Protocol:
        """That exchange, for a connection that is one of these."""
        return _Watched(self, exchange)

    @contextmanager
    def serving(self, transport: asyncio.BaseTransport | None) -> Generator[None]:
        """Something is being done for that connection, so it is not the first to make room."""
        watched = None if transport is None else self._all.get(transport)
        if watched is None:
            yield
            return
        watched.begin()
        try:
            yield
        finally:
            watched.served -= 1

    def add(self, transport: asyncio.Transport, watched: "_Watched") -> None:
        """One more. Where that is one too many, another is cut off, whatever it still had to be sent."""
        if len(self._all) >= self.most:
            idle = (one for one, its in self._all.items() if not its.served)
            oldest = next(idle, None) or next(iter(self._all))
            del self._all[oldest]
            cast("asyncio.Transport", oldest).abort()
        self._all[transport] = watched

    def remove(self, transport: asyncio.BaseTransport) -> None:
        """One has ended."""
        self._all.pop(transport, None)


class _Watched(asyncio.Protocol):
    """Hands on what is not too much, and cuts a connection off that does not take what it is sent."""

    def __init__(self, connections: Connections, inner: Exchange) -> None:
        self._connections = connections
        self._inner = inner
        self._transport: asyncio.Transport | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self._sent = 0  # since a request was begun with nothing behind it
        self._last = b""
        self._has_head = self._deaf = False
        self.served = 0

    def begin(self) -> None:
        """A request of this connection is being answered from now on."""
        self.served += 1
        if not self._inner.queued:
            self._sent = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = made = cast("asyncio.Transport", transport)
        made.set_write_buffer_limits(high=0)  # so that whatever is not taken at once is heard of
        self._connections.add(made, self)
        self._inner.connection_made(made)

    def connection_lost(self, exc: Exception | None) -> None:
        self._forgive()
        if self._transport is not None:
            self._connections.remove(self._transport)
        self._inner.connection_lost(exc)

    def pause_writing(self) -> None:
        if self._transport is not None:
            loop = asyncio.get_running_loop()
            self._deadline = loop.call_later(self._connections.seconds, self._transport.abort)
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        self._forgive()
        self._inner.resume_writing()

    def data_received(self, data: bytes) -> None:
        if self._deaf:
            return
        before, self._sent = self._sent, self._sent + len(data)
        if not self._has_head and self._head(data) > LARGEST_HEAD:
            self._refuse()
            return
        # Never again a word of it once something was left out: the rest would be taken for something else.
        self._deaf = self._sent > LARGEST_REQUEST
        self._inner.data_received(data[: LARGEST_REQUEST - before])

    def eof_received(self) -> bool | None:
        return self._inner.eof_received()

    def _head(self, data: bytes) -> int:
        """How long the first head is, as far as it has come."""
        seen = self._last + data
        self._last = seen[-len(_HEAD_END) + 1 :]
        end = seen.find(_HEAD_END)
        self._has_head = end >= 0
        return self._sent - (len(seen) - end - len(_HEAD_END) if self._has_head else 0)

    def _refuse(self) -> None:
        self._deaf = True
        if self._transport is not None:
            self._transport.write(_TOO_LONG)
            self._transport.close()

    def _forgive(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
