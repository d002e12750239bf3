"""What agents write: rubbish, too much, too late, and messages that nobody asked for. The turn goes on."""

import asyncio
from pathlib import Path

import pytest

from gateway.agents import process
from gateway.model.agent import AgentFailed, Ended, TextChunk, ThoughtChunk
from tests.contract.agents import BOUND, Chat, ended, hostile_spec, odd_chat, pool_of, processes


async def test_much_standard_error_neither_hangs_nor_fills_the_disk(tmp_path: Path) -> None:
    async with pool_of(hostile_spec(tmp_path, "floods_stderr", log_bytes=64 * 1024)) as pool:
        for text in ("one", "two"):
            assert await Chat(pool, agent="odd").ask(text) == text
        process = processes(pool)[0]
    await ended(process)
    log = (tmp_path / "agents" / "odd.log").read_bytes()
    assert log.endswith(b"the end\n")
    assert len(log) <= 128 * 1024


@pytest.mark.parametrize("way", ["talks_rubbish", "answers_twice"])
async def test_what_means_nothing_is_skipped(tmp_path: Path, way: str) -> None:
    async with odd_chat(tmp_path, way) as chat:
        assert await chat.ask("one") == "one"
        assert await chat.ask("two") == "two"


async def test_500_chunks_arrive_in_order(tmp_path: Path) -> None:
    async with odd_chat(tmp_path, "sends_500_chunks") as chat:
        await chat.ask("count")
        assert chat.updates == [TextChunk(f"{count} ") for count in range(500)]


async def test_line_of_5_mib_is_a_line(tmp_path: Path) -> None:
    async with odd_chat(tmp_path, "sends_5_mib") as chat:
        said = await chat.ask("!")
        assert said == "x" * 5 * 1024 * 1024 + "!"


async def test_line_over_the_limit_ends_the_agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    limit = 256 * 1024
    monkeypatch.setattr(process, "LINE_LIMIT", limit)
    async with odd_chat(tmp_path, "sends_an_endless_line") as chat:
        await chat.open()
        agent = processes(chat.pool)[0]
        async with asyncio.timeout(BOUND):
            end = await chat.prompt("go")
        assert isinstance(end, AgentFailed)
        assert end.lost
        assert end.message.startswith("The agent stopped unexpectedly")
        assert "it wrote a line that is too long" in end.detail
        await ended(agent)  # although it would have gone on writing for ever
        assert agent._pipes.stdout is not None
        assert len(agent._pipes.stdout._buffer) <= 3 * limit
        assert (await chat.open()).agent_session_id
        assert processes(chat.pool) != [agent]


async def test_stop_reason_that_nobody_knows_is_an_ended_turn(tmp_path: Path) -> None:
    async with odd_chat(tmp_path, "ends_bored") as chat:
        await chat.open()
        assert await chat.prompt("hello") == Ended("bored")


@pytest.mark.parametrize("way", ["asks_for_a_file", "asks_for_a_terminal"])
async def test_what_was_not_offered_is_refused(tmp_path: Path, way: str) -> None:
    async with odd_chat(tmp_path, way) as chat:
        assert await chat.ask("go") == "-32601"


async def test_what_comes_after_the_end_reaches_nobody(tmp_path: Path) -> None:
    async with odd_chat(tmp_path, "speaks_after_the_end") as chat:
        assert (await chat.ask("one")).startswith("one")
        heard = list(chat.updates)
        assert await chat.pool.set_mode(1, "any") == ""  # before its answer, the agent speaks again
        assert chat.updates == heard
        await chat.open()
        assert await chat.prompt("two") == Ended("end_turn")
        assert chat.said.startswith("two")


async def test_updates_for_unknown_sessions_are_dropped(tmp_path: Path) -> None:
    async with odd_chat(tmp_path, "replays") as chat:
        await chat.open()
        processes(chat.pool)[0].heard("nobody's session", ThoughtChunk("dropped"))
        assert await chat.ask("hello") == "hello"
