"""The HTTP server of the gateway with a few handlers of a test's own, and people who ask it."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
from aiohttp import web

from gateway.console.guard import csrf_token
from gateway.console.server import HttpSettings, serve_http
from gateway.model.browsing import LedgerUnreadableError
from tests.harness.secrecy import overheard
from tests.helpers.clock import ManualClock

TOKEN = "a-token-of-good-length"
KEY = b"k" * 32


@dataclass
class Watched:
    """A running server. `done` is what was done on it, `entered` that a request is with the slow handler."""

    port: int
    session: aiohttp.ClientSession
    clock: ManualClock
    done: list[str]
    entered: asyncio.Event
    server: "asyncio.Task[None]"
    hosts: dict[str, str] = field(default_factory=dict)

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def ask(self, method: str, path: str, **more) -> "Answer":
        """One request; redirects are not followed."""
        async with self.session.request(
            method, self.origin + path, allow_redirects=False, **more
        ) as response:
            return Answer(response.status, response.headers, await response.text())

    async def token(self, path: str = "/page", **more) -> str:
        """The CSRF token of a page."""
        return (await self.ask("GET", path, **more)).text

    async def stop(self) -> None:
        """As a gateway does that has settled everything."""
        self.server.cancel()
        await asyncio.wait([self.server])


@dataclass(frozen=True)
class Answer:
    status: int
    headers: "aiohttp.typedefs.LooseHeaders"
    text: str


@asynccontextmanager
async def watched(
    token: str | None = None,
    *,
    host: str = "127.0.0.1",
    loopback: bool = True,
    key: bytes = KEY,
    routes: Sequence[web.AbstractRouteDef] = (),
    clock: ManualClock | None = None,
) -> AsyncGenerator[Watched]:
    """A server on a free port."""
    clock, done, entered, ports = clock or ManualClock(), list[str](), asyncio.Event(), asyncio.Queue[int]()

    async def page(request: web.Request) -> web.Response:
        return web.Response(text=csrf_token(request))

    async def deed(request: web.Request) -> web.Response:
        done.append(await request.text())
        return web.json_response({})

    async def slow(_request: web.Request) -> web.Response:
        entered.set()
        await asyncio.Event().wait()
        raise AssertionError

    async def bug(_request: web.Request) -> web.Response:
        raise ZeroDivisionError("a secret of the inside")

    async def unreadable(_request: web.Request) -> web.Response:
        raise LedgerUnreadableError("it took too long")

    settings = HttpSettings(host, 0, loopback, token, key)
    own = [web.get("/page", page), web.post("/deed", deed), web.get("/slow", slow), web.get("/bug", bug)]
    own.append(web.get("/unreadable", unreadable))
    serving = serve_http(settings, [*own, *routes], clock, ports.put_nowait)
    server = asyncio.ensure_future(serving)
    jar = aiohttp.CookieJar(unsafe=True)  # which is the jar's word for addresses without a name
    try:
        async with aiohttp.ClientSession(cookie_jar=jar, trace_configs=[overheard()]) as session:
            yield Watched(await ports.get(), session, clock, done, entered, server)
    finally:
        server.cancel()
        await asyncio.wait([server])
