"""The HTTP server under every emulator: it carries out calls, suffers faults and answers the control API.

A request whose client leaves is cancelled, so a held or hanging call never takes effect afterwards: it is a
request that the platform never got. Effects themselves are synchronous and therefore never half done. aiohttp
is the one place that catches everything: an unforeseen error becomes a 500 for that client only.
"""

import asyncio
import json
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from email.utils import formatdate
from types import TracebackType
from typing import Self, cast

from aiohttp import web

from adapters.emulators.calls import Call, CallLog
from adapters.emulators.control import CONTROL, ControlTable, add_common_routes
from adapters.emulators.events import EventLog
from adapters.emulators.faults import FaultBook, FaultKind, Struck, When

RUBBISH = b"<html><body><h1>Please stand by</h1></body></html>"


@dataclass(frozen=True, slots=True)
class Reply:
    """What a call is answered. `accepted` tells whether it had its effect; `detail` is for the call log."""

    status: int
    body: bytes
    accepted: bool = True
    detail: str = ""
    headers: dict[str, str] = field(default_factory=dict[str, str])
    content_type: str = "application/json"


Effect = Callable[[], Awaitable[Reply]]


class _Dropped(Exception):  # noqa: N818 - a way out, not an error
    """The connection is to be closed without an answer."""


class EmulatorServer:
    """Start, stop, and the path of one call; a platform adds `platform`, `failure` and its control routes."""

    def __init__(self, host: str = "127.0.0.1", port: int = 0, *, keep_calls: int = 10_000) -> None:
        self.host = host
        self.port = port
        self.clock_offset = 0.0  # seconds by which the platform's clock is ahead, in the header Date
        self.events = EventLog()
        self.calls = CallLog(self.events, keep_calls)
        self.faults = FaultBook(self.events)
        self.control = ControlTable(CONTROL)
        add_common_routes(self.control, self.events, self.calls, self.faults)
        self._runner: web.ServerRunner | None = None
        self._late: set[asyncio.Task[Reply]] = set()

    @property
    def base_url(self) -> str:
        """`http://host:port` without a trailing slash; the port is real once the server has started."""
        return f"http://{self.host}:{self.port}"

    async def start(self) -> None:
        """Listen. A second start after a stop takes the same port and finds the world as it was."""
        server = web.Server(self._dispatch, handler_cancellation=True, access_log=None)
        # Stopping does not wait for long polls and held calls: they are cut off, as in an outage.
        runner = web.ServerRunner(server, shutdown_timeout=0.05)
        await runner.setup()
        await web.TCPSite(runner, self.host, self.port, backlog=1024).start()
        self._runner = runner
        self.port = int(runner.addresses[0][1])

    async def stop(self) -> None:
        runner, self._runner = self._runner, None
        for task in self._late:
            task.cancel()
        if runner is not None:
            await runner.cleanup()
        await asyncio.gather(*self._late, return_exceptions=True)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    # What a platform provides.

    async def platform(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer a request that is not for the control API."""
        raise NotImplementedError

    def failure(self, status: int, retry_after: int) -> Reply:
        """The platform's own wording of an injected 429, 500 or 502; `retry_after` is in seconds."""
        raise NotImplementedError

    # The path of one call.

    async def carry_out(self, request: web.BaseRequest, call: Call, effect: Effect) -> web.StreamResponse:
        """Run the call's effect between its faults, log what became of it, and answer."""
        try:
            reply = await self._between_faults(call, effect)
        except _Dropped:
            self.calls.close(call, "fault", None, "dropped")
            if request.transport is not None:
                request.transport.abort()
            return web.Response()  # goes nowhere: the connection is closed
        except asyncio.CancelledError:
            self.calls.close(call, "gone", None)
            raise
        return web.Response(
            status=reply.status, body=reply.body, headers=reply.headers, content_type=reply.content_type
        )

    async def _between_faults(self, call: Call, effect: Effect) -> Reply:
        before = self.faults.take(call, When.BEFORE)
        if before is None:
            return await self._effect_and_after(call, effect)
        if before.fault.kind is FaultKind.DELAY:
            # A slow platform carries out what it was sent, whoever still listens: hence a task of its own.
            return await self._outlive(self._slowly(before.fault.seconds, call, effect))
        answer = await self._suffer(before, call)
        return answer if answer is not None else await self._effect_and_after(call, effect)

    async def _slowly(self, seconds: float, call: Call, effect: Effect) -> Reply:
        await asyncio.sleep(seconds)
        return await self._effect_and_after(call, effect)

    async def _effect_and_after(self, call: Call, effect: Effect) -> Reply:
        reply = await effect()
        if not reply.accepted:
            self.calls.close(call, "refused", reply.status, reply.detail)
            return reply
        after = self.faults.take(call, When.AFTER)
        if after is not None:
            answer = await self._suffer(after, call)
            if answer is not None:
                return answer
        self.calls.close(call, "ok", reply.status)
        return reply

    async def _suffer(self, struck: Struck, call: Call) -> Reply | None:
        """The answer in place of the real one; None when the call goes on."""
        fault = struck.fault
        match fault.kind:
            case FaultKind.HOLD:
                await self.faults.hold(struck, call)
                return None
            case FaultKind.DELAY:
                await asyncio.sleep(fault.seconds)
                return None
            case FaultKind.HANG:
                await self.faults.hold(struck, call)
                raise _Dropped
            case FaultKind.DROP:
                raise _Dropped
            case FaultKind.RUBBISH:
                reply = Reply(200, RUBBISH, content_type="text/html")
            case FaultKind.TOO_MANY | FaultKind.SERVER_ERROR | FaultKind.BAD_GATEWAY:
                reply = self.failure(int(fault.kind.value), fault.retry_after)
            case FaultKind.DUPLICATE:
                return None
        self.calls.close(call, "fault", reply.status, fault.kind.value)
        return reply

    async def _outlive(self, work: Coroutine[None, None, Reply]) -> Reply:
        """Await work that goes on when its awaiter is cancelled; `stop` ends it."""
        task = asyncio.get_running_loop().create_task(work)
        self._late.add(task)
        task.add_done_callback(self._ended)
        return await asyncio.shield(task)

    def _ended(self, task: asyncio.Task[Reply]) -> None:
        """Whoever waited for it may have left: what it ended with has been looked at all the same."""
        self._late.discard(task)
        if not task.cancelled():
            task.exception()

    async def _dispatch(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.path.startswith(CONTROL):
            return await self.control.answer(request)
        response = await self.platform(request)
        if self.clock_offset and not response.prepared:
            response.headers["Date"] = formatdate(time.time() + self.clock_offset, usegmt=True)
        return response


async def serve(emulator: EmulatorServer) -> None:
    """Serve until SIGINT or SIGTERM; says `listening on http://HOST:PORT` on stdout when ready."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with emulator:
        sys.stdout.write(f"listening on {emulator.base_url}\n{_account(emulator)}")
        sys.stdout.flush()
        await stop.wait()


def _account(emulator: EmulatorServer) -> str:
    """An account for a config file that uses this emulator, to be copied."""
    playground = getattr(emulator, "playground", None)
    if playground is None:
        return ""
    settings = cast("dict[str, object]", dict(playground.settings()))
    return f"accounts:\n  {settings['platform']}: {json.dumps(settings)}\n"
