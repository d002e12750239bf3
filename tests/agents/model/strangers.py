"""A proxy that lets nobody out, and writes down who wanted to."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass(slots=True)
class Strangers:
    """`wanted` are the first lines of what agents asked the proxy for."""

    port: int
    wanted: list[str] = field(default_factory=list[str])


@asynccontextmanager
async def refuse_strangers() -> AsyncGenerator[Strangers]:
    """A proxy on this machine that refuses everything."""

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            line = await reader.readline()
            strangers.wanted.append(line.decode(errors="replace").strip())
            writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(refuse, "127.0.0.1", 0)
    strangers = Strangers(server.sockets[0].getsockname()[1])
    async with server:
        yield strangers
