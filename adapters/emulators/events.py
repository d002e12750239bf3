"""What happened, in order.

Readers follow the log by sequence number, so nobody has to sleep: a reader that knows number N asks for what
came after N and is woken by the next entry. The log is bounded; a reader that falls behind sees a gap in the
numbers, never a wrong order.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import TypeAlias, TypeVar

JsonObject: TypeAlias = dict[str, object]

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened. `at` is `time.monotonic()` seconds, comparable between processes on Linux."""

    seq: int
    at: float
    kind: str
    data: Mapping[str, object]

    def as_json(self) -> JsonObject:
        return {"seq": self.seq, "at": self.at, "kind": self.kind, **self.data}


class EventLog:
    """The last `keep` events, numbered from 1 without gaps."""

    def __init__(self, keep: int = 20_000) -> None:
        self._events: deque[Event] = deque(maxlen=keep)
        self._waiters: list[asyncio.Future[None]] = []
        self.seq = 0

    def emit(self, kind: str, data: Mapping[str, object]) -> Event:
        self.seq += 1
        event = Event(self.seq, time.monotonic(), kind, data)
        self._events.append(event)
        if self._waiters:
            waiters, self._waiters = self._waiters, []
            for waiter in waiters:
                if not waiter.done():
                    waiter.set_result(None)
        return event

    def since(self, after: int, kinds: frozenset[str] = frozenset()) -> list[Event]:
        """Events numbered above `after`, oldest first; costs as much as there are new ones."""
        new = min(self.seq - after, len(self._events))
        if new <= 0:
            return []
        found = [event for event in islice(reversed(self._events), new) if not kinds or event.kind in kinds]
        found.reverse()
        return found

    async def changed(self) -> None:
        """Return when the next event has been emitted."""
        waiter = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        try:
            await waiter
        finally:
            if waiter in self._waiters:  # a reader that gave up must not be kept
                self._waiters.remove(waiter)

    async def until(self, probe: Callable[[], _T | None]) -> _T:
        """Ask `probe` now and after every event until it answers something other than None or False.

        An empty list is an answer: write `found or None` where it is not meant to be one.
        """
        while True:
            answer = probe()
            if answer is not None and answer is not False:
                return answer
            await self.changed()

    async def event(
        self, kind: str, match: Mapping[str, object] | None = None, *, after: int = 0, within: float = 30
    ) -> Event:
        """The first event of `kind` numbered above `after` whose data contain every pair of `match`.

        Raises TimeoutError after `within` seconds.
        """
        wanted = (match or {}).items()
        kinds = frozenset({kind})
        cursor = after
        async with asyncio.timeout(within):
            while True:
                for event in self.since(cursor, kinds):
                    if all(event.data.get(key) == value for key, value in wanted):
                        return event
                cursor = max(self.seq, cursor)
                await self.changed()
