"""The connections of the HTTP server: how many there may be, and how long each may leave an answer untaken.

Strangers can open as many as they like and read nothing. So a new connection always gets in, for it may be
the one that asks whether the gateway lives; what has been there longest without being of use makes room.
"""

import asyncio
from collections.abc import Generator
from contextlib import contextmanager
from typing import cast


class Connections:
    """All connections, the oldest first: `most` at once, and `seconds` for each to take what it is sent."""

    def __init__(self, most: int, seconds: float) -> None:
        self.most = most
        self.seconds = seconds
        self._all: dict[asyncio.BaseTransport, int] = {}

    def __len__(self) -> int:
        """How many there are."""
        return len(self._all)

    def watched(self, protocol: asyncio.Protocol) -> asyncio.Protocol:
        """That protocol, for a connection that is one of these."""
        return _Watched(self, protocol)

    @contextmanager
    def serving(self, transport: asyncio.BaseTransport | None) -> Generator[None]:
        """Something is being done for that connection, so it is not the first to make room."""
        self._count(transport, 1)
        try:
            yield
        finally:
            self._count(transport, -1)

    def add(self, transport: asyncio.Transport) -> None:
        """One more. Where that is one too many, another is cut off, whatever it still had to be sent."""
        if len(self._all) >= self.most:
            idle = (one for one, served in self._all.items() if not served)
            oldest = next(idle, None) or next(iter(self._all))
            del self._all[oldest]
            cast("asyncio.Transport", oldest).abort()
        self._all[transport] = 0

    def remove(self, transport: asyncio.BaseTransport) -> None:
        """One has ended."""
        self._all.pop(transport, None)

    def _count(self, transport: asyncio.BaseTransport | None, by: int) -> None:
        if transport is not None and transport in self._all:
            self._all[transport] += by


class _Watched(asyncio.Protocol):
    """Hands everything on, and cuts a connection off that does not take what it is sent."""

    def __init__(self, connections: Connections, inner: asyncio.Protocol) -> None:
        self._connections = connections
        self._inner = inner
        self._transport: asyncio.Transport | None = None
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = made = cast("asyncio.Transport", transport)
        made.set_write_buffer_limits(high=0)  # so that whatever is not taken at once is heard of
        self._connections.add(made)
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
        self._inner.data_received(data)

    def eof_received(self) -> bool | None:
        return self._inner.eof_received()

    def _forgive(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
