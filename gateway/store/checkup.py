"""Looking at a ledger that may be damaged, old, new or in use, without changing anything in it.

Read-only in the strict sense of SQLite: not even what a crashed gateway left in the write-ahead log is moved.
Where there is no such log nobody has the ledger open, and it is read as a file that does not change, because
SQLite would leave an empty log behind. Should it be opened meanwhile, it is looked at again.
"""

import sqlite3
import time
from collections.abc import Generator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from gateway.store.boots import CRASHES_REMEMBERED
from gateway.store.migrate import migrations
from gateway.store.rows import TROUBLE

_SCHEMA = "PRAGMA user_version"
_CHECK = "PRAGMA quick_check(5)"
_DELIVERIES = (
    "SELECT state, count(*), min(created_at), max(coalesce(settled_at, created_at)), min(id) "  # noqa: S608
    f"FROM deliveries WHERE {TROUBLE} GROUP BY state"
)
_PENDING = (
    "SELECT reason, count(*), min(resume_marked_at), max(resume_marked_at), min(id) FROM sessions "
    "WHERE state = 'resume_pending' GROUP BY reason ORDER BY reason"
)
_SUSPENDED = (
    "SELECT reason, count(*), min(updated_at), max(updated_at), min(id) FROM sessions "
    "WHERE state = 'suspended' GROUP BY reason ORDER BY reason"
)
_CRASHES = "SELECT started_at FROM boots WHERE stopped_at IS NULL ORDER BY id DESC LIMIT ?"

_STEPS = 10_000
"""SQLite's instructions between two looks at the clock; a millisecond or so."""


@dataclass(frozen=True, slots=True)
class Group:
    """So many rows of a kind: the `name` of the kind, and when the oldest and the latest of them came about.

    Times are seconds since the epoch, 0 where the ledger has none. `example` is the id of the first of them.
    """

    name: str
    count: int
    oldest: float
    latest: float
    example: int


@dataclass(frozen=True, slots=True)
class Checkup:
    """What is to be known about a ledger.

    `damage` is what SQLite found wrong, `complete` whether it had the time to look at everything. `crashes`
    are the starts of boots that did not stop cleanly, newest first; one that is still running is among them.
    Sessions and deliveries are only looked at where the schema is `known`.
    """

    schema: int
    known: int
    complete: bool = True
    damage: tuple[str, ...] = ()
    deliveries: tuple[Group, ...] = ()
    pending: tuple[Group, ...] = ()
    suspended: tuple[Group, ...] = ()
    crashes: tuple[float, ...] = ()


def checkup(path: Path, seconds: float) -> Checkup:
    """Look at the ledger at `path`; SQLite may search it for damage for so many seconds.

    Raises `sqlite3.Error` where it cannot be read at all.
    """
    log = path.with_name(f"{path.name}-wal")
    if not log.exists():
        try:
            found = _checkup(path, "immutable=1", seconds)
        except sqlite3.Error:
            if not log.exists():
                raise
        else:
            if not log.exists():
                return found
    return _checkup(path, "mode=ro", seconds)


def _checkup(path: Path, how: str, seconds: float) -> Checkup:
    known = migrations()[-1].number
    with _reading(path, how) as raw:
        (schema,) = raw.execute(_SCHEMA).fetchone()
        complete, damage = _quick_check(raw, seconds)
        if schema != known or damage:
            return Checkup(schema, known, complete, damage)
        return Checkup(
            schema,
            known,
            complete,
            damage,
            deliveries=_groups(raw, _DELIVERIES),
            pending=_groups(raw, _PENDING),
            suspended=_groups(raw, _SUSPENDED),
            crashes=tuple(row[0] for row in raw.execute(_CRASHES, (CRASHES_REMEMBERED,))),
        )


@contextmanager
def _reading(path: Path, how: str) -> Generator[sqlite3.Connection]:
    address = f"{path.absolute().as_uri()}?{how}"
    with closing(sqlite3.connect(address, uri=True, isolation_level=None, timeout=2.0)) as raw:
        yield raw


def _quick_check(raw: sqlite3.Connection, seconds: float) -> tuple[bool, tuple[str, ...]]:
    """Whether all was looked at, and what is wrong."""
    deadline = time.monotonic() + seconds
    raw.set_progress_handler(lambda: time.monotonic() > deadline, _STEPS)
    try:
        said = tuple(str(row[0]) for row in raw.execute(_CHECK))
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_INTERRUPT:
            raise
        return False, ()
    finally:
        raw.set_progress_handler(None, 0)
    return True, () if said == ("ok",) else said


def _groups(raw: sqlite3.Connection, query: str) -> tuple[Group, ...]:
    return tuple(
        Group(str(name or "unknown"), count, oldest or 0.0, latest or 0.0, example)
        for name, count, oldest, latest, example in raw.execute(query)
    )
