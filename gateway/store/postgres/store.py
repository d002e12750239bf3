"""The ledger on PostgreSQL: one connection that writes and holds it, and one that reads."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from gateway import log
from gateway.errors import CarryonError, LedgerUnavailable
from gateway.model.boot import BootOpening
from gateway.model.happening import Witness, unseen
from gateway.rules.retry import backoff
from gateway.store.committer import Committer
from gateway.store.ledger import LedgerStore
from gateway.store.postgres.reading import Reading
from gateway.store.postgres.writing import Writer

_log = log.get()


class PostgresStore(LedgerStore):
    """The `Store` port on PostgreSQL."""

    def __init__(self, committer: Committer, reading: Reading, writer: Writer) -> None:
        super().__init__(committer, reading)
        self._writer = writer

    async def open_boot(self, replica: str, pid: int, now: float) -> BootOpening:
        """As in the port. From here on the ledger is this boot's."""
        opening = await super().open_boot(replica, pid, now)
        self._writer.boot = opening.boot_id
        return opening


@asynccontextmanager
async def open_postgres(
    url: str, saw: Witness = unseen, patience: float = 0.0
) -> AsyncGenerator[PostgresStore]:
    """Hold, and if need be create or migrate, the ledger at an address. `saw` is told of its commits.

    Waits up to `patience` seconds for a server that is starting, and for a holder that is ending. Raises
    `LedgerUnavailable`, `LedgerTaken` and `SchemaTooNew`, and `LedgerTaken` also later, when another process
    has the ledger: then whatever runs in here is cancelled. On leaving, what was queued is written.
    """
    writer, reading = Writer(url), Reading(url)
    try:
        await _open(writer, patience)
        committer = Committer(writer, saw=saw)
        async with asyncio.TaskGroup() as group:
            group.create_task(committer.run(), name="ledger-committer")
            try:
                yield PostgresStore(committer, reading, writer)
            finally:
                committer.stop()
    except BaseExceptionGroup as group:
        told, others = group.split(CarryonError)
        if told is None or others is not None:
            raise
        raise told.exceptions[0] from None  # this process does not hold the ledger any more, and that is all
    finally:
        await writer.close()
        await reading.thread.close()


async def _open(writer: Writer, patience: float) -> None:
    until, attempt = asyncio.get_running_loop().time() + patience, 0
    while True:
        left = until - asyncio.get_running_loop().time()
        try:
            return await writer.open(max(0.0, left))
        except LedgerUnavailable as error:
            attempt += 1
            wait = backoff(attempt, first=0.25, cap=2.0)
            if left < wait:
                raise
            _log.warning("ledger.waiting", why=error.reason, seconds=wait)
            await asyncio.sleep(wait)
