"""What was said while nobody listened: the history of a channel, from its cursor on, oldest first.

A page is committed together with its cursor before the next one is asked for. Pages overlap a little with
what was read before, since messages may arrive in another order than their ids; the ledger knows them. What
is too old to be answered is read only for a few pages, enough to say that there was something.
"""

import asyncio
from collections.abc import Awaitable, Callable

from structlog.typing import FilteringBoundLogger

from adapters.discord.cursors import Cursors
from adapters.discord.outcomes import words
from adapters.discord.payloads import Json, as_id, mappings
from adapters.discord.places import Place, Places
from adapters.discord.reader import Reader
from adapters.discord.rest import Answer
from adapters.discord.snowflakes import snowflake
from adapters.offering import commit
from gateway.model.message import Inbound
from gateway.ports import Batch, Clock, InboundSink, Past

PAGE = 100
AT_ONCE = 4
OLD_PAGES = 3
"""How many pages that lie wholly before the horizon are read of a channel."""

MARGIN = 60 * 1000 << 22
"""A minute, as a difference of ids: how far messages may be out of order."""

Translate = Callable[[Json, Place], Awaitable[Inbound | None]]


class Backfill:
    """Reads channels of one account. A few are read at once; each is one task's business at a time."""

    def __init__(
        self,
        account: str,
        reader: Reader,
        places: Places,
        cursors: Cursors,
        log: FilteringBoundLogger,
    ) -> None:
        self._account = account
        self._reader = reader
        self._places = places
        self._cursors = cursors
        self._log = log
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._refused: set[int] = set()
        self.left_out = 0

    def connect(self, clock: Clock, sink: InboundSink, past: Past, translate: Translate) -> None:
        """What a run of the account brings."""
        self._clock = clock
        self._sink = sink
        self._past = past
        self._translate = translate

    def start(self, place: Place) -> int:
        """The id after which nothing of a place was looked at."""
        return max(self._cursors.get(place.scope), self._floor(place))

    async def read(self, place: Place, before: int | None = None) -> None:
        """Hand in what is new in a place; of what was said before the given id, where there is one."""
        async with self._turns:
            after = max(self.start(place) - MARGIN, self._floor(place))
            old = 0
            while True:
                page = await self._page(place, after)
                if before is not None:
                    page = [one for one in page if as_id(one.get("id")) < before]
                if not page:
                    return
                newest = as_id(page[-1].get("id"))
                await self._hand_in(place, page, newest)
                if len(page) < PAGE:
                    return
                after = newest
                horizon = snowflake(self._past.horizon())
                old += newest < horizon
                if old == OLD_PAGES:
                    self.left_out += 1
                    after = max(after, horizon)

    def _floor(self, place: Place) -> int:
        return max(self._cursors.baseline, self._places.joined(place))

    async def _page(self, place: Place, after: int) -> list[Json]:
        """The next messages, oldest first."""
        query = {"after": str(after), "limit": str(PAGE)}
        answer = await self._reader.get(f"/channels/{place.id}/messages", query)
        if not answer.good:
            place.readable = False
            self._say_unreadable(place, answer)
            return []
        return sorted(mappings(answer.body), key=lambda one: as_id(one.get("id")))

    async def _hand_in(self, place: Place, page: list[Json], newest: int) -> None:
        known = self._cursors.get(place.scope)
        read = [await self._translate(one, place) for one in page]
        found = tuple(one for one in read if one is not None)
        cursor = str(max(newest, known))
        batch = Batch(self._account, found, {place.scope: cursor}, lazy=newest <= known)
        await commit(self._sink, batch, self._clock)
        self._cursors.advance(place.scope, newest)

    def _say_unreadable(self, place: Place, answer: Answer) -> None:
        if place.id in self._refused:
            return
        self._refused.add(place.id)
        self._log.warning("discord.channel_unreadable", channel=str(place.id), why=words(answer))
