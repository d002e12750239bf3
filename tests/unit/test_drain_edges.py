"""The corners of a stop: a ledger that fails, agents that do not listen, changes of mind at a bad moment."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from gateway.engine import drain, streams
from gateway.engine.drain import CUT_SECONDS, Drain, DrainParts
from gateway.model.boot import BootState
from gateway.model.operation import Intent, Phase, StopRequest
from gateway.model.session import SessionState
from gateway.ports import LedgerUnavailableError
from tests.harness.waiting import within
from tests.helpers.clock import until
from tests.helpers.house import fresh_house


class Failing:
    """A ledger of which some writes fail, as on a full disk."""

    def __init__(self, store, *names):
        self._store = store
        self.failing = set(names)
        self.tried = []

    def __getattr__(self, name):
        self.tried.append(name)
        if name in self.failing:
            return self._fail
        return getattr(self._store, name)

    async def _fail(self, *_args):
        raise LedgerUnavailableError("disk full")


@asynccontextmanager
async def stopping(made, store=None):
    """The house's drain, on another ledger where one is given."""
    parts = DrainParts(
        store or made.ledger.store,
        made.lanes,
        made.turns,
        made.outbox,
        made.agents,
        made.clock,
        made.resumer.again,
    )
    drain = Drain(parts, made.ledger.boot)
    running = asyncio.ensure_future(drain.run())
    try:
        yield drain, running
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def phase(drain, wanted):
    await within(until(lambda: drain.phase is wanted), f"the phase {wanted}")


def request(wait=30.0, session_id=None, intent=Intent.STOP):
    return StopRequest(intent, wait, session_id)


async def test_nothing_runs_and_nothing_is_waited_for(tmp_path):
    async with fresh_house(tmp_path) as made, stopping(made) as (drain, running):
        assert (drain.phase, drain.deadline) == (Phase.SERVING, None)
        assert drain.stop(request())
        stopped = await within(running, "the stop")
        assert (stopped.intent, stopped.clean) == (Intent.STOP, True)
        (boot,) = await made.ledger.store.boots(1)
        assert boot.state is BootState.STOPPED
        assert made.agents.closed


async def test_the_deadline_counts_down_and_the_lane_is_cut_at_its_end(tmp_path):
    async with fresh_house(tmp_path) as made, stopping(made) as (drain, running):
        made.agents.hold()
        await made.hear("dig")
        await made.at_work()
        drain.stop(request(30.0))
        await phase(drain, Phase.WAITING)
        assert drain.deadline == 30.0
        made.clock.advance(29.0)
        await made.quiet()
        assert (drain.deadline, drain.phase) == (1.0, Phase.WAITING)
        made.clock.advance(1.5)
        stopped = await within(running, "the stop")
        assert stopped.clean
        assert drain.deadline == 0.0
        session = await made.ledger.session(await made.session_of())
        assert session.state is SessionState.RESUME_PENDING


async def test_a_second_wish_ends_the_waiting_but_not_one_from_a_chat(tmp_path):
    async with fresh_house(tmp_path) as made, stopping(made) as (drain, running):
        made.agents.hold()
        await made.hear("dig")
        await made.at_work()
        assert drain.stop(request(600.0, session_id=1, intent=Intent.RESTART))
        await phase(drain, Phase.WAITING)
        assert not drain.stop(request(session_id=2))
        await made.quiet()
        assert drain.phase is Phase.WAITING
        assert not drain.stop(request(0.0, intent=Intent.RESTART))
        assert (await within(running, "the stop")).intent is Intent.RESTART
        assert not drain.undo()


@pytest.mark.parametrize("later", Intent)
async def test_the_later_wish_counts(tmp_path, later):
    """Also how long it waits; not any more once turns are being cut."""
    earlier = Intent.STOP if later is Intent.RESTART else Intent.RESTART
    async with fresh_house(tmp_path) as made, stopping(made) as (drain, running):
        release = made.agents.hold(on_cancel=None)
        await made.hear("dig")
        await made.at_work()
        drain.stop(request(30.0, intent=earlier))
        await phase(drain, Phase.WAITING)
        drain.stop(request(60.0, intent=later))
        await made.quiet()
        assert drain.deadline == 60.0
        made.clock.advance(45.0)
        await made.quiet()
        assert (drain.phase, drain.deadline) == (Phase.WAITING, 15.0)
        drain.stop(request(0.0, intent=later))
        await phase(drain, Phase.CUTTING)
        drain.stop(request(0.0, intent=earlier))
        await within(until(lambda: bool(made.agents.cancelled)), "the cancellation")
        release.set()
        assert (await within(running, "the stop")).intent is later
        (boot,) = await made.ledger.store.boots(1)
        assert boot.intent == later


