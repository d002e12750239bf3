"""`carryon restore`: wholly or not at all, and no harm after it."""

import asyncio
import json
import signal
import sqlite3
import stat
import time
from contextlib import closing
from dataclasses import replace

import pytest

from gateway import cli_backup, keeping, restoring
from gateway.config.file import load
from gateway.engine.commands import RESTORED
from gateway.engine.past import LedgerPast
from gateway.errors import CarryonError, SchemaTooNew, StateLocked, UsageError
from gateway.keeping_report import restored_text
from gateway.model.address import ChatKind
from gateway.model.delivery import DeliveryState
from gateway.model.message import Inbound
from gateway.model.session import SessionState
from gateway.restoring import MOVE_SECONDS, Wish, restore
from gateway.rules.access import AccessPolicy
from gateway.rules.admission import AdmissionPolicy, admit
from gateway.store.lock import hold_state
from gateway.store.manifest import BackupUnusable
from gateway.store.migrate import migrations
from gateway.store.sqlite import LEDGER_FILE, open_sqlite
from tests.harness.forks import Fork, bare_environment
from tests.harness.settings import settings, write
from tests.harness.waiting import within
from tests.helpers.clock import ManualClock
from tests.helpers.house import house
from tests.helpers.ledgers import Ledger
from tests.helpers.schemas import put

NEWEST = migrations()[-1].number
WENT_ON = Wish(moved=False)


def lived(folder, number=NEWEST):
    """A config whose ledger, of any schema, has lived."""
    state = folder / "state"
    state.mkdir(mode=0o700)
    put(number, state / LEDGER_FILE)
    for name in ("in/2-pear.png", "out/n-plan.txt"):
        path = state / "media" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
    return load(write(folder / "gateway.yaml", settings(folder, "http://127.0.0.1:1")), {})


@pytest.fixture
def config(tmp_path):
    return lived(tmp_path)


@pytest.fixture
def backup(config, tmp_path):
    """One of a gateway that is stopped."""
    return keep(config, tmp_path / "backup.tar")


@pytest.fixture
def hot(config, tmp_path):
    """One of a gateway that is running."""
    with hold_state(config.state_dir):
        return keep(config, tmp_path / "hot.tar")


def keep(config, path):
    return keeping.keep(config, path, None, workspaces=False).path


def edit(ledger, statement):
    with closing(sqlite3.connect(ledger, isolation_level=None)) as raw:
        raw.execute(statement)


def rows(ledger, query):
    with closing(sqlite3.connect(ledger)) as raw:
        return raw.execute(query).fetchall()


def go_on(state):
    """The ledger is used: another boot."""
    edit(
        state / LEDGER_FILE,
        "INSERT INTO boots (replica, pid, state, started_at, seen_at) VALUES ('r', 1, 'serving', 1, 2)",
    )


def content(folder):
    """Every file and its bytes, without the lock."""
    found = (path for path in folder.rglob("*") if path.is_file() and path.name != "lock")
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}


def aged(path, monkeypatch, seconds):
    """So many seconds later."""
    now = time.time() + seconds
    monkeypatch.setattr(restoring.time, "time", lambda: now)
    return path


