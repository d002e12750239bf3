"""What `carryon backup` does: a consistent copy of the ledger and of the files that it needs, in one file."""

import os
import re
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

from gateway.config.models import Config
from gateway.errors import CarryonError, LedgerUnavailable, SchemaTooNew, StateLocked, UsageError
from gateway.failpoints import reach
from gateway.store import files, library, restored
from gateway.store.backup import SUFFIXES, Writer, unpack, writing
from gateway.store.barred import is_there
from gateway.store.copying import PAUSE_SECONDS, copy_ledger, flush, schema_of, shortage
from gateway.store.lock import LOCK_FILE, hold_state
from gateway.store.manifest import Manifest
from gateway.store.migrate import migrate, migrations
from gateway.store.sqlite import LEDGER_FILE
from gateway.store.unfinished import unfinished
from gateway.store.upgrades import too_new

FOLDER = "backups"
"""Below the state directory: where backups go when nothing else is said."""

MEDIA = "media"
WORKSPACES = "workspaces"

_OURS = re.compile(r"carryon-(?P<stamp>\d{8}T\d{6})Z(-(?P<number>\d{1,9}))?\.(tar|tar\.gz|tgz)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Kept:
    """A backup that was written, and older ones that were deleted for it."""

    path: Path
    size: int
    manifest: Manifest
    pruned: tuple[Path, ...] = ()


def in_this_directory(config: Config, what: str) -> None:
    """Refuse for a ledger that is not a file. Raises `CarryonError`."""
    if str(config.store.url) != "sqlite":
        raise CarryonError(
            f"the ledger is in PostgreSQL, which `carryon {what}` leaves to PostgreSQL's own tools: "
            f"use pg_dump and pg_restore for it, and copy {config.state_dir / MEDIA} with any tool; "
            "docs/upgrade.md says in which order"
        )


def keep(config: Config, target: Path | None, keep_last: int | None, *, workspaces: bool) -> Kept:
    """Write a backup, beside a running gateway or without one. Raises `CarryonError`."""
    in_this_directory(config, "backup")
    ledger = config.state_dir / LEDGER_FILE
    if not is_there(ledger):
        raise CarryonError(f"there is no ledger in {config.state_dir} yet; the first `carryon run` makes it")
    try:
        path = _place(config, target, keep_last)
        with unfinished(path.parent) as part:
            _check_room(config, path, workspaces=workspaces)
            manifest = _write(config, ledger, part, path.name, workspaces=workspaces)
            (part / path.name).replace(path)
            flush(path.parent)
        size = path.stat().st_size
    except OSError as error:
        raise CarryonError(f"no backup was made: {error}") from None
    try:
        return Kept(path, size, manifest, tuple(_prune(path, keep_last)))
    except OSError as error:
        raise CarryonError(f"{path} was made, but not all older ones could be deleted: {error}") from None


def looked_at(path: Path) -> Manifest:
    """What is in a backup, after all of it was read and compared with its hashes. Raises `CarryonError`."""
    return unpack(path)


def _write(config: Config, ledger: Path, part: Path, name: str, *, workspaces: bool) -> Manifest:
    """The archive in `part`, read back. Its ledger is a snapshot, and names its files."""
    copy = part / LEDGER_FILE
    with ExitStack() as held:
        at_rest = _is_at_rest(config.state_dir, held)
        taken_at = time.time()
        copy_ledger(ledger, copy, pause=PAUSE_SECONDS, pinned=held.close)
    reach("backup.copied")
    needed, manifest = _described(config, copy, taken_at, at_rest=at_rest)
    left_out = 0
    with writing(part / name) as archive:
        archive.add_steady(LEDGER_FILE, copy)
        for file in sorted(needed):
            left_out += not archive.add(f"{MEDIA}/{file}", config.state_dir / MEDIA / file)
        if workspaces:
            left_out += _add_workspaces(archive, config.state_dir)
        archive.close(replace(manifest, left_out=left_out))
    reach("backup.written")
    return unpack(part / name)


def _described(
    config: Config, copy: Path, taken_at: float, *, at_rest: bool
) -> tuple[frozenset[str], Manifest]:
    """The files that the copy of a ledger names, and what it is. Of an old one, a second copy is migrated."""
    schema, read = schema_of(copy), copy
    if schema < migrations()[-1].number:
        read = copy.with_name("migrated.db")
        shutil.copyfile(copy, read)
    with closing(sqlite3.connect(read, isolation_level=None)) as raw:
        try:
            migrate(raw)
        except SchemaTooNew as error:
            raise too_new(config.state_dir / LEDGER_FILE, error.found, error.known) from None
        boots = library.boots(raw, 1)
        manifest = Manifest(
            metadata.version("carryon"),
            schema,
            taken_at,
            at_rest,
            not boots or boots[0].stopped_at is not None,
            {name: account.platform for name, account in config.accounts.items()},
            restored.counts(raw),
        )
        return files.files_in_use(raw), manifest


def _add_workspaces(archive: Writer, state_dir: Path) -> int:
    """Everything plain below the agents' working directories; how many other things were left out."""
    left_out = 0
    root = state_dir / WORKSPACES
    for folder, folders, names in os.walk(root):
        folders.sort()
        left_out += sum((Path(folder) / one).is_symlink() for one in folders)
        for name in sorted(names):
            path = Path(folder) / name
            left_out += not archive.add(f"{WORKSPACES}/{path.relative_to(root)}", path)
    return left_out


def _is_at_rest(state_dir: Path, held: ExitStack) -> bool:
    """Keep a gateway from starting while the state is `held`; false if one, or a command, is using it."""
    existed = (state_dir / LOCK_FILE).exists()
    try:
        held.enter_context(hold_state(state_dir))
    except StateLocked:
        return False
    except LedgerUnavailable:
        if existed:  # somebody else's state directory: it can be read and not be held
            return False
        raise
    return True


def _place(config: Config, target: Path | None, keep_last: int | None) -> Path:
    """Where the backup goes: a file that is not there yet."""
    if target is None:
        target = config.state_dir / FOLDER
        target.mkdir(mode=0o700, parents=True, exist_ok=True)
    if target.is_dir():
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
        return next(path for path in _names(target, stamp) if not os.path.lexists(path))
    if keep_last is not None:
        raise UsageError("--keep counts the backups in a directory; name one that exists instead of a file")
    if not target.name.endswith(SUFFIXES):
        raise UsageError(f"{target} is no directory, and as a file it has to end in {' or '.join(SUFFIXES)}")
    if target.exists():
        raise CarryonError(
            f"{target} exists already and is not overwritten; name another file, or a directory"
        )
    if target.is_symlink():
        raise CarryonError(
            f"{target} is a link to where nothing is, and links are not replaced; name the file that is "
            "to be written, or delete the link"
        )
    if not target.parent.is_dir():
        raise CarryonError(f"there is no directory {target.parent}; make it, or name another one")
    return target


def _names(folder: Path, stamp: str) -> Iterator[Path]:
    yield folder / f"carryon-{stamp}.tar"
    number = 1
    while True:
        number += 1
        yield folder / f"carryon-{stamp}-{number}.tar"


def _check_room(config: Config, path: Path, *, workspaces: bool) -> None:
    """Twice the ledger, once as a copy and once in the archive, and the files."""
    ledger = config.state_dir / LEDGER_FILE
    needed = 2 * ledger.stat().st_size + (_size_of(config.state_dir / WORKSPACES) if workspaces else 0)
    if why := shortage(path.parent, needed):
        raise CarryonError(f"no backup was made: {why}; make room, or name another directory")


def _size_of(folder: Path) -> int:
    found = (Path(at) / name for at, _, names in os.walk(folder) for name in names)
    return sum(path.lstat().st_size for path in found if path.exists())


def _prune(written: Path, keep_last: int | None) -> Iterator[Path]:
    """Delete the oldest backups that were named by this command, all but so many; never the one just written.

    Age is what the name says: a copy or a clock that was wrong gives a file any other time.
    """
    if keep_last is None:
        return
    older = [
        ((match["stamp"], int(match["number"] or 1)), one)
        for one in written.parent.iterdir()
        if one != written and one.is_file() and (match := _OURS.fullmatch(one.name))
    ]
    for _, old in sorted(older, reverse=True)[keep_last - 1 :]:
        old.unlink()
        yield old
