"""The ledger on PostgreSQL where a server differs from a file: connections break, and others may come."""

import asyncio
from contextlib import asynccontextmanager

import psycopg
import pytest

from gateway.errors import CarryonError, LedgerTaken
from gateway.model.turn import TurnState
from gateway.ports import LedgerUnavailableError
from gateway.store.committer import Committer
from gateway.store.postgres.reading import Reading
from gateway.store.postgres.store import PostgresStore, open_postgres
from gateway.store.postgres.thread import ConnectionThread
from gateway.store.postgres.writing import Writer
from tests.helpers.clock import until
from tests.helpers.ledgers import Ledger, entry
from tests.helpers.postgres import database_of
from tests.helpers.postgres_proxy import lose_after, lose_before, proxy_to

OF_WRITER = (
    "SELECT pid FROM pg_locks WHERE locktype = 'advisory' "
    "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)


@pytest.fixture
def database(tmp_path):
    found = database_of(tmp_path)
    found.open += 1
    yield found
    found.open -= 1


@pytest.fixture
async def scene(tmp_path, database):
    """A ledger with a boot whose way to its server can be cut."""
    async with proxy_to(database) as proxy, open_postgres(proxy.url) as store:
        ledger = Ledger(store, tmp_path, "postgres")
        await ledger.start()
        yield ledger, proxy, database


def writers(database):
    with database.connect() as raw:
        return [pid for (pid,) in raw.execute(OF_WRITER).fetchall()]


def terminate(database):
    with database.connect() as raw:
        for pid in writers(database):
            raw.execute("SELECT pg_terminate_backend(%s, 5000)", (pid,))


async def test_a_connection_that_was_lost_while_idle_is_nobodys_business(scene):
    ledger, _, database = scene
    before = writers(database)
    terminate(database)
    assert (await ledger.say("one")).fresh
    assert ledger.store.healthy
    after = writers(database)
    assert len(after) == 1
    assert after != before


async def test_law_01_a_connection_that_is_lost_in_the_middle_leaves_nothing_and_the_step_is_done_anew(scene):
    ledger, _, database = scene
    tried = []

    def unit(tx):
        (ident,) = tx.execute(
            "INSERT INTO cursors (account, scope, value) VALUES (?, ?, ?) RETURNING value",
            ("telegram", f"try-{len(tried)}", "x"),
        ).fetchone()
        tried.append(ident)
        if len(tried) == 1:
            terminate(database)
        return tx.execute("SELECT count(*) FROM cursors").fetchone()[0]

    assert await ledger.store._write(unit) == 1
    assert len(tried) == 2
    assert set(await ledger.store.cursors("telegram")) == {"try-1"}


async def test_law_11_without_a_server_nothing_is_written_and_health_says_so(scene):
    ledger, proxy, _ = scene
    said = await ledger.say("one")
    proxy.refuse()
    proxy.cut()
    for _ in range(3):
        with pytest.raises(LedgerUnavailableError):
            await ledger.say("lost?", event="e-lost")
    assert not ledger.store.healthy
    proxy.refuse(refusing=False)
    assert (await until_written(lambda: ledger.say("lost?", event="e-lost"))).fresh
    assert ledger.store.healthy
    assert [text for text, _ in await ledger.texts(said.session_id)] == ["one", "lost?"]


async def until_written(step):
    while True:
        try:
            return await step()
        except LedgerUnavailableError:
            await asyncio.sleep(0)


@pytest.mark.parametrize("lose", [lose_before, lose_after])
async def test_law_02_a_commit_whose_answer_is_lost_happens_once(scene, lose):
    ledger, proxy, _ = scene
    start = await ledger.begin((await ledger.say("one")).session_id)
    proxy.at_commit = lose
    owed = await ledger.end(start.turn_id, TurnState.COMPLETED, "done")
    assert proxy.at_commit is None
    assert [delivery.body for delivery in owed] == ["done"]
    assert await ledger.store.owed("telegram") == owed
    proxy.at_commit = lose
    assert await ledger.store.claim(owed[0].id, ledger.tick())
    assert (await ledger.store.delivery(owed[0].id)).attempt == 1


@pytest.mark.parametrize("lose", [lose_before, lose_after])
async def test_law_01_a_commit_in_doubt_is_neither_success_nor_failure_until_it_is_known(scene, lose):
    ledger, proxy, database = scene
    await ledger.say("one")

    async def lose_all(link, data):
        proxy.refuse()
        await lose(link, data)

    proxy.at_commit = lose_all
    batch = [entry("two", "e-two", "2")]
    writing = asyncio.ensure_future(ledger.store.accept("telegram", batch, [], {"": "7"}, ledger.tick()))
    await proxy.refused.wait()
    await until(lambda: not ledger.store.healthy)
    with pytest.raises(LedgerUnavailableError):
        await ledger.say("three", event="e-three")
    assert not writing.done(), "nobody knows yet"
    with database.connect() as raw:
        found = raw.execute("SELECT count(*) FROM messages WHERE event_id = 'e-two'").fetchone()[0]
    assert found == (lose is lose_after)
    proxy.refuse(refusing=False)
    if lose is lose_after:
        assert (await writing).accepted[0].fresh
    else:
        with pytest.raises(LedgerUnavailableError):
            await writing
    again = await ledger.store.accept("telegram", batch, [], {"": "7"}, ledger.tick())
    assert again.accepted[0].fresh == (lose is lose_before)
    assert ledger.store.healthy
    assert len(await ledger.store.messages(again.accepted[0].session_id)) == 1


async def test_a_backend_that_is_ended_at_its_commit_has_written_nothing_and_the_step_is_done_anew(scene):
    ledger, proxy, database = scene

    async def end_it(link, data):
        await asyncio.to_thread(terminate, database)
        link.server.write(data)

    proxy.at_commit = end_it
    said = await ledger.say("one")
    assert said.fresh
    assert await ledger.texts(said.session_id) == [("one", "waiting")]


async def test_a_connection_that_only_the_gateway_knows_to_be_lost_does_not_keep_it_out(scene):
    ledger, proxy, database = scene
    (before,) = writers(database)
    for link in tuple(proxy.links):
        link.half_open()
    assert (await until_written(lambda: ledger.say("one"))).fresh
    (after,) = writers(database)
    assert after != before


async def test_what_is_read_waits_for_its_server(scene):
    ledger, proxy, _ = scene
    said = await ledger.say("one")
    proxy.refuse()
    proxy.cut()
    reading = asyncio.ensure_future(ledger.store.messages(said.session_id))
    await proxy.refused.wait()
    assert not reading.done()
    proxy.refuse(refusing=False)
    assert [message.text for message in await reading] == ["one"]


async def test_a_server_that_says_nothing_any_more_does_not_hold_a_step_for_ever(tmp_path, database):
    async with proxy_to(database) as proxy:
        writer, reading = Writer(proxy.url, ConnectionThread("writing", stuck=0.2)), Reading(proxy.url)
        await writer.open(0.0)
        committer = Committer(writer)
        async with asyncio.TaskGroup() as group:
            group.create_task(committer.run())
            ledger = Ledger(PostgresStore(committer, reading, writer), tmp_path, "postgres")
            await ledger.start()

            async def say_nothing(link, data):
                link.silenced = True
                link.server.write(data)

            proxy.at_commit = say_nothing
            assert (await ledger.say("one")).fresh
            committer.stop()
        await writer.close()
        await reading.thread.close()


async def test_a_second_gateway_is_refused_and_told_who_has_the_ledger(scene):
    ledger, _, database = scene
    with pytest.raises(LedgerTaken) as caught:
        async with open_postgres(database.url):
            pass
    assert "carryon " in caught.value.holder
    assert "one gateway may use a ledger at a time" in str(caught.value)
    assert caught.value.exit_code == 1
    assert (await ledger.say("goes on")).fresh


async def test_whoever_is_just_ending_is_waited_for(database):
    async with open_postgres(database.url):
        opening = asyncio.ensure_future(open_and_close(database.url, 20.0))
        await asyncio.sleep(0)
    assert await opening


async def open_and_close(url, patience):
    async with open_postgres(url, patience=patience) as store:
        return store.healthy


@asynccontextmanager
async def supplanted(tmp_path, database):
    """A gateway that loses its way, while another one comes."""
    async with proxy_to(database) as proxy, open_postgres(proxy.url) as store:
        ledger = Ledger(store, tmp_path, "postgres")
        await ledger.start()
        await ledger.say("one")
        proxy.refuse()
        proxy.cut()
        yield ledger, proxy


@pytest.mark.parametrize("stays", [True, False])
async def test_whoever_lost_the_ledger_to_another_gateway_never_writes_again(tmp_path, database, stays):
    async def life():
        async with supplanted(tmp_path, database) as (ledger, proxy):
            async with open_postgres(database.url, patience=20.0) as other:
                await other.open_boot("another", 1, 5.0)
                if stays:
                    await end(ledger, proxy)
            await end(ledger, proxy)

    with pytest.raises(LedgerTaken) as caught:
        await life()
    assert ("carryon " if stays else "boot ") in caught.value.holder
    with database.connect() as raw:
        assert raw.execute("SELECT count(*) FROM messages").fetchone() == (1,)


async def end(ledger, proxy):
    """Whatever it does now is refused; then it is ended."""
    proxy.refuse(refusing=False)
    while True:
        with pytest.raises(LedgerUnavailableError):
            await ledger.say("too late", event="late")
        await asyncio.sleep(0)


@pytest.mark.parametrize(
    "change",
    [
        "DELETE FROM boots",
        "UPDATE boots SET id = id + 100",
        "UPDATE schema_version SET version = version + 1000",
    ],
)
async def test_a_ledger_that_is_another_one_after_a_lost_connection_is_not_written(
    tmp_path, database, change
):
    async def life():
        async with supplanted(tmp_path, database) as (ledger, proxy):
            with database.connect() as raw:
                raw.execute(change)
            await end(ledger, proxy)

    with pytest.raises(CarryonError):
        await life()
    with database.connect() as raw:
        assert raw.execute("SELECT count(*) FROM messages").fetchone() == (1,)
        raw.execute("UPDATE schema_version SET version = version % 1000")


@pytest.mark.parametrize("fate", ["never", "aborted"])
async def test_a_server_that_does_not_know_what_it_committed_is_not_written(tmp_path, database, fate):
    async def life():
        async with supplanted(tmp_path, database) as (ledger, proxy):
            ledger.store._writer._last = "99999999999" if fate == "never" else rolled_back(database)
            await end(ledger, proxy)

    with pytest.raises(CarryonError, match="does not know any more what it had committed"):
        await life()


def rolled_back(database):
    with database.connect() as raw, raw.transaction(force_rollback=True):
        return raw.execute("SELECT pg_current_xact_id()::text").fetchone()[0]


async def test_a_pool_that_gives_each_transaction_another_connection_is_refused(tmp_path, database):
    async def life():
        async with open_postgres(database.url) as store:
            with database.connect() as raw:  # as if the server's side had been exchanged
                backend = store._writer._backend
                store._writer._backend = type(backend)(raw.info.backend_pid, None)
                ledger = Ledger(store, tmp_path, "postgres")
                with pytest.raises(LedgerUnavailableError):
                    await ledger.start()
                try:
                    await asyncio.Event().wait()
                finally:
                    with pytest.raises(LedgerUnavailableError):  # and does not wait for what never comes
                        await asyncio.wait_for(ledger.say("late"), 10.0)

    with pytest.raises(CarryonError, match="pool"):
        await life()


@pytest.mark.parametrize("code", ["53100", "57014", "58030", "XX001", "40P01", "55P03", "42501", "25006"])
async def test_law_11_a_server_that_cannot_write_is_unavailable(scene, code):
    ledger, _, _ = scene
    with pytest.raises(LedgerUnavailableError, match="injected"):
        await ledger.store._write(lambda tx: tx.execute(raising(code)))
    assert not ledger.store.healthy
    assert (await ledger.say("and can again")).fresh
    assert ledger.store.healthy


async def test_a_step_that_is_wrong_is_its_authors_fault(scene):
    ledger, _, _ = scene
    with pytest.raises(psycopg.errors.UniqueViolation, match="injected"):
        await ledger.store._write(lambda tx: tx.execute(raising("23505")))
    assert ledger.store.healthy


def raising(code):
    return f"DO $$ BEGIN RAISE EXCEPTION 'injected' USING ERRCODE = '{code}'; END $$"


async def test_truth_is_kept_as_a_number(scene):
    ledger, _, _ = scene
    for kept in (True, False):
        await ledger.store._write(lambda tx, kept=kept: tx.execute("UPDATE boots SET pid = ?", (kept,)))
        assert (await ledger.store.boots(1))[0].pid == int(kept)


async def test_whoever_ends_leaves_the_ledger_free_at_once(database):
    async with open_postgres(database.url):
        assert len(writers(database)) == 1
    assert writers(database) == []


async def test_a_commit_is_durable_whatever_the_server_does_by_default(database):
    with database.connect() as raw:
        raw.execute(f"ALTER DATABASE {database.name} SET synchronous_commit = off")
    try:
        async with open_postgres(database.url) as store:
            show = "SELECT current_setting('synchronous_commit')"
            assert await store._write(lambda tx: tx.execute(show).fetchone()) == ("on",)
    finally:
        with database.connect() as raw:
            raw.execute(f"ALTER DATABASE {database.name} RESET synchronous_commit")


async def test_the_server_is_told_to_notice_a_gateway_that_is_gone(database):
    async with open_postgres(database.url) as store:
        raw = store._writer.thread.raw
        assert isinstance(raw, psycopg.Connection)
        assert raw.info.get_parameters()["keepalives_idle"] == "10"
        assert raw.info.get_parameters()["tcp_user_timeout"] == "20000"
        found = raw.execute("SELECT source FROM pg_settings WHERE name LIKE 'tcp_keepalives%'").fetchall()
        assert found == [("session",)] * 3
