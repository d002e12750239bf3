"""The control socket: how the `carryon` command talks to a running gateway.

A Unix socket that only the gateway's own user can open. Requests are plain HTTP with JSON, so that a person
can use curl; who may open the socket may do everything, so there is no further password.
"""

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

from aiohttp import web
from aiohttp.typedefs import Handler as AnyHandler

from gateway import log
from gateway.console.address import socket_path
from gateway.model.grant import Role
from gateway.model.operation import Intent, OperationOutcome, Refused
from gateway.model.text import storable
from gateway.ports import LedgerUnavailableError, Operations

_log = log.get()

LONGEST_WAIT = 365 * 86400.0
"""Seconds: beyond it a wait is a typing error."""

HIGHEST_ID = 2**63 - 1
UNWRITABLE = "the ledger cannot be written: {}; nothing was changed"

Handler = Callable[[web.Request], Awaitable[web.Response]]


async def serve_control(state_dir: Path, operations: Operations) -> None:
    """Serve until cancelled. The state is locked, so that a socket file found here is a dead one's."""
    path = socket_path(state_dir)
    try:
        listening = _listen(path)
    except OSError as error:
        # The gateway is for the people in the chats: without this socket only the command line is poorer.
        _log.error("control.unavailable", path=str(path), why=str(error))
        return
    runner = web.AppRunner(_application(operations), access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.SockSite(runner, listening).start()
        await asyncio.Event().wait()
    finally:
        await runner.cleanup()
        listening.close()
        path.unlink(missing_ok=True)


def _listen(path: Path) -> socket.socket:
    """The socket, for this user alone from its first moment.

    Without a pause: what else this process makes meanwhile, an agent's process say, would get the same mask.
    """
    path.unlink(missing_ok=True)
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        made.bind(str(path))
    except OSError:
        made.close()
        raise
    finally:
        os.umask(before)
    return made


def _application(operations: Operations) -> web.Application:
    async def status(_request: web.Request) -> web.Response:
        return web.json_response(asdict(operations.status()))

    async def stop(request: web.Request) -> web.Response:
        try:
            intent, wait = _stop_of(await request.json())
        except (ValueError, TypeError, LookupError, RecursionError):
            allowed = ", ".join(Intent)
            return web.json_response(
                {"done": False, "text": f"intent is one of {allowed}; wait is null or seconds from 0"},
                status=400,
            )
        return _answer(operations.stop(intent, wait))

    async def undrain(_request: web.Request) -> web.Response:
        return _answer(operations.undrain())

    async def reload(_request: web.Request) -> web.Response:
        return _answer(await operations.reload())

    def by_id(action: Callable[[int], Awaitable[OperationOutcome]]) -> Handler:
        async def handle(request: web.Request) -> web.Response:
            ident = int(request.match_info["id"])
            if abs(ident) > HIGHEST_ID:
                return _answer(Refused(f"there is nothing with the id {ident}"))
            try:
                return _answer(await action(ident))
            except LedgerUnavailableError as error:
                return _answer(Refused(UNWRITABLE.format(error)))

        return handle

    application = web.Application(middlewares=[_noted])
    application.add_routes(
        [
            web.get("/status", status),
            web.post("/stop", stop),
            web.post("/undrain", undrain),
            web.post("/reload", reload),
            *_about_people(operations),
            web.post(r"/sessions/{id:-?\d{1,20}}/resume", by_id(operations.resume)),
            web.post(r"/sessions/{id:-?\d{1,20}}/suspend", by_id(operations.suspend)),
            web.post(r"/sessions/{id:-?\d{1,20}}/reset", by_id(operations.reset)),
            web.post(r"/deliveries/{id:-?\d{1,20}}/retry", by_id(operations.retry)),
            web.post(r"/deliveries/{id:-?\d{1,20}}/drop", by_id(operations.drop)),
        ]
    )
    return application


def _about_people(operations: Operations) -> list[web.RouteDef]:
    """Who is let in, and who is no longer."""

    async def pair(request: web.Request) -> web.Response:
        roles = ", ".join(Role)
        return await _with_body(
            request,
            lambda body: operations.pair(_word(body, "code"), Role(body.get("role", Role.USER))),
            f"code is a text; role is one of {roles}",
        )

    async def revoke(request: web.Request) -> web.Response:
        return await _with_body(
            request,
            lambda body: operations.revoke(_word(body, "account"), _word(body, "person")),
            "account and person are texts",
        )

    return [web.post("/people/pair", pair), web.post("/people/revoke", revoke)]


async def _with_body(
    request: web.Request,
    action: Callable[[dict[str, Any]], Awaitable[OperationOutcome]],
    allowed: str,
) -> web.Response:
    """Do what a JSON object says; `allowed` is the answer to anything else."""
    try:
        work = action(_object(await request.json()))
    except (ValueError, TypeError, LookupError, RecursionError):
        return web.json_response({"done": False, "text": allowed}, status=400)
    try:
        return _answer(await work)
    except LedgerUnavailableError as error:
        return _answer(Refused(UNWRITABLE.format(error)))


@web.middleware
async def _noted(request: web.Request, handler: AnyHandler) -> web.StreamResponse:
    """What people decide from outside stands in the log beside what came of it."""
    response = await handler(request)
    if request.method == "POST":
        _log.info("operator.asked", what=request.path.removeprefix("/"), done=response.status == 200)
    return response


def _object(body: object) -> dict[str, Any]:
    if not isinstance(body, dict):
        raise TypeError
    return cast("dict[str, Any]", body)


def _word(body: dict[str, Any], key: str) -> str:
    """A text that the ledger can be asked for."""
    value = body[key]
    if not isinstance(value, str) or storable(value) != value:
        raise TypeError
    return value


def _stop_of(body: object) -> tuple[Intent, float | None]:
    """Intent and wait of a request; `ValueError` or `TypeError` for anything that is neither."""
    values = _object(body)
    wait = values.get("wait")
    if wait is not None and not 0 <= float(wait) <= LONGEST_WAIT:  # NaN is not between either
        raise ValueError
    return Intent(values.get("intent", Intent.STOP)), None if wait is None else float(wait)


def _answer(outcome: OperationOutcome) -> web.Response:
    refused = isinstance(outcome, Refused)
    body: dict[str, Any] = {"done": not refused, "text": outcome.text}
    if isinstance(outcome, Refused) and outcome.problems:
        body["problems"] = outcome.problems
    return web.json_response(body, status=409 if refused else 200)
