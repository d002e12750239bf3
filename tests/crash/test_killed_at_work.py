"""SIGKILL while the agent works: the next gateway has the interrupted turn finished, once, with one note."""

from adapters.emulators.faults import FaultKind, When

WORK = "count the apples [[sleep 700ms]]"
TOOL = "bake a cake [[tool oven 700ms]]"
WAITING = "SELECT count(*) FROM messages WHERE state = 'waiting'"


async def test_interrupted_turns_are_finished_and_waiting_messages_answered(stage):
    plain, tool, queue, quiet, late = (stage.chat(name) for name in ("Ann", "Bob", "Cid", "Dan", "Eve"))
    gateway = await stage.start()
    await stage.ask(quiet, "good morning")
    await stage.settled()
    plain.say(WORK)
    tool.say(TOOL)
    queue.say("peel the plums [[sleep 700ms]]")
    await stage.at_work(WORK)
    await stage.in_tool("oven")
    await stage.at_work("peel the plums")
    queue.say("and the pears")
    await stage.knows(lambda ledger: ledger.one(WAITING) == 1, "a message in the queue")
    await gateway.kill()
    queue.say("and the figs")
    late.say("the first of two")
    late.say("the second of two")

    gateway = await stage.start()
    for chat in stage.chats:
        await stage.answered(chat, chat.asked[-1])
    await stage.settled()

    for chat in stage.chats:
        chat.check()
        assert chat.in_order
    assert plain.replies[0].text.startswith("Going on with:")
    assert stage.memory.heard("count the apples") == 1
    assert stage.memory.ran("oven") == 1
    assert "I checked oven and did not repeat it." in tool.replies[0].text
    assert len(queue.replies) == 2, "the first message that waited carries the note and both answers"
    assert len(stage.memory.notes) == 3
    assert sum("- oven" in note.splitlines() and "unknown" in note for note in stage.memory.notes) == 1
    assert sum("answer the new message that follows" in note for note in stage.memory.notes) == 1
    assert stage.ledger.resumes == 3
    assert all(mode == "native" for mode in stage.ledger.modes_of_resumes)
    assert gateway.log.count("session.resume_scheduled") == 2
    assert all(stage.ledger.session(chat.id) == ("active", None) for chat in stage.chats)


async def test_work_of_more_than_ten_minutes_is_resumed_but_not_what_stopped_too_long_ago(stage):
    ann = stage.chat("Ann")
    gateway = await stage.start()
    await stage.ask(ann, "remember plums")
    ann.say(WORK)
    await stage.at_work(WORK)
    await gateway.kill()
    stage.ledger.edit("UPDATE turns SET started_at = started_at - 660")
    stage.ledger.edit("UPDATE boots SET started_at = started_at - 700")

    gateway = await stage.start()
    await stage.answered(ann, WORK)
    await stage.settled()
    ann.check()
    assert stage.ledger.resumes == 1

    ann.say("old work [[sleep 700ms]]")
    await stage.at_work("old work")
    await gateway.kill()
    stage.ledger.edit("UPDATE turns SET started_at = started_at - 7200")
    stage.ledger.edit("UPDATE boots SET started_at = started_at - 7300, seen_at = seen_at - 7100")

    gateway = await stage.start()
    await gateway.logged("session.not_resumed", session=1)
    await stage.ask(ann, "what do you know [[recall]]")
    await stage.settled()

    assert ann.answers("old work") == ann.answers("what do you know"), "only recalled, not answered"
    assert "remember plums" in ann.replies[-1].text
    assert len(ann.replies) == 3
    assert len(stage.memory.notes) == 1
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


async def test_a_new_that_was_sent_while_the_gateway_was_down_begins_one_conversation(stage):
    ann = stage.chat("Ann")
    gateway = await stage.start()
    ann.say(WORK)
    await stage.at_work(WORK)
    await gateway.kill()
    ann.say("/new")
    ann.say("what do you know [[recall]]")

    await stage.start()
    await stage.shows(ann, "A new conversation begins")
    await stage.heard(ann)

    assert ann.answers(WORK) == []
    assert ["I remember nothing." in line.text for line in ann.answers("what do you know")] == [True]
    assert stage.ledger.one("SELECT max(generation) FROM sessions") == 2
    assert stage.memory.notes == []


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

    ann.check()
    assert stage.memory.heard("hello there") == 1
    assert stage.ledger.resumes == 0
    assert len(list((stage.folder / "state" / "agents" / "processes").glob("*.json"))) == 1, "leftovers"
