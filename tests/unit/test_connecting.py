"""Accounts are kept connected, also those that their platform has refused for a while."""

import asyncio
from dataclasses import dataclass, field

from gateway.connecting import connect_all
from tests.harness.waiting import within
from tests.helpers.clock import ManualClock
from tests.helpers.house import fresh_house


@dataclass
class Account:
    """An adapter that its platform refuses so many times, and that runs then until it is cancelled."""

    refusals: int
    runs: int = 0
    closed: bool = False
    connected: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self, _sink, _past):
        self.runs += 1
        if self.runs > self.refusals:
            self.connected.set()
            await asyncio.Event().wait()

    async def close(self):
        self.closed = True


async def test_one_that_was_refused_is_tried_again(tmp_path):
    good, refused = Account(0), Account(3)
    async with fresh_house(tmp_path) as it:
        pasts = dict.fromkeys(("good", "refused"))
        work = connect_all({"good": good, "refused": refused}, it.intake, pasts, ManualClock(), 0.0)
        task = asyncio.ensure_future(work)
        await within(refused.connected.wait(), "a connection after three refusals")
        assert (good.runs, refused.runs) == (1, 4)
        task.cancel()
        await asyncio.wait({task})
    assert good.closed
    assert refused.closed


async def test_when_all_are_refused_nothing_is_waited_for(tmp_path):
    accounts = {"one": Account(1), "two": Account(1)}
    async with fresh_house(tmp_path) as it:
        pasts = dict.fromkeys(accounts)
        await within(
            connect_all(accounts, it.intake, pasts, ManualClock()), "the end of two refused accounts"
        )
    assert [one.runs for one in accounts.values()] == [1, 1]
    assert all(one.closed for one in accounts.values())
