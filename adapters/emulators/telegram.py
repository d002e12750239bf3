"""A Telegram Bot API server on this machine, as strict as the real one.

Bots reach it by their library's "local Bot API server" setting, for instance in aiogram
`AiohttpSession(api=TelegramAPIServer.from_base(emulator.base_url))`. Tests, the demo and benchmarks play the
people through `TelegramEmulator.people` and `.world` in the same process, or through the control API
(`telegram_control`; its client is `telegram_client`) from another one.
"""

import argparse
import asyncio
import json
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import cast

from aiohttp import web

from adapters.emulators import telegram_media, telegram_messages, telegram_methods
from adapters.emulators.control import CONTROL
from adapters.emulators.playground import add_playground_routes
from adapters.emulators.server import EmulatorServer, Reply, serve
from adapters.emulators.telegram_api import Ask, Encoded, Limits, Method, TelegramApi
from adapters.emulators.telegram_control import add_telegram_routes
from adapters.emulators.telegram_params import MAX_UPLOAD, ApiError, Params, read_params
from adapters.emulators.telegram_people import TelegramPeople
from adapters.emulators.telegram_playground import TelegramPlayground
from adapters.emulators.telegram_world import DEFAULT_USERNAME, TelegramWorld

_TOKEN = re.compile(r"[1-9][0-9]{0,15}:[A-Za-z0-9_-]+\Z")
_METHODS = {**telegram_methods.METHODS, **telegram_messages.METHODS, **telegram_media.METHODS}
_FAILURES = {429: "Too Many Requests: retry after {}", 500: "Internal Server Error", 502: "Bad Gateway"}


@dataclass(frozen=True, slots=True)
class TelegramOptions:
    """How the emulator behaves.

    Without `tokens` every token of valid shape is a bot; with them only those are. `reads_all` is privacy
    mode off for every bot. `lacks` are methods that this server does not know, as an older one.
    `max_upload` bounds the bytes that come with one call. `clock` (seconds, growing) drives the rate limits
    and ends the paths of files. `keep_calls` bounds the call log.
    """

    tokens: tuple[str, ...] = ()
    username: str = DEFAULT_USERNAME
    reads_all: bool = False
    lacks: tuple[str, ...] = ()
    max_upload: int = MAX_UPLOAD
    first_update_id: int = 1
    limits: Limits = field(default_factory=Limits)
    clock: Callable[[], float] = time.monotonic
    keep_calls: int = 10_000


