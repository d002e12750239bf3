"""Ledgers of every version that there ever was are brought up to date, and then used.

What each version left is in `tests/store_schemas`; a new migration adds what it leaves there.
"""

import os
import signal
import sqlite3
from contextlib import asynccontextmanager, closing

import pytest

from gateway.model.choices import Chosen
from gateway.model.session import Reason, SessionState
from gateway.store import migrate as module
from gateway.store.migrate import migrate, migrations
from gateway.store.postgres.store import open_postgres
from gateway.store.shape import oddity
from gateway.store.sqlite import LEDGER_FILE, open_sqlite
from tests.harness.forks import FORKS, ended
from tests.helpers.clock import ManualClock
from tests.helpers.house import house
from tests.helpers.ledgers import LEDGERS, Ledger
from tests.helpers.postgres import new_database
from tests.helpers.schemas import FOLDER, digests, frozen, life, put, put_on_postgres

NUMBERS = [step.number for step in migrations()]
NEWEST = NUMBERS[-1]
NOW = 1_400.0
INDEX = "SELECT name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"


def connect(path):
    return closing(sqlite3.connect(path, isolation_level=None))


def shape(raw):
    """The schema, whatever the words between its words are."""
    rows = raw.execute("SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY 1, 2").fetchall()
    return [(*row[:3], " ".join(row[3].replace('"', "").split()) if row[3] else None) for row in rows]


def tables(raw):
    return [name for (name,) in raw.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]


def test_every_schema_has_something_that_happened_to_it():
    missing = [number for number in NUMBERS if not life(number).exists()]
    assert not missing, f"write tests/store_schemas/{missing[0]:04d}.sql, rows for what it adds"
    assert sorted(path.stem for path in FOLDER.glob("*.sql")) == [f"{n:04d}" for n in NUMBERS]


def test_a_migration_that_is_out_is_never_changed():
    assert frozen() == digests(), "write another one; `python -m tests.helpers.schemas` adds its digest"


@pytest.mark.parametrize("number", NUMBERS)
def test_it_has_something_in_every_table_and_its_number(tmp_path, number):
    put(number, tmp_path / "db")
    with connect(tmp_path / "db") as raw:
        empty = [name for name in tables(raw) if not raw.execute(f"SELECT 1 FROM {name}").fetchone()]
        assert raw.execute("PRAGMA user_version").fetchone() == (number,)
    assert not empty


@pytest.mark.parametrize("number", NUMBERS)
def test_brought_up_to_date_it_is_like_a_new_one_and_has_lost_nothing(tmp_path, number):
    put(number, tmp_path / "db")
    with connect(tmp_path / "db") as raw, connect(tmp_path / "new") as new:
        before = {name: raw.execute(f"SELECT count(*) FROM {name}").fetchone() for name in tables(raw)}
        assert migrate(raw) == migrate(new) == NEWEST
        assert shape(raw) == shape(new)
        after = {name: raw.execute(f"SELECT count(*) FROM {name}").fetchone() for name in before}
        assert after == before
        assert raw.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert raw.execute("PRAGMA foreign_key_check").fetchall() == []


@pytest.mark.parametrize("number", NUMBERS)
def test_only_what_the_migrations_have_made_is_a_ledger(tmp_path, number):
    put(number, tmp_path / "db")
    changes = {
        "ANALYZE": None,
        "DROP TABLE sessions": "its table sessions is missing",
        "ALTER TABLE sessions ADD COLUMN x": "its table sessions is missing or another one",
        "CREATE TABLE x (y)": "(table)",
        "CREATE INDEX x ON sessions (id, id)": "(index)",
        "CREATE VIEW x AS SELECT 1": "(view)",
        "CREATE TRIGGER x AFTER INSERT ON sessions BEGIN DELETE FROM sessions; END": "(trigger)",
    }
    with connect(tmp_path / "db") as raw:
        for change, why in changes.items():
            raw.execute("BEGIN")
            raw.execute(change)
            said = oddity(raw, number)
            raw.execute("ROLLBACK")
            assert said == why if why is None else why in said, change
        raw.execute("DROP INDEX " + raw.execute(INDEX).fetchone()[0])
        assert oddity(raw, number).startswith("its index ")


