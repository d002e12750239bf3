"""How SQLite says that a file is no database any more, told apart from a disk or a lock in the way."""

import sqlite3
from typing import Final

_CODES: Final = frozenset({sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT})


def is_damage(error: Exception) -> bool:
    """Whether an error means that the file itself is damaged."""
    code = getattr(error, "sqlite_errorcode", None)
    return code is not None and code & 0xFF in _CODES  # above the lowest byte it is more exact
