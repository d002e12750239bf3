"""/status, /usage and /whoami: what people are told, in plain words."""

from dataclasses import replace

import pytest

from gateway.model.agent import AgentFailed, OpenFailed, ToolUpdate
from gateway.model.permission import OptionKind, PermissionOption, PermissionRequest
from gateway.model.session import Reason
from gateway.model.turn import TurnEnd, TurnState
from gateway.model.usage import Usage
from tests.helpers.commanding import BOB, commanded, fails, gives, says, works
from tests.helpers.fakes import Answer
from tests.helpers.ledgers import ACCOUNT

ALLOW = PermissionOption("yes", "Allow", OptionKind.ALLOW_ONCE)
BEGAN = "Agent: demo; when it last began, it had nothing to go on with."


async def status(it):
    return (await gives(it, "/status")).splitlines()


# /status


async def test_what_runs_and_what_waits(tmp_path):
    async with commanded(tmp_path) as it:
        assert await status(it) == ["The agent is idle.", "Conversation 1.", "Agent: demo."]
        go_on = await works(it, "dig\na hole", "two")
        it.clock.advance(125)
        assert await status(it) == [
            "The agent has been at work for 2 min 5 s on “dig a hole”.",
            "1 message waiting; /queue shows it.",
            "Conversation 1: “dig a hole”.",
            BEGAN,
        ]
        await it.hear("three")
        assert "2 messages waiting; /queue shows them." in await status(it)
        go_on.set()
        await it.idle()
        assert await status(it) == ["The agent is idle.", "Conversation 1: “dig a hole”.", BEGAN]


async def test_what_it_asks(tmp_path):
    async with commanded(tmp_path) as it:
        asks = tuple(PermissionRequest(ToolUpdate("c", title, "execute"), (ALLOW,)) for title in ("rm", ""))
        it.agents.answers.append(Answer(asks=asks))
        await it.hear("work")
        while not await it.ledger.store.pending_approvals(1):
            await it.quiet()
        told = "It asks for permission to run a command: rm. Answer with its buttons, /approve or /deny."
        assert told in await status(it)


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        (Reason.DRAIN_TIMEOUT, "The last request was cut short when the gateway was stopped"),
        (Reason.RESTART_INTERRUPTED, "The last request was cut short when the gateway stopped unexpectedly"),
        (Reason.AGENT_LOST, "The last request was cut short when the agent's process ended"),
        (Reason.STOPPED, "The last request was stopped in the middle of its work"),
        (Reason.SUPERSEDED, "The last request was dropped for a newer one"),
        (Reason.AGENT_FAILED, "The last request ended with an error of the agent"),
        ("a reason of the future", "The last request was cut short"),
    ],
)
async def test_what_was_cut_short(tmp_path, reason, told):
    async with commanded(tmp_path) as it:
        said = await it.ledger.say("work")
        start = await it.ledger.begin(said.session_id)
        await it.ledger.end(start.turn_id, TurnState.INTERRUPTED, reason=reason)
        assert (await status(it))[-1] == f"{told}: /resume goes on with it, /retry asks it anew."
        held = it.agents.hold()
        await it.hear("and now?")
        await it.at_work()
        assert (await status(it))[-1] == "What was cut short before is known to the agent."
        held.set()


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        (Reason.MANUAL, "Paused by the operator"),
        (Reason.RESUME_LOOP, "Paused, because its last request was cut short again and again"),
        ("a reason of the future", "Paused"),
    ],
)
async def test_what_is_paused(tmp_path, reason, told):
    async with commanded(tmp_path) as it:
        session_id = await says(it, "hello")
        await it.ledger.store.suspend(session_id, reason, (), it.clock.now())
        assert (await status(it))[-1] == f"{told}: /resume goes on, /new starts afresh."


async def test_no_word_of_the_ledgers_own(tmp_path):
    async with commanded(tmp_path) as it:
        fails(it, AgentFailed("It failed.", "scripted", lost=True))
        await says(it, "work")
        said = "\n".join(await status(it))
        assert "_" not in said
        assert "generation" not in said


