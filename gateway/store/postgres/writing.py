"""The connection that writes: it holds the ledger, comes back by itself, and knows what it has committed.

A connection that breaks before COMMIT was sent has written nothing: the step is done anew. One that breaks at
COMMIT leaves that in doubt, and nobody is told anything until the server has said what became of the
transaction (`pg_xact_status`). Before anything is written on a new connection the ledger is held again; if
somebody else had it meanwhile, or if the server does not know any more what it had committed, this process
does not write again.
"""

import asyncio
import contextlib
import time
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

import psycopg

from gateway import log
from gateway.errors import CarryonError, LedgerTaken, LedgerUnavailable
from gateway.ports import LedgerUnavailableError
from gateway.rules.retry import backoff
from gateway.store.postgres import schema
from gateway.store.postgres.connection import ADVICE, classify, connect, is_lost, place_of, said, warn
from gateway.store.postgres.exclusive import Backend, hold
from gateway.store.postgres.statement import Raw, Tx
from gateway.store.postgres.thread import ConnectionThread
from gateway.store.tx import Doubt, Doubtful, Failure, Unit

_log = log.get()

T = TypeVar("T")

HOLDER_SECONDS: Final = 5.0
"""How long a start waits for whoever holds the ledger: as long as the end of a killed gateway takes."""

_BEGIN: Final = "BEGIN; SELECT pg_current_xact_id()::text, pg_backend_pid()"
_STATUS: Final = "SELECT pg_xact_status($1::xid8)"
_NEWEST_BOOT: Final = "SELECT max(id) FROM boots"
_FUTURE: Final = "22023"
"""What a server says of a transaction that it has never had."""

_POOLED = (
    "store.url leads to a pool of connections that gives each transaction another one; the ledger is held by "
    "one connection as long as the gateway runs; name the server itself, or a pool of sessions"
)


_GONE_BACK = (
    "the ledger's database does not know any more what it had committed: it was restored, or another server "
    "took over that had not received everything; this gateway has stopped; started again, it goes on from "
    "what is there"
)


class _DoubtError(Exception):
    """The connection broke at a COMMIT."""

    def __init__(self, doubt: Doubt, results: list[Any]) -> None:
        super().__init__()
        self.doubt = doubt
        self.outcomes: list[Any] = [Doubtful(doubt, result) for result in results]


