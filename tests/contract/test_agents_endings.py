"""How turns and processes are ended against the will of agents. Nothing may hang, and nobody may be left."""

import asyncio
from pathlib import Path

import pytest

from gateway.model.agent import AgentFailed, CancelledPrompt, Ended, ToolUpdate
from gateway.model.turn import StepStatus
from tests.contract.agents import (
    BOUND,
    Chat,
    ended,
    hostile_spec,
    is_over,
    is_thought,
    odd_chat,
    pool_of,
    processes,
)


@pytest.mark.parametrize(("way", "end", "held"), [
    ("silent", CancelledPrompt(), False),
    ("silent_until_cancelled", CancelledPrompt(), False),
    ("finishes_when_cancelled", Ended("end_turn"), True),
    ("fails_when_cancelled", CancelledPrompt(), False),
])  # fmt: skip
async def test_cancelling(tmp_path: Path, way: str, end: object, held: bool) -> None:
    async with odd_chat(tmp_path, way, drain_timeout=0.3 if way == "silent" else BOUND) as chat:
        await chat.open()
        first = processes(chat.pool)[0]
        async with asyncio.TaskGroup() as tasks:
            prompt = tasks.create_task(chat.prompt("hello"))
            await chat.heard(is_thought)
            await chat.pool.cancel(1)
        assert prompt.result() == end
        assert chat.pool.holds(1) is held
        await chat.open()
        assert (processes(chat.pool)[0] is first) is held  # a quarantined process is replaced


@pytest.mark.parametrize(("way", "status"), [
    ("cuts_a_tool_and_stops", StepStatus.RUNNING),
    ("cuts_a_tool_and_finishes", StepStatus.COMPLETED),
])  # fmt: skip
async def test_step_that_was_cut_off_is_not_believed_to_be_done(
    tmp_path: Path, way: str, status: StepStatus
) -> None:
    async with odd_chat(tmp_path, way) as chat:
        await chat.open()
        async with asyncio.TaskGroup() as tasks:
            prompt = tasks.create_task(chat.prompt("hello"))
            await chat.heard(lambda update: isinstance(update, ToolUpdate))
            await chat.pool.cancel(1)
        assert isinstance(prompt.result(), CancelledPrompt if status is StepStatus.RUNNING else Ended)
        told = [update.status for update in chat.updates if isinstance(update, ToolUpdate) and update.status]
        assert told[-1] is status


async def test_result_that_completes_while_a_silent_turn_is_drained_is_kept(tmp_path: Path) -> None:
    async with odd_chat(
        tmp_path, "finishes_when_cancelled", turn_idle_timeout=0.2, drain_timeout=BOUND
    ) as chat:
        await chat.open()
        assert await chat.prompt("hello") == Ended("end_turn")
        assert chat.said == "done after all"


async def test_orphan_that_holds_the_output_hangs_nothing_and_is_ended(tmp_path: Path) -> None:
    note = tmp_path / "orphan"
    async with pool_of(hostile_spec(tmp_path, "leaves_an_orphan", [str(note)])) as pool:
        chat = Chat(pool, agent="odd")
        await chat.open()
        async with asyncio.timeout(BOUND):
            end = await chat.prompt("hello")
        assert isinstance(end, AgentFailed)
        assert end.lost
    assert is_over(int(note.read_text()))


async def test_child_in_a_session_of_its_own_ends_with_the_agent(tmp_path: Path) -> None:
    note = tmp_path / "child"
    async with pool_of(hostile_spec(tmp_path, "has_a_child", [str(note)])) as pool:
        await Chat(pool, agent="odd").ask("hello")
        assert not is_over(int(note.read_text()))
        await pool.forget(1)
        assert is_over(int(note.read_text()))


async def test_agent_that_will_not_end_is_killed(tmp_path: Path) -> None:
    async with odd_chat(tmp_path, "outlives_sigterm") as chat:
        await chat.ask("hello")
        process = processes(chat.pool)[0]
        async with asyncio.timeout(BOUND):
            await chat.pool.forget(1)
        assert is_over(process.pid)
        assert await process.describe_end() == "exit status -9"


async def test_agent_without_an_output_is_ended(tmp_path: Path) -> None:
    async with odd_chat(tmp_path, "closes_its_output") as chat:
        await chat.open()
        process = processes(chat.pool)[0]
        async with asyncio.timeout(BOUND):
            end = await chat.prompt("hello")
        assert isinstance(end, AgentFailed)
        assert end.lost
        await ended(process)  # nobody could have given it work, and it would have kept its place
