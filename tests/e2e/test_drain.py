"""`carryon drain`, `undrain` and `restart`: seen from the chats, the status and the exit code."""

import asyncio
import signal

import pytest

from gateway.engine.commands import DRAINING
from gateway.engine.drain import CUT_NOTICE
from gateway.model.operation import Intent
from tests.e2e.carryon import carryon, request, status
from tests.harness.waiting import glance, within

SHORT = "count the apples [[sleep 1s]]"
CUT = "count the apples [[tool scales 10m]]"  # what was begun before a cut is not begun again after it
LONG = "count for ever [[sleep 10m]]"


async def waiting(stage):
    """The status of a gateway that waits for running turns."""
    await stage.gateway.logged("drain.started")
    found = await status(stage)
    assert found["phase"] == "waiting"
    return found


async def test_drained_undone_drained_again_and_restarted(stage):
    ann, bob, eve = stage.chat("Ann"), stage.chat("Bob"), stage.chat("Eve")
    gateway = await stage.start()
    eve.say(LONG)
    await stage.at_work("count for ever")
    draining = asyncio.ensure_future(carryon(stage, "drain", "--wait", "5m"))
    found = await waiting(stage)
    assert found["intent"] == "stop"
    assert 0 < found["deadline"] <= 300
    (turn,) = found["running"]
    assert (turn["turn_id"], turn["session_id"]) == (1, 1)
    said = await carryon(stage, "status")
    assert "waiting" in said.out
    assert "stop in at most" in said.out
    assert "turn 1 of session 1: running for" in said.out

    bob.say("and me")
    ann.say("me too")
    bob.say("and again")
    for chat in (ann, bob):
        await stage.shows(chat, DRAINING)
    said = await carryon(stage, "undrain")
    assert (said.code, said.out) == (0, "serving again")
    said = await carryon(stage, "undrain")
    assert said.code == 1
    assert "nothing to undo" in said.err
    followed = await draining
    assert followed.code == 1, "what was to follow the stop must not"
    assert "turn 1 of session 1" in followed.out
    assert followed.err.endswith("the stop was undone; the gateway goes on serving")
    await stage.answered(ann, "me too")
    await stage.answered(bob, "and again")
    found = await status(stage)
    assert (found["phase"], len(found["running"])) == ("serving", 1)
    eve.say("/stop")
    await stage.shows(eve, "Stopped.")
    await stage.settled()
    ann.check(notices=[DRAINING])
    bob.check(notices=[DRAINING])
    assert bob.in_order

    # The second drain becomes a restart, which runs out of time.
    ann.say(LONG)
    await stage.at_work("count for ever")
    async with asyncio.TaskGroup() as tasks:
        first = tasks.create_task(carryon(stage, "drain", "--wait", "10m"))
        await within(glance(lambda: gateway.log.count("drain.started") == 2 or None), "the drain")
        said = await carryon(stage, "restart", "--wait", "300ms")
    for one in (said, first.result()):
        assert one.out.endswith("stopped with exit code 75, for its supervisor to start it again")
    assert said.out.startswith("waiting for 0.3 s from now; a restart now, and no stop\n")
    assert await gateway.exited() == 75
    assert [line.text for line in ann.unsolicited] == [DRAINING, CUT_NOTICE[Intent.RESTART]]
    assert stage.ledger.stopped_cleanly
    assert stage.ledger.session(ann.id) == ("resume_pending", "drain_timeout")


@pytest.mark.parametrize("patience", ["0s", "20s"])
async def test_sigterm_with_queues_everywhere(stage, patience):
    """Five messages wait behind the running turn and five more come in other chats while it stops."""
    ann = stage.chat("Ann")
    others = [stage.chat() for _ in range(5)]
    stage.configure(shutdown={"drain_timeout": patience}, limits={"concurrent_turns": 1})
    gateway = await stage.start()
    in_time = patience == "20s"
    work = SHORT if in_time else CUT
    ann.say(work)
    await stage.at_work(work)
    if not in_time:
        await stage.in_tool("scales")
    for number in range(5):
        ann.say(f"message {number}x")
        others[number].say(f"question {number}x")
    count = "SELECT count(*) FROM messages"
    await stage.knows(lambda ledger: ledger.one(count) == 11, "eleven messages")
    assert await gateway.stop() == 0
    assert len(ann.answers(work)) == in_time
    cut = [] if in_time else [CUT_NOTICE[Intent.STOP]]
    assert [line.text for line in ann.unsolicited] == cut
    assert all(chat.replies == [] for chat in others)
    assert stage.ledger.stopped_cleanly

    gateway = await stage.start()
    await stage.answered(ann, "message 4x")
    for number, chat in enumerate(others):
        await stage.answered(chat, f"question {number}x")
    await stage.settled()
    ann.check(notices=cut)
    for chat in others:
        chat.check()
    assert ann.in_order
    assert stage.ledger.resumes == (not in_time)
    assert gateway.log.find("boot.started")["after_crash"] is False


async def test_sigint_twice_and_a_wait_that_was_never_asked_for(stage):
    ann = stage.chat("Ann")
    stage.configure(shutdown={"drain_timeout": "10m"})
    gateway = await stage.start()
    ann.say(LONG)
    await stage.at_work("count for ever")
    said = await carryon(stage, "drain", "--wait", "-3s")
    assert said.code != 0
    code, answer = await request(stage, "POST", "/stop", {"wait": -3})
    assert (code, answer["done"]) == (400, False)
    assert (await status(stage))["phase"] == "serving"

    gateway.send(signal.SIGINT)
    assert (await waiting(stage))["deadline"] > 500
    assert await gateway.stop(signal.SIGINT) == 0
    assert [line.text for line in ann.replies] == [CUT_NOTICE[Intent.STOP]]
    assert stage.ledger.stopped_cleanly


async def test_a_signal_that_comes_while_it_starts_is_not_lost(stage):
    ann = stage.chat("Ann")
    ann.say("hello there")
    for _ in range(2):
        gateway = await stage.start(ready=False)
        await gateway.logged("boot.started")
        assert await gateway.stop() == 0
        assert stage.ledger.stopped_cleanly
    await stage.start()
    await stage.answered(ann, "hello there")
    await stage.settled()
    assert len(ann.answers("hello there")) == 1
