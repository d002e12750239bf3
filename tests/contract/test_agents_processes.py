"""The processes behind the agents' port: few, shared where they can be, and none left over."""

import asyncio
from pathlib import Path

import pytest

from gateway.model.agent import AgentFailed, CancelledPrompt, Opened, OpenRequest
from gateway.model.session import ResumeMode
from gateway.model.turn import HistoryTurn
from tests.contract.agents import BOUND, Chat, demo_spec, ended, ended_well, is_thought, pool_of, processes


@pytest.fixture(params=["per_session", "shared"])
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


async def test_idle_processes_are_closed_and_resumed_natively(tmp_path: Path, kind: str) -> None:
    async with pool_of(demo_spec(tmp_path, kind, idle_timeout=0.2)) as pool:
        chat = Chat(pool)
        await chat.ask("the codeword is papaya")
        process = processes(pool)[0]
        await ended(process)
        assert not pool.holds(1)
        assert (await chat.open()).mode is ResumeMode.NATIVE
        assert "papaya" in await chat.ask("[[recall]]")


async def test_least_recently_used_process_makes_room_but_never_one_at_work(tmp_path: Path) -> None:
    async with pool_of(demo_spec(tmp_path, max_processes=2)) as pool:
        busy, idle, late = Chat(pool, 1), Chat(pool, 2), Chat(pool, 3)
        await busy.open()
        async with asyncio.TaskGroup() as tasks:
            working = tasks.create_task(busy.prompt("[[sleep 100s]]"))
            await busy.heard(is_thought)
            await idle.ask("idle")
            await late.ask("late")
            assert (pool.holds(1), pool.holds(2), pool.holds(3)) == (True, False, True)
            assert len(processes(pool)) == 2
            async with asyncio.timeout(BOUND):  # now both are at work, and the fourth waits
                closing = tasks.create_task(late.prompt("[[sleep 100s]]"))
                await late.heard(is_thought)
                waiting = tasks.create_task(Chat(pool, 4).open())
                await pool.cancel(3)
                assert isinstance(await waiting, Opened)
            assert pool.holds(1)
            await pool.cancel(1)
        assert (working.result(), closing.result()) == (CancelledPrompt(), CancelledPrompt())
        assert (await idle.open()).mode is ResumeMode.NATIVE


async def test_shared_process_serves_all_and_is_started_once(tmp_path: Path) -> None:
    async with pool_of(demo_spec(tmp_path, "shared")) as pool:
        one, two, three = chats = [Chat(pool, number) for number in (1, 2, 3)]
        await asyncio.gather(pool.warm("demo"), *(chat.open() for chat in chats))
        assert len(processes(pool)) == 1
        async with asyncio.TaskGroup() as tasks:
            first = tasks.create_task(one.prompt("first [[sleep 100s]]"))
            await one.heard(is_thought)
            second = tasks.create_task(two.prompt("second [[sleep 100s]]"))
            await two.heard(is_thought)
            assert ended_well(await three.prompt("third"))
            assert (one.said, two.said, three.said) == (
                "You said: first", "You said: second", "You said: third",
            )  # fmt: skip
            await pool.cancel(1)
            assert first.result() == CancelledPrompt()
            assert (pool.holds(1), pool.holds(2)) == (False, True)
            assert (await one.open()).mode is ResumeMode.NATIVE
            assert len(processes(pool)) == 1  # the others' process was left alone
            assert not second.done()
            end = await three.prompt("[[crash]]")
            assert isinstance(end, AgentFailed)
        assert isinstance(second.result(), AgentFailed)
        assert second.result().lost
        opened = await asyncio.gather(*(chat.open() for chat in chats))
        assert [result.mode for result in opened] == [ResumeMode.NATIVE] * 3
        assert len(processes(pool)) == 1


async def test_agents_of_a_dead_gateway_are_ended(tmp_path: Path) -> None:
    spec = demo_spec(tmp_path)
    async with pool_of(spec) as dead:
        await Chat(dead).open()
        process = processes(dead)[0]
        async with pool_of(spec):
            await ended(process)
    assert list((tmp_path / "agents" / "processes").iterdir()) == []


async def test_cancelled_opening_leaves_no_process(tmp_path: Path) -> None:
    async with pool_of(demo_spec(tmp_path)) as pool:

        async def never() -> tuple[HistoryTurn, ...]:
            asked.set()
            return await asyncio.get_running_loop().create_future()

        asked = asyncio.Event()
        opening = asyncio.ensure_future(pool.open(OpenRequest(1, "demo", None, None, 0, never)))
        async with asyncio.timeout(BOUND):
            await asked.wait()
        process = processes(pool)[0]
        opening.cancel()
        await ended(process)
        assert not pool.holds(1)
