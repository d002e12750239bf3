"""The gateway's ledger: read while it runs, written only while it is down."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, TypeVar

from gateway.store.sqlite import LEDGER_FILE
from tests.harness.waiting import glance

T = TypeVar("T")

Row = tuple[Any, ...]


class Ledger:
    """Questions to one ledger. Every one opens its own connection, so that nothing is held."""

    def __init__(self, state_dir: Path) -> None:
        self.path = state_dir / LEDGER_FILE

    def rows(self, query: str, *values: object) -> list[Row]:
        """The rows of a query, read only."""
        with closing(sqlite3.connect(f"file:{self.path}?mode=ro", uri=True)) as raw:
            return raw.execute(query, values).fetchall()

    def one(self, query: str, *values: object) -> Any:
        """The first column of the only row."""
        (row,) = self.rows(query, *values)
        return row[0]

    def edit(self, statement: str, *values: object) -> None:
        """Change history, while no gateway runs."""
        with closing(sqlite3.connect(self.path)) as raw, raw:
            assert raw.execute(statement, values).rowcount > 0, statement

    async def until(self, probe: Callable[["Ledger"], T | None]) -> T:
        """Wait until the ledger says so."""
        return await glance(lambda: probe(self))

    @property
    def resumes(self) -> int:
        """Turns that continue an interrupted one."""
        return self.one("SELECT count(*) FROM turns WHERE resumes_turn_id IS NOT NULL")

    @property
    def turns(self) -> list[tuple[str, str | None]]:
        """State and resume mode of every turn, oldest first."""
        return self.rows("SELECT state, resume_mode FROM turns ORDER BY id")

    @property
    def modes_of_resumes(self) -> list[str]:
        """How the agent sessions of turns that continue an interrupted one were continued."""
        query = "SELECT resume_mode FROM turns WHERE resumes_turn_id IS NOT NULL AND state = 'completed'"
        return [mode for (mode,) in self.rows(query)]

    @property
    def stopped_cleanly(self) -> bool:
        """Whether the last boot left the clean-shutdown marker."""
        query = "SELECT stopped_at IS NOT NULL AND state = 'stopped' FROM boots ORDER BY id DESC LIMIT 1"
        return bool(self.one(query))

    def session(self, chat: str) -> tuple[str, str | None]:
        """State and reason of a chat's conversation."""
        (row,) = self.rows(
            "SELECT state, reason FROM sessions WHERE chat = ? ORDER BY generation DESC LIMIT 1", chat
        )
        return row

    def heard(self, chat: str) -> int:
        """How many messages of a chat and its threads were accepted."""
        query = (
            "SELECT count(*) FROM messages WHERE kind = 'user' "
            "AND session_id IN (SELECT id FROM sessions WHERE chat = ?)"
        )
        return self.one(query, chat)

    def will_go_on(self, chat: str) -> bool:
        """Whether a conversation of a chat or its threads is to be resumed."""
        query = (
            "SELECT count(*) FROM sessions AS old WHERE chat = ? AND state = 'resume_pending' "
            "AND generation = (SELECT max(generation) FROM sessions AS new "
            "WHERE (new.account, new.chat, new.thread, new.person) "
            "= (old.account, old.chat, old.thread, old.person))"
        )
        return bool(self.one(query, chat))

    @property
    def owes_nothing(self) -> bool:
        """Whether nothing waits, runs or is still to be sent."""
        return not self.one(
            "SELECT (SELECT count(*) FROM messages WHERE state = 'waiting')"
            " + (SELECT count(*) FROM turns WHERE state = 'running')"
            " + (SELECT count(*) FROM deliveries WHERE state IN ('pending', 'sending', 'unknown'))"
        )
