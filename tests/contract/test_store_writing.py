"""How every ledger writes: callers side by side, and what a broken disk does."""

import asyncio
import os

import pytest

from gateway.errors import LedgerUnavailable
from gateway.model.states import IllegalTransitionError
from gateway.model.turn import TurnState
from gateway.ports import LedgerUnavailableError
from gateway.store.committer import LedgerConnection
from gateway.store.sqlite import LEDGER_FILE, open_sqlite
from tests.helpers.ledgers import LEDGERS, Ledger, entry, ledger_fixture

ledger = ledger_fixture()


async def test_law_02_the_same_event_from_many_callers_enters_once(ledger):
    batch = [entry("hello", "900")]
    results = await asyncio.gather(*(ledger.store.accept("telegram", batch, [], {}, 1.0) for _ in range(20)))
    assert sum(result.accepted[0].fresh for result in results) == 1
    assert len(await ledger.store.messages(results[0].accepted[0].session_id)) == 1


async def test_law_10_many_callers_begin_one_turn(ledger):
    said = await ledger.say("one")
    await ledger.say("two")
    begun = await asyncio.gather(
        *(ledger.store.begin_turn(said.session_id, ledger.boot, 5.0) for _ in range(5)),
        return_exceptions=True,
    )
    starts = [start for start in begun if not isinstance(start, Exception)]
    assert [start.message.text for start in starts] == ["one"]
    assert ("two", "waiting") in await ledger.texts(said.session_id)


async def test_a_step_that_fails_among_others_fails_alone(ledger):
    ended = await ledger.begin((await ledger.say("a", "1")).session_id)
    await ledger.end(ended.turn_id)
    running = await ledger.begin((await ledger.say("b", "2")).session_id)
    illegal, accepted, legal = await asyncio.gather(
        ledger.end(ended.turn_id, TurnState.COMPLETED, "twice"),
        ledger.say("c", "3"),
        ledger.end(running.turn_id, TurnState.COMPLETED, "once"),
        return_exceptions=True,
    )
    assert isinstance(illegal, IllegalTransitionError)
    assert accepted.fresh
    assert [delivery.body for delivery in legal] == ["once"]
    assert ledger.store.healthy


async def test_a_cancelled_caller_leaves_a_whole_step_or_none(ledger):
    start = await ledger.begin((await ledger.say("a")).session_id)
    ending = asyncio.ensure_future(ledger.end(start.turn_id, TurnState.COMPLETED, "1", "2", "3"))
    await asyncio.sleep(0)
    ending.cancel()
    await asyncio.gather(ending, return_exceptions=True)
    await ledger.say("b", "2")
    (turn,) = await ledger.store.turns(start.session.id)
    owed = await ledger.store.owed("telegram")
    assert (turn.state, len(owed)) in {(TurnState.COMPLETED, 3), (TurnState.RUNNING, 0)}


@pytest.mark.parametrize("kind", LEDGERS)
async def test_law_01_what_was_queued_when_it_closes_is_written(tmp_path, kind):
    async with LEDGERS[kind](tmp_path) as store:
        writes = [
            asyncio.ensure_future(
                store.accept("telegram", [entry("x", f"{n}", f"{n}")], [], {"": f"{n}"}, 1.0)
            )
            for n in range(10)
        ]
        await asyncio.sleep(0)
    assert all(result.accepted[0].fresh for result in await asyncio.gather(*writes))
    async with LEDGERS[kind](tmp_path) as store:
        assert len(await store.sessions(100)) == 10
        assert (await store.cursors("telegram")).get("") == "9"


@pytest.fixture
async def small_disk(tmp_path, monkeypatch):
    """A ledger whose disk can be made full, and given space again."""
    connections = []
    connect = LedgerConnection.run

    async def run(self, function):
        if self not in connections:
            connections.append(self)
        return await connect(self, function)

    monkeypatch.setattr(LedgerConnection, "run", run)
    async with open_sqlite(tmp_path / LEDGER_FILE) as store:
        ledger = Ledger(store, tmp_path)
        await ledger.start()

        async def limit(*, full):
            def pragma(raw):
                (pages,) = raw.execute("PRAGMA page_count").fetchone()
                raw.execute(f"PRAGMA max_page_count = {pages if full else 1_000_000}")

            await connections[0].run(pragma)

        yield ledger, limit


async def test_law_11_a_full_disk_takes_nothing_and_says_so(small_disk):
    ledger, limit = small_disk
    said = await ledger.say("before")
    await limit(full=True)
    long = "x" * 50_000
    with pytest.raises(LedgerUnavailableError):
        await ledger.store.accept("telegram", [entry(long, "lost?")], [], {"": "77"}, 5.0)
    assert not ledger.store.healthy
    assert (await ledger.store.cursors("telegram")).get("") is None
    assert await ledger.texts(said.session_id) == [("before", "waiting")]
    await limit(full=False)
    result = await ledger.store.accept("telegram", [entry(long, "lost?")], [], {"": "77"}, 5.0)
    assert result.accepted[0].fresh
    assert ledger.store.healthy
    assert (await ledger.store.cursors("telegram")).get("") == "77"


async def test_law_11_a_turn_does_not_end_on_a_full_disk(small_disk):
    ledger, limit = small_disk
    start = await ledger.begin((await ledger.say("go")).session_id)
    await limit(full=True)
    with pytest.raises(LedgerUnavailableError):
        await ledger.end(start.turn_id, TurnState.COMPLETED, "y" * 50_000)
    (turn,) = await ledger.store.turns(start.session.id)
    assert turn.state is TurnState.RUNNING
    assert await ledger.store.owed("telegram") == ()
    await limit(full=False)
    assert len(await ledger.end(start.turn_id, TurnState.COMPLETED, "y" * 50_000)) == 1


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is read-only to root")
async def test_a_ledger_in_a_folder_that_cannot_be_written_does_not_open(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(LedgerUnavailable):
        async with open_sqlite(tmp_path / LEDGER_FILE):
            pass
    tmp_path.chmod(0o700)
