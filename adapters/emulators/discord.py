"""A Discord on this machine: REST API and gateway of version 10, as strict as the real one.

In discord.py, `Route.BASE` has to be `api_url` and `DiscordWebSocket.DEFAULT_GATEWAY` `gateway_url`. Tests,
the demo and benchmarks play the people through `DiscordEmulator.people` and `.world` in the same process, or
through the control API (`discord_control`) from another one.
"""

import argparse
import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

from aiohttp import web

from adapters.emulators import (
    discord_account,
    discord_commands,
    discord_interactions,
    discord_messages,
    discord_places,
)
from adapters.emulators.control import CONTROL
from adapters.emulators.discord_api import Ask, Created, DiscordApi, Route
from adapters.emulators.discord_control import add_discord_routes
from adapters.emulators.discord_files import FILES, SIZE_LIMIT, FileStore, Given, read_parts
from adapters.emulators.discord_gateway import Connection
from adapters.emulators.discord_interactions import Interactions
from adapters.emulators.discord_limits import Limits, Standing, refusal_headers
from adapters.emulators.discord_news import DiscordNews
from adapters.emulators.discord_params import ApiError, parse_json, read_body
from adapters.emulators.discord_people import DiscordPeople
from adapters.emulators.discord_playground import DiscordPlayground
from adapters.emulators.discord_sessions import MEMBERS, MESSAGE_CONTENT, PRESENCES, Sessions
from adapters.emulators.discord_starts import AUTHENTICATION_FAILED, Starts
from adapters.emulators.discord_world import BOT_ID, DiscordWorld, bot_of
from adapters.emulators.events import JsonObject
from adapters.emulators.playground import add_playground_routes
from adapters.emulators.server import EmulatorServer, Reply, serve

API = "/api/v10"
_ROUTES: list[Route] = [
    *discord_account.ROUTES,
    *discord_commands.ROUTES,
    *discord_places.ROUTES,
    *discord_messages.ROUTES,
    *discord_interactions.ROUTES,
]
_UNAUTHORIZED = ApiError(401, 0, "401: Unauthorized")


@dataclass(frozen=True, slots=True)
class DiscordOptions:
    """How the emulator behaves.

    Without `tokens` every token of valid shape is that of the one bot; with them only those are.
    `message_content` and `members` are the application's privileged intents. `heartbeat_interval` is in
    milliseconds, other times in seconds. `resume_url` is where READY sends clients back to when not to the
    same gateway. `compression` is `as_asked` or `none`. `history_nonce` shows nonces in history.
    With an `interactions_endpoint` buttons and commands go there, and the gateway hears of none.
    `file_seconds` is how long an address of a file is good, `file_limit` the largest file of a bot in bytes.
    `clock` (growing) drives limits and windows. `keep_calls` bounds the call log.
    """

    tokens: tuple[str, ...] = ()
    name: str = "Carryon"
    message_content: bool = True
    members: bool = False
    heartbeat_interval: int = 41_250
    resume_url: str = ""
    resume_seconds: float = 180
    nonce_seconds: float = 180
    history_nonce: bool = False
    interactions_endpoint: str = ""
    interaction_seconds: float = 3
    token_seconds: float = 900
    identify_limit: int = 1_000
    compression: str = "as_asked"
    file_seconds: int = 86_400
    file_limit: int = SIZE_LIMIT
    limits: Limits = field(default_factory=Limits)
    clock: Callable[[], float] = time.monotonic
    keep_calls: int = 10_000


