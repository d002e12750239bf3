"""The HTTP server for people who watch a gateway and press something now and then.

It is served by the gateway's own event loop, so it is kept from being a burden: connections, requests and
their bodies are bounded, who says nothing or takes nothing is hung up on, and nobody is waited for when the
gateway stops. A port that is taken costs the operator a page, and nobody in a chat anything.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from gateway import log
from gateway.console import login
from gateway.console.connections import Connections
from gateway.console.exchange import Exchange
from gateway.console.guard import Guard, GuardParts, Handler
from gateway.ports import Clock

_log = log.get()

LARGEST_BODY = 64 * 1024
MOST_CONNECTIONS = 100
"""One more than that, and the oldest that waits for nothing is cut off for it."""

IDLE_SECONDS = 30.0
"""How long a connection may say nothing, or leave an answer untaken."""

GRACE_SECONDS = 0.25
"""How long a request may take to finish when the gateway stops; as long again to be cancelled."""


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """Where to listen, and what to ask for. `loopback`: only this machine can connect."""

    host: str
    port: int
    loopback: bool
    token: str | None
    key: bytes


async def serve_http(
    settings: HttpSettings,
    routes: Sequence[web.AbstractRouteDef],
    clock: Clock,
    listening: Callable[[int], None] = lambda _port: None,
) -> None:
    """Serve until cancelled; returns where that address cannot be had. `listening` is told the port."""
    parts = GuardParts(settings.host, settings.loopback, settings.port, settings.token, settings.key, clock)
    guard = Guard(parts)
    application = web.Application(client_max_size=LARGEST_BODY)
    connections = Connections(MOST_CONNECTIONS, IDLE_SECONDS)
    _count(application, connections)
    guard.protect(application)
    application.add_routes([*login.routes(guard), *routes])
    runner = web.AppRunner(application, shutdown_timeout=GRACE_SECONDS, handler_cancellation=True)
    await runner.setup()
    try:
        server = await _listen(runner, settings, connections)
        if server is None:
            return
        try:
            port = int(server.sockets[0].getsockname()[1])
            _log.info("http.listening", host=settings.host, port=port)
            listening(port)
            await asyncio.Event().wait()
        finally:
            server.close()
    finally:
        await runner.cleanup()


def _count(application: web.Application, connections: Connections) -> None:
    """Have it be known for which connections something is being done."""

    @web.middleware
    async def counted(request: web.Request, handler: Handler) -> web.StreamResponse:
        with connections.serving(request.transport):
            return await handler(request)

    application.middlewares.append(counted)


async def _listen(
    runner: web.AppRunner, settings: HttpSettings, connections: Connections
) -> asyncio.Server | None:
    """Begin to accept connections; None where it cannot be."""
    served, loop, logger = runner.server, asyncio.get_running_loop(), _bugs()
    assert served is not None

    def accept() -> asyncio.BaseProtocol:
        exchange = Exchange(
            served,
            loop=loop,
            access_log=None,  # type: ignore[arg-type]
            logger=logger,
            keepalive_timeout=IDLE_SECONDS,
            lingering_time=1.0,
        )
        return connections.watched(exchange)

    try:
        return await loop.create_server(accept, settings.host, settings.port, backlog=64)
    except (OSError, UnicodeError) as error:
        _log.error(
            "http.unavailable",
            host=settings.host,
            port=settings.port,
            why=str(error),
            then="chats are served all the same; set http.listen to another address, or stop what uses this "
            "one, and restart the gateway",
        )
        return None


def _bugs() -> logging.Logger:
    """A logger for what handlers do wrong. What strangers send that is no HTTP is not worth a line each."""
    logger = logging.getLogger("carryon.http")
    logger.filters[:] = [_is_bug]
    return logger


def _is_bug(record: logging.LogRecord) -> bool:
    error = record.exc_info[1] if isinstance(record.exc_info, tuple) else None
    return not isinstance(error, HttpProcessingError | ConnectionError | web.RequestPayloadError)
