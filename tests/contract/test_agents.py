"""The contract of the agents' port, against real processes of the demo agent."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.agents.pool import AgentPool, PromptInFlightError
from gateway.agents.spec import PermissionPolicy, ResumePolicy
from gateway.model.agent import (
    AgentFailed,
    CancelledPrompt,
    OpenFailed,
    ToolUpdate,
)
from gateway.model.session import ResumeMode
from gateway.model.turn import HistoryTurn, Step, StepKind, StepStatus, TurnState
from gateway.rules.note import NOTE_MARKER, TRANSCRIPT_MARKER
from tests.contract.agents import Chat, demo_spec, ended_well, is_thought, is_tool, killed, pool_of, processes

HISTORY = (
    HistoryTurn(1, TurnState.COMPLETED, "", "the codeword is papaya", "You said: the codeword is papaya"),
)
NOTE = f"{NOTE_MARKER}\nThe gateway stopped. Finish that request now."


@pytest.fixture(params=["per_session", "shared"])
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
async def pool(tmp_path: Path, kind: str) -> AsyncIterator[AgentPool]:
    async with pool_of(demo_spec(tmp_path, kind)) as pool:
        yield pool


@pytest.fixture
async def any_pool(tmp_path: Path) -> AsyncIterator[AgentPool]:
    """For what does not depend on how processes are shared out."""
    async with pool_of(demo_spec(tmp_path, "shared")) as pool:
        yield pool


async def test_first_opening_is_fresh_and_the_next_is_live(pool: AgentPool) -> None:
    chat = Chat(pool)
    assert not pool.holds(1)
    opened = await chat.open()
    assert (opened.mode, opened.preamble) == (ResumeMode.FRESH, "")
    assert pool.holds(1)
    assert ended_well(await chat.prompt("hello there"))
    assert "hello there" in chat.said
    opened = await chat.open()
    assert opened.mode is ResumeMode.LIVE
    assert opened.reason
    assert "hello there" in await chat.ask("[[recall]]")


async def test_killed_agent_is_resumed_natively_and_remembers(pool: AgentPool) -> None:
    chat = Chat(pool)
    await chat.ask("the codeword is papaya")
    first = chat.agent_session_id
    await killed(processes(pool)[0])
    assert not pool.holds(1)
    opened = await chat.open()
    assert (opened.mode, opened.agent_session_id, opened.preamble) == (ResumeMode.NATIVE, first, "")
    assert opened.last_replayed == "the codeword is papaya"
    said = await chat.ask("[[recall]]")
    assert "From my own memory:\n- the codeword is papaya" in said
    assert TRANSCRIPT_MARKER not in said


async def test_deleted_session_is_bootstrapped_with_the_reason(pool: AgentPool, tmp_path: Path) -> None:
    chat = Chat(pool)
    await chat.ask("the codeword is papaya")
    first = chat.agent_session_id
    await killed(processes(pool)[0])
    for file in (tmp_path / "home").rglob("*.jsonl"):
        file.unlink()
    chat.history = HISTORY
    opened = await chat.open()
    assert opened.mode is ResumeMode.BOOTSTRAP
    assert opened.agent_session_id != first
    assert "refused to load" in opened.reason
    assert opened.preamble.startswith(TRANSCRIPT_MARKER)
    assert ended_well(await chat.prompt("[[recall]]"))
    assert chat.said == "From the transcript that I was given:\n- the codeword is papaya"


async def test_transcript_is_owed_until_the_agent_had_it(any_pool: AgentPool) -> None:
    chat = Chat(any_pool)
    chat.history = HISTORY
    assert (await chat.open()).mode is ResumeMode.BOOTSTRAP
    again = await chat.open()
    assert (again.mode, again.preamble) == (ResumeMode.BOOTSTRAP, chat.preamble)
    await chat.prompt("hello")
    assert (await chat.open()).mode is ResumeMode.LIVE


async def test_doomed_request_is_finished_after_a_kill_without_repeating_its_tool(pool: AgentPool) -> None:
    chat = Chat(pool)
    await chat.open()
    async with asyncio.TaskGroup() as tasks:
        doomed = tasks.create_task(chat.prompt("paint the fence [[tool brush 100s]]"))
        await chat.heard(is_tool)
        await killed(processes(pool)[0])
    end = doomed.result()
    assert isinstance(end, AgentFailed)
    assert end.lost
    assert "stopped unexpectedly" in end.message
    assert chat.updates[-1].status is StepStatus.RUNNING  # nobody knows how it ended
    opened = await chat.open()
    assert opened.mode is ResumeMode.NATIVE
    assert opened.last_replayed == "paint the fence [[tool brush 100s]]"
    said = await chat.ask("", NOTE)
    assert said.count("paint the fence") == 1
    assert [u.title for u in chat.updates if isinstance(u, ToolUpdate) and u.title] == ["check brush"]


async def test_bootstrap_goes_on_with_what_the_transcript_leaves_unfinished(any_pool: AgentPool) -> None:
    chat = Chat(any_pool)
    step = Step(1, StepKind.TOOL, StepStatus.INTERRUPTED, "brush", "t1")
    chat.history = (
        *HISTORY,
        HistoryTurn(2, TurnState.INTERRUPTED, "", "paint the fence [[tool brush 100s]]", "You", (step,)),
    )
    await chat.open()
    assert ended_well(await chat.prompt("and the door", NOTE))
    assert chat.said.count("paint the fence") == 1
    assert chat.said.count("and the door") == 1
    assert any(isinstance(u, ToolUpdate) and u.title == "check brush" for u in chat.updates)


async def test_crash_in_the_middle_of_a_turn(pool: AgentPool) -> None:
    chat = Chat(pool)
    await chat.open()
    end = await chat.prompt("before [[crash]] after")
    assert isinstance(end, AgentFailed)
    assert end.lost
    assert chat.said == "You said: before"
    assert not pool.holds(1)
    assert (await chat.open()).mode is ResumeMode.NATIVE


async def test_failed_prompt_keeps_the_agent(any_pool: AgentPool) -> None:
    chat = Chat(any_pool)
    await chat.open()
    end = await chat.prompt("[[fail]]")
    assert end == AgentFailed(
        "The agent demo could not answer: The demo agent was told to fail.",
        "The demo agent was told to fail (-32603)",
        lost=False,
    )
    assert (await chat.open()).mode is ResumeMode.LIVE


async def test_cancelled_prompt_is_stopped_and_the_session_loaded_anew(pool: AgentPool) -> None:
    chat = Chat(pool)
    await chat.ask("hello")
    async with asyncio.TaskGroup() as tasks:
        stopped = tasks.create_task(chat.prompt("one [[sleep 100s]] two"))
        await chat.heard(is_thought)
        await pool.cancel(1)
    assert stopped.result() == CancelledPrompt()
    assert chat.said == "You said: one"
    assert not pool.holds(1)
    opened = await chat.open()
    assert opened.mode is ResumeMode.NATIVE
    assert "You said: three" in await chat.ask("three")


async def test_prompt_whose_waiter_left_can_still_be_cancelled(any_pool: AgentPool) -> None:
    chat = Chat(any_pool)
    await chat.open()
    waiter = asyncio.ensure_future(chat.prompt("[[sleep 100s]]"))
    await chat.heard(is_thought)
    waiter.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiter
    with pytest.raises(PromptInFlightError):
        await chat.prompt("too early")
    await any_pool.cancel(1)
    assert "You said: now" in await chat.ask("now")


async def test_a_second_prompt_in_flight_is_refused(any_pool: AgentPool) -> None:
    chat = Chat(any_pool)
    await chat.open()
    async with asyncio.TaskGroup() as tasks:
        first = tasks.create_task(chat.prompt("[[sleep 100s]]"))
        await chat.heard(is_thought)
        with pytest.raises(PromptInFlightError):
            await Chat(any_pool).prompt("second")
        await any_pool.cancel(1)
    assert first.result() == CancelledPrompt()


async def test_forgotten_conversation_is_not_held(pool: AgentPool) -> None:
    chat = Chat(pool)
    await chat.ask("hello")
    await pool.forget(1)
    assert not pool.holds(1)
    chat.agent_session_id = None
    assert (await chat.open()).mode is ResumeMode.FRESH
    assert await chat.ask("[[recall]]") == "I remember nothing."


async def test_unknown_agent_and_closed_pool_fail_in_words(any_pool: AgentPool) -> None:
    failed = await Chat(any_pool, agent="nobody").try_open()
    assert isinstance(failed, OpenFailed)
    assert "nobody" in failed.message
    await any_pool.close()
    assert isinstance(await Chat(any_pool).try_open(), OpenFailed)


async def test_silent_turn_is_stopped_and_said(tmp_path: Path, kind: str) -> None:
    async with pool_of(demo_spec(tmp_path, kind, turn_idle_timeout=0.2)) as pool:
        chat = Chat(pool)
        await chat.open()
        end = await chat.prompt("[[sleep 100s]]")
        assert isinstance(end, AgentFailed)
        assert end.lost
        assert "did nothing for 0.2 seconds" in end.message
        assert (await chat.open()).mode is ResumeMode.NATIVE


@pytest.mark.parametrize(("policy", "answer"), [("allow", "given"), ("deny", "refused")])
async def test_permissions_are_answered_by_kind(tmp_path: Path, policy: str, answer: str) -> None:
    spec = demo_spec(tmp_path, permissions=PermissionPolicy(policy))
    async with pool_of(spec) as pool:
        assert f"Permission was {answer}." in await Chat(pool).ask("[[ask]]")


async def test_native_required_fails_visibly(tmp_path: Path) -> None:
    async with pool_of(demo_spec(tmp_path, resume=ResumePolicy.NATIVE_REQUIRED)) as pool:
        chat = Chat(pool)
        chat.agent_session_id, chat.history, chat.ended_turns = "0" * 32, HISTORY, 1
        failed = await chat.try_open()
        assert isinstance(failed, OpenFailed)
        assert "The agent demo could not load this conversation" in failed.message
        assert processes(pool) == []


async def test_changed_directory_and_bootstrap_policy_are_reasons_not_to_load(tmp_path: Path) -> None:
    async with pool_of(demo_spec(tmp_path)) as pool:
        chat = Chat(pool)
        chat.history = HISTORY
        chat.agent_session_id, chat.cwd = "0" * 32, "/elsewhere"
        opened = await chat.open()
        assert opened.mode is ResumeMode.BOOTSTRAP
        assert "working directory has changed" in opened.reason
    async with pool_of(demo_spec(tmp_path, resume=ResumePolicy.BOOTSTRAP)) as pool:
        chat = Chat(pool)
        chat.history, chat.agent_session_id = HISTORY, "0" * 32
        opened = await chat.open()
        assert opened.mode is ResumeMode.BOOTSTRAP
        assert "switched off" in opened.reason
