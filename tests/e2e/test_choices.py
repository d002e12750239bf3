"""`/agent`, `/mode`, `/model` and the agents' own commands, with real processes and over kills."""

from adapters.emulators.playground import replies
from tests.harness.memory import Memory


def second_agent(stage):
    """Another demo agent beside the first one; what it remembers."""
    other = {"CARRYON_DEMO_HOME": str(stage.folder / "demo" / "other")}
    stage.configure(
        agents={"other": {"command": ["carryon-demo-agent"], "processes": "shared", "env": other}}
    )
    return Memory(stage.folder / "demo" / "other")


async def says(stage, chat, text, told):
    """Somebody says something, and the bot's next words contain this."""
    before = len(chat.replies)
    chat.say(text)
    await stage.until(
        chat.playground.events.until(
            lambda: any(told in line.text for line in chat.replies[before:]) or None
        ),
        f"{told!r} to {text!r} in {chat.id}",
    )


def opened_with(stage, chat):
    """Which agent holds a chat's conversation, and how it was continued last."""
    query = "SELECT agent, last_mode FROM sessions WHERE chat = ? ORDER BY id DESC"
    return stage.ledger.rows(query, chat.id)[0]


async def test_mode_and_model_hold_over_a_kill_and_for_the_next_conversation(stage):
    ann = stage.chat("Ann")
    gateway = await stage.start()
    await says(stage, ann, "/mode", "once it is at work here")
    await says(stage, ann, "/mode shout", "Kept: the mode is set to shout")
    await says(stage, ann, "good morning", "GOOD MORNING")
    await says(stage, ann, "/mode", "- shout (current)")
    await says(stage, ann, "/model lar", "The model is Large now.")
    await says(stage, ann, "/count a b c", "3 WORDS, COUNTED BY THE LARGE MODEL")
    await says(stage, ann, "/mode whisper", "There is no mode whisper here.")
    await stage.settled()
    await gateway.kill()

    await stage.start()
    await says(stage, ann, "/status", "Mode: shout, when the agent starts.")
    await says(stage, ann, "/count a b", "2 WORDS, COUNTED BY THE LARGE MODEL")
    assert opened_with(stage, ann) == ("demo", "native")
    await says(stage, ann, "/status", "Mode: Shout.\nModel: Large.")
    await says(stage, ann, "/help", "/count: count the words that follow")
    await says(stage, ann, "/new", "A new conversation begins.")
    await says(stage, ann, "/count", "0 WORDS, COUNTED BY THE LARGE MODEL")
    await says(stage, ann, "/mode ECHO", "The mode is Echo now.")
    await says(stage, ann, "good night", "good night")


async def test_another_agent_goes_on_with_a_transcript_and_stays_over_a_kill(stage):
    ann, bob = stage.chat("Ann"), stage.chat("Bob")
    other = second_agent(stage)
    gateway = await stage.start()
    await says(stage, ann, "/agent", "- demo (answers here)\n- other")
    await says(stage, ann, "/agent gemini", "There is no agent gemini here.")
    await stage.ask(ann, "remember plums")
    await says(stage, ann, "count the apples [[ask]]", "asks for permission")
    await says(stage, ann, "/agent other", "What is being worked on now is finished first.")
    (question,) = [one for one in replies(ann.playground, ann.id) if "asks for permission" in one.text]
    ann.playground.press(ann.person, ann.id, question.id, "Allow")
    await stage.answered(ann, "count the apples")
    assert other.prompts == []
    await says(stage, ann, "/agent other", "It is given a transcript of what was said here so far.")

    await stage.ask(ann, "what was it")
    assert opened_with(stage, ann) == ("other", "bootstrap")
    (transcript,) = other.transcripts
    assert "remember plums" in transcript
    assert "count the apples" in transcript
    await says(stage, ann, "/agent other", "other answers here already.")
    await stage.ask(bob, "who is there")
    assert opened_with(stage, bob)[0] == "demo"
    await stage.settled()
    await gateway.kill()

    await stage.start()
    await stage.ask(ann, "and now")
    assert opened_with(stage, ann) == ("other", "native")
    assert len(other.transcripts) == 1
    assert stage.memory.heard("what was it") == stage.memory.heard("and now") == 0


async def test_an_agents_command_is_one_in_a_group_too(stage):
    ann = stage.chat("Ann")
    group = stage.emulator.world.add_group("Garden", [int(ann.id)], bot_admin=True)
    await stage.start()

    def said():
        return [message.text for message in group.messages.values() if message.author.is_bot]

    for text, told in (("/count a b", "That is 2 words"), ("/mode shout", "The mode is Shout now.")):
        stage.emulator.people.send(int(ann.id), text, chat_id=group.id)
        await stage.until(
            stage.emulator.events.until(lambda told=told: any(told in text for text in said()) or None),
            f"{told!r} in the group",
        )
    assert stage.memory.prompts == [["/count a b"]]
