"""What `carryon restore` does: a backup becomes the ledger of a state directory, wholly or not at all.

Everything is made ready beside the old ledger; then one rename puts it in its place. Killed before that, the
old state is there as it was, and after it the new one is; what else was prepared harms neither. The old
ledger is never deleted: it has a second name by then.
"""

import os
import shutil
import sqlite3
import time
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from gateway.errors import CarryonError
from gateway.failpoints import reach
from gateway.keeping import MEDIA, WORKSPACES
from gateway.store.backup import make_private, manifest_of, unpack
from gateway.store.copying import copy_ledger, flush, is_database, problem, shortage
from gateway.store.lock import hold_state
from gateway.store.manifest import BackupUnusable, moment
from gateway.store.migrate import migrate
from gateway.store.restored import Settled, Stand, go_on, last_sign, set_aside, stand
from gateway.store.shape import oddity
from gateway.store.sqlite import LEDGER_FILE
from gateway.store.upgrades import MARGIN

STAGING = ".restoring"
MOVE_SECONDS = 3600.0
"""How old a backup of a stopped gateway may be to be taken for one half of a move. An older one may be that
of every night, and its gateway may have been started again since; then a person has to say which it is."""

_HERE = frozenset(
    {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN}
)
"""Errors of the disk that is restored to, and not of what is restored."""

Since = Literal["restore", "backup"] | float


@dataclass(frozen=True, slots=True)
class Wish:
    """What the operator says. `since`: from when on what is read back is answered; a number is a moment, in
    seconds since the epoch. `moved`: whether nothing used the ledger after the backup was taken; None for
    what the backup itself says.
    """

    replace: bool = False
    since: Since = "restore"
    moved: bool | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """What is restored. `at_rest`: no gateway was using it while it was copied. A copy of a ledger without a
    manifest does not say so.
    """

    path: Path
    taken_at: float
    at_rest: bool
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class Restored:
    """What was done. `exact`: the ledger goes on where it was; `why` says why it does, or does not.

    `aside` is where the old ledger is; `kept` are working directories that were there and stay as they are.
    """

    source: Source
    state_dir: Path
    schema: tuple[int, int]
    exact: bool
    why: str
    settled: Settled
    files: int
    kept: int
    aside: Path | None


def restore(path: Path, state_dir: Path, wish: Wish) -> Restored:
    """Restore a backup, or a bare copy of a ledger. Raises `CarryonError`, and then nothing was changed."""
    if not path.is_file():
        raise CarryonError(f"there is no file {path}")
    try:
        with hold_state(state_dir):
            return _restore(path, state_dir, wish)
    except OSError as error:
        raise CarryonError(f"the restore did not finish: {error}; see to that, and run it again") from None


def _restore(path: Path, state_dir: Path, wish: Wish) -> Restored:
    ledger, staging = state_dir / LEDGER_FILE, state_dir / STAGING
    if ledger.exists() and path.samefile(ledger):
        raise CarryonError(f"{path} is the ledger itself")
    if ledger.exists() and not wish.replace:
        raise CarryonError(
            f"there is a ledger in {state_dir} already; --replace moves it aside (it is never deleted), "
            "or name an empty directory with --state-dir"
        )
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir(mode=0o700)
    try:
        _check_room(path, state_dir)
        source = _stage(path, staging)
        reach("restore.unpacked")
        schema, exact, why, settled = _settle(source, staging / LEDGER_FILE, ledger, wish)
        reach("restore.settled")
        _check_media(staging / MEDIA, state_dir / MEDIA)
        files, kept = _place_files(staging, state_dir)
        reach("restore.files")
        aside = _set_old_aside(ledger) if ledger.exists() else None
        reach("restore.aside")
        (staging / LEDGER_FILE).replace(ledger)
        flush(state_dir)
        reach("restore.placed")
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return Restored(source, state_dir, schema, exact, why, settled, files, kept, aside)


def _check_room(path: Path, state_dir: Path) -> None:
    sizes = [path.stat().st_size] if is_database(path) else [one.size for one in manifest_of(path).members]
    if why := shortage(state_dir, sum(sizes) + MARGIN):
        raise CarryonError(f"nothing was restored: {why}; make room and try again")


def _stage(path: Path, staging: Path) -> Source:
    """Have ledger and files in the staging directory, whole and as they were."""
    if is_database(path):
        copy_ledger(path, staging / LEDGER_FILE)
        with closing(sqlite3.connect(staging / LEDGER_FILE)) as raw:
            try:
                return Source(path, moment(last_sign(raw)) or time.time(), at_rest=False)
            except (sqlite3.Error, ValueError, TypeError):
                raise BackupUnusable(path, "it is a database, and not a ledger") from None
    manifest = unpack(path, staging)
    return Source(path, manifest.taken_at, manifest.at_rest, manifest.left_out)


