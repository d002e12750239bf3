"""A door to the ledger for who looks at a running gateway, beside what its engine reads and writes."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TypeVar

from gateway.ports import LedgerUnavailableError
from gateway.store.browsing import PATIENCE, Browsing, open_browsing
from gateway.store.place import Place
from gateway.store.tx import Reader, Unit

T = TypeVar("T")


@asynccontextmanager
async def open_shelf(
    place: Place, damaged: Callable[[str], None] = lambda _why: None
) -> AsyncGenerator[Browsing]:
    """Leaf through the ledger of a running gateway, wherever it is kept, on a connection of one's own.

    `damaged` is told why each time when a file is found to be damaged.
    """
    if place.file is not None:
        async with open_browsing(place.file, damaged=damaged) as browsing:
            yield browsing
        return
    from gateway.store.postgres.reading import Reading  # noqa: PLC0415  an optional library

    reading = Reading(place.url)
    try:
        yield Browsing(_Timed(reading))
    finally:
        await reading.thread.close()


@dataclass(frozen=True, slots=True)
class _Timed:
    """A `Reader` that does not wait for a server that is away: who looks wants to be told."""

    reader: Reader

    async def run(self, function: Unit[T]) -> T:
        """See the `Reader`."""
        try:
            async with asyncio.timeout(PATIENCE):
                return await self.reader.run(function)
        except TimeoutError:
            raise LedgerUnavailableError("it took too long") from None
