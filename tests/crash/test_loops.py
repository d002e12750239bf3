"""A conversation that keeps killing the gateway is not resumed for ever, and the others go on."""

import time

from gateway.engine.resume import SUSPENDED

KILLER = "the deadly one"


async def test_a_message_that_kills_the_gateway_every_time(stage):
    ann, bob = stage.chat("Ann"), stage.chat("Bob")
    stage.configure(resume={"max_attempts": 2})
    ann.say(KILLER)
    for _ in range(3):  # the turn itself and two resumes
        gateway = await stage.start(failpoint="turn.opened")
        await gateway.killed()

    gateway = await stage.start()
    await stage.shows(ann, SUSPENDED)
    await stage.ask(bob, "do you work")
    assert stage.ledger.session(ann.id) == ("suspended", "resume_loop")
    ann.say("and now")
    await stage.shows(ann, "This conversation is paused")
    assert gateway.running
    assert ann.answers(KILLER) == ann.answers("and now") == []

    ann.say("/resume")
    await stage.answered(ann, "and now")
    await stage.settled()
    assert len(ann.answers(KILLER)) == 1
    assert stage.ledger.session(ann.id) == ("active", None)
    await gateway.stop()
    bob.check()
    ann.check(notices=[SUSPENDED, "This conversation is paused", "Going on."])


async def test_a_suspended_conversation_can_be_left_for_a_new_one(stage):
    ann = stage.chat("Ann")
    gateway = await stage.start()
    await stage.ask(ann, "remember plums")
    await stage.settled()
    await gateway.kill()
    stage.ledger.edit("UPDATE sessions SET state = 'suspended', reason = 'resume_loop'")

    await stage.start()
    ann.say("are you there")
    await stage.shows(ann, "This conversation is paused")
    ann.say("/new")
    await stage.shows(ann, "A new conversation begins")
    await stage.ask(ann, "what do you know [[recall]]")
    assert "I remember nothing." in ann.replies[-1].text
    assert ann.answers("are you there") == []


async def test_after_too_many_crashes_nothing_is_resumed_unasked(stage):
    ann = stage.chat("Ann")
    gateway = await stage.start()
    ann.say("count the apples [[sleep 700ms]]")
    await stage.at_work("count the apples")
    await gateway.kill()
    for _ in range(3):
        now = time.time()
        stage.ledger.edit(
            "INSERT INTO boots (replica, pid, state, started_at, seen_at, buried_at) "
            "VALUES ('test', 1, 'serving', ?, ?, ?)",
            now,
            now,
            now,
        )

    gateway = await stage.start()
    await gateway.logged("resume.breaker_open")
    await gateway.logged("session.not_resumed")
    assert ann.replies == []
    assert stage.ledger.session(ann.id) == ("resume_pending", "restart_interrupted")
    ann.say("and the pears")
    await stage.answered(ann, "and the pears")
    await stage.settled()
    ann.check()
    assert len(stage.memory.notes) == 1
