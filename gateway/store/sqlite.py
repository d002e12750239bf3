"""The ledger on SQLite: WAL, a flush at every commit, one connection that writes and one that reads."""

import asyncio
import os
import sqlite3
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, closing
from functools import partial
from pathlib import Path

from gateway import log
from gateway.errors import LedgerDamaged
from gateway.model.happening import Witness, unseen
from gateway.store.barred import unavailable
from gateway.store.committer import Committer, LedgerConnection, unmoved
from gateway.store.damage import is_damage
from gateway.store.ledger import LedgerStore
from gateway.store.migrate import migrate, migrations
from gateway.store.upgrades import keep_copy

_log = log.get()

LEDGER_FILE = "ledger.db"


@asynccontextmanager
async def open_sqlite(path: Path, saw: Witness = unseen) -> AsyncGenerator[LedgerStore]:
    """Open, and if need be create or migrate, the ledger at `path`. `saw` is told of its commits.

    Raises `SchemaTooNew`, `LedgerDamaged` and `LedgerUnavailable`. On leaving, what was queued is written and
    both connections are closed: an aiosqlite connection that is not keeps the process from ending.
    """
    _prepare(path)  # it may block: nothing else runs before there is a ledger
    writing = LedgerConnection(partial(_connect, path), iter_chunk_size=64)
    reading = LedgerConnection(partial(_connect_reading, path), iter_chunk_size=64)
    async with writing:
        writing.guard = unmoved(path)
        committer = Committer(writing, saw=saw)
        async with reading, asyncio.TaskGroup() as group:
            group.create_task(committer.run(), name="ledger-committer")
            try:
                yield LedgerStore(committer, reading)
            finally:
                committer.stop()


def _prepare(path: Path) -> None:
    """Create or migrate the ledger, on a connection of its own.

    A connection that fails to open inside aiosqlite leaves a thread behind that cannot say so in words.
    """
    try:
        with closing(_connect(path)) as raw:
            (found,) = raw.execute("PRAGMA user_version").fetchone()
            copy = keep_copy(raw, path, migrations()[-1].number)
            known = migrate(raw)
    except PermissionError as error:
        raise unavailable(path, error) from None
    except (sqlite3.Error, OSError) as error:
        if path.is_dir() or is_damage(error):
            raise LedgerDamaged(path, str(error)) from None
        raise unavailable(path, error) from None
    if copy is not None:
        _log.info("ledger.migrated", to=known, copy=copy.name, **{"from": found})


def _connect(path: Path) -> sqlite3.Connection:
    path.parent.mkdir(parents=True, exist_ok=True)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))  # it holds what people wrote
    raw = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    raw.execute("PRAGMA journal_mode = WAL")
    raw.execute("PRAGMA synchronous = FULL")
    raw.execute("PRAGMA foreign_keys = ON")
    raw.execute("PRAGMA busy_timeout = 5000")
    raw.execute("PRAGMA cache_size = -16000")
    return raw


def _connect_reading(path: Path) -> sqlite3.Connection:
    raw = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    raw.execute("PRAGMA query_only = ON")
    raw.execute("PRAGMA busy_timeout = 5000")
    return raw
