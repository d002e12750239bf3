"""A disk that takes nothing: no step is taken on the strength of a write that failed, and nothing is lost.

The limit on the size of files plays the full disk, for the gateway alone and at any moment.
"""

import resource
import sys

import pytest

from adapters.emulators.faults import FaultKind

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs prlimit")


def full(pid: int) -> None:
    """No file can be written to."""
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))


def roomy(pid: int) -> None:
    """Space returns."""
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


async def test_a_message_that_cannot_be_stored_is_not_acknowledged(stage):
    ann, bob = stage.chat("Ann"), stage.chat("Bob")
    gateway = await stage.start()
    await stage.ask(ann, "hello there")
    await stage.settled()

    full(gateway.pid)
    ann.say("is there room")
    await gateway.logged("ledger.unwritable")
    await gateway.logged("account.accept_failed")
    bob.say("for me too")
    assert stage.pending() == 2
    assert stage.ledger.one("SELECT count(*) FROM messages") == 1
    assert len(ann.replies) == 1

    roomy(gateway.pid)
    await gateway.logged("ledger.writable")
    await stage.answered(ann, "is there room")
    await stage.answered(bob, "for me too")
    await stage.settled()
    ann.check()
    bob.check()
    await stage.until(stage.emulator.wait("pending", count=0), "every update to be confirmed")


async def test_an_answer_that_cannot_be_stored_is_kept_and_not_sent_before_it_is(stage):
    ann = stage.chat("Ann")
    gateway = await stage.start()
    await stage.ask(ann, "hello there")
    await stage.settled()
    ann.say("count the apples [[sleep 500ms]]")
    await stage.at_work("count the apples")

    full(gateway.pid)
    await gateway.logged("ledger.unwritable")
    assert len(ann.replies) == 1

    roomy(gateway.pid)
    await stage.answered(ann, "count the apples")
    await stage.settled()
    ann.check()
    assert stage.memory.heard("count the apples") == 1


async def test_a_gateway_killed_on_a_full_disk_loses_nothing(stage):
    ann = stage.chat("Ann")
    gateway = await stage.start()
    await stage.ask(ann, "hello there")
    await stage.settled()
    hold = stage.fault(FaultKind.HOLD, "sendMessage")
    ann.say("what about me")
    await stage.held(hold)
    full(gateway.pid)
    stage.emulator.faults.release()
    await stage.answered(ann, "what about me")
    ann.say("and of this")
    await gateway.logged("account.accept_failed")
    assert stage.pending() == 1
    await gateway.kill()

    await stage.start()
    await stage.answered(ann, "and of this")
    await stage.settled()
    ann.check(labelled=["what about me"])