async def test_another_agent_that_could_not_start_is_not_said_to_come_next(tmp_path):
    async with commanded(tmp_path) as it:
        session_id = await says(it, "hello")
        await gives(it, "/agent demo")
        await it.ledger.store.choose(session_id, await chosen_other(it, session_id))
        it.agents.openings.append(OpenFailed("It does not start.", "scripted"))
        await says(it, "work")
        lines = await status(it)
        assert "Agent: other, which has not begun here yet; demo answered until now." in lines
        assert "The last request ended with an error of the agent: /resume" in lines[-1]


async def chosen_other(it, session_id):
    return replace((await it.ledger.session(session_id)).chosen, agent="other")


# /usage


async def used(it, *usages, seconds=60.0):
    """Turns that cost so much, each of so many seconds."""
    for usage in usages:
        said = await it.ledger.say("work")
        start = await it.ledger.begin(said.session_id)
        it.ledger.tick(seconds - 1)
        await it.ledger.store.end_turn(
            start.turn_id, TurnEnd(TurnState.COMPLETED, usage=usage), it.ledger.tick()
        )


async def test_what_an_agent_tells_nothing_of(tmp_path):
    async with commanded(tmp_path) as it:
        nothing = "The agent does not report tokens, how full its context is and cost."
        assert await gives(it, "/usage") == f"Conversation 1: 0 turns, 0 s of work.\n{nothing}"
        await says(it, "hello")
        assert await gives(it, "/usage") == (
            "Conversation 1: 1 turn, 0 s of work.\n"
            "demo does not report tokens, how full its context is and cost."
        )


async def test_tokens_context_and_cost(tmp_path):
    async with commanded(tmp_path) as it:
        first, last = Usage(1000, 200, 5000, 200000, 0.0421, "USD"), Usage(500, 40, 46000, 200000, 1.5, "USD")
        await used(it, first, None, last)
        assert (await gives(it, "/usage")).splitlines() == [
            "Conversation 1: 3 turns, 3 min of work.",
            "Tokens of the last turn: 500 in and 40 out; of all that told: 1,500 in and 240 out.",
            "Context: 46,000 of 200,000 tokens (23 %).",
            "Cost so far: 1.50 USD.",
        ]


@pytest.mark.parametrize(
    ("usage", "lines"),
    [
        (
            Usage(input_tokens=7),
            [
                "Tokens of the last turn: 7 in and 0 out;",
                "The agent does not report how full its context is and cost.",
            ],
        ),
        (
            Usage(context_used=7, context_size=0),
            ["Context: 7 tokens.", "The agent does not report tokens and cost."],
        ),
        (
            Usage(cost=0.01, currency="EU\nR"),
            ["Cost so far: 0.0100 EU R.", "The agent does not report tokens and how full its context is."],
        ),
        (
            Usage(1, 2, 3, 4),
            [
                "Tokens of the last turn: 1 in and 2 out;",
                "Context: 3 of 4",
                "The agent does not report cost.",
            ],
        ),
    ],
)
async def test_what_is_told_in_part(tmp_path, usage, lines):
    async with commanded(tmp_path) as it:
        await used(it, usage)
        told = (await gives(it, "/usage")).splitlines()[1:]
        assert [one[: len(wanted)] for one, wanted in zip(told, lines, strict=True)] == lines


# /whoami


@pytest.mark.parametrize(("by", "role"), [(None, "user"), (BOB, "administrator")])
async def test_who_somebody_is(tmp_path, by, role):
    async with commanded(tmp_path) as it:
        said = await (gives(it, "/whoami", by) if by else gives(it, "/whoami"))
        name, number = (by.author_name, by.author_id) if by else ("Ann", "1001")
        assert said.splitlines() == [
            f"You are {name}.",
            f"Your id for the config: {ACCOUNT}:{number}",
            f"Your role: {role}",
            f"Account: {ACCOUNT}",
            "Conversation: 1",
        ]