def _settle(
    source: Source, staged: Path, present: Path, wish: Wish
) -> tuple[tuple[int, int], bool, str, Settled]:
    """Bring the ledger to today's schema and have it know that it was restored, before anybody uses it."""
    try:
        with closing(sqlite3.connect(staged, isolation_level=None)) as raw:
            if (found := problem(raw)) is not None:
                raise BackupUnusable(source.path, f"the ledger in it is damaged ({found})")
            (schema,) = raw.execute("PRAGMA user_version").fetchone()
            if schema < 1:
                raise BackupUnusable(source.path, "the database in it is not a ledger")
            if (found := oddity(raw, schema)) is not None:
                raise BackupUnusable(source.path, f"the ledger in it is not as Carryon makes one: {found}")
            exact, why = _is_exact(source, _same(raw, present), wish.moved, time.time())
            known = migrate(raw)
            now = time.time()
            raw.execute("BEGIN IMMEDIATE")
            if exact:
                settled = go_on(raw, source.taken_at, now)
            else:
                moments: dict[object, float] = {"restore": now, "backup": 0.0}
                since = wish.since if isinstance(wish.since, float) else moments[wish.since]
                settled = set_aside(raw, source.taken_at, now, since)
            raw.execute("COMMIT")
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF in _HERE:
            raise CarryonError(f"nothing was restored: {staged} cannot be written ({error})") from None
        raise BackupUnusable(source.path, f"the ledger in it cannot be used ({error})") from None
    flush(staged)
    return (schema, known), exact, why, settled


def _same(restored: sqlite3.Connection, present: Path) -> bool | None:
    """Whether the ledger that is there was used after the backup was taken; None where it does not tell.

    One that never heard anybody tells nothing: a gateway was tried out here before the move.
    """
    if not present.exists():
        return None
    if not is_database(present):  # to open it would be to lose its log
        return False
    try:
        with closing(sqlite3.connect(present, isolation_level=None)) as raw:
            there: Stand = stand(raw)
            (heard,) = raw.execute("SELECT count(*) FROM messages").fetchone()
    except sqlite3.Error:
        return False
    if not heard:
        return None
    return there == stand(restored)


def _is_exact(source: Source, same: bool | None, moved: bool | None, now: float) -> tuple[bool, str]:
    """Whether nothing used the ledger after the backup was taken, and how that is known."""
    if moved and not (source.at_rest or same):
        raise CarryonError(
            f"--moved cannot be: a gateway was running when {source.path} was taken, and went on; stop it, "
            "take another backup and restore that one, or restore this one without --moved"
        )
    if moved is not None:
        return moved, "as you said"
    if same is not None:
        return same, "the ledger that was here " + ("is the same" if same else "was used after it was taken")
    if not source.at_rest:
        return False, "a gateway was running when it was taken"
    age = now - source.taken_at
    if age > MOVE_SECONDS:
        raise CarryonError(
            f"{source.path} was taken of a stopped gateway {age / 3600:.0f} hours ago. Did that gateway run "
            "again since? Say --went-on if it did: then nothing of what was under way is done unasked. Say "
            "--moved if it did not: then everything goes on exactly where it was"
        )
    return True, "no gateway was running when it was taken"


def _check_media(staged: Path, media: Path) -> None:
    """Refuse if the old ledger's files have other content under the same names."""
    for path in _files_below(staged):
        there = media / path.relative_to(staged)
        if there.exists() and there.read_bytes() != path.read_bytes():
            raise CarryonError(
                f"{media} holds other files by the names of those in the backup, as of another gateway; "
                "restore into an empty directory (--state-dir)"
            )


def _place_files(staging: Path, state_dir: Path) -> tuple[int, int]:
    """Move files to where they belong, over nothing that is there; how many, and directories that stay."""
    placed = kept = 0
    changed: set[Path] = set()
    for path in _files_below(staging / MEDIA):
        target = state_dir / path.relative_to(staging)
        make_private(target.parent)
        path.replace(target)
        changed.add(target.parent)
        placed += 1
    spaces = staging / WORKSPACES
    for folder in sorted(spaces.iterdir()) if spaces.is_dir() else ():
        target = state_dir / WORKSPACES / folder.name
        make_private(target.parent)
        if target.exists():
            kept += 1
            continue
        placed += sum(1 for _ in _files_below(folder))
        folder.replace(target)
        changed.add(target.parent)
    for folder in changed | {one.parent for one in changed}:  # names are on the disk before the ledger is
        flush(folder)
    return placed, kept


def _files_below(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _set_old_aside(ledger: Path) -> Path:
    """Give the old ledger a second name, as one file: what its write-ahead log holds is moved into it.

    A log that is left beside the new ledger would be taken for that one's.
    """
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    aside = ledger.parent / f"replaced-{stamp}"
    number = 1
    while aside.exists():
        number += 1
        aside = ledger.parent / f"replaced-{stamp}-{number}"
    aside.mkdir(mode=0o700)
    if is_database(ledger) and _is_looked_at(ledger):
        aside.rmdir()
        raise CarryonError(f"another command is looking at {ledger}; try again when it has ended")
    beside = [ledger.with_name(f"{ledger.name}{tail}") for tail in ("-wal", "-shm", "-journal")]
    for path in (ledger, *beside):
        if path.exists():
            _second_name(path, aside / path.name)
    flush(aside)
    flush(ledger.parent)
    for path in beside:  # they are left only where the old ledger is damaged
        path.unlink(missing_ok=True)
    return aside


def _is_looked_at(ledger: Path) -> bool:
    """Move the write-ahead log into the ledger; true if somebody keeps it from that."""
    with suppress(sqlite3.DatabaseError), closing(_connect(ledger)) as raw:
        return bool(raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0])
    return False


def _connect(ledger: Path) -> sqlite3.Connection:
    return sqlite3.connect(ledger, isolation_level=None, timeout=1.0)


def _second_name(path: Path, name: Path) -> None:
    try:
        os.link(path, name)
    except OSError:  # a file system without links
        shutil.copy2(path, name)
        flush(name)
