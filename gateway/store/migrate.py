"""Migrations: numbered, forward only, each in one transaction. A newer schema is refused."""

import sqlite3
from dataclasses import dataclass
from pathlib import Path

from gateway.store.upgrades import too_new

_FOLDER = Path(__file__).with_name("migrations")


@dataclass(frozen=True, slots=True)
class Migration:
    """One step of the schema."""

    number: int
    path: Path


def migrations() -> tuple[Migration, ...]:
    """All steps, in order."""
    return tuple(Migration(int(path.name.split("_")[0]), path) for path in sorted(_FOLDER.glob("[0-9]*.sql")))


def migrate(raw: sqlite3.Connection, upto: int | None = None) -> int:
    """Bring a database up to date, or `upto` an older schema; the number of its schema.

    Raises `SchemaTooNew`, and then the database is as it was. `user_version` is written in the same
    transaction as the step itself, so that a crash leaves a schema that is either before or after it.
    """
    (found,) = raw.execute("PRAGMA user_version").fetchone()
    steps = [step for step in migrations() if upto is None or step.number <= upto]
    known = steps[-1].number
    if found > known:
        raise too_new(_path(raw), found, known)
    for step in steps:
        if step.number > found:
            script = step.path.read_text(encoding="utf-8")
            try:
                raw.executescript(
                    f"BEGIN IMMEDIATE;\n{script}\nPRAGMA user_version = {step.number};\nCOMMIT;"
                )
            except BaseException:
                if raw.in_transaction:
                    raw.execute("ROLLBACK")
                raise
    return known


def _path(raw: sqlite3.Connection) -> Path:
    """Where a database lies."""
    return Path(raw.execute("PRAGMA database_list").fetchone()[2])
