"""The door for who looks at a running gateway: beside the ledger of any kind, and never waiting for it."""

import asyncio

import pytest

from gateway.model.browsing import LedgerUnreadableError
from gateway.model.turn import TurnState
from gateway.ports import LedgerUnavailableError
from gateway.shelf import _Timed, open_shelf
from gateway.store.browsing import PATIENCE, Browsing
from gateway.store.place import Place
from gateway.tracing.history import past_of
from tests.helpers.clock import ManualClock
from tests.helpers.ledgers import ledger_fixture
from tests.helpers.postgres import database_of

ledger = ledger_fixture()


@pytest.fixture
def place(ledger, request):
    of_postgres = "postgres" in request.node.callspec.id
    return Place(ledger.folder, database_of(ledger.folder).url) if of_postgres else Place(ledger.folder)


async def test_what_is_in_the_ledger_can_be_looked_at(ledger, place):
    start = await ledger.interrupted("work")
    said = await ledger.say("again")
    newer = await ledger.begin(said.session_id)
    await ledger.end(newer.turn_id, TurnState.COMPLETED, "done")
    async with open_shelf(place) as shelf:
        assert dict((await shelf.overview()).deliveries) == {"pending": 1}
        newest, before = await shelf.restarts(2)
        assert (newest.interrupted, before.interrupted, before.cut[0].turn_id) == (0, 1, start.turn_id)
        assert before.cut[0].by_turn == newer.turn_id
        past = await past_of(shelf, said.session_id, newer.turn_id)
    assert past is not None
    assert past.message.id == said.message_id
    assert past.earlier is not None
    assert [turn.id for turn in past.earlier.turns] == [start.turn_id]


async def test_a_chain_that_is_longer_than_one_look(ledger, place):
    """Forty turns that were cut, each by another crash, are still about one message."""
    said = await ledger.say("work")
    first = last = await ledger.begin(said.session_id)
    for _ in range(40):
        await ledger.start()
        await ledger.store.schedule_resumes([said.session_id], ledger.tick())
        last = await ledger.begin(said.session_id)
    async with open_shelf(place) as shelf:
        past = await past_of(shelf, said.session_id, last.turn_id)
    assert past is not None
    assert past.message.id == said.message_id
    assert len(past.turns) == 41
    assert past.turns[-1].id == first.turn_id
    assert past.earlier is None


async def test_a_server_that_is_away_is_not_waited_for():
    clock, asked = ManualClock(), asyncio.Event()

    class Away:
        async def run(self, _):
            asked.set()
            await asyncio.Event().wait()

    looking = asyncio.ensure_future(Browsing(_Timed(Away())).overview())
    await asked.wait()
    clock.advance(PATIENCE + 1)
    with pytest.raises(LedgerUnreadableError, match="too long"):
        await looking
    assert not issubclass(LedgerUnreadableError, LedgerUnavailableError)
