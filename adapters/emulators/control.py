"""The control API: how tests, the demo and benchmarks play the people and order the faults.

Every emulator serves it beside the platform's own API, under `/_control/`, as JSON. Arguments come as a JSON
object in the body or as a query string. An answer is `{"ok": true, "result": ...}`; a mistake in the request
is `{"ok": false, "error": "..."}` with 400, an unknown thing 404, a wait that ran out 408.

Routes of every emulator:

    GET    health                                      {"seq": newest event number}
    GET    events?after=SEQ&wait=SECONDS&kinds=a,b     events above SEQ; waits up to SECONDS for the first one
    GET    events/stream?after=SEQ&kinds=a,b           the same, one JSON object a line, without end
    GET    calls?after=SEQ&method=NAME                 the API calls received
    GET    calls/counts                                {method: how many, ever}
    POST   wait {"until": CONDITION, ..., "within": SECONDS}     see `ControlTable.conditions`
    GET    faults                                      those still in force
    POST   faults {"kind": ..., ...}                   -> {"fault": number}; the fields of `faults.Fault`
    DELETE faults {"fault": number}                    disarm one or all; releases what it holds
    GET    held                                        the calls held now
    POST   release {"fault": number, "call": number}   let held calls go: of one fault, one call, or all

Conditions of every emulator:

    event   {"kind", "match": {...}, "after": SEQ}     the first such event above SEQ
    calls   {"method", "count"}                        that many calls of the method have arrived, ever
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import cast

from aiohttp import web

from adapters.emulators.calls import CallLog
from adapters.emulators.events import EventLog, JsonObject
from adapters.emulators.faults import Fault, FaultBook, FaultKind, When

CONTROL = "/_control/"  # where the control API lives on every emulator
DEFAULT_WAIT = 30.0  # seconds


class ControlError(Exception):
    """The request to the control API is wrong; the message says how. `status` is the HTTP status answered."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


class Args:
    """The arguments of one control request, checked as they are read."""

    def __init__(self, values: JsonObject) -> None:
        self.values = values

    def integer(self, name: str) -> int:
        number = self.maybe_integer(name)
        if number is None:
            raise ControlError(f"{name} is missing")
        return number

    def maybe_integer(self, name: str) -> int | None:
        value = self.values.get(name)
        if value is None:
            return None
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        if isinstance(value, str):
            try:
                return int(value)
            except ValueError:
                pass
        raise ControlError(f"{name} must be an integer, not {value!r}")

    def number(self, name: str, default: float) -> float:
        value = self.values.get(name, default)
        if isinstance(value, (int, float, str)):
            try:
                return float(value)
            except ValueError:
                pass
        raise ControlError(f"{name} must be a number, not {value!r}")

    def text(self, name: str, default: str | None = None) -> str:
        value = self.values.get(name, default)
        if value is None:
            raise ControlError(f"{name} is missing")
        return str(value)

    def maybe_text(self, name: str) -> str | None:
        value = self.values.get(name)
        return None if value is None else str(value)

    def flag(self, name: str, default: bool) -> bool:
        value = self.values.get(name, default)
        if isinstance(value, bool):
            return value
        return str(value).lower() in {"1", "true", "yes"}

    def mapping(self, name: str) -> JsonObject:
        value = self.values.get(name, {})
        if not isinstance(value, dict):
            raise ControlError(f"{name} must be an object")
        return cast("JsonObject", value)

    def listing(self, name: str) -> list[object]:
        value = self.values.get(name, [])
        if not isinstance(value, list):
            raise ControlError(f"{name} must be a list")
        return cast("list[object]", value)

    def kinds(self) -> frozenset[str]:
        return frozenset(kind for kind in self.text("kinds", "").split(",") if kind)


Handler = Callable[[Args], object]
Condition = Callable[[Args], Awaitable[object]]


