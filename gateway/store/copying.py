"""Copies of a ledger, taken beside whatever is using it.

The copy is made page by page out of one snapshot. A snapshot holds nobody up: in WAL mode writers do not wait
for readers. And it cannot change under the copier's hands: without one, SQLite begins anew at each write, and
a ledger that is written all the time would never be copied to its end.
"""

import os
import shutil
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from gateway.errors import LedgerDamaged, LedgerUnavailable
from gateway.store.damage import is_damage

PAGES = 256
"""Pages, mostly of four kilobytes, that are copied in one go."""

PAUSE_SECONDS = 0.002
"""For the disk and the processor to serve a running gateway between two goes."""

FLUSH_BYTES = 16 << 20
"""What is written at most before it is flushed: a lot at once would hold up everybody else's commits."""

_MAGIC = b"SQLite format 3\x00"
_VERSION_AT = 60  # in the header: four bytes, the most significant first


def copy_ledger(
    source: Path,
    target: Path,
    *,
    pause: float = 0.0,
    thorough: bool = True,
    pinned: Callable[[], object] = lambda: None,
) -> None:
    """Copy a ledger into a file that does not exist yet, readable by its owner alone; one file, and flushed.

    Raises `LedgerDamaged` where the source is no sound ledger, and `LedgerUnavailable` where there is no room
    or no permission; then whatever is at `target` is worthless. A check that is not `thorough` leaves out
    whether indexes agree with their tables.

    `pinned` is called when the snapshot is fixed and nobody has to be kept from the ledger any more. In WAL
    mode that is before the copy. A ledger in another mode is one that no gateway has opened yet: a reader
    would be in the way of the one that does, so that it is after the copy.
    """
    try:
        os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        with (
            closing(sqlite3.connect(source, isolation_level=None, timeout=5.0)) as raw,
            closing(sqlite3.connect(target, isolation_level=None)) as copy,
        ):
            raw.execute("PRAGMA query_only = ON")
            copy.execute("PRAGMA synchronous = OFF")  # it is flushed once, at the end
            raw.execute("BEGIN")
            raw.execute("SELECT count(*) FROM sqlite_master").fetchone()  # from here on it is one snapshot
            (mode,) = raw.execute("PRAGMA journal_mode").fetchone()
            if mode == "wal":
                pinned()
            raw.backup(copy, pages=PAGES, progress=_Pacing(target, pause))
            raw.execute("COMMIT")
            if mode != "wal":
                pinned()
            copy.execute("PRAGMA journal_mode = DELETE")
            found = problem(copy, thorough=thorough)
    except sqlite3.Error as error:
        if is_damage(error):
            raise LedgerDamaged(source, str(error)) from None
        raise LedgerUnavailable(f"it cannot be copied to {target}: {error}") from None
    except OSError as error:
        raise LedgerUnavailable(f"it cannot be copied to {target}: {error.strerror or error}") from None
    if found is not None:
        raise LedgerDamaged(source, found)
    flush(target)


class _Pacing:
    """What happens between two goes of a copy."""

    def __init__(self, target: Path, pause: float) -> None:
        self._target = target
        self._pause = pause
        self._flushed = 0

    def __call__(self, _status: int, _left: int, _all: int) -> None:
        size = self._target.stat().st_size
        if size - self._flushed >= FLUSH_BYTES:
            self._flushed = size
            flush(self._target)
        time.sleep(self._pause)


def problem(raw: sqlite3.Connection, *, thorough: bool = True) -> str | None:
    """What is wrong with a database, in SQLite's words; None when it is sound."""
    (said,) = raw.execute(f"PRAGMA {'integrity' if thorough else 'quick'}_check(1)").fetchone()
    return None if said == "ok" else str(said)


def is_database(path: Path) -> bool:
    """Whether a file begins as an SQLite database does. Raises OSError."""
    with path.open("rb") as file:
        return file.read(len(_MAGIC)) == _MAGIC


def schema_of(path: Path) -> int:
    """The number of the schema in a copy, without opening it as a database. Raises OSError."""
    with path.open("rb") as file:
        file.seek(_VERSION_AT)
        return int.from_bytes(file.read(4), "big")


def shortage(folder: Path, needed: int) -> str | None:
    """What is wrong if so many bytes do not fit into a directory; None if they do. Raises OSError."""
    free = shutil.disk_usage(folder).free
    if free >= needed:
        return None
    return f"{needed / 1e6:,.0f} MB are needed in {folder}, and {free / 1e6:,.0f} MB are free"


def flush(path: Path) -> None:
    """Have a file, or the names in a directory, on the disk. Raises OSError."""
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
