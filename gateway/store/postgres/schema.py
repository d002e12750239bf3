"""The schema on PostgreSQL, made by the same numbered migrations as on SQLite."""

from typing import LiteralString, cast

from gateway.errors import SchemaTooNew
from gateway.store.migrate import migrations
from gateway.store.postgres import dialect
from gateway.store.postgres.statement import Raw

_EXISTS = "SELECT to_regclass('schema_version') IS NOT NULL"
_FOUND = "SELECT max(version) FROM schema_version"


def version(raw: Raw) -> int:
    """The number of the schema, 0 where there is none. Raises `SchemaTooNew`."""
    row = raw.execute(_EXISTS).fetchone()
    assert row is not None
    if not row[0]:
        return 0
    row = raw.execute(_FOUND).fetchone()
    assert row is not None
    found, known = int(row[0] or 0), migrations()[-1].number
    if found > known:
        raise SchemaTooNew(found, known)
    return found


def migrate(raw: Raw) -> int:
    """Bring a database up to date; the number of its schema. The caller is the only one who writes.

    Raises `SchemaTooNew`, and then the database is as it was. A step and its number are one transaction.
    """
    found = version(raw)
    for step in migrations():
        if step.number > found:
            script = dialect.schema(step.path.read_text(encoding="utf-8"))
            table = "" if step.number > 1 else "CREATE TABLE schema_version (version BIGINT NOT NULL);"
            number = f"DELETE FROM schema_version; INSERT INTO schema_version VALUES ({step.number});"  # noqa: S608
            raw.run(cast("LiteralString", f"{table}{script}{number}"))  # sent together: one transaction
            found = step.number
    return found
