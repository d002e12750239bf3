"""`/agent`, `/mode`, `/model` and the agents' own commands, with real processes and over kills."""

import asyncio

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


async def test_what_is_chosen_holds_over_a_kill(stage):
    """Everything in chats of its own, side by side."""
    ann, bob, eve, gus = (stage.chat(name) for name in ("Ann", "Bob", "Eve", "Gus"))
    other = second_agent(stage)
    gateway = await stage.start()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(chooses_mode_and_model(stage, ann))
        tasks.create_task(chooses_another_agent(stage, bob, eve, other))
        tasks.create_task(gives_commands_in_a_group(stage, gus))
    await stage.settled()
    await gateway.kill()

    await stage.start()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(finds_mode_and_model_and_takes_them_along(stage, ann))
        tasks.create_task(finds_another_agent(stage, bob, other))
    assert stage.memory.heard("what was it") == stage.memory.heard("and now") == 0


async def chooses_mode_and_model(stage, ann):
    await says(stage, ann, "/mode", "once it is at work here")
    await says(stage, ann, "/mode shout", "Kept: the mode is set to shout")
    await says(stage, ann, "good morning", "GOOD MORNING")
    await says(stage, ann, "/mode", "shout (current)")
    await says(stage, ann, "/model lar", "The model is Large now.")
    await says(stage, ann, "/count a b c", "3 WORDS, COUNTED BY THE LARGE MODEL")
    await says(stage, ann, "/mode whisper", "There is no mode whisper here.")


async def finds_mode_and_model_and_takes_them_along(stage, ann):
    """After the kill, and into the next conversation."""
    await says(stage, ann, "/status", "Mode: shout, when the agent starts.")
    await says(stage, ann, "/count a b", "2 WORDS, COUNTED BY THE LARGE MODEL")
    assert opened_with(stage, ann) == ("demo", "native")
    await says(stage, ann, "/status", "Mode: Shout.\nModel: Large.")
    await says(stage, ann, "/help", "/count: count the words that follow")
    await says(stage, ann, "/new", "A new conversation begins.")
    await says(stage, ann, "/count", "0 WORDS, COUNTED BY THE LARGE MODEL")
    await says(stage, ann, "/mode ECHO", "The mode is Echo now.")
    await says(stage, ann, "good night", "good night")


async def chooses_another_agent(stage, bob, eve, other):
    """It goes on with a transcript."""
    await says(stage, bob, "/agent", "demo (answers here)")
    await says(stage, bob, "/agent gemini", "There is no agent gemini here.")
    await stage.ask(bob, "remember plums")
    await says(stage, bob, "count the apples [[ask]]", "asks for permission")
    await says(stage, bob, "/agent other", "What is being worked on now is finished first.")
    (question,) = [one for one in replies(bob.playground, bob.id) if "asks for permission" in one.text]
    bob.playground.press(bob.person, bob.id, question.id, "Allow")
    await stage.answered(bob, "count the apples")
    assert other.prompts == []
    await says(stage, bob, "/agent other", "It is given a transcript of what was said here so far.")

    await stage.ask(bob, "what was it")
    assert opened_with(stage, bob) == ("other", "bootstrap")
    (transcript,) = other.transcripts
    assert "remember plums" in transcript
    assert "count the apples" in transcript
    await says(stage, bob, "/agent other", "other answers here already.")
    await stage.ask(eve, "who is there")
    assert opened_with(stage, eve)[0] == "demo"


async def finds_another_agent(stage, bob, other):
    """After the kill."""
    await stage.ask(bob, "and now")
    assert opened_with(stage, bob) == ("other", "native")
    assert len(other.transcripts) == 1


async def gives_commands_in_a_group(stage, gus):
    """They reach the agent and the gateway although people name no bot before them."""
    group = stage.emulator.world.add_group("Garden", [int(gus.id)], bot_admin=True)

    def said():
        return [message.text for message in group.messages.values() if message.author.is_bot]

    for text, told in (("/count a b d e", "That is 4 words"), ("/mode shout", "The mode is Shout now.")):
        stage.emulator.people.send(int(gus.id), text, chat_id=group.id)
        await stage.until(
            stage.emulator.events.until(lambda told=told: any(told in text for text in said()) or None),
            f"{told!r} in the group",
        )
    assert stage.memory.prompts.count(["/count a b d e"]) == 1
    assert not [blocks for blocks in stage.memory.prompts if any("/mode" in block for block in blocks)]
