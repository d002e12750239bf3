"""The client of the control API, for everything that runs an emulator as a process of its own."""

import json
from collections.abc import AsyncIterator, Iterable
from types import TracebackType
from typing import Self, cast

import aiohttp

from adapters.emulators.control import CONTROL
from adapters.emulators.events import JsonObject

_SLACK = 10.0  # seconds granted beyond a wait's own timeout before the connection counts as dead


class ControlRefusedError(Exception):
    """The emulator refused a control request; the message says why."""


class EmulatorControl:
    """What every emulator offers: events, calls, faults, waiting. Results are JSON values.

    Methods raise ControlRefusedError, TimeoutError when a wait ran out, and aiohttp.ClientError when nobody
    listens. Use it as an async context manager.
    """

    def __init__(self, base_url: str) -> None:
        self._url = base_url.rstrip("/") + CONTROL
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def request(self, verb: str, path: str, **arguments: object) -> object:
        """Any control route; arguments that are None are left out."""
        return await self._request(verb, path, 60, arguments)

    async def _request(self, verb: str, path: str, patience: float, arguments: JsonObject) -> object:
        given = {name: value for name, value in arguments.items() if value is not None}
        session = self._open()
        timeout = aiohttp.ClientTimeout(total=patience)
        async with session.request(verb, self._url + path, json=given, timeout=timeout) as response:
            answer = cast("JsonObject", await response.json())
        if answer.get("ok") is True:
            return answer.get("result")
        if response.status == 408:
            raise TimeoutError(answer.get("error"))
        raise ControlRefusedError(f"{path}: {answer.get('error')}")

    async def wait(self, until: str, *, within: float = 30, **arguments: object) -> object:
        """Wait up to `within` seconds for a condition, as the control API names it."""
        return await self._request(
            "POST", "wait", within + _SLACK, {"until": until, "within": within, **arguments}
        )

    async def wait_event(
        self, kind: str, match: JsonObject | None = None, *, after: int = 0, within: float = 30
    ) -> JsonObject:
        """The first event of `kind` above number `after` that has every pair of `match`."""
        found = await self.wait("event", within=within, kind=kind, match=match or {}, after=after)
        return cast("JsonObject", found)

    async def seq(self) -> int:
        """The newest event's number."""
        return cast("int", cast("JsonObject", await self.request("GET", "health"))["seq"])

    async def events(self, after: int = 0, kinds: Iterable[str] = (), *, wait: float = 0) -> list[JsonObject]:
        arguments: JsonObject = {"after": after, "kinds": ",".join(kinds), "wait": wait}
        found = await self._request("GET", "events", wait + _SLACK, arguments)
        return cast("list[JsonObject]", found)

    async def stream(self, after: int = 0, kinds: Iterable[str] = ()) -> AsyncIterator[JsonObject]:
        """Events as they happen, without end."""
        timeout = aiohttp.ClientTimeout(total=None)
        query = {"after": str(after), "kinds": ",".join(kinds)}
        async with self._open().get(self._url + "events/stream", params=query, timeout=timeout) as response:
            async for line in response.content:
                yield cast("JsonObject", json.loads(line))

    async def calls(self, method: str = "", *, after: int = 0) -> list[JsonObject]:
        return cast("list[JsonObject]", await self.request("GET", "calls", method=method, after=after))

    async def fault(self, kind: str, method: str = "*", when: str = "before", **fields: object) -> int:
        """Arm a fault (further fields: times, skip, chat, text, seconds, retry_after); its number."""
        armed = await self.request("POST", "faults", kind=kind, method=method, when=when, **fields)
        return cast("int", cast("JsonObject", armed)["fault"])

    async def held(self, fault: int, *, within: float = 30) -> JsonObject:
        """Wait until this fault holds a call; the `held` event."""
        return await self.wait_event("held", {"fault": fault}, within=within)

    async def release(self, *, fault: int | None = None, call: int | None = None) -> None:
        await self.request("POST", "release", fault=fault, call=call)

    async def clear_faults(self, fault: int | None = None) -> None:
        """Disarm one fault or all, and release what they hold."""
        await self.request("DELETE", "faults", fault=fault)

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            raise ControlRefusedError("the control client is used outside its `async with` block")
        return self._session
