"""The one door to the write connection: groups, culprits, cancelled callers and disks that are full."""

import asyncio
import sqlite3
import threading
from contextlib import asynccontextmanager

import pytest

from gateway.ports import LedgerUnavailableError
from gateway.store.committer import GROUP_LIMIT, Committer, LedgerConnection


@asynccontextmanager
async def committer(path):
    """A committer on a table of numbers; `stop` is called on leaving."""

    def connect():
        raw = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        raw.execute("PRAGMA journal_mode = WAL")
        return raw

    connection = LedgerConnection(connect, iter_chunk_size=64)
    async with connection:
        await connection.run(lambda raw: raw.execute("CREATE TABLE n (value INTEGER PRIMARY KEY)"))
        made = Committer(connection)
        async with asyncio.TaskGroup() as group:
            group.create_task(made.run())
            yield made
            made.stop()


def insert(*values):
    """A unit that inserts its values one after the other."""

    def unit(tx):
        for value in values:
            tx.execute("INSERT INTO n VALUES (?)", (value,))
        return sum(values)

    return unit


def stored(path):
    with sqlite3.connect(path) as raw:
        found = [row[0] for row in raw.execute("SELECT value FROM n ORDER BY value")]
    raw.close()
    return found


def begins(raw_log):
    return sum(statement.startswith("BEGIN") for statement in raw_log)


async def together(made, *units):
    """Queue writes so that they meet in one group."""
    return await asyncio.gather(*(made.write(unit) for unit in units), return_exceptions=True)


async def test_a_write_returns_what_its_unit_returned(tmp_path):
    async with committer(tmp_path / "db") as made:
        assert await made.write(insert(1, 2)) == 3
        assert stored(tmp_path / "db") == [1, 2]


async def test_queued_writes_share_a_transaction(tmp_path):
    statements = []
    async with committer(tmp_path / "db") as made:
        await made.connection.run(lambda raw: raw.set_trace_callback(statements.append))
        assert await together(made, *(insert(n) for n in range(10))) == list(range(10))
        await made.connection.run(lambda raw: raw.set_trace_callback(None))
    assert begins(statements) == 1
    assert stored(tmp_path / "db") == list(range(10))


async def test_a_group_has_a_limit(tmp_path):
    statements = []
    async with committer(tmp_path / "db") as made:
        await made.connection.run(lambda raw: raw.set_trace_callback(statements.append))
        await together(made, *(insert(n) for n in range(GROUP_LIMIT + 1)))
        await made.connection.run(lambda raw: raw.set_trace_callback(None))
    assert begins(statements) == 2
    assert len(stored(tmp_path / "db")) == GROUP_LIMIT + 1


async def test_a_unit_that_fails_in_a_group_fails_alone(tmp_path):
    async with committer(tmp_path / "db") as made:
        outcomes = await together(made, insert(1), insert(2, 1), insert(3))
    assert outcomes[0] == 1
    assert isinstance(outcomes[1], sqlite3.IntegrityError)
    assert outcomes[2] == 3
    assert stored(tmp_path / "db") == [1, 3]


async def test_a_unit_that_raises_leaves_nothing_of_itself(tmp_path):
    def unit(tx):
        tx.execute("INSERT INTO n VALUES (7)")
        raise ValueError("a bug")

    async with committer(tmp_path / "db") as made:
        (outcome,) = await together(made, unit)
        assert isinstance(outcome, ValueError)
        assert made.healthy, "a bug is no broken disk"
        assert await made.write(insert(8)) == 8
    assert stored(tmp_path / "db") == [8]


async def test_writes_are_committed_in_the_order_in_which_they_came(tmp_path):
    seen = []
    async with committer(tmp_path / "db") as made:
        await together(made, *(lambda _, n=n: seen.append(n) for n in range(20)))
    assert seen == list(range(20))