@asynccontextmanager
async def left_by(number, kind, folder):
    """The store of a ledger that the version of this schema left."""
    if kind == "sqlite":
        put(number, folder / LEDGER_FILE)
        async with open_sqlite(folder / LEDGER_FILE) as store:
            yield store
        return
    database = new_database()
    put_on_postgres(number, database)
    async with open_postgres(database.url) as store:
        yield store
    with database.connect() as raw:
        assert raw.execute("SELECT version FROM schema_version").fetchall() == [(NEWEST,)]


@pytest.mark.parametrize("kind", sorted(LEDGERS))
@pytest.mark.parametrize("number", NUMBERS)
async def test_it_is_gone_on_with(tmp_path, number, kind):
    plan = tmp_path / "media" / "out" / "n-plan.txt"
    plan.parent.mkdir(parents=True)
    plan.write_text("plan")
    async with left_by(number, kind, tmp_path) as store:
        ledger = Ledger(store, tmp_path, kind, now=NOW)
        opening = await ledger.start()
        assert (opening.dead_boots, opening.interrupted_turns, opening.unknown_deliveries) == (1, 1, 1)
        assert (await ledger.session(1)).agent_session_id == "a1"
        assert (await ledger.session(1)).chosen == Chosen()
        await store.choose(1, Chosen("demo"))
        assert (await ledger.session(1)).chosen == Chosen("demo")
        assert [(one.body, one.edits) for one in await store.owed("telegram") if one.id == 2] == [
            ("what was owed", None)
        ]
        async with house(ledger, clock=ManualClock(NOW)) as it:
            await it.ready()
            await it.idle()
            await it.hear("and figs", "1001", event="511")
            await it.hear("", "1001", command="status", event="512")
            await it.hear("hello", "1004", event="513")
            await it.idle()
            await it.quiet()
            check_answers(it, number)
            assert (await ledger.session(2)).state is (await ledger.session(3)).state is SessionState.ACTIVE
            paused = await ledger.session(4)
            assert (paused.state, paused.reason) == (SessionState.SUSPENDED, Reason.RESUME_LOOP)
            assert ("are you there", "waiting") in await ledger.texts(4)
            (held,) = [one for one in await store.deliveries(50) if one.state == "held"]
            assert held.body == "on hold"
            assert (await store.session(3)).chosen.agent == ("demo" if number >= 3 else None)
            assert [grant.person for grant in await store.grants()] == (["1002"] if number >= 4 else [])


def check_answers(it, number):
    """What waited was answered, what was cut short was gone on with, and what was owed was sent."""
    said = [(one.route.chat, one.body) for one in it.chat.delivered]
    assert [body for chat, body in said if chat == "1001" and "echo" in body] == [
        next(body for _, body in said if "and pears" in body),
        "echo and figs",
    ]
    assert ("1001", "what was owed") in said
    again = next(one for one in it.chat.delivered if one.body == "may be there")
    assert again.doubtful
    notes = [prompt.note for _, prompt in it.agents.prompts if prompt.note]
    assert len(notes) == 2
    assert sum("oven" in note for note in notes) == 1, "a step whose outcome is unknown"
    assert any(body.startswith("This conversation is paused") for chat, body in said if chat == "1004")
    assert any("Conversation 1" in body for chat, body in said if chat == "1001"), "/status"
    if number >= 4:
        assert any(one.file is not None for one in it.chat.delivered)
        assert it.chat.fetched == ["f2"]


def die_in_the_middle(path, folder):
    """Migrate, and be killed inside of the second step."""
    module._FOLDER = folder
    with connect(path) as raw:
        raw.create_function("die", 0, lambda: os.kill(os.getpid(), signal.SIGKILL))
        migrate(raw)


async def test_killed_in_the_middle_of_a_migration_it_is_as_before(tmp_path):
    folder = tmp_path / "migrations"
    folder.mkdir()
    (folder / "0001_a.sql").write_text("CREATE TABLE a (x);")
    (folder / "0002_b.sql").write_text("CREATE TABLE b (x); INSERT INTO a VALUES (2); SELECT die();")
    path = tmp_path / "db"
    with connect(path) as raw:
        raw.execute("PRAGMA journal_mode = WAL")
        raw.executescript("CREATE TABLE a (x); INSERT INTO a VALUES (1); PRAGMA user_version = 1;")
    process = FORKS.Process(target=die_in_the_middle, args=(path, folder))
    process.start()
    assert await ended(process) == -signal.SIGKILL
    with connect(path) as raw:
        assert tables(raw) == ["a"]
        assert raw.execute("SELECT x FROM a").fetchall() == [(1,)]
        assert raw.execute("PRAGMA user_version").fetchone() == (1,)
