"""The only door to the write connection: one task that groups queued writes into one transaction.

A connection shared by several tasks loses one task's write when another rolls back, and commits half a
write after a cancellation. Here nobody but the committer touches the connection; a caller waits for a future
that is resolved after COMMIT. When one statement of a group fails, the group is rolled back and its writes
run one by one, so that only the culprit fails.

On a server, a connection can break at COMMIT: then nobody is told anything until it is known what became of
the transaction. That may take a while, in which other writes fail.
"""

import asyncio
import sqlite3
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar, cast

import aiosqlite

from gateway import log
from gateway.errors import CarryonError
from gateway.model.happening import Committed, Witness, unseen
from gateway.ports import LedgerUnavailableError
from gateway.store.tx import Doubtful, Failure, Transactor, Unit

_log = log.get()

T = TypeVar("T")
GROUP_LIMIT = 256
"""Writes that share one transaction at most, so that none waits for a very long group."""

DOUBT_SECONDS = 0.5
"""How often it is asked what became of a transaction in doubt, while nobody else writes."""

STUCK_SECONDS = 5.0
"""How long a commit may take until the database counts as one that cannot be written: it may never end."""

_UNWRITABLE = frozenset(
    {
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_PROTOCOL,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_NOTADB,
    }
)


class LedgerConnection(aiosqlite.Connection):
    """An aiosqlite connection that runs a whole function in its thread: one hop for a transaction.

    `guard` raises when nothing may be written.
    """

    guard: Callable[[], None] = staticmethod(lambda: None)

    async def run(self, function: Callable[[sqlite3.Connection], T]) -> T:
        """Run `function` with the raw connection in the connection's thread."""
        call = cast("Callable[..., Awaitable[T]]", self._execute)  # pyright: ignore[reportUnknownMemberType]
        return await call(function, self._conn)

    async def transact(self, units: list[Unit[Any]]) -> list[Any]:
        """See `Transactor`."""
        return await self.run(lambda raw: _transact(raw, units, self.guard))


@dataclass(slots=True)
class _Job:
    unit: Unit[Any]
    future: asyncio.Future[Any]


