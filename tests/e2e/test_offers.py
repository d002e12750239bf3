"""Buttons in the chat: interrupted work that is offered, and a reply that is held."""

from adapters.emulators.faults import FaultKind, When
from adapters.emulators.playground import replies
from gateway.engine.outbox import HELD
from tests.e2e.commands import command

WORK = "bake a cake [[tool oven 10m]]"


def button(chat, text, label):
    """Press a button of the message that contains a text."""
    (message,) = [one for one in replies(chat.playground, chat.id) if text in one.text]
    chat.playground.press(chat.person, chat.id, message.id, label)


async def interrupted(stage, *chats):
    """A gateway that is killed while it works in some chats."""
    gateway = await stage.start()
    for chat in chats:
        await stage.ask(chat, f"good day from {chat.id}x")
        chat.say(WORK)
    running = "SELECT count(*) FROM steps WHERE kind = 'tool' AND status = 'running'"
    await stage.knows(lambda ledger: ledger.one(running) == len(chats), "running tools")
    await gateway.kill()


async def test_continue_dismiss_and_the_next_message(stage):
    ann, bob, eve = stage.chat("Ann"), stage.chat("Bob"), stage.chat("Eve")
    stage.configure(resume={"instruction": "ask", "breaker": {"boots": 10}})
    await interrupted(stage, ann, bob, eve)
    for _ in range(2):
        gateway = await stage.start()
        for chat in (ann, bob, eve):
            await stage.shows(chat, "bake a cake")
        await stage.settled()
        await gateway.kill()

    gateway = await stage.start()
    offer = "Shall I go on with it?"
    button(ann, offer, "Continue")
    await stage.answered(ann, "bake a cake", 2)  # the offer names it too
    button(bob, offer, "Dismiss")
    await stage.shows(bob, "Dismissed.")
    eve.say("leave it and say hello")
    await stage.answered(eve, "leave it and say hello")
    await stage.settled()
    bot = stage.emulator.world.bot()
    last = max(number for number in range(1, 40) if bot.updates.find(number))
    for number in range(last - 2, last + 1):
        bot.updates.repeat([bot.updates.find(number)])
    button(ann, offer, "Continue")
    await stage.shows(ann, "This is no longer open.")
    button(bob, offer, "Continue")
    await stage.shows(bob, "This is no longer open.")
    await stage.settled()

    for chat in (ann, bob, eve):
        assert sum(offer in line.text for line in chat.replies) == 1, str(chat)
    assert gateway.log.count("message.duplicate") == 3
    assert stage.ledger.resumes == 2
    assert len(stage.memory.notes) == 2
    assert stage.memory.ran("oven") == 3
    for chat in (ann, bob, eve):
        assert stage.ledger.session(chat.id) == ("active", None)


async def test_a_held_reply_is_listed_sent_dropped_or_asked_for(stage):
    chats = [stage.chat() for _ in range(3)]
    stage.configure(delivery={"on_unknown": "hold"})
    gateway = await stage.start()
    for number, chat in enumerate(chats):
        stage.fault(FaultKind.DROP, "sendMessage", When.BEFORE, chat=str(chat.id))
        chat.say(f"question {number}x")
    for chat in chats:
        await stage.shows(chat, HELD)
    await stage.settled()

    listed = (await command(stage, "deliveries", "list", "--json")).values
    assert [(d["state"], d["possible_repeat"]) for d in listed] == [("held", False)] * 3
    ids = {d["chat"]: d["id"] for d in listed}
    first, second, third = chats
    said = await command(stage, "deliveries", "list")
    assert "held: it may have arrived already" in said.out

    button(first, HELD, "Send it again")
    await stage.answered(first, "question 0x")
    said = await command(stage, "deliveries", "retry", ids[str(second.id)])
    assert said.code == 0
    await stage.answered(second, "question 1x")
    said = await command(stage, "deliveries", "drop", ids[str(third.id)])
    assert said.code == 0
    for action, chat in (("retry", second), ("drop", second), ("drop", third)):
        said = await command(stage, "deliveries", action, ids[str(chat.id)])
        assert (said.code, said.out) == (1, ""), action
    await stage.settled()
    first.check(notices=[HELD])
    second.check(notices=[HELD])
    assert third.answers("question 2x") == []

    assert await gateway.stop() == 0
    listed = (await command(stage, "deliveries", "list", "--json")).values
    assert listed == [], "what was dropped is no trouble any more, and can still be sent"
    assert (await command(stage, "deliveries", "retry", ids[str(third.id)])).code == 0
    await stage.start()
    await stage.answered(third, "question 2x")
    await stage.settled()
    third.check(notices=[HELD])
    assert (await command(stage, "deliveries", "list")).out == "Nothing is owed, held or refused."
