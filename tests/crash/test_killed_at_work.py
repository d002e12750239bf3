"""SIGKILL while the agent works: the next gateway has the interrupted turn finished, once, with one note."""

import asyncio

from adapters.emulators.faults import FaultKind, When

WORK = "count the apples [[sleep 700ms]]"
TOOL = "bake a cake [[tool oven 700ms]]"


async def test_a_plain_turn_is_finished_after_the_restart(stage):
    ann = stage.chat("Ann")
    gateway = await stage.start()
    ann.say(WORK)
    await stage.at_work(WORK)
    await gateway.kill()

    gateway = await stage.start()
    await stage.answered(ann, WORK)
    await stage.settled()

    ann.check_once()
    assert ann.answers(WORK)[0].text.startswith("Going on with:")
    assert stage.memory.heard("count the apples") == 1
    assert len(stage.memory.notes) == 1
    assert stage.ledger.turns == [("interrupted", "fresh"), ("completed", "native")]
    assert stage.ledger.session(ann.id) == ("active", None)
    assert gateway.log.count("session.resume_scheduled") == 1


async def test_an_interrupted_tool_is_named_and_not_repeated(stage):
    ann = stage.chat("Ann")
    gateway = await stage.start()
    ann.say(TOOL)
    await stage.in_tool("oven")
    await gateway.kill()

    await stage.start()
    await stage.answered(ann, TOOL)
    await stage.settled()

    ann.check_once()
    (note,) = stage.memory.notes
    assert "outcome is unknown" in note
    assert "- oven" in note.splitlines()
    assert stage.memory.ran("oven") == 1
    assert "I checked oven and did not repeat it." in ann.answers(TOOL)[0].text


async def test_a_message_that_waited_behind_the_interrupted_turn_carries_the_note(stage):
    ann = stage.chat("Ann")
    gateway = await stage.start()
    ann.say(WORK)
    await stage.at_work(WORK)
    ann.say("and the pears")
    await stage.knows(
        lambda ledger: ledger.one("SELECT count(*) FROM messages WHERE state = 'waiting'") == 1, "a queue"
    )
    await gateway.kill()

    gateway = await stage.start()
    await stage.answered(ann, "and the pears")
    await stage.settled()

    ann.check_once()
    assert len(ann.replies) == 1
    assert len(stage.memory.notes) == 1
    assert "answer the new message that follows" in stage.memory.notes[0]
    assert gateway.log.count("session.resume_scheduled") == 0


async def test_an_agent_is_told_once_however_many_chats_were_cut(stage):
    chats = [stage.chat() for _ in range(6)]
    gateway = await stage.start()
    for number, chat in enumerate(chats):
        chat.say(f"job {number} [[sleep 900ms]]")
    for number in range(len(chats)):
        await stage.at_work(f"job {number}")
    await gateway.kill()

    await stage.start()
    for number, chat in enumerate(chats):
        await stage.answered(chat, f"job {number}")
    await stage.settled()

    for chat in chats:
        chat.check_once()
    assert len(stage.memory.notes) == len(chats)
    assert stage.ledger.resumes == len(chats)


async def test_work_of_more_than_ten_minutes_is_resumed_like_any_other(stage):
    ann = stage.chat("Ann")
    gateway = await stage.start()
    ann.say(WORK)
    await stage.at_work(WORK)
    await gateway.kill()
    stage.ledger.edit("UPDATE turns SET started_at = started_at - 660")
    stage.ledger.edit("UPDATE boots SET started_at = started_at - 700")

    await stage.start()
    await stage.answered(ann, WORK)
    await stage.settled()

    ann.check_once()
    assert stage.ledger.resumes == 1


async def test_work_that_stopped_too_long_ago_waits_and_the_talk_goes_on_without_a_note(stage):
    ann, bob = stage.chat("Ann"), stage.chat("Bob")
    gateway = await stage.start()
    await stage.ask(ann, "remember plums")
    ann.say(WORK)
    await stage.at_work(WORK)
    await gateway.kill()
    stage.ledger.edit("UPDATE turns SET started_at = started_at - 7200")
    stage.ledger.edit("UPDATE boots SET started_at = started_at - 7300, seen_at = seen_at - 7100")

    gateway = await stage.start()
    await gateway.logged("session.not_resumed", session=1)
    await stage.ask(bob, "are you there")
    assert len(ann.replies) == 1
    await stage.ask(ann, "what do you know [[recall]]")
    await stage.settled()

    assert stage.memory.notes == []
    assert "remember plums" in ann.answers("what do you know")[0].text
    assert stage.ledger.turns[-1] == ("completed", "native")
    assert stage.ledger.session(ann.id) == ("active", None)


async def test_a_stop_that_was_sent_while_the_gateway_was_down_wins_over_the_resume(stage):
    ann, bob = stage.chat("Ann"), stage.chat("Bob")
    gateway = await stage.start()
    ann.say(WORK)
    await stage.at_work(WORK)
    await gateway.kill()
    ann.say("/stop")

    await stage.start()
    await stage.until(stage.emulator.events.until(lambda: ann.replies or None), "an answer to /stop")
    await stage.ask(bob, "anything [[sleep 1s]]")
    await stage.settled()

    assert ann.answers(WORK) == []
    assert len(ann.replies) == 1


async def test_a_message_before_its_commit_is_redelivered_and_answered_once(stage):
    ann = stage.chat("Ann")
    gateway = await stage.start()
    hold = stage.fault(FaultKind.HOLD, "getUpdates", When.AFTER)
    ann.say("hello there")
    await stage.held(hold)
    assert stage.pending() == 1
    await gateway.kill()
    stage.emulator.faults.release()

    await stage.start()
    await stage.answered(ann, "hello there")
    await stage.settled()

    ann.check_once()
    assert stage.memory.heard("hello there") == 1
    assert stage.ledger.resumes == 0


async def test_agents_of_killed_gateways_do_not_accumulate(stage):
    ann = stage.chat("Ann")
    for number in range(3):
        gateway = await stage.start()
        await stage.ask(ann, f"round {number}")
        await gateway.kill()
    await stage.start()
    await stage.ask(ann, "the last round")
    await asyncio.sleep(0)

    notes = list((stage.folder / "state" / "agents" / "processes").glob("*.json"))
    assert len(notes) == 1
    ann.check_once()
