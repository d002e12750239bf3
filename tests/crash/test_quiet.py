"""A restart says nothing to those who are owed nothing."""

CHATS = 30


async def test_idle_chats_hear_nothing_of_a_crash(stage):
    chats = [stage.chat() for _ in range(CHATS)]
    other = stage.chat("Zoe")
    gateway = await stage.start()
    for number, chat in enumerate(chats):
        chat.say(f"question {number}x")
    for number, chat in enumerate(chats):
        await stage.answered(chat, f"question {number}x")
    await stage.settled()
    await gateway.kill()

    gateway = await stage.start()
    await stage.ask(other, "a full round trip")
    await stage.settled()

    for chat in chats:
        chat.check()
        assert len(chat.lines) == 2
    assert gateway.log.count("session.resume_scheduled") == 0
    assert stage.ledger.resumes == 0
    assert stage.memory.notes == []