def test_what_was_kept_is_there_again_for_its_owner_alone(config, backup, tmp_path):
    new = tmp_path / "deep" / "new"
    done = restore(backup, new, Wish())
    assert done.exact
    assert (done.files, done.aside, done.schema) == (2, None, (NEWEST, NEWEST))
    assert (new / "media/in/2-pear.png").read_bytes() == b"in/2-pear.png"
    assert {path.name for path in new.iterdir()} == {LEDGER_FILE, "media", "lock"}
    for path in (new, new / "media", new / "media" / "in"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700
    for path in (new / LEDGER_FILE, new / "media/out/n-plan.txt"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    for table in ("messages", "turns", "deliveries", "sessions", "approvals", "pairings", "sqlite_sequence"):
        query = f"SELECT * FROM {table} WHERE true"
        if table == "sqlite_sequence":
            query += " AND name <> 'restores'"
        assert rows(new / LEDGER_FILE, query) == rows(config.state_dir / LEDGER_FILE, query), table
    ((since,),) = rows(new / LEDGER_FILE, "SELECT answer_since FROM restores ORDER BY id DESC LIMIT 1")
    assert since is None


def test_a_ledger_that_is_there_is_not_touched_unless_that_is_wanted(config, backup):
    go_on(config.state_dir)
    before = content(config.state_dir)
    with pytest.raises(CarryonError, match="--replace"):
        restore(backup, config.state_dir, Wish())
    assert content(config.state_dir) == before
    done = restore(backup, config.state_dir, Wish(replace=True))
    assert not done.exact
    assert rows(done.aside / LEDGER_FILE, "SELECT max(id) FROM boots") == [(3,)]
    assert stat.S_IMODE(done.aside.stat().st_mode) == 0o700
    assert rows(config.state_dir / LEDGER_FILE, "SELECT max(id) FROM boots") == [(2,)]
    again = restore(backup, config.state_dir, Wish(replace=True))
    assert again.aside != done.aside


def test_what_the_old_ledger_had_in_its_log_is_set_aside_with_it(config, backup):
    state = config.state_dir
    with closing(sqlite3.connect(state / LEDGER_FILE, isolation_level=None)) as raw:
        raw.execute("PRAGMA journal_mode = WAL")
        raw.execute("UPDATE messages SET text = 'in the log'")
        logs = {tail: (state / f"{LEDGER_FILE}{tail}").read_bytes() for tail in ("", "-wal")}
    for tail, data in logs.items():  # as a kill leaves it
        (state / f"{LEDGER_FILE}{tail}").write_bytes(data)
    done = restore(backup, state, Wish(replace=True))
    assert rows(done.aside / LEDGER_FILE, "SELECT DISTINCT text FROM messages") == [("in the log",)]
    assert not list(state.glob(f"{LEDGER_FILE}-*"))
    assert ("in the log",) not in rows(state / LEDGER_FILE, "SELECT text FROM messages")


def test_a_damaged_ledger_is_set_aside_as_it_is(config, backup):
    state = config.state_dir
    (state / LEDGER_FILE).write_bytes(b"rubbish " * 999)
    (state / f"{LEDGER_FILE}-wal").write_bytes(b"a log")
    done = restore(backup, state, Wish(replace=True))
    assert not done.exact, "what it had seen cannot be known"
    assert (done.aside / LEDGER_FILE).read_bytes() == b"rubbish " * 999
    assert (done.aside / f"{LEDGER_FILE}-wal").read_bytes() == b"a log"
    assert not (state / f"{LEDGER_FILE}-wal").exists()
    assert rows(state / LEDGER_FILE, "PRAGMA integrity_check") == [("ok",)]


def test_somebody_who_looks_at_the_old_ledger_is_waited_for(config, backup):
    path = config.state_dir / LEDGER_FILE
    with closing(sqlite3.connect(path, isolation_level=None)) as looking:
        looking.execute("PRAGMA journal_mode = WAL")
        looking.execute("BEGIN")
        looking.execute("SELECT * FROM boots").fetchall()
        go_on(config.state_dir)
        with pytest.raises(CarryonError, match="another command"):
            restore(backup, config.state_dir, Wish(replace=True))
        looking.execute("COMMIT")
    assert rows(path, "SELECT max(id) FROM boots") == [(3,)]
    assert not list(config.state_dir.glob("replaced-*"))


def test_a_gateway_that_runs_keeps_its_ledger(config, backup):
    before = content(config.state_dir)
    with hold_state(config.state_dir), pytest.raises(StateLocked):
        restore(backup, config.state_dir, Wish(replace=True))
    assert content(config.state_dir) == before


def test_a_newer_schema_is_refused(config, tmp_path, monkeypatch):
    path = config.state_dir / LEDGER_FILE
    edit(path, f"PRAGMA user_version = {NEWEST + 1}")
    with pytest.raises(SchemaTooNew):
        restore(path, tmp_path / "new", Wish())
    assert [one.name for one in (tmp_path / "new").iterdir()] == ["lock"]


@pytest.mark.parametrize("number", range(1, NEWEST))
def test_an_older_one_is_brought_up_to_date(tmp_path, number):
    config = lived(tmp_path, number)
    path = keep(config, tmp_path / "old.tar")
    for wish in (Wish(), WENT_ON):
        new = tmp_path / f"new-{wish.moved}"
        assert restore(path, new, wish).schema == (number, NEWEST)
        assert rows(new / LEDGER_FILE, "PRAGMA user_version") == [(NEWEST,)]


def test_other_files_by_the_same_names_are_not_overwritten(config, backup):
    there = config.state_dir / "media/out/n-plan.txt"
    there.write_bytes(b"of another gateway")
    before = content(config.state_dir)
    with pytest.raises(CarryonError, match="other files"):
        restore(backup, config.state_dir, Wish(replace=True))
    assert content(config.state_dir) == before


def test_working_directories_that_are_there_stay_as_they_are(config, tmp_path):
    for number in ("1", "2"):
        (config.state_dir / "workspaces" / number).mkdir(parents=True)
        (config.state_dir / "workspaces" / number / "work").write_text("then")
    path = keeping.keep(config, tmp_path / "w.tar", None, workspaces=True).path
    (tmp_path / "new/workspaces/2").mkdir(parents=True)
    (tmp_path / "new/workspaces/2/work").write_text("now")
    done = restore(path, tmp_path / "new", Wish())
    assert (done.files, done.kept) == (3, 1)
    assert (tmp_path / "new/workspaces/1/work").read_text() == "then"
    assert (tmp_path / "new/workspaces/2/work").read_text() == "now"


@pytest.mark.parametrize("path", ["nothing.tar", "."])
def test_where_there_is_no_file(config, tmp_path, path):
    with pytest.raises(CarryonError, match="there is no file"):
        restore(tmp_path / path, tmp_path / "new", Wish())


def test_the_ledger_is_no_backup_of_itself(config):
    with pytest.raises(CarryonError, match="the ledger itself"):
        restore(config.state_dir / LEDGER_FILE, config.state_dir, Wish(replace=True))


@pytest.mark.parametrize("statement", ["CREATE TABLE a (x)", "PRAGMA user_version = 3"])
def test_a_database_that_is_no_ledger(tmp_path, statement):
    edit(tmp_path / "db", "CREATE TABLE b (x)")
    edit(tmp_path / "db", statement)
    with pytest.raises(BackupUnusable, match="not a ledger"):
        restore(tmp_path / "db", tmp_path / "new", Wish())


@pytest.mark.parametrize(
    "change",
    ["DROP TABLE sessions", "CREATE TRIGGER x AFTER INSERT ON sessions BEGIN DELETE FROM boots; END"],
)
def test_a_ledger_that_is_built_otherwise_is_refused(config, tmp_path, change):
    edit(config.state_dir / LEDGER_FILE, change)
    with pytest.raises(BackupUnusable, match="not as Carryon makes one"):
        restore(config.state_dir / LEDGER_FILE, tmp_path / "new", Wish(moved=True))
    assert [one.name for one in (tmp_path / "new").iterdir()] == ["lock"]


def test_a_ledger_that_was_last_seen_at_no_time_of_ours(config, tmp_path):
    for number, seen in enumerate(("1e300", "'never'")):
        edit(config.state_dir / LEDGER_FILE, f"UPDATE boots SET seen_at = {seen}")
        with pytest.raises(BackupUnusable, match="not a ledger"):
            restore(config.state_dir / LEDGER_FILE, tmp_path / f"{number}", Wish())
        assert [one.name for one in (tmp_path / f"{number}").iterdir()] == ["lock"]


# Whether nothing happened since


def test_a_running_gateway_went_on(hot, tmp_path):
    assert not restore(hot, tmp_path / "new", Wish()).exact
    with pytest.raises(CarryonError, match="--moved cannot be"):
        restore(hot, tmp_path / "other", Wish(moved=True))


def test_a_backup_of_every_night_is_asked_about(backup, tmp_path, monkeypatch):
    aged(backup, monkeypatch, MOVE_SECONDS + 60)
    with pytest.raises(CarryonError, match="Say --went-on if it did"):
        restore(backup, tmp_path / "new", Wish())
    assert not restore(backup, tmp_path / "new", WENT_ON).exact
    assert restore(backup, tmp_path / "other", Wish(moved=True)).exact


@pytest.mark.parametrize("taken", ["backup", "hot"])
def test_the_ledger_that_is_replaced_tells(request, config, taken):
    path = request.getfixturevalue(taken)
    assert restore(path, config.state_dir, Wish(replace=True)).exact, "it is the same"
    edit(config.state_dir / LEDGER_FILE, "UPDATE deliveries SET state = 'sent' WHERE state = 'pending'")
    done = restore(path, config.state_dir, Wish(replace=True))
    assert not done.exact
    said = restored_text(done, as_json=False)
    assert f"the old ledger is in {done.aside}" in said
    assert "is not here" not in said, "it was just said where it is"


def test_a_gateway_that_was_tried_out_before_the_move_tells_nothing(backup, hot, tmp_path):
    async def tried(state):
        async with open_sqlite(state / LEDGER_FILE) as store:
            await Ledger(store, state).start()

    for path, exact in ((backup, True), (hot, False)):
        asyncio.run(tried(tmp_path / path.stem))
        assert restore(path, tmp_path / path.stem, Wish(replace=True)).exact is exact


def test_back_to_before_an_upgrade(tmp_path):
    state = lived(tmp_path, NEWEST - 1).state_dir

    async def upgrade(*, serve):
        async with open_sqlite(state / LEDGER_FILE) as store:
            if serve:
                await Ledger(store, state).start()

    asyncio.run(upgrade(serve=False))
    (copy,) = state.glob("*.before-*")
    assert restore(copy, state, Wish(replace=True)).exact, "the new version never got to serve"
    asyncio.run(upgrade(serve=True))
    assert not restore(copy, state, Wish(replace=True)).exact


# What is not known is not done


async def test_law_02_after_a_restore_nothing_that_was_under_way_is_done_unasked(hot, tmp_path):
    done = await asyncio.to_thread(restore, hot, tmp_path / "new", Wish())
    assert [one.session_id for one in done.settled.suspended] == [1, 2, 3]
    assert (done.settled.held, done.settled.orders, done.settled.granted) == (4, 1, 1)
    orders = "SELECT state FROM messages WHERE kind = 'command' AND command = 'status' ORDER BY id"
    assert rows(hot.parent / "new" / LEDGER_FILE, orders) == [("done",), ("withdrawn",)]
    now = time.time()
    async with open_sqlite(tmp_path / "new" / LEDGER_FILE) as store:
        ledger = Ledger(store, tmp_path / "new", now=now)
        opening = await ledger.start()
        assert opening.answer_since == done.settled.answer_since
        async with house(ledger, clock=ManualClock(now)) as it:
            await it.ready()
            await it.idle()
            await it.quiet()
            assert (it.chat.tried, it.agents.prompts) == ([], [])
            assert [await texts(ledger, one) for one in (1, 2, 3)] == [["and pears"], [], []]
            for one in (1, 2, 3):
                session = await ledger.session(one)
                assert (session.state, session.reason) == (SessionState.SUSPENDED, "restored")
            assert (await ledger.session(4)).reason == "resume_loop"
            held = [one for one in await store.deliveries(50) if one.state is DeliveryState.HELD]
            assert [one.id for one in held] == [2, 3, 5, 7, 9]
            assert await store.pairings(now) == ()
            assert [one.person for one in await store.grants()] == ["1002"]
            assert await store.growing(2) == (), "the answer that grew there has ended since"
            assert await store.pending_approvals(2) == ()

            await it.hear("and now?", "1001", event="901")
            await it.quiet()
            await it.idle()
            assert [one.body for one in it.chat.delivered] == [RESTORED]
            await it.hear("", "1001", command="resume", event="902")
            await it.quiet()
            await it.idle()
            assert [prompt.text for _, prompt in it.agents.prompts][-1:] == ["and now?"]
            assert (await ledger.session(1)).state is SessionState.ACTIVE

            assert await store.reactivate(2, "resume:operator:2:1", now)
            it.lanes.wake(2)
            await it.idle()
            assert "oven" in it.agents.prompts[-1][1].note
            revived = await store.revive(2)
            it.outbox.push((revived,))
            await it.idle()
            assert it.chat.delivered[-1].body == "what was owed"


async def texts(ledger, session_id):
    return [text for text, state in await ledger.texts(session_id) if state == "waiting"]


COUNTED = ("boots", "sessions", "messages", "turns", "deliveries", "attachments", "approvals")


def test_law_02_after_a_restore_no_id_is_given_out_a_second_time(hot, tmp_path, monkeypatch):
    aged(hot, monkeypatch, 86_400.0)
    restore(hot, tmp_path / "new", Wish())
    query = "SELECT name, seq FROM sqlite_sequence"
    before, after = (dict(rows(tmp_path / one / LEDGER_FILE, query)) for one in ("state", "new"))
    for table in COUNTED:
        assert after[table] - before[table] >= 86_400 * 1000, "more than a gateway gives out in that time"


def test_a_table_that_was_never_counted_skips_too(tmp_path):
    config = lived(tmp_path)
    edit(config.state_dir / LEDGER_FILE, "DELETE FROM approvals")
    edit(config.state_dir / LEDGER_FILE, "DELETE FROM sqlite_sequence WHERE name = 'approvals'")
    with hold_state(config.state_dir):
        path = keep(config, tmp_path / "hot.tar")
    restore(path, tmp_path / "new", Wish())
    ((seq,),) = rows(
        tmp_path / "new" / LEDGER_FILE, "SELECT seq FROM sqlite_sequence WHERE name = 'approvals'"
    )
    assert seq >= 100_000


async def test_old_conversations_are_forgotten_across_the_gap(hot, tmp_path, monkeypatch):
    aged(hot, monkeypatch, 86_400.0)
    await asyncio.to_thread(restore, hot, tmp_path / "new", Wish())
    async with open_sqlite(tmp_path / "new" / LEDGER_FILE) as store:
        await Ledger(store, tmp_path / "new").say("hello", "2000")
        bites, after = 0, 0
        while after is not None:
            _, after = await store.forget(0.0, after, 500)
            bites += 1
    assert bites == 2


@pytest.mark.parametrize(
    ("since", "answered"), [("restore", "now"), ("backup", "all"), (1_000.0, "that"), (5e9, "that")]
)
async def test_law_02_from_when_on_what_is_read_back_is_answered(hot, tmp_path, since, answered):
    before = time.time()
    done = await asyncio.to_thread(restore, hot, tmp_path / "new", Wish(since=since))
    expected = {"now": done.settled.answer_since, "all": 0.0, "that": since}[answered]
    async with open_sqlite(tmp_path / "new" / LEDGER_FILE) as store:
        opening = await Ledger(store, tmp_path / "new", now=before).start()
        latest = 950.0  # of a restore before this one, which stays true
        assert opening.answer_since == max(expected, latest)
        if since == "restore":
            assert before <= opening.answer_since <= time.time()
        past = LedgerPast(store, "discord", ManualClock(2_000.0), 3600.0, opening.answer_since)
        assert past.horizon() == opening.answer_since


def test_how_a_moment_is_written():
    assert cli_backup._since("restore") == "restore"
    assert cli_backup._since("backup") == "backup"
    assert cli_backup._since("1970-01-01T01:00Z") == cli_backup._since("1970-01-01T01:00") == 3600.0
    assert cli_backup._since("1970-01-01T02:00+01:00") == 3600.0
    assert 80 < time.time() - cli_backup._since("90s") < 1000
    with pytest.raises(UsageError, match="2026-11-21T09:30Z"):
        cli_backup._since("yesterday")


def test_the_report_says_what_to_look_at_and_nothing_private(hot, backup, tmp_path):
    done = restore(hot, tmp_path / "new", Wish())
    for text in (restored_text(done, as_json=False), restored_text(done, as_json=True)):
        assert not [
            word for word in ("pear", "plum", "bake", "a1", "Ann", "ABCDEFGH", "owed ") if word in text
        ]
        assert "1001" in text, "the operator finds the chat"
    text = restored_text(done, as_json=False)
    for word in ("3 conversations paused", "session 1: telegram 1001", "held, because they may", "pair list"):
        assert word in text
    many = replace(done, settled=replace(done.settled, suspended=done.settled.suspended * 9))
    assert "and 7 more" in restored_text(many, as_json=False)
    assert len(json.loads(restored_text(done, as_json=True))["suspended"]) == 3
    exact = restored_text(restore(backup, tmp_path / "moved", Wish()), as_json=False)
    assert "Do not start the gateway of the place that it came from" in exact


# Killed on the way

KILLED = {
    "restore.unpacked": "old",
    "restore.settled": "old",
    "restore.files": "old",
    "restore.aside": "old",
    "restore.placed": "new",
}


@pytest.mark.parametrize(
    ("failpoint", "there"),
    [*((one, True) for one in KILLED), ("restore.aside", False), ("restore.placed", False)],
)
async def test_killed_on_the_way_there_is_the_old_or_the_new(config, hot, tmp_path, failpoint, there):
    state = config.state_dir if there else tmp_path / "new"
    if there:
        go_on(state)
    old = content(state)
    words = ("carryon", "restore", str(hot), "--state-dir", str(state), "--replace")
    fork = await Fork(words, {**bare_environment(), "CARRYON_FAILPOINT": failpoint}).start()
    assert await within(fork.wait(), "its death") == -signal.SIGKILL
    if KILLED[failpoint] == "new":
        assert rows(state / LEDGER_FILE, "SELECT count(*) FROM restores") == [(2,)]
        assert content(state)["media/in/2-pear.png"] == b"in/2-pear.png"
    elif there:
        assert content(state).items() >= old.items()
        assert rows(state / LEDGER_FILE, "SELECT max(id) FROM boots") == [(3,)]
    else:
        assert not (state / LEDGER_FILE).exists()
    if there:
        kept = [rows(path / LEDGER_FILE, "SELECT max(id) FROM boots") for path in state.glob("replaced-*")]
        assert kept == ([[(3,)]] if failpoint in ("restore.aside", "restore.placed") else [])
    done = await asyncio.to_thread(restore, hot, state, Wish(replace=True))
    assert not done.exact
    assert not (state / restoring.STAGING).exists()


@pytest.mark.parametrize(
    ("sent_at", "backfilled", "too_old"), [(499.0, True, True), (500.0, True, False), (499.0, False, False)]
)
def test_what_was_written_before_is_too_old_however_fresh(sent_at, backfilled, too_old):
    policy = AdmissionPolicy(AccessPolicy(open_to_all=True), freshness=3600.0, not_before=500.0)
    said = Inbound("1", "c", ChatKind.DIRECT, "p", "Ann", "hello", sent_at, backfilled=backfilled)
    assert admit(said, "discord", policy, 501.0).too_old is too_old
