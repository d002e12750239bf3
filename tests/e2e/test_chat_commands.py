"""Every command of the chat, once on each platform and over kills: real gateway, real agent, real SDKs."""

import asyncio
import re

import pytest

from gateway.engine import answers, conversations, requests
from gateway.engine.catalogue import HELP
from tests.harness.stage import open_stage

PLATFORMS = ("telegram", "discord", "slack")
LONG = "dig a hole [[tool spade 10m]]"
STEP = "a step that needs permission"


async def says(stage, chat, text, told):
    """Somebody says something; the bot's next words that contain this."""
    before = len(chat.replies)
    chat.say(text)
    return await stage.until(
        chat.playground.events.until(
            lambda: next((line.text for line in chat.replies[before:] if told in line.text), None)
        ),
        f"{told!r} to {text!r} in {chat.id}",
    )


@pytest.fixture
async def stage(tmp_path):
    async with open_stage(tmp_path, *PLATFORMS) as opened:
        yield opened


async def test_every_command_is_carried_out_and_answered_at_once(stage):
    """Also while the agent is at work. On all platforms side by side."""
    chats = {one: stage.chat("Ann", one) for one in PLATFORMS}
    admins = [f"{one}:{chat.person}" for one, chat in chats.items()]
    stage.configure(access={"default": "allow", "admins": admins})
    await stage.start()
    async with asyncio.TaskGroup() as tasks:
        for platform, chat in chats.items():
            tasks.create_task(gives_every_command(stage, chat, platform))


async def gives_every_command(stage, ann, platform):
    helped = await says(stage, ann, "/help", "This bot passes")
    assert helped.startswith(HELP.splitlines()[0])
    for line in ("/new [text]", "/cancel", "/queue", "/approve", "/whoami"):
        assert line in helped
    told = await says(stage, ann, "/whoami", "Your id")
    assert f"{platform}:{ann.person}" in told
    assert "administrator" in told
    await stage.ask(ann, "good morning")
    await waits_in_the_queue(stage, ann)
    await decides(stage, ann)
    told = await says(stage, ann, "/usage", "of work.")
    assert re.search(r"\d+ turns, ", told)
    await comes_back(stage, ann)


async def waits_in_the_queue(stage, ann):
    """While the agent works."""
    await says(stage, ann, "/retry", "Asking again: “good morning”")
    await asked_again(stage, ann)
    ann.say(LONG)
    await stage.until(
        stage.ledger.until(lambda ledger: working(ledger, ann) or None), f"the agent at work in {ann.id}"
    )
    for text in ("plant a tree", "water it", "and wait"):
        ann.say(text)
    await stage.knows(lambda ledger: ledger.heard(ann.id) >= len(ann.asked) + 1, "what waits")
    told = await says(stage, ann, "/status", "at work for")
    assert "dig a hole" in told
    assert "3 messages waiting" in told
    assert "3. and wait" in await says(stage, ann, "/queue", "1. plant a tree")
    await says(stage, ann, "/queue drop 2", "Taken back: “water it”")
    await says(stage, ann, "/retry", requests.AT_WORK)
    await says(stage, ann, "/queue clear", "Taken back: 2 messages.")
    await says(stage, ann, "/stop", "Stopped.")


async def asked_again(stage, chat):
    """Wait until the first request has been answered twice."""
    await stage.until(chat.playground.events.until(lambda: again(chat) == 2 or None), "a second answer")


def again(chat):
    return sum("You said: good morning" in line.text for line in chat.replies)


def working(ledger, chat):
    query = (
        "SELECT count(*) FROM steps s JOIN turns t ON t.id = s.turn_id "
        "JOIN sessions c ON c.id = t.session_id "
        "WHERE s.status = 'running' AND s.title = 'spade' AND c.chat = ?"
    )
    return ledger.one(query, chat.id)


async def decides(stage, ann):
    """Questions of the agent."""
    await says(stage, ann, "/approve", answers.NOTHING_ASKED)
    for command, told, answer in (("approve", "Allowed", "given"), ("deny", "Refused", "refused")):
        await says(stage, ann, f"bake a {command}d cake [[ask]]", "asks for permission")
        assert STEP in await says(stage, ann, "/status", "It asks for permission to run a command")
        await says(stage, ann, f"/{command}", f"{told}: {STEP}")
        await stage.until(
            ann.playground.events.until(
                lambda answer=answer: (
                    any(f"Permission was {answer}." in one.text for one in ann.replies) or None
                )
            ),
            f"a permission that was {answer} in {ann.id}",
        )


