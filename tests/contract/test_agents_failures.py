"""Prompts that fail: tried again where that can help and can do no harm, and told in one sentence."""

import asyncio
from pathlib import Path

import pytest

from gateway.model.agent import AgentFailed, CancelledPrompt, Ended, TextChunk, ThoughtChunk, ToolUpdate
from gateway.model.turn import StepStatus
from tests.contract.agents import BOUND, Chat, is_thought, noticed, odd_chat


async def test_error_is_one_bounded_line_with_what_the_agent_said(tmp_path: Path) -> None:
    async with odd_chat(tmp_path, "fails_at_length") as chat:
        end = await failed(chat)
        assert not end.lost
        assert "the model is overloaded" in end.message
        assert "\n" not in end.message
        assert len(end.message) < 400


async def test_error_that_passes_is_not_seen(tmp_path: Path) -> None:
    async with odd_chat(tmp_path, "fails_twice") as chat:
        assert await chat.ask("hello") == "hello"
        assert [update for update in chat.updates if isinstance(update, TextChunk)] == [TextChunk("hello")]
        thoughts = [update.text for update in chat.updates if isinstance(update, ThoughtChunk)]
        assert thoughts == ["attempt 1", "attempt 2", "attempt 3"]


async def test_error_that_does_not_pass_is_told_after_the_last_attempt(tmp_path: Path) -> None:
    async with odd_chat(tmp_path, "fails_always") as chat:
        end = await failed(chat)
        assert end.message == "The agent odd could not answer: Internal error: overloaded."
        assert len(chat.updates) == 3
        assert chat.pool.holds(1)


async def test_error_after_a_tool_call_is_told_at_once(tmp_path: Path) -> None:
    async with odd_chat(tmp_path, "fails_after_a_tool") as chat:
        assert not (await failed(chat)).lost
        assert chat.updates[-1] == ToolUpdate("t1", status=StepStatus.FAILED)


@pytest.mark.parametrize(("way", "said", "why"), [
    ("fails_after_text", "half an ", "overloaded"),
    ("fails_after_a_file", "", "overloaded"),
    ("fails_for_its_key", "", "Invalid API key"),
    ("errs_in_a_word", "", "boom"),
])  # fmt: skip
async def test_error_for_which_another_attempt_is_no_good_is_told_at_once(
    tmp_path: Path, way: str, said: str, why: str
) -> None:
    async with odd_chat(tmp_path, way) as chat:
        assert why in (await failed(chat)).message
        assert chat.said == said
        assert chat.pool.holds(1)


async def test_stop_ends_the_wait_for_another_attempt(tmp_path: Path) -> None:
    async with odd_chat(tmp_path, "fails_always", retry_waits=(1000.0,)) as chat:
        await chat.open()
        async with asyncio.timeout(BOUND), asyncio.TaskGroup() as tasks:
            prompt = tasks.create_task(chat.prompt("hello"))
            await waits(chat)
            await chat.pool.cancel(1)
        assert prompt.result() == CancelledPrompt()
        assert len(chat.updates) == 1
        assert chat.pool.holds(1)  # there was nothing to interrupt


async def test_end_of_the_process_ends_the_wait_for_another_attempt(tmp_path: Path) -> None:
    async with odd_chat(tmp_path, "fails_always", retry_waits=(1000.0,)) as chat:
        await chat.open()
        async with asyncio.timeout(BOUND), asyncio.TaskGroup() as tasks:
            prompt = tasks.create_task(chat.prompt("hello"))
            await waits(chat)
            await chat.pool.close()
        end = prompt.result()
        assert isinstance(end, AgentFailed)
        assert end.lost


async def test_agent_that_was_silent_is_not_asked_again(tmp_path: Path) -> None:
    async with odd_chat(tmp_path, "fails_when_cancelled", turn_idle_timeout=0.2, drain_timeout=BOUND) as chat:
        end = await failed(chat)
        assert end.lost
        assert "did nothing for 0.2 seconds" in end.message
        assert "aborted" in end.detail


async def test_next_prompt_after_a_failure_is_answered(tmp_path: Path) -> None:
    async with odd_chat(tmp_path, "fails_after_text") as chat:
        await failed(chat)
        assert await chat.prompt("again") == Ended("end_turn")
        assert chat.said == "again"


async def waits(chat: Chat) -> None:
    """The prompt has failed once, and another attempt is waited for."""
    await chat.heard(is_thought)
    await chat.pool.set_mode(1, "any")  # answered after the prompt was
    await noticed()


async def failed(chat: Chat) -> AgentFailed:
    await chat.open()
    async with asyncio.timeout(BOUND):
        end = await chat.prompt("hello")
    assert isinstance(end, AgentFailed)
    assert not end.forgotten
    return end
