"""A Slack on this machine, Web API and Socket Mode, as strict as the real one.

Apps reach it by their library's base URL, for instance `AsyncWebClient(base_url=emulator.api_url)`; the
address of the socket follows from there. Tests, the demo and benchmarks play the people through
`SlackEmulator.people` and `.world` in the same process, or through the control API (`slack_control`; its
client is `slack_client`) from another one.
"""

import argparse
import asyncio
import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from aiohttp import web

from adapters.emulators import (
    slack_chat,
    slack_conversations,
    slack_methods,
    slack_reactions,
    slack_responses,
    slack_streams,
    slack_uploads,
)
from adapters.emulators.calls import Call
from adapters.emulators.control import CONTROL
from adapters.emulators.events import JsonObject
from adapters.emulators.playground import add_playground_routes
from adapters.emulators.server import EmulatorServer, Reply, serve
from adapters.emulators.slack_api import SCOPES, Ask, Limits, Method, SlackApi, Streaming
from adapters.emulators.slack_control import add_slack_routes
from adapters.emulators.slack_deliveries import Patience
from adapters.emulators.slack_files import PRIVATE, UPLOAD, SlackFiles
from adapters.emulators.slack_hearing import SUBSCRIPTIONS, SlackHearing
from adapters.emulators.slack_params import ApiError, Params, read_call
from adapters.emulators.slack_people import SlackPeople
from adapters.emulators.slack_playground import APP_TOKEN, BOT_TOKEN, SlackPlayground
from adapters.emulators.slack_socket import PATH, SlackSocket
from adapters.emulators.slack_world import SlackWorld

_TOKENS = {"xoxb": re.compile(r"xoxb-[A-Za-z0-9-]+\Z"), "xapp": re.compile(r"xapp-[A-Za-z0-9-]+\Z")}
_METHODS: dict[str, Method] = {
    one.name: one
    for one in (
        *slack_methods.METHODS,
        *slack_chat.METHODS,
        *slack_streams.METHODS,
        *slack_conversations.METHODS,
        *slack_reactions.METHODS,
        *slack_uploads.METHODS,
    )
}
_FAILURES = {429: "ratelimited", 500: "internal_error", 502: "service_unavailable"}


@dataclass(frozen=True, slots=True)
class SlackOptions:
    """How the emulator behaves.

    Without `bot_tokens` and `app_tokens` every token of valid shape is the app's; with them only those are.
    `patience` is what envelopes get, `streaming` what streams get. `clock` (seconds, growing) drives rate
    limits and streams, `now` is the wall clock of messages. `keep_calls` bounds the call log.
    """

    bot_tokens: tuple[str, ...] = ()
    app_tokens: tuple[str, ...] = ()
    name: str = "carryon"
    scopes: tuple[str, ...] = SCOPES
    subscriptions: frozenset[str] = SUBSCRIPTIONS
    limits: Limits = field(default_factory=Limits)
    patience: Patience = field(default_factory=Patience)
    streaming: Streaming = field(default_factory=Streaming)
    clock: Callable[[], float] = time.monotonic
    now: Callable[[], float] = time.time
    keep_calls: int = 10_000