async def comes_back(stage, ann):
    """From a new conversation to the earlier one."""
    await says(stage, ann, "/agent", "demo (answers here)")
    await says(stage, ann, "/mode", "Choose one with /mode NAME:")
    await says(stage, ann, "/model", "Choose one with /model NAME:")
    ann.say("/new roast some nuts")
    await stage.shows(ann, conversations.BEGINS)
    await stage.until(ann.shows("roast some nuts"), f"the first answer in the new conversation of {ann.id}")
    listed = await says(stage, ann, "/resume", conversations.EARLIER)
    (number,) = re.findall(r"(\d+): “good morning”", listed)
    await says(stage, ann, f"/resume {number}", f"Conversation {number} goes on here: “good morning”.")
    told = await says(stage, ann, "what was it [[recall]]", "what was it")
    assert "roast" not in told
    assert f"Conversation {number}:" in await says(stage, ann, "/status", "The agent is idle.")


async def test_law_10_a_command_is_carried_out_once_when_a_kill_comes_before_its_answer(stage):
    """One kill for each, on a platform of its own."""
    stage.configure(resume={"breaker": {"boots": 100}})
    retrier, dropper, returner = (stage.chat("Ann", one) for one in PLATFORMS)
    gateway = await stage.start()
    for chat in (retrier, dropper, returner):
        await stage.ask(chat, "good morning")
    await says(stage, returner, "/new", conversations.BEGINS)
    await stage.settled()
    await gateway.kill()

    await dies(stage, retrier, "/retry")
    gateway = await stage.start()
    await asked_again(stage, retrier)
    await stage.shows(retrier, "Asking again")
    dropper.say(LONG)
    await stage.in_tool("spade")
    for text in ("plant a tree", "water it", "and wait"):
        dropper.say(text)
    await stage.knows(lambda ledger: ledger.heard(dropper.id) == 5, "what waits")
    await gateway.kill()

    # There, the first that waits carries the note of what was cut short, and two are left.
    await dies(stage, dropper, "/queue drop 1", taken="plant a tree")
    gateway = await stage.start()
    await stage.shows(dropper, requests.LOOK_AGAIN)
    await stage.knows(lambda ledger: became(ledger, "and wait") == "taken", "what still waited at work")
    assert became(stage.ledger, "water it") == "withdrawn"
    await says(stage, dropper, "/stop", "Stopped")
    await stage.settled()
    await gateway.kill()

    query = "SELECT min(id) FROM sessions WHERE chat = ?"
    number = stage.ledger.one(query, returner.id)
    await dies(stage, returner, f"/resume {number}")
    await stage.start()
    await stage.shows(returner, f"Conversation {number} goes on here")
    await stage.ask(returner, "good night")
    await stage.settled()

    assert stage.memory.heard("water it") == 0
    assert again(retrier) == 2, str(retrier)
    query = "SELECT session_id FROM turns WHERE session_id IN (SELECT id FROM sessions WHERE chat = ?)"
    assert stage.ledger.rows(query, returner.id) == [(number,)] * 2
    generations = "SELECT max(generation) FROM sessions WHERE chat = ?"
    assert stage.ledger.one(generations, returner.id) == 3
    for chat, told in ((retrier, "Asking again"), (dropper, requests.LOOK_AGAIN), (returner, "goes on here")):
        assert sum(told in line.text for line in chat.replies) == 1, str(chat)


def became(ledger, text):
    """The state of a message."""
    return ledger.one("SELECT state FROM messages WHERE text = ?", text)


async def dies(stage, chat, command, *, taken=""):
    """A gateway that is killed between what a command does and its answer, with a message `taken` before."""
    gateway = await stage.start(failpoint="command.acted")
    await gateway.ready(*PLATFORMS)
    if taken:
        await stage.knows(lambda ledger: became(ledger, taken) == "taken", "what is worked on first")
    chat.say(command)
    await gateway.killed()