class TelegramEmulator(EmulatorServer):
    """The server; `async with TelegramEmulator() as emulator` listens on a free port of the loopback."""

    def __init__(
        self, options: TelegramOptions | None = None, *, host: str = "127.0.0.1", port: int = 0
    ) -> None:
        options = options or TelegramOptions()
        super().__init__(host, port, keep_calls=options.keep_calls)
        self._tokens = frozenset(options.tokens)
        self.world = TelegramWorld(
            self.events,
            username=options.username,
            reads_all=options.reads_all,
            first_update=options.first_update_id,
            clock=options.clock,
        )
        self._max_upload = options.max_upload
        self._lacks = frozenset(name.lower() for name in options.lacks)
        self.people = TelegramPeople(self.world, self.events)
        for token in options.tokens:
            self.world.bot_of(token)
        self.api = TelegramApi(self.world, self.events, self.faults, options.limits, options.clock)
        self.playground = TelegramPlayground(self)
        add_playground_routes(self.control, self.playground)
        add_telegram_routes(self.control, self.world, self.people, self.api, self.events)

    @classmethod
    def without_limits(cls, port: int = 0) -> "TelegramEmulator":
        """One that any token opens and that limits nothing, for tests and demonstrations."""
        return cls(TelegramOptions(limits=Limits(enabled=False)), port=port)

    async def wait(self, until: str, *, within: float = 30, **arguments: object) -> object:
        """Wait for a condition of the control API (`bot_messages`, `bot_text`, `pending`, …) in this process.

        `within` is in seconds. Raises ControlError, with status 408 when the time runs out.
        """
        return await self.control.wait(until, {"within": within, **arguments})

    async def platform(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer `/bot<token>/<method>` and `/file/bot<token>/<path>`."""
        if request.path.startswith("/file/bot"):
            return await self._download(request)
        token, _, name = request.path.removeprefix("/bot").partition("/")
        if not request.path.startswith("/bot") or request.method not in {"GET", "POST"}:
            return _response(_refusal(ApiError(404, "Not Found")))
        if not _TOKEN.match(token) or (self._tokens and token not in self._tokens):
            return _response(_refusal(ApiError(401, "Unauthorized")))
        try:
            params = await read_params(request, self._max_upload)
        except ApiError as error:
            return _response(_refusal(error))
        bot = self.world.bot_of(token)
        found = None if name.lower() in self._lacks else _METHODS.get(name.lower())
        call = self.calls.open(
            str(bot.person.id),
            name if found is None else found[0],
            _logged(params),
            params.text("chat_id"),
            params.text("text") or params.text("caption"),
        )
        if found is None:
            self.calls.close(call, "refused", 404, "Not Found")
            return _response(_refusal(ApiError(404, "Not Found")))
        ask = Ask(bot, params, call)
        return await self.carry_out(request, call, lambda: self._effect(found[1], ask))

    async def _download(self, request: web.BaseRequest) -> web.StreamResponse:
        """A file, by a path of getFile; in the log of calls it is `downloadFile`."""
        token, _, path = request.path.removeprefix("/file/bot").partition("/")
        if not _TOKEN.match(token) or (self._tokens and token not in self._tokens):
            return _response(_refusal(ApiError(401, "Unauthorized")))
        bot = self.world.bot_of(token)
        call = self.calls.open(str(bot.person.id), "downloadFile", {"path": path}, "", path)

        async def effect() -> Reply:
            try:
                content = self.world.files.read(path)
            except ApiError as error:
                return _refusal(error)
            return Reply(200, content, content_type="application/octet-stream")

        return await self.carry_out(request, call, effect)

    def failure(self, status: int, retry_after: int) -> Reply:
        return _refusal(
            ApiError(status, _FAILURES[status].format(retry_after), retry_after if status == 429 else None)
        )

    async def _effect(self, method: Method, ask: Ask) -> Reply:
        try:
            result = method(self.api, ask)
            if isinstance(result, Awaitable):
                result = await cast("Awaitable[object]", result)
        except ApiError as error:
            return _refusal(error)
        encoded = result.text if isinstance(result, Encoded) else json.dumps(result)
        return Reply(200, f'{{"ok":true,"result":{encoded}}}'.encode())


def _logged(params: Params) -> dict[str, object]:
    """What the log of calls keeps: of a file, not its bytes."""
    seen = {
        name: {"name": one.name, "mime": one.mime, "size": len(one.content)}
        for name, one in params.files.items()
    }
    return {**params.values, **seen}


def _refusal(error: ApiError) -> Reply:
    shown: dict[str, object] = {"ok": False, "error_code": error.code, "description": str(error)}
    headers: dict[str, str] = {}
    if error.retry_after is not None:
        shown["parameters"] = {"retry_after": error.retry_after}
        headers["Retry-After"] = str(error.retry_after)
    return Reply(error.code, json.dumps(shown).encode(), accepted=False, detail=str(error), headers=headers)


def _response(reply: Reply) -> web.Response:
    return web.Response(
        status=reply.status, body=reply.body, headers=reply.headers, content_type=reply.content_type
    )


def main(arguments: list[str] | None = None) -> None:
    """`python -m adapters.emulators.telegram`."""
    parser = argparse.ArgumentParser(
        prog="telegram-emulator",
        description=f"A strict local Telegram Bot API; people are played at {CONTROL}",
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8081, help="0 takes a free one")
    parser.add_argument("--token", action="append", default=[], help="accept only these; may be repeated")
    parser.add_argument("--username", default=DEFAULT_USERNAME, help="of the first bot")
    parser.add_argument("--no-limits", action="store_true", help="no rate limits")
    parser.add_argument("--limit-scale", type=float, default=1.0, help="multiplies every rate limit")
    parser.add_argument("--no-privacy", action="store_true", help="bots hear every message in groups")
    given = parser.parse_args(arguments)
    options = TelegramOptions(
        tokens=tuple(given.token),
        username=given.username,
        reads_all=given.no_privacy,
        limits=Limits(enabled=not given.no_limits, scale=given.limit_scale),
    )
    asyncio.run(serve(TelegramEmulator(options, host=given.host, port=given.port)))


if __name__ == "__main__":
    main()
