"""Lanes: one turn at a time per session, none forgotten, none in the way of others."""

import asyncio
from contextlib import asynccontextmanager

from gateway.engine.lanes import Lanes, Next
from tests.helpers.clock import until


class Work:
    """What `run_next` does: takes from queues of numbers, one turn at a time per session."""

    def __init__(self):
        self.queues = {}
        self.done = []
        self.running = set()
        self.most = 0
        self.gates = {}
        self.looked = 0
        self.at_last_look = None

    async def run_next(self, session):
        self.looked += 1
        if not self.queues.get(session):
            if self.at_last_look:
                self.at_last_look()
            return Next.IDLE
        assert session not in self.running, "one turn at a time"
        self.running.add(session)
        self.most = max(self.most, len(self.running))
        try:
            item = self.queues[session].pop(0)
            if isinstance(item, Exception):
                raise item
            gate = self.gates.get(item)
            await (gate.wait() if gate else asyncio.sleep(0))
            self.done.append(item)
        finally:
            self.running.discard(session)
        return Next.GO


@asynccontextmanager
async def lanes(work, concurrent=64):
    async with asyncio.TaskGroup() as group:
        yield Lanes(group, work.run_next, concurrent)


async def test_a_lane_runs_until_nothing_is_left():
    work = Work()
    work.queues = {1: [1, 2, 3]}
    async with lanes(work) as made:
        idle = made.wake(1)
        assert made.busy(1)
        assert len(made) == 1
        await idle.wait()
        assert work.done == [1, 2, 3]
        assert not made.busy(1)
        await made.all_idle()


async def test_law_10_waking_a_lane_that_works_does_not_start_another():
    work = Work()
    work.queues = {1: list(range(20))}
    async with lanes(work) as made:
        for _ in range(10):
            made.wake(1)
            await asyncio.sleep(0)
        await made.all_idle()
    assert work.done == list(range(20))
    assert work.most == 1


async def test_what_comes_at_the_last_look_is_not_forgotten():
    work = Work()
    work.queues = {1: []}
    async with lanes(work) as made:

        def late():
            work.at_last_look = None
            work.queues[1].append("late")
            made.wake(1)

        work.at_last_look = late
        await made.wake(1).wait()
    assert work.done == ["late"]


async def test_a_wake_at_any_moment_is_never_lost():
    for delay in range(12):
        work = Work()
        work.queues = {1: ["first"]}
        async with lanes(work) as made:
            made.wake(1)
            for _ in range(delay):
                await asyncio.sleep(0)
            work.queues[1].append("second")
            made.wake(1)
            await made.all_idle()
        assert work.done == ["first", "second"], delay


async def test_slots_bound_what_runs_at_once():
    work = Work()
    work.queues = {session: [session * 10, session * 10 + 1] for session in range(1, 8)}
    async with lanes(work, concurrent=3) as made:
        for session in work.queues:
            made.wake(session)
        await made.all_idle()
    assert work.most == 3
    assert len(work.done) == 14


async def test_a_long_queue_does_not_keep_others_from_their_first_answer():
    work = Work()
    work.queues = {1: [f"long {n}" for n in range(50)], 2: ["short"]}
    async with lanes(work, concurrent=1) as made:
        made.wake(1)
        made.wake(2)
        await made.all_idle()
    assert work.done.index("short") <= 2


async def test_one_sessions_bug_does_not_end_the_others():
    work = Work()
    work.queues = {1: [ValueError("a bug"), "after"], 2: ["fine"]}
    async with lanes(work) as made:
        made.wake(1)
        made.wake(2)
        await made.all_idle()
        assert work.done == ["fine"]
        made.wake(1)
        await made.all_idle()
    assert work.done == ["fine", "after"]


async def test_while_draining_nothing_begins_and_what_runs_goes_on():
    work = Work()
    gate = work.gates["running"] = asyncio.Event()
    work.queues = {1: ["running", "kept"], 2: ["kept too"]}
    async with lanes(work) as made:
        made.wake(1)
        await until(lambda: work.running)
        made.stop_admitting()
        assert made.wake(2) is None
        gate.set()
        await made.all_idle()
        assert work.done == ["running"]
        made.admit_again()
        for session in (1, 2):
            made.wake(session)
        await made.all_idle()
    assert sorted(work.done) == ["kept", "kept too", "running"]


async def test_nobody_waits_for_lanes_that_are_not_there():
    async with lanes(Work()) as made:
        await made.all_idle()