@dataclass(slots=True)
class Writer:
    """The `Transactor` on PostgreSQL. What has no `async` runs in its thread."""

    url: str
    thread: ConnectionThread = field(default_factory=lambda: ConnectionThread("writing"))
    boot: int | None = None
    """This process's boot, once there is one: it stays the newest as long as the ledger is this process's."""

    _backend: Backend | None = None
    _last: str | None = None  # the latest transaction that was told to be committed
    _doubts: list[Doubt] = field(default_factory=list[Doubt])
    _attempt: int = 0
    _not_before: float = 0.0
    _why: str = ""

    async def open(self, patience: float) -> None:
        """Hold the ledger and bring its schema up to date. Raises the errors of `gateway.errors`."""
        await self.thread.run(lambda: self._open(patience))

    async def close(self) -> None:
        """Let go of the ledger, so that whoever comes next finds it free at once."""
        await asyncio.shield(self.thread.run(self._let_go))
        await self.thread.close()

    def _let_go(self) -> None:
        if self.thread.raw is not None:
            with contextlib.suppress(psycopg.Error):
                self.thread.raw.run("SELECT pg_advisory_unlock_all()")

    async def transact(self, units: list[Unit[Any]]) -> list[Any]:
        """See the `Transactor`."""
        return await self.thread.run(lambda: self._transact(units, again=True))

    def _open(self, patience: float) -> None:
        raw = connect(self.url)
        place = place_of(raw)
        try:
            self._backend = hold(raw, min(patience, HOLDER_SECONDS))
            warn(raw)
            schema.migrate(raw)
        except psycopg.Error as error:
            advice = "" if is_lost(raw, error) else _OWN_DATABASE
            raw.close()
            raise LedgerUnavailable(f"{place}: {said(error)}", advice or ADVICE) from None
        except BaseException:
            raw.close()
            raise
        self.thread.raw = raw

    def _transact(self, units: list[Unit[Any]], *, again: bool) -> list[Any]:
        try:
            raw = self._ready()
            return self._group(raw, units) if units else []
        except _DoubtError as error:
            if again and error.doubt.committed is False:
                return self._transact(units, again=False)
            return error.outcomes
        except CarryonError:
            raise
        except Exception as error:  # noqa: BLE001  every error belongs to a caller: it is carried to its future
            lost = self._ended_with(error)
            if lost and again:  # nothing was committed: what was idle for long may just have been closed
                return self._transact(units, again=False)
            if len(units) == 1 or lost or self.thread.raw is None:
                return [Failure(classify(error))] * len(units)
        return [outcome for unit in units for outcome in self._transact([unit], again=True)]

    def _group(self, raw: Raw, units: list[Unit[Any]]) -> list[Any]:
        begun = raw.run(_BEGIN)
        xid, pid = (bytes(begun.get_value(0, column) or b"").decode() for column in (0, 1))
        if self._backend is None or pid != str(self._backend.pid):
            raise CarryonError(_POOLED)
        tx = Tx(raw)
        results = [unit(tx) for unit in units]
        try:
            raw.run("COMMIT")
        except psycopg.Error as error:
            if not is_lost(raw, error):
                raise
            doubt = Doubt(xid)
            self._doubts.append(doubt)
            self.thread.drop()
            self._settle_now(error)
            raise _DoubtError(doubt, results) from None
        self._last = xid
        return results

    def _settle_now(self, error: Exception) -> None:
        """The first attempt is made at once: mostly it was the connection, and not the server."""
        _log.warning("ledger.in_doubt", why=said(error))
        try:
            self._ready()
        except LedgerUnavailableError as still:
            _log.debug("ledger.still_in_doubt", why=str(still))

    def _ended_with(self, error: Exception) -> bool:
        """Leave a transaction that failed; whether the connection is lost with it."""
        raw = self.thread.raw
        if raw is None:
            return False
        if not is_lost(raw, error):
            try:
                raw.run("ROLLBACK")
            except psycopg.Error as worse:
                error = worse
            else:
                return False
        _log.warning("ledger.connection_lost", why=said(error))
        self.thread.drop()
        return True

    def _ready(self) -> Raw:
        """The connection, made anew where it is lost. Raises `LedgerUnavailableError` where it cannot be."""
        if self.thread.raw is not None:
            return self.thread.raw
        if time.monotonic() < self._not_before:
            raise LedgerUnavailableError(self._why)
        raw: Raw | None = None
        try:
            raw = connect(self.url)
            self._backend = hold(raw, 0.0, self._backend)
            self._go_on(raw)
        except (LedgerUnavailable, LedgerUnavailableError, psycopg.Error) as error:
            if raw is not None:
                raw.close()
            self._attempt += 1
            self._not_before = time.monotonic() + backoff(self._attempt, first=0.1, cap=5.0)
            self._why = error.reason if isinstance(error, LedgerUnavailable) else said(error)
            raise LedgerUnavailableError(self._why) from None
        except BaseException:
            if raw is not None:
                raw.close()
            raise
        self._attempt = 0
        self.thread.raw = raw
        _log.info("ledger.connected_again")
        return raw

    def _go_on(self, raw: Raw) -> None:
        """Nobody has written meanwhile, what was committed is still there, and nothing stays in doubt."""
        schema.version(raw)
        if self.boot is not None:
            row = raw.execute(_NEWEST_BOOT).fetchone()
            newest = row[0] if row else None
            if newest is None or newest < self.boot:
                raise CarryonError(_GONE_BACK)
            if newest > self.boot:
                raise LedgerTaken(place_of(raw), f"boot {newest}, which has begun since")
        if self._last is not None and not _is_kept(raw, self._last):
            raise CarryonError(_GONE_BACK)
        for doubt in self._doubts:
            doubt.committed = _is_committed(raw, doubt.xid)
            _log.info("ledger.doubt_settled", committed=doubt.committed)
            if doubt.committed:
                self._last = doubt.xid
        self._doubts.clear()


_OWN_DATABASE: Final = (
    "no step is taken without it; the ledger needs a database or a schema of its own, in which its user may "
    "create tables; see that it has one, then start again"
)


def _is_committed(raw: Raw, xid: str) -> bool:
    """What became of a transaction of a connection that is gone. Raises `LedgerUnavailableError`."""
    status = _status(raw, xid)
    if status == "in progress":
        raise LedgerUnavailableError("the server still works on what was in doubt")
    return status == "committed"


def _is_kept(raw: Raw, xid: str) -> bool:
    """Whether a transaction that was committed still is; one that is too old to be known is."""
    return _status(raw, xid) in ("committed", None)


def _status(raw: Raw, xid: str) -> str | None:
    try:
        row = raw.execute(_STATUS, (xid,)).fetchone()
    except psycopg.Error as error:
        if error.sqlstate == _FUTURE:
            return "never"
        raise
    return row[0] if row else None
