"""SIGKILL at each named place: what was promised before it is kept, and what could not be known is said."""

from dataclasses import dataclass

import pytest

from adapters.emulators.faults import FaultKind, When
from gateway.engine.drain import CUT_NOTICE
from gateway.model.operation import Intent

WORK = "count the apples [[sleep 700ms]]"


@dataclass(frozen=True, slots=True)
class Case:
    """`prompted`: prompts with the message's words; `resumed`: turns that continue the killed one."""

    failpoint: str
    prompted: int
    resumed: int
    labelled: int = 0
    plainly: int = 1


CASES = [
    Case("intake.committed", prompted=1, resumed=0),
    Case("turn.begun", prompted=0, resumed=1),  # the note quotes the request
    Case("turn.opened", prompted=0, resumed=1),
    Case("turn.worked", prompted=1, resumed=1),
    Case("turn.committed", prompted=1, resumed=0),
    Case("outbox.claimed", prompted=1, resumed=0, labelled=1, plainly=0),
    Case("outbox.sent", prompted=1, resumed=0, labelled=1),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.failpoint)
async def test_killed_on_the_way_of_a_message(stage, case):
    ann = stage.chat("Ann")
    ann.say("hello there")
    gateway = await stage.start(failpoint=case.failpoint)
    await gateway.killed()

    await stage.start()
    await stage.heard(ann)
    await stage.settled()

    ann.check(labelled=ann.asked if case.labelled else ())
    assert len(ann.replies) == case.labelled + case.plainly
    assert stage.memory.heard("hello there") == case.prompted
    assert stage.ledger.resumes == case.resumed
    assert stage.ledger.session(ann.id) == ("active", None)


@pytest.mark.parametrize(
    ("failpoints", "resumes"),
    [(("boot.opened", "turn.begun", "turn.opened"), 3)],
    ids=lambda value: "-".join(value) if isinstance(value, tuple) else "",
)
async def test_killed_again_and_again_while_recovering(stage, failpoints, resumes):
    ann = stage.chat("Ann")
    stage.configure(resume={"breaker": {"boots": 10}})
    gateway = await stage.start()
    ann.say(WORK)
    await stage.at_work(WORK)
    await gateway.kill()
    for failpoint in failpoints:
        gateway = await stage.start(failpoint=failpoint)
        await gateway.killed()

    gateway = await stage.start()
    await stage.answered(ann, WORK)
    await stage.settled()

    ann.check()
    assert stage.ledger.resumes == resumes, "each interruption is resumed once"
    assert len(stage.memory.notes) == 1
    assert gateway.log.count("session.resume_scheduled") == 1
    assert stage.ledger.session(ann.id) == ("active", None)


async def test_killed_after_the_platform_took_the_reply(stage):
    ann = stage.chat("Ann")
    gateway = await stage.start()
    hold = stage.fault(FaultKind.HOLD, "sendMessage", When.AFTER)
    ann.say("hello there")
    await stage.held(hold)
    assert len(ann.replies) == 1
    await gateway.kill()

    await stage.start()
    await stage.answered(ann, "hello there", 2)
    await stage.settled()

    ann.check(labelled=ann.asked)
    assert len(ann.replies) == 2
    assert stage.memory.heard("hello there") == 1


async def test_an_uncertain_reply_is_held_where_that_was_chosen(stage):
    ann = stage.chat("Ann")
    stage.configure(delivery={"on_unknown": "hold"})
    ann.say("hello there")
    gateway = await stage.start(failpoint="outbox.sent")
    await gateway.killed()

    gateway = await stage.start()
    await gateway.logged("delivery.held")
    await stage.ask(ann, "and again")
    await stage.settled()

    ann.check(notices=["may not have reached you"])
    assert len(ann.answers("hello there")) == 1
    query = "SELECT state FROM deliveries WHERE kind = 'reply' ORDER BY id"
    assert stage.ledger.rows(query) == [("held",), ("sent",)]


@pytest.mark.parametrize("failpoint", ["drain.marked", "drain.flushed"])
async def test_killed_while_stopping(stage, failpoint):
    ann = stage.chat("Ann")
    stage.configure(shutdown={"drain_timeout": "0s"})
    gateway = await stage.start(failpoint=failpoint)
    await gateway.ready()
    ann.say(WORK)
    await stage.at_work(WORK)
    gateway.terminate()
    await gateway.killed()
    assert not stage.ledger.stopped_cleanly
    assert stage.ledger.session(ann.id) == ("resume_pending", "drain_timeout")

    await stage.start()
    await stage.answered(ann, WORK)
    await stage.settled()

    ann.check(notices=[CUT_NOTICE[Intent.STOP]])
    assert stage.ledger.resumes == 1
    assert "The gateway was restarted" in stage.memory.notes[0]