class SlackEmulator(EmulatorServer):
    """The server; `async with SlackEmulator() as emulator` listens on a free port of the loopback."""

    def __init__(
        self, options: SlackOptions | None = None, *, host: str = "127.0.0.1", port: int = 0
    ) -> None:
        options = options or SlackOptions()
        super().__init__(host, port, keep_calls=options.keep_calls)
        self._tokens = {"xoxb": options.bot_tokens, "xapp": options.app_tokens}
        self.revoked = False
        self.world = SlackWorld(options.now, name=options.name)
        self.socket = SlackSocket(self.events, self.faults, self.world.app.app_id, options.patience)
        self.hearing = SlackHearing(self.world, self.socket.deliveries, options.subscriptions)
        self.files = SlackFiles(self.world.seconds, lambda: self.base_url)
        self.people = SlackPeople(
            self.world, self.hearing, self.socket.deliveries, self.events, self.files, lambda: self.base_url
        )
        self.api = SlackApi(self.world, self.people, self.hearing, self.socket, self.events, self.files)
        self.api.scopes, self.api.streaming = options.scopes, options.streaming
        self.api.clock, self.api.base_url = options.clock, lambda: self.base_url
        self.api.set_limits(options.limits)
        self.playground = SlackPlayground(self)
        add_playground_routes(self.control, self.playground)
        add_slack_routes(self.control, self)

    @classmethod
    def without_limits(cls, port: int = 0) -> "SlackEmulator":
        """One that any token opens and that limits nothing, for tests and demonstrations."""
        return cls(SlackOptions(limits=Limits(enabled=False)), port=port)

    @property
    def api_url(self) -> str:
        """What a client's base URL has to be; with the slash that it has to end in."""
        return f"{self.base_url}/api/"

    @property
    def bot_token(self) -> str:
        return next(iter(self._tokens["xoxb"]), BOT_TOKEN)

    @property
    def app_token(self) -> str:
        return next(iter(self._tokens["xapp"]), APP_TOKEN)

    async def stop(self) -> None:
        """Go down. What was under way to the app is lost; the conversations stay as they are."""
        self.socket.deliveries.forget()
        self.socket.drop()
        await super().stop()

    def revoke(self, *, revoked: bool = True) -> None:
        """Somebody uninstalls the app: its tokens are refused from now on."""
        if revoked and not self.revoked:
            tokens = {"oauth": [], "bot": [self.world.bot.id]}
            self.hearing.other("tokens_revoked", None, tokens=tokens)
        self.revoked = revoked

    async def wait(self, until: str, *, within: float = 30, **arguments: object) -> object:
        """Wait for a condition of the control API (`replies`, `connected`, …) in this process.

        `within` is in seconds. Raises ControlError, with status 408 when the time runs out.
        """
        return await self.control.wait(until, {"within": within, **arguments})

    async def platform(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer `/api/<method>`, the socket, and response URLs."""
        if request.path == PATH:
            return await self.socket.serve(request)
        if request.path.startswith(slack_responses.PATH):
            return await self._respond(request)
        if request.path.startswith((UPLOAD, PRIVATE)) or request.path == slack_uploads.LOGIN:
            return await self._bytes(request)
        if not request.path.startswith("/api/") or request.method not in {"GET", "POST"}:
            return web.Response(status=404, text="not found")
        name = request.path.removeprefix("/api/")
        try:
            params, token = await read_call(request)
        except ApiError as error:
            return _response(_refusal(error))
        method = _METHODS.get(name)
        chat = params.text("channel") or params.text("channel_id")
        said = params.text("text") or params.text("markdown_text") or params.text("chunks")
        call = self.calls.open(self.world.app.app_id, name, params.values, chat, said)
        return await self.carry_out(request, call, lambda: self._effect(method, params, token, call))

    def failure(self, status: int, retry_after: int) -> Reply:
        if status == 429:
            return _refusal(ApiError("ratelimited", retry_after=retry_after))
        body = json.dumps({"ok": False, "error": _FAILURES[status]}).encode()
        return Reply(status, body, accepted=False, detail=_FAILURES[status])

    async def _effect(self, method: Method | None, params: Params, token: str, call: Call) -> Reply:
        try:
            if method is None:
                raise ApiError("unknown_method", {"req_method": call.method})  # noqa: TRY301
            self._authorize(method, token)
            self.api.spend(method)
            self.api.need(*method.scopes)
            answer = method.run(self.api, Ask(params, call))
        except ApiError as error:
            return _refusal(error, self._headers(method))
        return Reply(200, json.dumps({"ok": True, **answer}).encode(), headers=self._headers(method))

    async def _bytes(self, request: web.BaseRequest) -> web.StreamResponse:
        """Files come and go: calls of `upload_url` and `url_private` in the log."""
        path = request.path
        if request.method == "POST" and path.startswith(UPLOAD):
            content = await slack_uploads.take(request)
            call = self.calls.open(self.world.app.app_id, "upload_url", {"size": len(content)}, "", "")
            return await self._at_once(request, call, lambda: slack_uploads.put(self.api, path, content))
        if request.method != "GET" or path.startswith(UPLOAD):
            return web.Response(status=405)
        if path == slack_uploads.LOGIN:
            return slack_uploads.login_page()
        token = request.headers.get("Authorization", "").removeprefix("Bearer ").strip()
        shown = {"path": path, "token": bool(token)}
        call = self.calls.open(self.world.app.app_id, "url_private", shown, "", "")
        anything = slack_uploads.METHODS[0]  # as good as any call of the bot's

        def reply() -> Reply:
            return slack_uploads.hand_out(self.api, path, lambda: self._authorize(anything, token))

        return await self._at_once(request, call, reply)

    async def _at_once(
        self, request: web.BaseRequest, call: Call, reply: Callable[[], Reply]
    ) -> web.StreamResponse:
        async def effect() -> Reply:
            return reply()

        return await self.carry_out(request, call, effect)

    async def _respond(self, request: web.BaseRequest) -> web.StreamResponse:
        """A response URL needs no token: its address is the secret."""
        try:
            params, _ = await read_call(request)
        except ApiError as error:
            return _response(_refusal(error))
        secret = request.path.removeprefix(slack_responses.PATH)
        call = self.calls.open(self.world.app.app_id, "response_url", params.values, "", params.text("text"))

        async def effect() -> Reply:
            try:
                slack_responses.respond(self.api, secret, params)
            except ApiError as error:
                return Reply(404, str(error).encode(), accepted=False, detail=str(error))
            return Reply(200, b"ok", content_type="text/plain")

        return await self.carry_out(request, call, effect)

    def _authorize(self, method: Method, token: str) -> None:
        if not token:
            raise ApiError("not_authed")
        kind = next((one for one, shape in _TOKENS.items() if shape.match(token)), None)
        if kind is None or (self._tokens[kind] and token not in self._tokens[kind]):
            raise ApiError("invalid_auth")
        if self.revoked:
            raise ApiError("token_revoked")
        if kind != method.token:
            raise ApiError("not_allowed_token_type")

    def _headers(self, method: Method | None) -> dict[str, str]:
        of_app = method is not None and method.token == "xapp"  # noqa: S105  (a kind of token)
        shown = {"x-oauth-scopes": ",".join(self.api.app_scopes if of_app else self.api.scopes)}
        if method is not None and method.scopes:
            shown["x-accepted-oauth-scopes"] = ",".join(method.scopes)
        return shown


def _refusal(error: ApiError, headers: dict[str, str] | None = None) -> Reply:
    shown: JsonObject = {"ok": False, "error": str(error), **error.shown}
    headers = dict(headers or {})
    if error.retry_after is not None:
        headers["Retry-After"] = str(error.retry_after)
    status = 200 if error.retry_after is None else 429
    return Reply(status, json.dumps(shown).encode(), accepted=False, detail=str(error), headers=headers)


def _response(reply: Reply) -> web.Response:
    return web.Response(
        status=reply.status, body=reply.body, headers=reply.headers, content_type=reply.content_type
    )


def main(arguments: list[str] | None = None) -> None:
    """`python -m adapters.emulators.slack`."""
    parser = argparse.ArgumentParser(
        prog="slack-emulator",
        description=f"A strict local Slack: Web API and Socket Mode; people are played at {CONTROL}",
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8083, help="0 takes a free one")
    parser.add_argument("--bot-token", action="append", default=[], help="accept only these; may be repeated")
    parser.add_argument("--app-token", action="append", default=[], help="accept only these; may be repeated")
    parser.add_argument("--no-limits", action="store_true", help="no rate limits")
    parser.add_argument("--limit-scale", type=float, default=1.0, help="multiplies every rate limit")
    given = parser.parse_args(arguments)
    options = SlackOptions(
        bot_tokens=tuple(given.bot_token),
        app_tokens=tuple(given.app_token),
        limits=Limits(enabled=not given.no_limits, scale=given.limit_scale),
    )
    asyncio.run(serve(SlackEmulator(options, host=given.host, port=given.port)))


if __name__ == "__main__":
    main()
