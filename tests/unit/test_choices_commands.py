"""Choices as commands in a chat: settled once with their answer, also after a crash, and shown in /help."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from gateway.engine.commands import HELP, NOTICE_LIMIT, Commands
from gateway.model.agent import Opened, OpenFailed, OpenRequest
from gateway.model.choices import AgentCommand, AgentOffer, Choice, Chosen, Settings
from gateway.model.message import MessageKind
from tests.helpers.fakes import ScriptedAgents
from tests.helpers.house import House, fresh_house
from tests.helpers.ledgers import ACCOUNT

MODES = (Choice("echo", "Echo"), Choice("shout", "Shout"))


@asynccontextmanager
async def house(folder, **more) -> AsyncGenerator[House]:
    """A house with three agents."""
    async with fresh_house(folder, **more) as it:
        it.commands = Commands(
            replace(
                it.commands._parts,
                agent_names=dict.fromkeys(("claude", "codex", "demo"), frozenset()),
                default_agent="demo",
            )
        )
        yield it


async def gives(it: House, command: str, text: str = "", *, idle: bool = True) -> list[str]:
    """A person gives a command; what is said to it, and while nothing else happens if it is `idle`."""
    before = len(it.chat.texts())
    it.commands.carry_out(await it.ledger.say(text, kind=MessageKind.COMMAND, command=command))
    while await it.ledger.store.waiting_commands(ACCOUNT):
        await it.quiet()
    await (it.idle() if idle else it.outbox.empty())
    return it.chat.texts()[before:]


async def test_a_choice_is_settled_once_with_its_answer(tmp_path):
    async with house(tmp_path) as it:
        await it.hear("hello")
        await it.idle()
        (said,) = await gives(it, "agent", "claude")
        assert "claude answers here" in said
        await it.commands.catch_up(ACCOUNT)
        assert len(it.chat.texts()) == 2
        (status,) = await gives(it, "status")
        assert "Agent: claude, which has not begun here yet; demo answered until now." in status.splitlines()


@pytest.mark.parametrize(
    ("command", "text", "chosen", "told"),
    [
        ("agent", "claude", Chosen("claude"), "From the next message on, claude answers here. It is given"),
        ("mode", "shout", Chosen(None, Settings("shout")), "Kept: the mode is set to shout"),
        ("model", "x", Chosen(None, Settings(None, (("model", "x"),))), "Kept: the model is set to x"),
    ],
)
async def test_a_choice_that_is_repeated_after_a_crash_comes_to_the_same(
    tmp_path, command, text, chosen, told
):
    async with house(tmp_path) as it:
        await it.hear("hello")
        await it.idle()
        session_id = await it.session_of()
        await it.agents.forget(session_id)
        await it.ledger.say(text, kind=MessageKind.COMMAND, command=command)
        await it.ledger.store.choose(session_id, chosen)
        # Killed here: the choice is kept, and its answer is not.
        for _ in range(2):
            await it.commands.catch_up(ACCOUNT)
            await it.idle()
        assert [line[: len(told)] for line in it.chat.texts()[1:]] == [told]
        assert (await it.ledger.session(session_id)).chosen == chosen


async def test_help_lists_the_commands_of_gateway_and_agent_in_as_many_messages_as_it_takes(tmp_path):
    async with house(tmp_path) as it:
        assert "while it is at work" in (await gives(it, "help"))[0]
        await it.hear("hello")
        await it.idle()
        own = AgentCommand("mode", "never reached")
        offered = tuple(AgentCommand(f"c{number}", "words " * 20) for number in range(20))
        it.agents.offers[await it.session_of()] = AgentOffer("echo", MODES, commands=(own, *offered))
        said = await gives(it, "help")
        assert len(said) == 2
        assert all(len(piece) <= NOTICE_LIMIT for piece in said)
        lines = "\n".join(said).splitlines()
        assert lines[: len(HELP.splitlines())] == HELP.splitlines()
        assert {line.split()[0] for line in HELP.splitlines()} >= {"/agent", "/mode", "/model"}
        assert [line.split(":")[0] for line in lines[len(HELP.splitlines()) :] if line.startswith("/")] == [
            f"/c{number}" for number in range(20)
        ]


async def test_the_agents_own_commands_reach_it_as_they_were_written(tmp_path):
    async with house(tmp_path) as it:
        await it.hear("two words", command="count")
        await it.idle()
        assert it.agents.texts() == ["/count two words"]


class Slow(ScriptedAgents):
    """Agents that start when they are let."""

    def __init__(self) -> None:
        super().__init__()
        self.starting, self.go_on = asyncio.Event(), asyncio.Event()

    async def open(self, request: OpenRequest) -> Opened | OpenFailed:
        self.starting.set()
        await self.go_on.wait()
        return await super().open(request)


async def test_a_mode_that_is_chosen_while_the_agent_starts_is_set_before_its_first_prompt(tmp_path):
    agents = Slow()
    async with house(tmp_path, agents=agents) as it:
        await it.hear("hello")
        await agents.starting.wait()
        (said,) = await gives(it, "mode", "shout", idle=False)
        assert said.startswith("Kept:")
        agents.refusals.append("Not in this mood.")
        agents.go_on.set()
        await it.idle()
        assert agents.settings == [(await it.session_of(), "mode", "shout")]
        assert it.chat.texts()[1:] == ["Not in this mood.", "echo hello"]
