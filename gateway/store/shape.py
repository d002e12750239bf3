"""Whether a ledger that comes from elsewhere is built as this program builds one.

Sound pages and right hashes say nothing of that: a table may be missing, and a trigger would run with the
gateway's own statements.
"""

import sqlite3
from contextlib import closing
from typing import cast

from gateway.store.migrate import migrate, migrations

_SCHEMA = """
SELECT type, name, sql FROM sqlite_master
WHERE NOT (type = 'table' AND name GLOB 'sqlite_stat[0-9]') -- which ANALYZE makes
"""

_Part = tuple[str, str, str]


def oddity(raw: sqlite3.Connection, schema: int) -> str | None:
    """How a ledger differs from the one that the migrations up to `schema` make; None where it does not.

    Nothing is known here of a schema of a newer version, which `migrate` refuses.
    """
    if schema > migrations()[-1].number:
        return None
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as new:
        migrate(new, schema)
        expected = _parts(new)
    found = _parts(raw)
    if missing := expected - found:
        kind, name, _ = max(missing)  # a table before its indexes
        return f"its {kind} {name} is missing or another one"
    if more := found - expected:
        return f"it has something that Carryon has not made ({max(more)[0]})"
    return None


def _parts(raw: sqlite3.Connection) -> frozenset[_Part]:
    """Kind, name and statement of everything in a schema, whatever is between the statement's words."""
    rows = raw.execute(_SCHEMA).fetchall()
    return frozenset(
        (str(kind), str(name), "".join(str(sql or "").replace('"', "").split()))
        for kind, name, sql in cast("list[tuple[object, object, object]]", rows)
    )
