"""The model, served on this machine.

It is as strict as a provider where that matters after a crash: a conversation in which the call of a tool has
no result is refused, as each of them refuses it.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self

from aiohttp import web

from tests.agents.model.anthropic import Messages
from tests.agents.model.book import BadRequestError, Book, Entry
from tests.agents.model.chat import ChatCompletions
from tests.agents.model.gemini import GenerateContent
from tests.agents.model.mind import JsonObject, Say, decide
from tests.agents.model.responses import Responses
from tests.agents.model.wire import TOKENS, Wire

KEY = "a-key-of-this-machine-only"
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

MODELS = ("local-model", "claude-sonnet-4-5", "gpt-5", "gemini-2.5-pro")
LARGEST = 64 * 1024 * 1024


class ModelServer:
    """Use it as an async context manager. `commands` are the shell commands of tools that a user can name."""

    def __init__(self) -> None:
        self.book = Book()
        self.commands: dict[str, str] = {}
        self._over = asyncio.Event()
        app = web.Application(client_max_size=LARGEST)
        app.router.add_route("HEAD", "/", self._alive)
        app.router.add_get("/v1/models", self._models)
        for path, wire in (
            ("/v1/messages", Messages()),
            ("/v1/chat/completions", ChatCompletions()),
            ("/v1/responses", Responses()),
        ):
            app.router.add_post(path, self._handler(wire))
        app.router.add_post("/v1/messages/count_tokens", self._counted)
        app.router.add_post("/{version:v1|v1beta}/models/{model}:{method}", self._gemini)
        app.router.add_route("*", "/{rest:.*}", self._unknown)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.port = int(self._runner.addresses[0][1])
        return self

    async def __aexit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._over.set()
        await self._runner.cleanup()

    @property
    def url(self) -> str:
        """Where it is, without a path."""
        return f"http://127.0.0.1:{self.port}"

    def _handler(self, wire: Wire) -> Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            return await self._answer(request, wire, await request.json())

        return handle

    async def _gemini(self, request: web.Request) -> web.StreamResponse:
        method = request.match_info["method"]
        if method == "countTokens":
            return web.json_response({"totalTokens": TOKENS})
        if method not in ("generateContent", "streamGenerateContent"):
            return await self._unknown(request)
        more = {"model": request.match_info["model"], "stream": method.startswith("stream")}
        return await self._answer(request, GenerateContent(), {**await request.json(), **more})

    async def _answer(self, request: web.Request, wire: Wire, body: JsonObject) -> web.StreamResponse:
        try:
            _check_key(request)
            asked = wire.read(body)
            reply = decide(asked, self.commands)
        except (BadRequestError, LookupError) as error:
            status = error.status if isinstance(error, BadRequestError) else 400
            self.book.refused.append(f"{wire.name}: {error}")
            return web.json_response(wire.error(status, str(error)), status=status)
        entry = Entry(wire.name, asked, reply)
        self.book.add(entry)
        number = len(self.book.entries)
        if not asked.stream:
            if isinstance(reply, Say) and reply.rest:
                await self._hold(entry)
            return web.json_response(wire.whole(asked, reply, number))
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        with contextlib.suppress(ConnectionError):  # who asked was killed
            await response.prepare(request)
            for piece in wire.stream(asked, reply, number):
                if piece is None:
                    await self._hold(entry)
                else:
                    await response.write(piece.encode())
        return response

    async def _hold(self, entry: Entry) -> None:
        entry.held = True
        self.book.stir()
        await self._over.wait()

    async def _alive(self, _: web.Request) -> web.Response:
        return web.Response()

    async def _counted(self, _: web.Request) -> web.Response:
        return web.json_response({"input_tokens": TOKENS})

    async def _models(self, _: web.Request) -> web.Response:
        data = [{"id": name, "object": "model", "type": "model", "created": 1} for name in MODELS]
        return web.json_response({"object": "list", "data": data, "has_more": False})

    async def _unknown(self, request: web.Request) -> web.Response:
        self.book.refused.append(f"{request.method} {request.path}: no such address")
        return web.json_response({"error": {"message": "no such address"}}, status=404)


def _check_key(request: web.Request) -> None:
    bearer = request.headers.get("Authorization", "").removeprefix("Bearer ")
    given = (bearer, request.headers.get("x-api-key"), request.headers.get("x-goog-api-key"))
    if KEY not in given:
        raise BadRequestError("invalid key", 401)
