"""The connection that reads. What is read can be read again, so a lost connection is nobody's business."""

import asyncio
from dataclasses import dataclass, field
from typing import Final, TypeVar

import psycopg

from gateway import log
from gateway.errors import LedgerUnavailable
from gateway.ports import LedgerUnavailableError
from gateway.rules.retry import backoff
from gateway.store.postgres.connection import classify, connect, is_lost
from gateway.store.postgres.statement import Tx
from gateway.store.postgres.thread import ConnectionThread
from gateway.store.tx import Unit

_log = log.get()

T = TypeVar("T")

READ_ONLY: Final = "SET default_transaction_read_only = on"


@dataclass(slots=True)
class Reading:
    """The `Reader` on PostgreSQL: it waits for a server that is away, as long as that takes."""

    url: str
    thread: ConnectionThread = field(default_factory=lambda: ConnectionThread("reading"))

    async def run(self, function: Unit[T]) -> T:
        """See the `Reader`."""
        attempt = 0
        while True:
            try:
                return await self.thread.run(lambda: self._run(function))
            except LedgerUnavailableError as error:
                attempt += 1
                _log.debug("ledger.unreadable", why=str(error), attempt=attempt)
                if attempt > 1:
                    await asyncio.sleep(backoff(attempt - 1, first=0.1, cap=5.0))

    def _run(self, function: Unit[T]) -> T:
        try:
            if self.thread.raw is None:
                self.thread.raw = connect(self.url)
                self.thread.raw.run(READ_ONLY)
            return function(Tx(self.thread.raw))
        except LedgerUnavailable as error:
            raise LedgerUnavailableError(error.reason) from None
        except psycopg.Error as error:
            if self.thread.raw is None or is_lost(self.thread.raw, error):
                self.thread.drop()
                raise LedgerUnavailableError(str(error)) from None
            raise classify(error) from None