async def test_undone_before_it_was_noticed(tmp_path):
    async with fresh_house(tmp_path) as made, stopping(made) as (drain, running):
        assert not drain.undo()
        drain.stop(request())
        assert drain.undo()
        await made.quiet()
        assert drain.phase is Phase.SERVING
        assert drain.request is None
        await made.hear("hello")
        await made.idle()
        assert made.chat.texts() == ["echo hello"]
        assert not running.done()


async def test_another_account_becomes_ready_while_a_stop_is_undone(tmp_path):
    async with fresh_house(tmp_path) as made, stopping(made) as (drain, running):
        made.resumer._ready.update({"a", "b"})
        drain.stop(request())
        drain.undo()

        def candidates(account):
            made.resumer._ready.add(f"{account}-too")
            return original(account)

        original = made.ledger.store.candidates
        made.ledger.store.candidates = candidates
        try:
            await phase(drain, Phase.SERVING)
            await made.quiet()
        finally:
            del made.ledger.store.candidates
        assert not running.done()


async def test_law_11_marks_that_cannot_be_written_make_it_unclean_and_it_still_stops(tmp_path):
    async with fresh_house(tmp_path) as made:
        failing = Failing(made.ledger.store, "mark_pending", "stop_boot", "set_boot_state")
        async with stopping(made, failing) as (drain, running):
            made.agents.hold()
            await made.hear("dig")
            await made.at_work()
            drain.stop(request(0.0))
            assert not (await within(running, "the stop")).clean
        (boot,) = await made.ledger.store.boots(1)
        assert boot.stopped_at is None
        session = await made.ledger.session(await made.session_of())
        assert session.state is SessionState.RESUME_PENDING, "its end marked it"


async def test_an_undone_stop_whose_beginning_could_not_be_written(tmp_path):
    """The boot never became `draining` in the ledger, so it does not become `serving` again either."""
    async with fresh_house(tmp_path) as made:
        await made.ledger.store.set_boot_state(made.ledger.boot, BootState.SERVING)
        failing = Failing(made.ledger.store, "set_boot_state")
        async with stopping(made, failing) as (drain, running):
            made.agents.hold()
            await made.hear("dig")
            await made.at_work()
            drain.stop(request())
            await within(until(lambda: "set_boot_state" in failing.tried), "the state to be tried")
            failing.failing.clear()
            assert drain.undo()
            await phase(drain, Phase.SERVING)
            await made.quiet()
            assert not running.done()


async def test_a_turn_that_does_not_end_leaves_no_marker(tmp_path):
    async with fresh_house(tmp_path) as made, stopping(made) as (drain, running):
        release = made.agents.hold(on_cancel=None)
        await made.hear("dig")
        await made.at_work()
        drain.stop(request(0.0))
        await phase(drain, Phase.CUTTING)
        await within(until(lambda: bool(made.agents.cancelled)), "the cancellation")
        for _ in range(2):
            await made.quiet()
            made.clock.advance(CUT_SECONDS + 1)
        assert not (await within(running, "the stop")).clean
        (boot,) = await made.ledger.store.boots(1)
        assert boot.stopped_at is None
        release.set()
        await made.idle()


async def test_law_06_the_mark_is_there_when_the_agent_hears_of_the_cut(tmp_path):
    async with fresh_house(tmp_path) as made, stopping(made) as (drain, running):
        seen = []

        async def cancel(session_id):
            seen.append((await made.ledger.session(session_id)).state)
            await original(session_id)

        original, made.agents.cancel = made.agents.cancel, cancel
        made.agents.hold()
        await made.hear("dig")
        await made.at_work()
        drain.stop(request(0.0))
        assert (await within(running, "the stop")).clean
        assert seen == [SessionState.RESUME_PENDING]


def test_a_change_that_hangs_cannot_make_a_stop_unclean():
    """A cut turn may wait that long for its message, and the stop for the turn."""
    assert streams.STUCK_SECONDS < drain.CUT_SECONDS
