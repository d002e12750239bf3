"""Agents that are added, changed and removed while they are at work: real processes behind the port."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.model.agent import CancelledPrompt, OpenFailed
from gateway.model.session import ResumeMode
from tests.contract.agents import (
    BOUND,
    Chat,
    RealClock,
    demo_spec,
    ended,
    ended_well,
    is_thought,
    pool_of,
    processes,
)


class Unswept(RealClock):
    """Nobody comes by now and then to look for idle processes."""

    async def sleep(self, seconds: float) -> None:
        del seconds
        await asyncio.Event().wait()


@pytest.fixture(params=["per_session", "shared"])
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


async def test_an_idle_process_of_a_changed_agent_gives_way_to_a_new_one(tmp_path: Path, kind: str) -> None:
    spec = demo_spec(tmp_path, kind)
    async with pool_of(spec, clock=Unswept()) as pool:
        chat = Chat(pool)
        await chat.ask("the codeword is papaya")
        (old,) = processes(pool)
        changed = replace(spec, idle_timeout=1000.0)
        pool.reconfigure({"demo": changed})
        await ended(old)
        assert not pool.holds(1)
        assert (await chat.open()).mode is ResumeMode.NATIVE
        (process,) = pool._roster
        assert process.spec is changed
        assert "papaya" in await chat.ask("[[recall]]")
        # The same values again are no change.
        pool.reconfigure({"demo": replace(changed)})
        assert pool._specs["demo"] is changed
        assert pool.holds(1)


async def test_a_turn_is_finished_as_it_began(tmp_path: Path, kind: str) -> None:
    spec = demo_spec(tmp_path, kind)
    async with pool_of(spec, clock=Unswept()) as pool:
        busy, other = Chat(pool, 1), Chat(pool, 2)
        await busy.open()
        async with asyncio.TaskGroup() as tasks, asyncio.timeout(BOUND):
            working = tasks.create_task(busy.prompt("[[sleep 100s]]"))
            await busy.heard(is_thought)
            (old,) = processes(pool)
            pool.reconfigure({"demo": replace(spec, idle_timeout=1000.0)})
            assert "new" in await other.ask("new")
            assert {process.spec.idle_timeout for process in pool._roster} == {spec.idle_timeout, 1000.0}
            assert not working.done()
            await pool.cancel(1)
        assert working.result() == CancelledPrompt()
        await ended(old)  # it has nothing more to do
        assert (await busy.open()).mode is ResumeMode.NATIVE
        assert pool.holds(2)


async def test_a_removed_agent_ends_and_another_one_begins(tmp_path: Path) -> None:
    spec = demo_spec(tmp_path)
    async with pool_of(spec, clock=Unswept()) as pool:
        chat = Chat(pool)
        await chat.ask("hello")
        (old,) = processes(pool)
        pool.reconfigure({"other": replace(spec, name="other")})
        await ended(old)
        failed = await chat.try_open()
        assert isinstance(failed, OpenFailed)
        assert "no agent named demo any more" in failed.message
        assert "hi" in await Chat(pool, 1, "other").ask("hi")


async def test_what_was_opened_for_a_prompt_is_kept_for_it(tmp_path: Path) -> None:
    spec = demo_spec(tmp_path)
    async with pool_of(spec, clock=Unswept()) as pool:
        chat = Chat(pool)
        await chat.open()
        (old,) = processes(pool)
        pool.reconfigure({"demo": replace(spec, idle_timeout=1000.0)})
        assert ended_well(await chat.prompt("hello"))
        assert "hello" in chat.said
        await ended(old)