async def test_a_cancelled_caller_leaves_the_whole_write_or_nothing(tmp_path):
    async with committer(tmp_path / "db") as made:
        callers = [asyncio.ensure_future(made.write(insert(n, n + 100))) for n in range(5)]
        await asyncio.sleep(0)
        for caller in callers[::2]:
            caller.cancel()
        await asyncio.gather(*callers, return_exceptions=True)
        await made.write(insert(1000))
    found = set(stored(tmp_path / "db"))
    assert 1000 in found
    for n in range(5):
        assert (n in found) == (n + 100 in found)
    assert {1, 3} <= found


async def test_a_caller_that_is_cancelled_while_its_write_runs_harms_nobody(tmp_path):
    loop = asyncio.get_running_loop()
    async with committer(tmp_path / "db") as made:
        inside = asyncio.Event()

        def slow(tx):
            tx.execute("INSERT INTO n VALUES (1)")
            loop.call_soon_threadsafe(inside.set)
            tx.execute("INSERT INTO n VALUES (2)")

        caller = asyncio.ensure_future(made.write(slow))
        beside = asyncio.ensure_future(made.write(insert(3)))
        await inside.wait()
        caller.cancel()
        assert await beside == 3
    assert stored(tmp_path / "db") == [1, 2, 3]


async def test_stop_lets_what_is_queued_be_written(tmp_path):
    async with committer(tmp_path / "db") as made:
        writes = [asyncio.ensure_future(made.write(insert(n))) for n in range(3)]
        await asyncio.sleep(0)
    assert [await write for write in writes] == [0, 1, 2]
    assert stored(tmp_path / "db") == [0, 1, 2]


async def test_law_11_a_full_disk_is_said_and_forgotten_when_space_returns(tmp_path):
    def fill(raw):
        (pages,) = raw.execute("PRAGMA page_count").fetchone()
        raw.execute(f"PRAGMA max_page_count = {pages}")

    async with committer(tmp_path / "db") as made:
        await made.connection.run(fill)
        values = list(range(5_000))
        outcomes = await together(made, insert(*values), insert(-1))
        assert isinstance(outcomes[0], LedgerUnavailableError)
        assert not made.healthy
        assert not any(value in stored(tmp_path / "db") for value in values)
        await made.connection.run(lambda raw: raw.execute("PRAGMA max_page_count = 1000000"))
        assert await made.write(insert(5)) == 5
        assert made.healthy


@pytest.mark.parametrize(
    "code",
    [
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_IOERR_FSYNC,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_NOTADB,
        sqlite3.SQLITE_PERM,
    ],
)
async def test_law_11_a_database_that_cannot_be_written_is_unavailable(tmp_path, code):
    def unit(_):
        error = sqlite3.OperationalError("injected")
        error.sqlite_errorcode = code
        raise error

    async with committer(tmp_path / "db") as made:
        (outcome,) = await together(made, unit)
        assert isinstance(outcome, LedgerUnavailableError)
        assert not made.healthy
        await made.write(insert(1))
        assert made.healthy


async def test_law_11_a_lock_held_by_another_process_fails_closed(tmp_path):
    async with committer(tmp_path / "db") as made:
        await made.connection.run(lambda raw: raw.execute("PRAGMA busy_timeout = 0"))
        other = sqlite3.connect(tmp_path / "db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        outcomes = await together(made, insert(1), insert(2))
        assert all(isinstance(outcome, LedgerUnavailableError) for outcome in outcomes)
        assert not made.healthy
        other.execute("ROLLBACK")
        other.close()
        assert await made.write(insert(1)) == 1
        assert made.healthy


async def test_law_11_a_commit_that_hangs_counts_as_a_database_that_cannot_be_written(tmp_path, monkeypatch):
    loop, inside, released = asyncio.get_running_loop(), asyncio.Event(), threading.Event()

    def frozen(_):
        loop.call_soon_threadsafe(inside.set)
        released.wait(60)

    async with committer(tmp_path / "db") as made:
        monkeypatch.setattr("gateway.store.committer.STUCK_SECONDS", 3600.0)
        write = asyncio.ensure_future(made.write(frozen))
        await inside.wait()
        try:
            assert made.healthy
            monkeypatch.setattr("gateway.store.committer.STUCK_SECONDS", -1.0)
            assert not made.healthy
        finally:
            released.set()
        await write
        assert made.healthy
