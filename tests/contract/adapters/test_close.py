"""What ends, ends: nothing is sent, nothing stays open, nothing is left to be done."""

import asyncio
import gc

import pytest

from adapters.emulators.faults import When
from gateway.model.address import Route
from gateway.model.delivery import Delivered, RetryAfter
from tests.contract.adapters.scene import connections, needs_history, scene
from tests.harness.waiting import glance, within


async def gone(at):
    """No connection is left, on either side, and nothing complains of being thrown away."""
    await at.offline()
    await within(glance(lambda: connections(at.emulator) == 0), "the end of every connection")
    gc.collect()


async def test_after_close_nothing_is_sent(at):
    adapter, route = at.connect(), Route(at.account, at.direct)
    sent = await adapter.send(at.delivery("before"))
    assert isinstance(sent, Delivered)
    await adapter.close()
    before = at.play.calls.counts.copy()
    outcomes = [
        await adapter.send(at.delivery("late")),
        await adapter.edit(at.delivery("late"), sent.message_id),
        await adapter.amend(route, sent.message_id, "late"),
    ]
    assert [type(one) for one in outcomes] == [RetryAfter] * 3
    await adapter.typing(route)
    assert at.play.calls.counts == before
    assert at.said() == ["before"]
    await gone(at)


async def test_closing_twice_or_unused_is_fine(at):
    adapter = at.connect()
    await adapter.close()
    await adapter.close()
    assert at.play.calls.counts == {}


async def test_cancelling_ends_it_at_once(at):
    async with at.life() as adapter:
        at.say("hello")
        await at.sink.until_heard("hello")
        await adapter.send(at.delivery())
    await gone(at)
    assert at.sink.losses == []


@pytest.mark.parametrize("when", [When.BEFORE, When.AFTER])
async def test_cancelling_a_connect_that_hangs(at, when):
    fault = at.fault("hang", at.play.methods.receive, when)
    async with at.life(ready=False):
        await at.held(fault)
    await gone(at)


async def test_cancelling_the_very_first_request(at):
    fault = at.fault("hang", "*")
    async with at.life(ready=False):
        await at.held(fault)
    await gone(at)


async def test_cancelling_while_it_reads_back(at):
    needs_history(at)
    async with at.life():
        at.say("hello")
        await at.sink.until_heard("hello")
    fault = at.fault("hang", at.play.methods.history)
    async with at.life(ready=False):
        await at.held(fault)
    await gone(at)


async def test_cancelling_while_a_commit_waits(at):
    async with at.life():
        at.sink.before_commit = asyncio.Event()
        at.say("hello")
        await at.sink.until(lambda sink: len(sink.offered) > len(sink.batches))
    await gone(at)


async def test_cancelling_while_the_platform_is_away(at):
    async with at.life():
        await at.emulator.stop()
        await at.sink.until(lambda sink: sink.losses)
        await at.clock.leapt(3)
    assert connections(at.emulator) == 0


async def test_sends_outlive_the_connection_that_receives(at):
    async with at.life() as adapter:
        at.play.disconnect()
        assert isinstance(await adapter.send(at.delivery()), Delivered)


async def test_closing_in_the_middle_of_a_send(at):
    """Whoever sends learns that the outcome is open, or that nothing was sent; nobody hangs."""
    adapter = at.connect()
    fault = at.fault("hold")
    async with asyncio.TaskGroup() as tasks:
        sending = tasks.create_task(adapter.send(at.delivery()))
        await at.held(fault)
        await within(adapter.close(), "close")
        at.play.faults.release()
        outcome = await within(sending, "the end of the send")
    assert not isinstance(outcome, RetryAfter) or at.said() == []


async def test_two_accounts_of_a_platform_do_not_meet(at):
    async with scene(at.platform, "home") as other, at.life() as mine, other.life() as theirs:
        at.say("for work")
        other.say("for home")
        await at.sink.until_heard("for work")
        await other.sink.until_heard("for home")
        assert isinstance(await mine.send(at.delivery("from work")), Delivered)
        assert isinstance(await theirs.send(other.delivery("from home")), Delivered)
        at.play.disconnect()
        other.say("still there?")
        await other.sink.until_heard("still there?")
        await at.sink.until_ready(2)
        await other.emulator.stop()
        at.say("and here?")
        await at.sink.until_heard("and here?")
        await other.emulator.start()
    assert [item.text for item in at.sink.heard] == ["for work", "and here?"]
    assert [item.text for item in other.sink.heard] == ["for home", "still there?"]
    assert (at.said(), other.said()) == (["from work"], ["from home"])
