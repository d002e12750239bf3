"""Ledgers as earlier versions left them: the migrations up to one of them, with rows for what each adds.

`tests/store_schemas` has these rows, and the digests of the migrations: one that is out is never changed.
`python -m tests.helpers.schemas` adds the digest of a new one.
"""

import hashlib
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from gateway.store.migrate import migrations
from tests.helpers.postgres import Database

FOLDER = Path(__file__).parents[1] / "store_schemas"
FROZEN = FOLDER / "migrations.sha256"


def life(number: int) -> Path:
    """What happened to a ledger of this schema, in the tables and columns that it was the first to have."""
    return FOLDER / f"{number:04d}.sql"


def scripts(number: int) -> Iterator[tuple[str, str]]:
    """Each migration up to this one, and what happened before the next."""
    for step in migrations()[:number]:
        yield step.path.read_text(encoding="utf-8"), life(step.number).read_text(encoding="utf-8")


def put(number: int, path: Path) -> None:
    """Have a ledger of this schema at a path."""
    with closing(sqlite3.connect(path, isolation_level=None)) as raw:
        for schema, rows in scripts(number):
            raw.executescript(schema)
            raw.executescript(rows)
        raw.execute(f"PRAGMA user_version = {number}")


def put_on_postgres(number: int, database: Database) -> None:
    """Have a ledger of this schema in a database that is empty."""
    from gateway.store.postgres.dialect import schema as translated  # noqa: PLC0415  an optional library

    with database.connect() as raw:
        raw.execute("CREATE TABLE schema_version (version BIGINT NOT NULL)")
        for schema, rows in scripts(number):
            raw.execute(translated(schema))
            raw.execute(rows)
        raw.execute("INSERT INTO schema_version VALUES (%s)", (number,))
        counted = "SELECT table_name FROM information_schema.columns WHERE is_identity = 'YES'"
        for (table,) in raw.execute(counted).fetchall():  # the rows bring ids of their own
            raw.execute(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), max(id)) FROM {table}")


def digests() -> dict[str, str]:
    """Of the migrations as they are."""
    return {
        step.path.name: hashlib.sha256(step.path.read_text(encoding="utf-8").encode()).hexdigest()
        for step in migrations()
    }


def frozen() -> dict[str, str]:
    """Of the migrations that are out."""
    lines = FROZEN.read_text(encoding="ascii").split() if FROZEN.exists() else []
    return dict(zip(lines[1::2], lines[::2], strict=True))


def main() -> None:
    """Add those that are new."""
    known = {**digests(), **frozen()}
    FROZEN.write_text("".join(f"{known[name]}  {name}\n" for name in sorted(known)), encoding="ascii")


if __name__ == "__main__":
    main()
