"""The control socket: how the `carryon` command talks to a running gateway.

A Unix socket that only the gateway's own user can open. Requests are plain HTTP with JSON, so that a person
can use curl; who may open the socket may do everything, so there is no further password.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from aiohttp import web

from gateway import log
from gateway.console.address import socket_path
from gateway.model.operation import Intent, OperationOutcome, Refused
from gateway.ports import LedgerUnavailableError, Operations

_log = log.get()

Handler = Callable[[web.Request], Awaitable[web.Response]]


async def serve_control(state_dir: Path, operations: Operations) -> None:
    """Serve until cancelled. The state is locked, so that a socket file found here is a dead one's."""
    path = socket_path(state_dir)
    path.unlink(missing_ok=True)
    runner = web.AppRunner(_application(operations), access_log=None)
    await runner.setup()
    before = os.umask(0o177)
    try:
        await web.UnixSite(runner, str(path)).start()
    except OSError as error:
        # The gateway is for the people in the chats: without this socket only the command line is poorer.
        _log.error("control.unavailable", path=str(path), why=str(error))
    finally:
        os.umask(before)
    try:
        await asyncio.Event().wait()
    finally:
        await runner.cleanup()
        path.unlink(missing_ok=True)


def _application(operations: Operations) -> web.Application:
    async def status(_request: web.Request) -> web.Response:
        return web.json_response(asdict(operations.status()))

    async def stop(request: web.Request) -> web.Response:
        body = await request.json()
        wait = body.get("wait")
        intent = Intent(body.get("intent", Intent.STOP))
        return _answer(operations.stop(intent, None if wait is None else float(wait)))

    async def undrain(_request: web.Request) -> web.Response:
        return _answer(operations.undrain())

    def by_id(action: Callable[[int], Awaitable[OperationOutcome]]) -> Handler:
        async def handle(request: web.Request) -> web.Response:
            try:
                return _answer(await action(int(request.match_info["id"])))
            except LedgerUnavailableError as error:
                return _answer(Refused(f"the ledger cannot be written: {error}; nothing was changed"))

        return handle

    application = web.Application()
    application.add_routes(
        [
            web.get("/status", status),
            web.post("/stop", stop),
            web.post("/undrain", undrain),
            web.post(r"/sessions/{id:\d+}/resume", by_id(operations.resume)),
            web.post(r"/sessions/{id:\d+}/suspend", by_id(operations.suspend)),
            web.post(r"/sessions/{id:\d+}/reset", by_id(operations.reset)),
            web.post(r"/deliveries/{id:\d+}/retry", by_id(operations.retry)),
            web.post(r"/deliveries/{id:\d+}/drop", by_id(operations.drop)),
        ]
    )
    return application


def _answer(outcome: OperationOutcome) -> web.Response:
    refused = isinstance(outcome, Refused)
    body: dict[str, Any] = {"done": not refused, "text": outcome.text}
    return web.json_response(body, status=409 if refused else 200)
