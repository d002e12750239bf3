"""A way to a PostgreSQL server that can be cut anywhere: before a COMMIT, after it, or for everybody."""

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from tests.helpers.postgres import Database
from tests.helpers.postgres_server import PORT, address

_SOCKET = f".s.PGSQL.{PORT}"
_COMMIT = b"COMMIT\0"


@dataclass(eq=False)
class Link:
    """One connection through the proxy."""

    client: asyncio.StreamWriter
    server: asyncio.StreamWriter
    silenced: bool = False
    answered: asyncio.Event = field(default_factory=asyncio.Event)

    def cut(self) -> None:
        """Both sides see the end of it."""
        self.client.close()
        self.server.close()

    def half_open(self) -> None:
        """Only the client sees the end of it: the server is not told."""
        self.client.close()


AtCommit = Callable[[Link, bytes], Awaitable[None]]


class Proxy:
    """Listens where a server would. While it is `refusing`, whoever connects is turned away."""

    def __init__(self, folder: str, database: Database) -> None:
        self.url = f"postgresql://carryon@/{database.name}?host={folder}&port={PORT}"
        self.links: set[Link] = set()
        self._tasks = set()
        self.refused = asyncio.Event()
        self.at_commit: AtCommit | None = None
        self._refusing = False

    def refuse(self, *, refusing: bool = True) -> None:
        """From now on nobody comes through, or everybody does."""
        self._refusing = refusing
        self.refused.clear()

    def cut(self) -> None:
        """The end of all connections."""
        for link in tuple(self.links):
            link.cut()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One client."""
        self._tasks.add(asyncio.current_task())
        if self._refusing:
            self.refused.set()
            writer.close()
            return
        answers, server = await asyncio.open_unix_connection(f"{address()}/{_SOCKET}")
        link = Link(writer, server)
        self.links.add(link)
        try:
            await asyncio.gather(self._there(reader, link), self._back(answers, link))
        finally:
            self.links.discard(link)
            link.cut()

    async def _there(self, reader: asyncio.StreamReader, link: Link) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(1 << 16):
                if _COMMIT in data and (act := self.at_commit):
                    self.at_commit = None
                    await act(link, data)
                else:
                    link.server.write(data)
        if not link.client.is_closing():
            link.server.close()

    async def _back(self, answers: asyncio.StreamReader, link: Link) -> None:
        with contextlib.suppress(OSError):
            while data := await answers.read(1 << 16):
                link.answered.set()
                if not link.silenced:
                    link.client.write(data)
        link.client.close()


async def lose_before(link: Link, _: bytes) -> None:
    """The COMMIT never reaches the server."""
    link.cut()


async def lose_after(link: Link, data: bytes) -> None:
    """The COMMIT reaches the server, and its answer nobody."""
    link.silenced = True
    link.answered.clear()
    link.server.write(data)
    await link.answered.wait()
    link.cut()


@asynccontextmanager
async def proxy_to(database: Database) -> AsyncGenerator[Proxy]:
    """A proxy in front of a database."""
    with tempfile.TemporaryDirectory(prefix="pg") as folder:
        proxy = Proxy(folder, database)
        async with await asyncio.start_unix_server(proxy.serve, f"{folder}/{_SOCKET}"):
            yield proxy
            proxy.cut()
            await asyncio.gather(*proxy._tasks)
