"""SIGTERM: what can be finished is finished, the rest is marked before it is cut, and nothing is lost."""

import signal

import pytest

from gateway.engine.commands import DRAINING
from gateway.engine.drain import CUT_NOTICE
from gateway.model.operation import Intent

WORK = "count the apples [[sleep 1s]]"
CUT = CUT_NOTICE[Intent.STOP]


async def test_a_turn_that_ends_in_time_is_finished_and_what_came_meanwhile_waits(stage):
    ann, bob = stage.chat("Ann"), stage.chat("Bob")
    stage.configure(shutdown={"drain_timeout": "20s"})
    gateway = await stage.start()
    ann.say(WORK)
    await stage.at_work(WORK)
    gateway.terminate()
    await gateway.logged("drain.started")
    ann.say("the second")
    ann.say("the third")
    bob.say("me too")
    for chat in (ann, bob):
        await stage.shows(chat, DRAINING)
    assert await gateway.exited() == 0
    assert len(ann.answers(WORK)) == 1
    assert stage.ledger.stopped_cleanly

    gateway = await stage.start()
    assert gateway.log.find("boot.started")["after_crash"] is False
    await stage.answered(ann, "the third")
    await stage.answered(bob, "me too")
    await stage.settled()

    ann.check(notices=[DRAINING])
    bob.check(notices=[DRAINING])
    assert ann.in_order
    assert stage.memory.notes == []
    assert stage.ledger.resumes == 0


@pytest.mark.parametrize(("patience", "number"), [("300ms", signal.SIGINT)])
async def test_a_turn_that_takes_longer_is_cut_and_resumed(stage, patience, number):
    ann, bob = stage.chat("Ann"), stage.chat("Bob")
    stage.configure(shutdown={"drain_timeout": patience})
    gateway = await stage.start()
    bob.say("bake a cake [[tool oven 1s]]")
    ann.say(WORK)
    await stage.in_tool("oven")
    await stage.at_work(WORK)
    ann.say("the second")
    ann.say("the third")
    await stage.knows(lambda ledger: ledger.one("SELECT count(*) FROM messages") == 4, "four messages")
    assert await gateway.stop(number) == 0
    assert [line.text for line in (*ann.replies, *bob.replies)] == [CUT, CUT]
    assert stage.ledger.stopped_cleanly
    assert stage.ledger.session(ann.id) == ("resume_pending", "drain_timeout")
    assert stage.ledger.turns == [("interrupted", "fresh")] * 2

    gateway = await stage.start()
    assert gateway.log.find("boot.started")["after_crash"] is False
    await stage.answered(ann, "the third")
    await stage.answered(bob, "bake a cake")
    await stage.settled()

    ann.check(notices=[CUT])
    bob.check(notices=[CUT])
    assert ann.in_order
    assert stage.memory.ran("oven") == 1
    assert len(stage.memory.notes) == 2


async def test_a_tool_that_was_cut_is_named_in_the_note(stage):
    ann = stage.chat("Ann")
    stage.configure(shutdown={"drain_timeout": "0s"})
    gateway = await stage.start()
    ann.say("bake a cake [[tool oven 1s]]")
    await stage.in_tool("oven")
    assert await gateway.stop() == 0

    await stage.start()
    await stage.answered(ann, "bake a cake")
    await stage.settled()

    ann.check(notices=[CUT])
    (note,) = stage.memory.notes
    assert "- oven" in note.splitlines()


async def test_a_second_signal_does_not_wait_but_still_marks(stage):
    ann = stage.chat("Ann")
    stage.configure(shutdown={"drain_timeout": "10m"})
    gateway = await stage.start()
    ann.say("count for long [[sleep 10m]]")
    await stage.at_work("count for long")
    gateway.terminate()
    await gateway.logged("drain.started")
    assert await gateway.stop() == 0
    assert stage.ledger.stopped_cleanly
    assert stage.ledger.session(ann.id) == ("resume_pending", "drain_timeout")


async def test_an_idle_gateway_stops_at_once(stage):
    ann = stage.chat("Ann")
    gateway = await stage.start()
    await stage.ask(ann, "hello there")
    await stage.settled()
    assert await gateway.stop() == 0
    assert stage.ledger.stopped_cleanly
    ann.check()
