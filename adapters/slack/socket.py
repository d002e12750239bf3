"""Socket Mode: one connection, from its opening to its end.

slack_bolt runs global middleware before it acknowledges an envelope, and listeners after; so the middleware
is where events are committed, and an exception there leaves the envelope unacknowledged. It stands before
bolt's own authorization, which asks Slack who the bot is at the first event, and acknowledges an event for
which that fails.

slack_sdk's ready-made client reconnects by itself for ever, and notices a broken connection late. This one,
on the same base, ends with its connection and says why; what then is up to its owner.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from time import time
from typing import Any, cast

from aiohttp import ClientConnectorError, ClientError, ClientWebSocketResponse, ClientWSTimeout, WSMsgType
from slack_bolt.adapter.socket_mode.async_internals import run_async_bolt_app, send_async_response
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.middleware.async_middleware import AsyncMiddleware
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest

from adapters.slack.client import QUIET, Client, NotSentError
from adapters.slack.outcomes import Trouble, TroubleKind
from gateway import log

HEARTBEAT_SECONDS = 10.0
HELLO_SECONDS = 30.0
CLOSE_SECONDS = 1.0

REFRESHED = Trouble(TroubleKind.CUT, "Slack asks for a new connection again and again.", "refresh")
"""How a connection ends that was only asked to make room for the next."""

_PLANNED = frozenset({"warning", "refresh_requested"})
_ENDINGS = {
    "link_disabled": Trouble(
        TroubleKind.LINK_DISABLED,
        "Socket Mode was switched off; switch it on in the app's settings.",
        "link_disabled",
    ),
    "too_many_websockets": Trouble(
        TroubleKind.REFUSED,
        "Slack allows ten connections of an app, and they are taken; stop other programs that use it.",
        "too_many_websockets",
    ),
}

Take = Callable[[dict[str, Any]], Awaitable[None]]
"""Commits what a payload tells, and returns when that is done."""


class Acceptance(AsyncMiddleware):
    """The first and only step of every payload."""

    def __init__(self, take: Take) -> None:
        self._take = take

    async def async_process(
        self,
        *,
        req: AsyncBoltRequest,
        resp: BoltResponse,
        next: Callable[[], Awaitable[BoltResponse]],  # noqa: A002
    ) -> BoltResponse:
        """Acknowledged when it is committed, and only then."""
        del resp, next
        await self._take(req.body)
        return BoltResponse(status=200)


def bolt_app(client: Client, take: Take, account: str) -> AsyncApp:
    """The app that payloads are dispatched to. A bug in `take` is logged, and leaves them unacknowledged."""
    app = AsyncApp(
        name="carryon",
        client=client,
        logger=QUIET,
        before_authorize=cast("Any", Acceptance(take)),
        request_verification_enabled=False,
    )

    async def failed(error: Exception) -> None:
        log.get(account=account).error("slack.event_failed", exc_info=error)

    cast("Any", app).error(failed)
    return app


class Socket(AsyncBaseSocketModeClient):
    """One connection. Its events are handled by `tasks`, which outlive it."""

    def __init__(self, app: AsyncApp, client: Client, tasks: asyncio.TaskGroup) -> None:
        self.logger = QUIET
        self.web_client = client
        self.closed = False
        self.message_listeners = []
        self.socket_mode_request_listeners = [self._dispatch]
        self.opened = asyncio.Event()
        self._client = client
        self._app = app
        self._tasks = tasks
        self._link: ClientWebSocketResponse

    async def serve(self, url: str) -> Trouble:
        """Stay until the connection ends; why it did."""
        try:
            async with self._client.open_session().ws_connect(
                url,
                heartbeat=HEARTBEAT_SECONDS,
                proxy=self._client.proxy,
                timeout=ClientWSTimeout(ws_close=CLOSE_SECONDS),  # pyright: ignore[reportCallIssue]  (attrs)
            ) as self._link:
                return await self._receive()
        except (ClientConnectorError, NotSentError) as error:
            return Trouble(TroubleKind.NETWORK, "There is no connection to Slack.", type(error).__name__)
        except (ClientError, OSError, TimeoutError) as error:
            return Trouble(TroubleKind.CUT, "The connection to Slack broke.", type(error).__name__)
        finally:
            self.closed = True

    async def _receive(self) -> Trouble:
        while True:
            message = await self._link.receive(timeout=None if self.opened.is_set() else HELLO_SECONDS)
            if message.type is WSMsgType.TEXT:
                ended = self._read(cast("str", message.data))
                if ended is not None:
                    return ended
            elif message.type is not WSMsgType.BINARY:
                return Trouble(TroubleKind.CUT, "The connection to Slack broke.", message.type.name)

    def _read(self, text: str) -> Trouble | None:
        try:
            parsed: object = json.loads(text)
        except ValueError:
            return None
        if not isinstance(parsed, dict):
            return None
        message = cast("dict[str, Any]", parsed)
        match message.get("type"):
            case "hello":
                self.opened.set()
            case "disconnect":
                reason = str(message.get("reason"))
                other = Trouble(TroubleKind.CUT, "Slack closed the connection.", reason)
                return REFRESHED if reason in _PLANNED else _ENDINGS.get(reason, other)
            case _:
                self._tasks.create_task(cast("Any", self).run_message_listeners(message, text))
        return None

    async def _dispatch(self, _: AsyncBaseSocketModeClient, request: SocketModeRequest) -> None:
        begun = time()
        await send_async_response(self, request, await run_async_bolt_app(self._app, request), begun)

    async def session_id(self) -> str:
        """Slack's library logs it."""
        return ""

    async def send_message(self, message: str) -> None:
        """Write to the connection. An acknowledgement that comes too late is lost; Slack sends again."""
        if not self.closed:
            await self._link.send_str(message)
