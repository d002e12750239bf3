"""The gateway's ledger where it is on PostgreSQL, for tests that look at it from beside."""

from pathlib import Path

import psycopg

from gateway.store.postgres.dialect import numbered
from tests.harness.ledger import Ledger, Row


class ServerLedger(Ledger):
    """The same questions to a database service."""

    def __init__(self, url: str) -> None:
        super().__init__(Path())
        self._url = url

    def _connect(self) -> psycopg.Connection:
        return psycopg.connect(self._url, autocommit=True, cursor_factory=psycopg.RawCursor)

    def rows(self, query: str, *values: object) -> list[Row]:
        with self._connect() as raw:
            return raw.execute(numbered(query), values).fetchall()

    def edit(self, statement: str, *values: object) -> None:
        with self._connect() as raw:
            assert raw.execute(numbered(statement), values).rowcount > 0, statement
