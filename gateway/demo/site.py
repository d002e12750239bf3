"""The page: what a browser is given, and what it may do.

It listens on this machine alone, and a page of somebody else's in the same browser can neither read nor do
anything here: the Host must be the one that was printed, an Origin must be this page's, and whatever does
something needs the token that only this page was given.
"""

import asyncio
import hmac
import json
import secrets
from collections.abc import Awaitable, Callable
from html import escape
from importlib.resources import files
from string import Template
from typing import cast

from aiohttp import web

from adapters.emulators.control import ControlError
from adapters.emulators.events import JsonObject
from gateway.demo.room import CHANNEL, DIRECT, Room

HOST = "127.0.0.1"
LONGEST = 2000
"""Characters of a message that every platform takes."""

_BEAT = 15.0  # seconds of silence after which a browser is told that somebody is there
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_TYPES = {"page.css": "text/css", "page.js": "text/javascript"}
_NAMES = {"telegram": "Telegram", "discord": "Discord", "slack": "Slack"}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Site:
    """The server of one page."""

    def __init__(self, room: Room, platforms: tuple[str, ...]) -> None:
        self._room = room
        self._platforms = platforms
        self._token = secrets.token_urlsafe(24)
        self._port = 0
        self._runner: web.AppRunner | None = None

    @property
    def address(self) -> str:
        """What to open in a browser."""
        return f"http://{HOST}:{self._port}/"

    async def start(self, port: int) -> None:
        """Listen; 0 takes a free port. Raises `OSError`."""

        @web.middleware
        async def guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
            return await self._guarded(request, handler)

        app = web.Application(middlewares=[guarded], client_max_size=64 * 1024)
        app.router.add_get("/", self._page)
        app.router.add_get("/{name:page\\.(?:css|js)}", self._file)
        app.router.add_get("/events", self._events)
        app.router.add_post("/say", self._say)
        app.router.add_post("/press", self._press)
        app.router.add_post("/gateway", self._gateway)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
        await runner.setup()
        try:
            await web.TCPSite(runner, HOST, port).start()
        except OSError:
            await runner.cleanup()
            raise
        self._runner = runner
        self._port = int(runner.addresses[0][1])

    async def stop(self) -> None:
        """Listen no more."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def _guarded(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        hosts = {f"{HOST}:{self._port}", f"localhost:{self._port}"}
        if request.headers.get("Host") not in hosts:
            raise web.HTTPForbidden(text="This is not the address of this page.")
        origin = request.headers.get("Origin")
        if origin is not None and origin not in {f"http://{host}" for host in hosts}:
            raise web.HTTPForbidden(text="Another page may do nothing here.")
        given = request.headers.get("X-Demo-Token") or request.query.get("token", "")
        open_to_all = request.method == "GET" and request.path != "/events"
        if not open_to_all and not hmac.compare_digest(given.encode(), self._token.encode()):
            raise web.HTTPForbidden(text="This page is of another start of the demo; load it again.")
        response = await handler(request)
        if not response.prepared:
            response.headers.update(_HEADERS)
        return response

    # What it shows.

    async def _page(self, _: web.Request) -> web.Response:
        chat = Template(_text("chat.html"))
        chats = "".join(
            chat.substitute(platform=escape(one), name=escape(_NAMES.get(one, one)), longest=LONGEST)
            for one in self._platforms
        )
        page = Template(_text("index.html")).substitute(token=escape(self._token), chats=chats)
        return web.Response(text=page, content_type="text/html")

    async def _file(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        return web.Response(text=_text(name), content_type=_TYPES[name])

    async def _events(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={**_HEADERS, "Content-Type": "text/event-stream"})
        await response.prepare(request)
        news = self._room.news
        told = news.seq
        await response.write(_event("snapshot", self._room.snapshot()))
        while True:
            for event in news.since(told):
                await response.write(_event(event.kind, event.data))
                told = event.seq
            if told < news.seq:
                continue
            try:
                async with asyncio.timeout(_BEAT):
                    await news.changed()
            except TimeoutError:
                await response.write(b": still here\n\n")

    # What may be done on it.

    async def _say(self, request: web.Request) -> web.Response:
        asked = await _body(request)
        platform, where = self._place(asked)
        text = _field(asked, "text").strip()
        if not text or len(text) > LONGEST:
            raise web.HTTPBadRequest(text=f"A message has between 1 and {LONGEST} characters.")
        return _done(lambda: self._room.say(platform, where, _field(asked, "thread"), text))

    async def _press(self, request: web.Request) -> web.Response:
        asked = await _body(request)
        platform, where = self._place(asked)
        return _done(
            lambda: self._room.press(platform, where, _field(asked, "message"), _field(asked, "label"))
        )

    async def _gateway(self, request: web.Request) -> web.Response:
        deeds = {"start": self._room.start, "kill": self._room.kill, "stop": self._room.stop}
        deed = deeds.get(_field(await _body(request), "do"))
        if deed is None:
            raise web.HTTPBadRequest(text="There is no such button.")
        if not deed():
            raise web.HTTPConflict(text="That makes no sense at the moment.")
        return web.json_response({})

    def _place(self, asked: JsonObject) -> tuple[str, str]:
        platform, where = _field(asked, "platform"), _field(asked, "place")
        if platform not in self._platforms or where not in (DIRECT, CHANNEL):
            raise web.HTTPBadRequest(text="There is no such chat.")
        return platform, where


def _done(deed: Callable[[], None]) -> web.Response:
    try:
        deed()
    except ControlError as error:
        raise web.HTTPBadRequest(text=str(error)) from None
    return web.json_response({})


async def _body(request: web.Request) -> JsonObject:
    try:
        given: object = await request.json()
    except (ValueError, UnicodeDecodeError):
        given = None
    if not isinstance(given, dict):
        raise web.HTTPBadRequest(text="A JSON object is expected.")
    return cast("JsonObject", given)


def _field(asked: JsonObject, name: str) -> str:
    found = asked.get(name, "")
    if not isinstance(found, str):
        raise web.HTTPBadRequest(text=f"{name} is a text.")
    return found


def _event(kind: str, data: object) -> bytes:
    return f"event: {kind}\ndata: {json.dumps(data)}\n\n".encode()


def _text(name: str) -> str:
    return (files("gateway.demo") / "page" / name).read_text(encoding="utf-8")
