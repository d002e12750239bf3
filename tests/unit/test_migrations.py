"""Migrations: forward only, whole or not at all, and never on a ledger from the future."""

import sqlite3
from contextlib import closing

import pytest

from gateway.errors import SchemaTooNew
from gateway.store import migrate as module
from gateway.store.lock import hold_state
from gateway.store.migrate import migrate, migrations
from gateway.store.offline import reading
from gateway.store.sqlite import LEDGER_FILE, open_sqlite

NEWEST = migrations()[-1].number


def connect(path):
    return closing(sqlite3.connect(path, isolation_level=None))


def schema(raw):
    return raw.execute("SELECT type, name, sql FROM sqlite_master ORDER BY 1, 2").fetchall()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder of migrations that a test may write."""
    steps = tmp_path / "migrations"
    steps.mkdir()
    monkeypatch.setattr(module, "_FOLDER", steps)
    return steps


def test_numbers_are_those_of_the_files_without_gaps():
    assert [step.number for step in migrations()] == list(range(1, NEWEST + 1))


def test_an_empty_database_is_brought_up_to_date(tmp_path):
    with connect(tmp_path / "db") as raw:
        assert migrate(raw) == NEWEST
        assert raw.execute("PRAGMA user_version").fetchone() == (NEWEST,)
        before = schema(raw)
        assert migrate(raw) == NEWEST
        assert schema(raw) == before


def test_a_newer_schema_is_refused_untouched(tmp_path):
    with connect(tmp_path / "db") as raw:
        migrate(raw)
        raw.execute(f"PRAGMA user_version = {NEWEST + 5}")
        before = schema(raw)
        with pytest.raises(SchemaTooNew) as caught:
            migrate(raw)
        assert (caught.value.found, caught.value.known) == (NEWEST + 5, NEWEST)
        assert caught.value.exit_code == 78
        assert schema(raw) == before
        assert raw.execute("PRAGMA user_version").fetchone() == (NEWEST + 5,)


async def test_the_gateway_and_the_commands_refuse_a_newer_schema(tmp_path):
    path = tmp_path / LEDGER_FILE
    async with open_sqlite(path):
        pass
    with connect(path) as raw:
        raw.execute(f"PRAGMA user_version = {NEWEST + 1}")
    with pytest.raises(SchemaTooNew):
        async with open_sqlite(path):
            pass
    with pytest.raises(SchemaTooNew), reading(path):
        pass


def test_only_the_missing_steps_are_taken(tmp_path, folder):
    (folder / "0001_a.sql").write_text("CREATE TABLE a (x);")
    with connect(tmp_path / "db") as raw:
        assert migrate(raw) == 1
        raw.execute("INSERT INTO a VALUES (1)")
        (folder / "0002_b.sql").write_text("CREATE TABLE b (x); INSERT INTO b SELECT x FROM a;")
        assert migrate(raw) == 2
        assert raw.execute("SELECT x FROM b").fetchall() == [(1,)]


def test_a_step_that_fails_leaves_the_schema_before_it(tmp_path, folder):
    (folder / "0001_a.sql").write_text("CREATE TABLE a (x);")
    (folder / "0002_b.sql").write_text("CREATE TABLE b (x); INSERT INTO nowhere VALUES (1);")
    with connect(tmp_path / "db") as raw:
        with pytest.raises(sqlite3.OperationalError):
            migrate(raw)
        assert raw.execute("PRAGMA user_version").fetchone() == (1,)
        assert [name for _, name, _ in schema(raw)] == ["a"]
        assert not raw.in_transaction
        (folder / "0002_b.sql").write_text("CREATE TABLE b (x);")
        assert migrate(raw) == 2


def test_the_lock_names_its_holder(tmp_path):
    import os  # noqa: PLC0415

    from gateway.errors import StateLocked  # noqa: PLC0415

    with hold_state(tmp_path / "state"):
        with pytest.raises(StateLocked) as caught, hold_state(tmp_path / "state"):
            pass
        assert caught.value.pid == os.getpid()
        assert caught.value.exit_code == 1
    with hold_state(tmp_path / "state"):
        pass