@dataclass(slots=True)
class Committer:
    """Takes writes from any task and commits them in groups, in the order in which they came."""

    connection: Transactor
    saw: Witness = unseen
    _queue: asyncio.Queue[_Job | None] = field(default_factory=asyncio.Queue["_Job | None"])
    _doubtful: list[tuple[_Job, Doubtful]] = field(default_factory=list[tuple[_Job, Doubtful]])
    _ended: str = ""
    _writable: bool = True
    _begun: float | None = None

    @property
    def healthy(self) -> bool:
        """Whether the last write went through, and none is stuck."""
        stuck = self._begun is not None and time.perf_counter() - self._begun > STUCK_SECONDS
        return self._writable and not stuck

    async def write(self, unit: Unit[T]) -> T:
        """Run `unit` in a transaction and return its result once that is durable.

        Raises `LedgerUnavailableError` when the database cannot be written; then nothing was. A caller that
        is cancelled while it waits leaves the write to happen or not, never half of it.
        """
        if self._ended:
            raise LedgerUnavailableError(self._ended)
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._queue.put_nowait(_Job(unit, future))
        return await future

    async def run(self) -> None:
        """Commit until `stop` is reached. Raises `CarryonError` when this process must not write any more."""
        while (job := await self._next()) is not None:
            group = [job]
            last = False
            while len(group) < GROUP_LIMIT and not self._queue.empty():
                following = self._queue.get_nowait()
                if following is None:
                    last = True
                    break
                group.append(following)
            await self._commit(group)
            if last:
                return

    def stop(self) -> None:
        """Let `run` return after what is queued."""
        self._queue.put_nowait(None)

    async def _next(self) -> _Job | None:
        """The next write. While one is in doubt, it is asked about without any, too."""
        while self._doubtful:
            try:
                async with asyncio.timeout(DOUBT_SECONDS):
                    return await self._queue.get()
            except TimeoutError:
                await self._commit([])
        return await self._queue.get()

    async def _commit(self, group: list[_Job]) -> None:
        units = [job.unit for job in group]
        begun = self._begun = time.perf_counter()
        try:
            outcomes = await self.connection.transact(units)
        except CarryonError as error:
            self._end(group, str(error))
            raise
        finally:
            self._begun = None
        if units:
            failed = sum(isinstance(outcome, Failure) for outcome in outcomes)
            self.saw(Committed(len(units), time.perf_counter() - begun, failed))
        doubtful, self._doubtful = self._doubtful, []
        for job, outcome in (*doubtful, *zip(group, outcomes, strict=True)):
            self._tell(job, outcome)
        self._report(outcomes)

    def _tell(self, job: _Job, outcome: Any) -> None:  # noqa: ANN401  whatever the unit returned
        if isinstance(outcome, Doubtful) and outcome.doubt.committed is None:
            self._doubtful.append((job, outcome))
        elif job.future.cancelled():
            pass
        elif isinstance(outcome, Failure):
            job.future.set_exception(outcome.error)
        elif not isinstance(outcome, Doubtful):
            job.future.set_result(outcome)
        elif outcome.doubt.committed:
            job.future.set_result(outcome.result)
        else:
            lost = "the connection broke before it was written"
            job.future.set_exception(LedgerUnavailableError(lost))

    def _end(self, group: list[_Job], why: str) -> None:
        """Nothing is written any more, and who waits or comes is told so. What is in doubt stays in doubt."""
        self._ended = why
        while not self._queue.empty():
            if (job := self._queue.get_nowait()) is not None:
                group.append(job)
        for job in group:
            self._tell(job, Failure(LedgerUnavailableError(why)))

    def _report(self, outcomes: list[Any]) -> None:
        refused = [o.error for o in outcomes if isinstance(o, Failure) and _is_unavailable(o.error)]
        if not refused and self._doubtful:
            refused = [LedgerUnavailableError("it is not known yet what became of the last step")]
        if refused and self._writable:
            self._writable = False
            _log.error("ledger.unwritable", why=str(refused[0]), accepting=False)
        elif not refused and not self._writable:
            self._writable = True
            _log.info("ledger.writable", accepting=True)


def _is_unavailable(error: Exception) -> bool:
    return isinstance(error, LedgerUnavailableError)


def unmoved(path: Path) -> Callable[[], None]:
    """A guard that refuses to write to a ledger that nobody will find again.

    A file that was removed, replaced or cut while it was open takes writes without an error, and they are
    gone with this process: to acknowledge a message then would be to lose it.
    """
    first = path.stat()
    largest = first.st_size

    def check() -> None:
        nonlocal largest
        try:
            now = path.stat()
        except OSError as error:
            raise LedgerUnavailableError(f"the ledger's file is gone: {error}") from None
        if (now.st_ino, now.st_dev) != (first.st_ino, first.st_dev) or now.st_size < largest:
            raise LedgerUnavailableError("the ledger's file was replaced or cut: stop this gateway and look")
        largest = now.st_size

    return check


def _transact(raw: sqlite3.Connection, units: list[Unit[Any]], guard: Callable[[], None]) -> list[Any]:
    """All units in one transaction; if that fails, each in its own."""
    try:
        guard()
        return _group(raw, units)
    except Exception as error:  # noqa: BLE001  every error belongs to a caller: it is carried to its future
        if len(units) == 1:
            return [Failure(_classify(error))]
    return [outcome for unit in units for outcome in _transact(raw, [unit], guard)]


def _group(raw: sqlite3.Connection, units: list[Unit[Any]]) -> list[Any]:
    raw.execute("BEGIN IMMEDIATE")
    try:
        results = [unit(raw) for unit in units]
        raw.execute("COMMIT")
    except BaseException:
        # A failed COMMIT may have ended the transaction already, and a full disk rolls back by itself.
        if raw.in_transaction:
            raw.execute("ROLLBACK")
        raise
    return results


def _classify(error: Exception) -> Exception:
    """Whose fault it is: a disk that cannot be written is no bug of the caller's."""
    code = getattr(error, "sqlite_errorcode", None)
    if isinstance(error, sqlite3.Error) and code is not None and code & 0xFF in _UNWRITABLE:
        return LedgerUnavailableError(str(error))
    return error