class ControlTable:
    """Verb and path to handler, name to condition. Handlers return JSON values and raise ControlError."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._routes: dict[tuple[str, str], Handler] = {}
        self._waits: dict[str, Condition] = {}
        self._streams: dict[str, Callable[[web.BaseRequest, Args], Awaitable[web.StreamResponse]]] = {}
        self.add("POST", "wait", self._wait)

    def add(self, verb: str, path: str, handler: Handler) -> None:
        self._routes[verb, path] = handler

    def add_stream(
        self, path: str, handler: Callable[[web.BaseRequest, Args], Awaitable[web.StreamResponse]]
    ) -> None:
        self._streams[path] = handler

    def add_condition(self, name: str, condition: Condition) -> None:
        """`condition` returns, whenever it is met, what `wait` is answered."""
        self._waits[name] = condition

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        path = request.path.removeprefix(self._prefix).rstrip("/")
        try:
            args = await _read(request)
            stream = self._streams.get(path)
            if stream is not None:
                return await stream(request, args)
            result = self._handler(request.method, path)(args)
            if isinstance(result, Awaitable):
                result = await cast("Awaitable[object]", result)
        except ControlError as error:
            return _json({"ok": False, "error": str(error)}, error.status)
        return _json({"ok": True, "result": result})

    def _handler(self, verb: str, path: str) -> Handler:
        handler = self._routes.get((verb, path))
        if handler is None:
            raise ControlError(f"no such control route: {verb} {path}", 404)
        return handler

    async def wait(self, until: str, arguments: JsonObject) -> object:
        """The `wait` route, called in the same process. Raises ControlError."""
        return await self._wait(Args({**arguments, "until": until}))

    async def _wait(self, args: Args) -> object:
        name = args.text("until")
        condition = self._waits.get(name)
        if condition is None:
            raise ControlError(f"no such condition: {name}; there are {', '.join(sorted(self._waits))}")
        within = args.number("within", DEFAULT_WAIT)
        try:
            async with asyncio.timeout(within):
                return await condition(args)
        except TimeoutError:
            raise ControlError(f"{name} did not come true within {within:g} s", 408) from None


async def _read(request: web.BaseRequest) -> Args:
    values: JsonObject = dict(request.query)
    body = await request.read()
    if body:
        try:
            parsed: object = json.loads(body)
        except ValueError as error:
            raise ControlError(f"the body is not JSON: {error}") from None
        if not isinstance(parsed, dict):
            raise ControlError("the body must be a JSON object")
        values.update(cast("JsonObject", parsed))
    return Args(values)


def _json(value: object, status: int = 200) -> web.Response:
    return web.Response(status=status, text=json.dumps(value), content_type="application/json")


def read_fault(args: Args) -> Fault:
    """A fault from its JSON fields: kind, method, when, times, skip, chat, text, seconds, retry_after."""
    known = {"kind", "method", "when", "times", "skip", "chat", "text", "seconds", "retry_after"}
    unknown = sorted(set(args.values) - known)
    if unknown:
        raise ControlError(f"a fault has no {', '.join(unknown)}; it has {', '.join(sorted(known))}")
    try:
        kind = FaultKind(args.text("kind"))
        when = When(args.text("when", "before"))
    except ValueError as error:
        raise ControlError(f"{error}; kinds are {', '.join(FaultKind)}; when is before or after") from None
    return Fault(
        kind=kind,
        method=args.text("method", "*"),
        when=when,
        times=args.maybe_integer("times") or 1,
        skip=args.maybe_integer("skip") or 0,
        chat=args.maybe_text("chat"),
        text=args.maybe_text("text"),
        seconds=args.number("seconds", 0),
        retry_after=args.maybe_integer("retry_after") or 1,
    )


def add_common_routes(table: ControlTable, events: EventLog, calls: CallLog, faults: FaultBook) -> None:
    """The routes and conditions that every emulator has; see the module's head."""
    _add_events(table, events)
    _add_calls(table, events, calls)
    _add_faults(table, faults)


def _add_events(table: ControlTable, events: EventLog) -> None:
    async def read_events(args: Args) -> object:
        after, kinds = args.maybe_integer("after") or 0, args.kinds()
        wait = args.number("wait", 0)
        found = events.since(after, kinds)
        if not found and wait > 0:
            with suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    found = await events.until(lambda: events.since(after, kinds) or None)
        return [event.as_json() for event in found]

    async def stream_events(request: web.BaseRequest, args: Args) -> web.StreamResponse:
        cursor, kinds = args.maybe_integer("after") or 0, args.kinds()
        response = web.StreamResponse(headers={"Content-Type": "application/x-ndjson"})
        await response.prepare(request)
        while True:  # ends when the client leaves: the request is cancelled
            lines = [json.dumps(event.as_json()) + "\n" for event in events.since(cursor, kinds)]
            cursor = events.seq
            if lines:
                await response.write("".join(lines).encode())
            if cursor == events.seq:  # nothing came while writing
                await events.changed()

    async def event_came(args: Args) -> object:
        after = args.maybe_integer("after") or 0
        within = args.number("within", DEFAULT_WAIT)
        event = await events.event(args.text("kind"), args.mapping("match"), after=after, within=within)
        return event.as_json()

    table.add("GET", "health", lambda _: {"seq": events.seq})
    table.add("GET", "events", read_events)
    table.add_stream("events/stream", stream_events)
    table.add_condition("event", event_came)


def _add_calls(table: ControlTable, events: EventLog, calls: CallLog) -> None:
    def read_calls(args: Args) -> object:
        found = calls.since(args.maybe_integer("after") or 0, args.text("method", ""))
        return [call.as_json() for call in found]

    async def calls_came(args: Args) -> object:
        method, count = args.text("method"), args.integer("count")

        def probe() -> int | None:
            have = calls.counts.get(method, 0)
            return have if have >= count else None

        return await events.until(probe)

    table.add("GET", "calls", read_calls)
    table.add("GET", "calls/counts", lambda _: calls.counts)
    table.add_condition("calls", calls_came)


def _add_faults(table: ControlTable, faults: FaultBook) -> None:
    def release(args: Args) -> object:
        released = faults.release(fault=args.maybe_integer("fault"), call=args.maybe_integer("call"))
        return {"released": released}

    table.add("GET", "faults", lambda _: faults.armed())
    table.add("POST", "faults", lambda args: {"fault": faults.add(read_fault(args))})
    table.add("DELETE", "faults", lambda args: {"removed": faults.remove(args.maybe_integer("fault"))})
    table.add("GET", "held", lambda _: faults.held())
    table.add("POST", "release", release)
