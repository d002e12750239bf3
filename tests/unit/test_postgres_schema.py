"""The schema and the statements on PostgreSQL: the same texts, and nothing that only SQLite understands."""

import asyncio
import re
import sqlite3
from contextlib import closing

import pytest

from gateway.errors import CarryonError, LedgerUnavailable, SchemaTooNew
from gateway.store.migrate import migrate as migrate_sqlite
from gateway.store.migrate import migrations
from gateway.store.postgres.dialect import numbered, schema
from gateway.store.postgres.offline import exists, reading
from gateway.store.postgres.store import open_postgres
from tests.helpers.postgres import new_database
from tests.helpers.postgres_proxy import proxy_to
from tests.helpers.schemas import put_on_postgres

NEWEST = migrations()[-1].number
SQLITE_TYPES = {"INTEGER": "bigint", "REAL": "double precision", "TEXT": "text"}


@pytest.mark.parametrize(
    ("sql", "text"),
    [
        ("SELECT ?, '?', ?", "SELECT $1, '?', $2"),
        ("SELECT 'it''s ?' WHERE a = ?", "SELECT 'it''s ?' WHERE a = $1"),
        ("SELECT 1", "SELECT 1"),
        (f"VALUES ({', '.join('?' * 11)})", f"VALUES ({', '.join(f'${n}' for n in range(1, 12))})"),
    ],
)
def test_signs_of_parameters(sql, text):
    assert numbered(sql) == text


@pytest.mark.parametrize(
    "script", ["INSERT OR REPLACE INTO a VALUES (1);", "PRAGMA x;", "SELECT rowid FROM a"]
)
def test_what_only_sqlite_could_take_is_refused(script):
    with pytest.raises(ValueError, match="no meaning"):
        schema(script)


def test_the_letters_of_a_migration_are_plain():
    """The translation looks at words: none of them stands in a text, and no text has a comment's sign."""
    for step in migrations():
        text = re.sub(r"--[^\n]*", "", step.path.read_text())
        for quoted in re.findall(r"'[^']*'", text):
            assert not re.search(r"INTEGER|REAL|TEXT|BLOB|ROWID|--|;", quoted), step.path


@pytest.fixture(scope="module")
def made():
    """A database with the newest schema."""
    database = new_database()
    with database.connect() as raw:
        put_on_postgres(NEWEST, database)
        yield raw


def test_both_schemas_have_the_same_tables_columns_and_indexes(made):
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as raw:
        migrate_sqlite(raw)
        tables = [
            name
            for (name,) in raw.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            if not name.startswith("sqlite_")
        ]
        columns = {
            (table, name): (SQLITE_TYPES[kind], bool(needed) or bool(key))
            for table in tables
            for _, name, kind, needed, _, key in raw.execute(f"PRAGMA table_info({table})")
        }
        named = "SELECT name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
        indexes = {name for (name,) in raw.execute(named)}
    found = made.execute(
        "SELECT table_name, column_name, data_type, is_nullable = 'NO', collation_name "
        "FROM information_schema.columns WHERE table_schema = 'public' AND table_name <> 'schema_version'"
    ).fetchall()
    assert {(table, name): (kind, needed) for table, name, kind, needed, _ in found} == columns
    assert {collation for *_, kind, _, collation in found if kind == "text"} == {"C"}
    beside = {
        name for (name,) in made.execute("SELECT indexname FROM pg_indexes WHERE schemaname = 'public'")
    }
    assert indexes <= beside


async def test_a_newer_schema_is_refused_untouched():
    database = new_database()
    put_on_postgres(1, database)
    with database.connect() as raw:
        raw.execute("UPDATE schema_version SET version = %s", (NEWEST + 5,))
        with pytest.raises(SchemaTooNew) as caught:
            async with open_postgres(database.url):
                pass
        assert (caught.value.found, caught.value.known) == (NEWEST + 5, NEWEST)
        with pytest.raises(SchemaTooNew), reading(database.url):
            pass
        assert raw.execute("SELECT to_regclass('approvals')").fetchone() == (None,)


async def test_a_migration_that_fails_leaves_the_schema_before_it():
    database = new_database()
    with database.connect() as raw:
        raw.execute("CREATE TABLE approvals (of_another_program TEXT)")
        with pytest.raises(LedgerUnavailable, match=r"already exists.*a schema of its own"):
            async with open_postgres(database.url):
                pass
        assert raw.execute("SELECT version FROM schema_version").fetchall() == [(2,)]
        assert raw.execute("SELECT to_regclass('remembered')").fetchone() == (None,)
        raw.execute("DROP TABLE approvals")
    async with open_postgres(database.url) as store:
        assert store.healthy


async def test_a_user_who_may_create_nothing_is_told_so():
    database = new_database()
    with database.connect() as raw:
        raw.execute("DROP ROLE IF EXISTS modest")
        raw.execute("CREATE ROLE modest LOGIN")
    assert not exists(database.url)
    with pytest.raises(LedgerUnavailable, match=r"permission denied.*may create tables"):
        async with open_postgres(database.url.replace("carryon@", "modest@")):
            pass


async def test_a_schema_of_ones_own_is_another_ledger():
    database = new_database()
    with database.connect() as raw:
        raw.execute("CREATE SCHEMA second")
    second = f"{database.url}&options=-csearch_path%3Dsecond"
    async with open_postgres(database.url) as first_store, open_postgres(second) as second_store:
        await first_store.open_boot("r", 1, 1.0)
        assert (await first_store.boots(9)) != (await second_store.boots(9)) == ()


async def test_a_schema_that_is_not_there_is_named():
    database = new_database()
    with pytest.raises(CarryonError, match="no schema"):
        async with open_postgres(f"{database.url}&options=-csearch_path%3Dnowhere"):
            pass


async def test_a_database_that_cannot_keep_every_text_is_refused():
    database = new_database(ENCODING="'LATIN1'", TEMPLATE="template0")
    with pytest.raises(CarryonError, match=r"LATIN1.*UTF8"):
        async with open_postgres(database.url):
            pass


async def test_an_unreachable_server_is_told_of_without_its_password(tmp_path):
    address = f"postgresql://ann:hunter2-hunter2@/carryon?host={tmp_path}&port=1"
    garbled = "postgresql://ann:hunter2%zz@h/d"  # which the library complains of by repeating it
    for attempt in (open_postgres(address), open_postgres(garbled)):
        with pytest.raises(CarryonError) as caught:
            async with attempt:
                pass
        assert "hunter2" not in str(caught.value)
        assert "store.url" in str(caught.value)
    with pytest.raises(LedgerUnavailable), reading(address):
        pass


async def test_a_server_that_is_starting_is_waited_for():
    database = new_database()
    async with proxy_to(database) as proxy:
        proxy.refuse()

        async def opened():
            async with open_postgres(proxy.url, patience=60.0) as store:
                return store.healthy

        opening = asyncio.ensure_future(opened())
        await proxy.refused.wait()
        proxy.refuse(refusing=False)
        assert await opening
