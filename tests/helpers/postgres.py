"""Databases for tests: one for each process of the suite, emptied for each folder that a ledger is opened in.

A ledger that is opened again in the same folder is the same ledger, as on SQLite.
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg

from gateway.ports import Store
from gateway.store.postgres.store import open_postgres
from tests.helpers.postgres_server import PORT, address

_EMPTYING = (
    "SELECT string_agg(CASE relkind WHEN 'r' THEN format('DELETE FROM %I', relname) "
    "ELSE format('SELECT setval(%L, 1, false)', relname) END, '; ') FROM pg_class "
    "WHERE relkind IN ('r', 'S') AND relnamespace = 'public'::regnamespace AND relname <> 'schema_version'"
)


@dataclass
class Database:
    """One database. `folder` is the one whose ledger is in it."""

    name: str
    folder: Path | None = None
    open: int = 0
    _beside: Any = None
    _emptying: str | None = None

    @property
    def url(self) -> str:
        return f"postgresql://carryon@/{self.name}?host={address()}&port={PORT}"

    def connect(self) -> psycopg.Connection[Any]:
        """Look at it from beside the ledger."""
        return psycopg.connect(self.url, autocommit=True)

    def empty(self) -> None:
        """Forget everything but the schema."""
        if not self._emptying:
            self._beside = self._beside or self.connect()
            self._beside.execute("SET session_replication_role = replica")  # in whatever order
            self._emptying = self._beside.execute(_EMPTYING).fetchone()[0] or ""
        self._beside.execute(self._emptying, prepare=False)


_DATABASES: list[Database] = []
_SPENT: set[Path] = set()


@cache
def _root() -> psycopg.Connection[Any]:
    return psycopg.connect(host=address(), port=PORT, user="carryon", dbname="postgres", autocommit=True)


def new_database(**options: str) -> Database:
    """A database in which there is nothing at all."""
    made = Database(f"carryon_{uuid4().hex[:12]}")
    words = " ".join(f"{key} {value}" for key, value in options.items())
    _root().execute(f"CREATE DATABASE {made.name} {words}")
    return made


def database_of(folder: Path) -> Database:
    """The database for the ledger of a folder."""
    assert folder not in _SPENT, "its database has been given to another folder"
    for one in _DATABASES:
        if one.folder == folder:
            return one
    for one in _DATABASES:
        if not one.open:
            if one.folder is not None:
                _SPENT.add(one.folder)
            one.empty()
            one.folder = folder
            return one
    made = new_database()
    made.folder = folder
    _DATABASES.append(made)
    return made


@asynccontextmanager
async def open_database(folder: Path) -> AsyncGenerator[Store]:
    """The ledger of a folder, on PostgreSQL."""
    database = database_of(folder)
    database.open += 1
    try:
        async with open_postgres(database.url, patience=5.0) as store:
            yield store
    finally:
        database.open -= 1
