"""Makes traces of what was heard, beside the chats: a little at a time, and never in anybody's way."""

import asyncio
from collections.abc import Callable
from typing import assert_never

from gateway import log
from gateway.model.browsing import LedgerUnreadableError
from gateway.model.happening import (
    Committed,
    DeliverySettled,
    Drained,
    Happening,
    Received,
    SessionOpened,
    Started,
    TurnBegan,
    TurnEnded,
)
from gateway.ports import Clock
from gateway.tracing.history import Past, Shelf, past_of
from gateway.tracing.spans import Ids, Span
from gateway.tracing.ways import Ways

_log = log.get()

PAUSE_SECONDS = 0.25
"""How often one looks whether something was heard."""

AT_ONCE = 4
"""Happenings that are dealt with before others have their turn: less than a millisecond of work."""

LAST_SECONDS = 1.0
"""How long a gateway that stops may be held up by making its last spans."""


class Tracer:
    """Turns happenings into spans. `take` gives the next that was heard, None when there is none."""

    def __init__(
        self,
        key: bytes,
        take: Callable[[], Happening | None],
        shelf: Shelf,
        send: Callable[[Span], None],
        clock: Clock,
    ) -> None:
        self._take = take
        self._shelf = shelf
        self._clock = clock
        self._ways = Ways(Ids(key), send)

    async def run(self) -> None:
        """Work until cancelled; what was heard by then is told."""
        try:
            while True:
                await self._catch_up()
                self._ways.settle(self._clock.now())
                await self._clock.sleep(PAUSE_SECONDS)
        finally:
            try:
                async with asyncio.timeout(LAST_SECONDS):
                    await self._catch_up()
            except TimeoutError:
                _log.debug("trace.unfinished")
            self._ways.close()

    async def _catch_up(self) -> None:
        done = 0
        while (happening := self._take()) is not None:
            await self._see(happening)
            done += 1
            if done % AT_ONCE == 0:
                await asyncio.sleep(0)

    async def _see(self, happening: Happening) -> None:
        ways = self._ways
        match happening:
            case Received():
                ways.received(happening)
            case TurnBegan():
                resumes = happening.resumes is not None
                past = await self._past(happening.session_id, happening.turn_id) if resumes else None
                ways.began(happening, past)
            case SessionOpened():
                ways.opened(happening)
            case TurnEnded():
                ways.ended(happening)
            case DeliverySettled():
                turn = happening.turn_id
                known = turn is None or ways.knows(turn)
                ways.delivered(happening, None if known else await self._past_of_delivery(happening))
            case Committed() | Started() | Drained():
                pass
            case _:
                assert_never(happening)

    async def _past_of_delivery(self, done: DeliverySettled) -> Past | None:
        try:
            found = await self._shelf.delivery(done.delivery_id)
        except LedgerUnreadableError as error:
            _log.debug("trace.past_unknown", delivery=done.delivery_id, why=str(error))
            return None
        if found is None or found.delivery.session_id is None or done.turn_id is None:
            return None
        return await self._past(found.delivery.session_id, done.turn_id)

    async def _past(self, session_id: int, turn_id: int) -> Past | None:
        try:
            return await past_of(self._shelf, session_id, turn_id)
        except LedgerUnreadableError as error:
            _log.debug("trace.past_unknown", turn=turn_id, why=str(error))
            return None
