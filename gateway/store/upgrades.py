"""The way back from an upgrade: before a ledger is migrated, a copy of it is put beside it.

Without room for the copy nothing is migrated: an upgrade that cannot be undone is a worse surprise than one
that does not begin. The last two copies are kept.
"""

import sqlite3
from pathlib import Path

from gateway.errors import LedgerUnavailable, SchemaTooNew, UpgradeBlocked

KEPT = 2
MARGIN = 16 << 20
"""Bytes that have to be free beside a copy: a migration itself writes, too."""


def before(path: Path, step: int) -> Path:
    """Where the copy is that was taken of a ledger before a migration."""
    return path.with_name(f"{path.name}.before-{step:04d}")


def too_new(path: Path, found: int, known: int) -> SchemaTooNew:
    """The refusal of a schema from the future; it names the copy to go back to, if there is one."""
    from gateway.store.copying import schema_of  # noqa: PLC0415  hardly ever needed

    usable = [(schema, copy) for copy in copies(path) if (schema := schema_of(copy)) <= known]
    return SchemaTooNew(found, known, max(usable)[1] if usable else None)


def copies(path: Path) -> list[Path]:
    """The copies beside a ledger, the latest first."""
    found = [one for one in path.parent.glob(f"{path.name}.before-[0-9]*") if one.is_file()]
    return sorted(found, key=lambda one: one.stat().st_mtime_ns, reverse=True)


def keep_copy(raw: sqlite3.Connection, path: Path, known: int) -> Path | None:
    """Copy the ledger at `path`, open as `raw`, if it is about to be migrated to the schema `known`.

    Where the copy is; None where there is nothing to be migrated.
    Raises `UpgradeBlocked` where there is no room for the copy, and `LedgerDamaged`.
    """
    (found,) = raw.execute("PRAGMA user_version").fetchone()
    if not 0 < found < known:
        return None
    from gateway.store.copying import copy_ledger, flush, shortage  # noqa: PLC0415  once in a ledger's version

    target = before(path, found + 1)
    part = path.with_name(f".{target.name}.part")
    part.unlink(missing_ok=True)
    wal = path.with_name(f"{path.name}-wal")
    needed = path.stat().st_size + (wal.stat().st_size if wal.exists() else 0) + MARGIN
    if why := shortage(path.parent, needed):
        raise UpgradeBlocked(path, found, known, why)
    try:
        copy_ledger(path, part, thorough=False)
        part.replace(target)
        flush(path.parent)
    except LedgerUnavailable as error:
        raise UpgradeBlocked(path, found, known, error.reason) from None
    except OSError as error:
        raise UpgradeBlocked(path, found, known, str(error)) from None
    finally:
        part.unlink(missing_ok=True)
    for old in copies(path)[KEPT:]:
        old.unlink(missing_ok=True)
    return target
