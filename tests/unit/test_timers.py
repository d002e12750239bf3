"""Upkeep: what is due stands in the ledger, time is injected, and the scheduler is only a clock."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from gateway.engine.timers import BITE, SPAN, Timers, UpkeepPolicy
from gateway.model.turn import TurnEnd, TurnState
from gateway.ports import LedgerUnavailableError
from tests.harness.waiting import within
from tests.helpers.clock import ManualClock, until
from tests.helpers.fakes import ScriptedAgents
from tests.helpers.ledgers import ledger_fixture

ledger = ledger_fixture()
DAY = 86400.0


class Upkeep:
    """The `Upkeep` port: remembers what it was asked, and fails when it is told to."""

    def __init__(self):
        self.asked = []
        self.broken = False
        self.due = ()
        self.spans = 1

    def _write(self, *asked):
        self.asked.append(asked)
        if self.broken:
            raise LedgerUnavailableError("disk full")

    async def reset_idle(self, now, limit):
        self._write("reset", now, limit)
        return self.due

    async def expire_resumes(self, marked_before):
        self._write("expire", marked_before)
        return 0

    async def forget(self, used_before, after_id, span):
        self._write("forget", used_before, after_id, span)
        following = after_id + span
        return 1, following if following < self.spans * span else None


def timers(upkeep, clock, **policy):
    agents = ScriptedAgents()
    return Timers(upkeep, agents, clock, UpkeepPolicy(**{"freshness": 3600.0, **policy})), agents


async def test_a_sweep_asks_for_what_is_due_now():
    clock, upkeep = ManualClock(10_000.0), Upkeep()
    upkeep.due = (3, 4)
    made, agents = timers(upkeep, clock, idle_reset=60.0)
    await made.sweep()
    assert upkeep.asked == [("expire", 6_400.0), ("reset", 10_000.0, BITE)]
    assert agents.forgotten == [3, 4]
    clock.advance(30)
    await made.sweep()
    assert upkeep.asked[2:] == [("expire", 6_430.0), ("reset", 10_030.0, BITE)]


async def test_what_is_switched_off_is_not_done():
    upkeep = Upkeep()
    made, _ = timers(upkeep, ManualClock())
    await made.sweep()
    assert [asked[0] for asked in upkeep.asked] == ["expire"]


async def test_old_ones_are_forgotten_in_bounded_bites():
    clock, upkeep = ManualClock(100 * DAY), Upkeep()
    upkeep.spans = 3
    made, _ = timers(upkeep, clock, retention=7 * DAY)
    await made.forget_old()
    assert upkeep.asked == [("forget", 93 * DAY, start, SPAN) for start in (0, SPAN, 2 * SPAN)]


async def test_law_11_a_ledger_that_cannot_be_written_postpones_it():
    upkeep = Upkeep()
    made, agents = timers(upkeep, ManualClock(), idle_reset=60.0, retention=7 * DAY)
    upkeep.due, upkeep.broken = (1,), True
    await made.sweep()
    await made.forget_old()
    assert agents.forgotten == []
    upkeep.broken = False
    await made.sweep()
    assert agents.forgotten == [1]


@asynccontextmanager
async def running(made):
    task = asyncio.ensure_future(made.run())
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.mark.parametrize(("retention", "jobs"), [(None, 1), (7 * DAY, 2)])
async def test_missed_times_are_made_up_for_when_it_starts(retention, jobs):
    upkeep = Upkeep()
    made, _ = timers(upkeep, ManualClock(), retention=retention)
    async with running(made):
        await within(until(lambda: len(upkeep.asked) == jobs), "the first run of every job")
    assert [asked[0] for asked in upkeep.asked] == ["expire", "forget"][:jobs]


async def test_a_broken_ledger_at_the_start_does_not_end_it():
    upkeep = Upkeep()
    upkeep.broken = True
    made, _ = timers(upkeep, ManualClock(), retention=7 * DAY)
    async with running(made) as task:
        await within(until(lambda: len(upkeep.asked) == 2), "the first run of every job")
        assert not task.done()


async def test_on_a_real_ledger_an_idle_conversation_is_replaced(ledger):
    clock = ManualClock(ledger.now)
    made, agents = timers(ledger.store, clock, idle_reset=60.0)
    start = await ledger.begin((await ledger.say("hello")).session_id)
    end = TurnEnd(TurnState.COMPLETED, text="hi", idle_at=clock.now() + 60)
    await ledger.store.end_turn(start.turn_id, end, clock.now())
    clock.advance(59)
    await made.sweep()
    assert agents.forgotten == []
    clock.advance(2)
    await made.sweep()
    assert agents.forgotten == [start.session.id]
    said = await ledger.say("who am I")
    assert said.session_id != start.session.id
    assert (await ledger.session(said.session_id)).generation == 2
    assert await ledger.texts(start.session.id) == [("hello", "taken")]
    assert {s.id for s in await ledger.store.sessions(10)} == {start.session.id, said.session_id}