class DiscordEmulator(EmulatorServer):
    """The server; `async with DiscordEmulator() as emulator` listens on a free port of the loopback."""

    def __init__(
        self, options: DiscordOptions | None = None, *, host: str = "127.0.0.1", port: int = 0
    ) -> None:
        self.options = options = options or DiscordOptions()
        super().__init__(host, port, keep_calls=options.keep_calls)
        self._reset = False
        named = bot_of(options.tokens[0]) if options.tokens else None
        self.world = DiscordWorld(named or BOT_ID, options.name)
        self.sessions = Sessions(self.events, self.faults, options.clock, options.resume_seconds)
        self.news = DiscordNews(self.sessions, self.events)
        self.interactions = Interactions(self)
        self.files = FileStore(self)
        self.people = DiscordPeople(self.world, self.news, self.interactions, self.files)
        self.api = DiscordApi(self, options.limits)
        self.starts = Starts(self)
        self.playground = DiscordPlayground(self)
        add_playground_routes(self.control, self.playground)
        add_discord_routes(self.control, self)

    @classmethod
    def without_limits(cls, port: int = 0) -> "DiscordEmulator":
        """One that any token opens and that limits nothing, for tests and demonstrations."""
        return cls(DiscordOptions(limits=Limits(enabled=False)), port=port)

    @property
    def api_url(self) -> str:
        return self.base_url + API

    @property
    def gateway_url(self) -> str:
        return f"ws://{self.host}:{self.port}/gateway"

    @property
    def refused_intents(self) -> int:
        """Privileged ones that the application does not have."""
        granted = (MESSAGE_CONTENT if self.options.message_content else 0) | (
            MEMBERS if self.options.members else 0
        )
        return (MESSAGE_CONTENT | MEMBERS | PRESENCES) & ~granted

    @property
    def application_flags(self) -> int:
        """The privileged intents, as the application's flags show them for a bot in few guilds."""
        return (1 << 19 if self.options.message_content else 0) | (1 << 15 if self.options.members else 0)

    def knows(self, token: str) -> bool:
        """Whether this is a token of the bot."""
        if self._reset:
            return False
        return token in self.options.tokens if self.options.tokens else bot_of(token) is not None

    def reset_token(self) -> None:
        """The platform's last resort: no token is valid any more and nobody stays connected."""
        self._reset = True
        self.sessions.close(AUTHENTICATION_FAILED)

    async def wait(self, until: str, *, within: float = 30, **arguments: object) -> object:
        """Wait for a condition of the control API (`replies`, `connected`, …) in this process.

        `within` is in seconds. Raises ControlError, with status 408 when the time runs out.
        """
        return await self.control.wait(until, {"within": within, **arguments})

    async def platform(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.path.rstrip("/") == "/gateway":
            return await self._gateway(request)
        if request.path.startswith(FILES) and request.method == "GET":
            return await self.files.serve(request)
        path = request.path.removeprefix(API)
        matches = [(one, found) for one in _ROUTES if (found := one.pattern.match(path))]
        if path == request.path or not matches:
            return _response(_refusal(ApiError(404, 0, "404: Not Found")))
        for one, found in matches:
            if one.verb == request.method:
                return await self._rest(request, one, found.groupdict())
        return _response(_refusal(ApiError(405, 0, "405: Method Not Allowed")))

    def failure(self, status: int, retry_after: int) -> Reply:
        if status == 429:
            return _too_many(Standing("", 1, 0, retry_after, retry_after))
        message = "500: Internal Server Error" if status == 500 else "502: Bad Gateway"
        return _refusal(ApiError(status, 0, message))

    async def _gateway(self, request: web.BaseRequest) -> web.StreamResponse:
        shown: JsonObject = dict(request.query)
        call = self.calls.open(str(self.world.bot.id), "gateway", shown, "", "")

        async def effect() -> Reply:
            if request.headers.get("Upgrade", "").lower() != "websocket":
                return _refusal(ApiError(426, 0, "426: Upgrade Required"))
            return Reply(101, b"")

        response = await self.carry_out(request, call, effect)
        if call.outcome != "ok":
            return response
        return await Connection(self, request).run()

    async def _rest(self, request: web.BaseRequest, found: Route, path: dict[str, str]) -> web.StreamResponse:
        files: list[Given] = []
        try:
            if request.content_type == "multipart/form-data":
                text, files = await read_parts(request, self.options.file_limit)
                body = parse_json(text)
            else:
                body = await read_body(request)
        except ApiError as error:
            return _response(_refusal(error))
        params: JsonObject = {**path, **request.query}
        text = ""
        if isinstance(body, dict):
            params.update(cast("JsonObject", body))
            text = str(params.get("content") or "")
        if files:
            params["files"] = [one.as_json() for one in files]
        call = self.calls.open(str(self.world.bot.id), found.name, params, self._chat(path), text)
        ask = Ask(path, dict(request.query), cast("object", body), call, tuple(files))
        known = found.open or self._authorized(request)

        async def effect() -> Reply:
            if not known:
                return _refusal(_UNAUTHORIZED)
            major = path.get("channel") or path.get("guild") or path.get("token") or ""
            standing = self.api.buckets.spend(found.bucket, major, self.options.clock(), exempt=found.open)
            return _too_many(standing) if standing.wait > 0 else self._effect(found, ask, standing)

        return await self.carry_out(request, call, effect)

    def _effect(self, found: Route, ask: Ask, standing: Standing) -> Reply:
        headers = standing.headers()
        try:
            result = found.method(self.api, ask)
        except ApiError as error:
            return _refusal(error, headers)
        if result is None:
            return Reply(204, b"", headers=headers, content_type="text/html")
        status = 200
        if isinstance(result, Created):
            status, result = 201, result.value
        return Reply(status, json.dumps(result).encode(), headers=headers)

    def _authorized(self, request: web.BaseRequest) -> bool:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        return scheme == "Bot" and self.knows(token)

    def _chat(self, path: dict[str, str]) -> str:
        """What faults call the channel in a path: a thread counts as its channel."""
        given = path.get("channel", "")
        known = self.world.channels.get(int(given)) if given.isascii() and given.isdigit() else None
        return given if known is None else str(known.root.id)


def _refusal(error: ApiError, headers: dict[str, str] | None = None) -> Reply:
    return Reply(
        error.status,
        json.dumps(error.as_json()).encode(),
        accepted=False,
        detail=f"{error.code} {error}",
        headers=headers or {},
    )


def _too_many(standing: Standing) -> Reply:
    shown: JsonObject = {
        "message": "You are being rate limited.",
        "retry_after": round(standing.wait, 3),
        "global": standing.overall,
    }
    headers = standing.headers() if standing.bucket else refusal_headers(standing.wait, overall=False)
    return Reply(429, json.dumps(shown).encode(), accepted=False, detail="rate limited", headers=headers)


def _response(reply: Reply) -> web.Response:
    return web.Response(
        status=reply.status, body=reply.body, headers=reply.headers, content_type=reply.content_type
    )


def main(arguments: list[str] | None = None) -> None:
    """`python -m adapters.emulators.discord`."""
    parser = argparse.ArgumentParser(
        prog="discord-emulator", description=f"A strict local Discord; people are played at {CONTROL}"
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8082, help="0 takes a free one")
    parser.add_argument("--token", action="append", default=[], help="accept only these; may be repeated")
    parser.add_argument("--no-limits", action="store_true", help="no rate limits")
    parser.add_argument("--limit-scale", type=float, default=1.0, help="multiplies every rate limit")
    given = parser.parse_args(arguments)
    options = DiscordOptions(
        tokens=tuple(given.token), limits=Limits(enabled=not given.no_limits, scale=given.limit_scale)
    )
    asyncio.run(serve(DiscordEmulator(options, host=given.host, port=given.port)))


if __name__ == "__main__":
    main()
