"""What agents do wrong when they load a session. The ledger is the truth: a replay proves, and no more."""

from dataclasses import replace
from pathlib import Path

import pytest

from gateway.agents.spec import ResumePolicy
from gateway.model.agent import AgentFailed, Ended, OpenFailed, UsageReport
from gateway.model.session import ResumeMode
from gateway.rules.note import TRANSCRIPT_MARKER
from tests.contract.agents import Chat, hostile_spec, odd_chat, pool_of, processes


@pytest.mark.parametrize(("way", "reason"), [
    ("load_error", "refused to load the session: Internal error: Session not found"),
    ("cannot_load", "cannot load sessions"),
    ("empty_load", "without any of its history"),
    ("breaks_at_load", "stopped while it loaded"),
])  # fmt: skip
async def test_load_that_fails_is_a_reason_to_bootstrap(tmp_path: Path, way: str, reason: str) -> None:
    async with odd_chat(tmp_path, way) as chat:
        chat.remember().agent_session_id = before = "the-session-from-before"
        opened = await chat.open()
        assert opened.mode is ResumeMode.BOOTSTRAP
        assert reason in opened.reason
        assert before not in opened.reason
        assert opened.preamble.startswith(TRANSCRIPT_MARKER)


async def test_agent_that_breaks_while_loading_is_given_up_where_native_is_required(tmp_path: Path) -> None:
    spec = replace(hostile_spec(tmp_path, "breaks_at_load"), resume=ResumePolicy.NATIVE_REQUIRED)
    async with pool_of(spec) as pool:
        failed = await Chat(pool, agent="odd").remember().try_open()
        assert isinstance(failed, OpenFailed)
        assert "odd stopped answering" in failed.message
        assert processes(pool) == []


@pytest.mark.parametrize(("way", "preset", "last"), [
    ("replays", "", "doomed"),
    ("replays_without_the_doomed", "", "first"),
    ("replays_swapped", "", "first"),
    ("replays_merged", "", "first\n\ndoomed"),
    ("replays_in_pieces", "", "doomed"),
    ("replays_a_false_completion", "", "doomed"),
    ("replays_a_note_of_its_own", "", "doomed"),
    ("replays_files", "", "doomed"),
    ("replays_files_as_words", "", "doomed"),
    ("replays_late", "", "doomed"),
    ("replays_late", "gemini", "doomed"),
    ("replays_half_late", "gemini", "doomed"),
])  # fmt: skip
async def test_replay_proves_the_load_and_is_not_taken_for_an_answer(
    tmp_path: Path, way: str, preset: str, last: str
) -> None:
    async with odd_chat(tmp_path, way, preset=preset, env={"HOME": str(tmp_path)}) as chat:
        opened = await chat.remember().open()
        assert (opened.mode, opened.agent_session_id) == (ResumeMode.NATIVE, "s0")
        assert opened.last_replayed == last
        assert await chat.prompt("new") == Ended("end_turn")
        assert chat.said == "new"
        assert len(chat.updates) == 1  # neither the killed tool call nor its false completion


@pytest.mark.parametrize("way", ["empty_load", "counts_and_refuses"])
async def test_refusal_without_a_word_after_loading_means_that_the_session_is_lost(
    tmp_path: Path, way: str
) -> None:
    async with odd_chat(tmp_path, way) as chat:
        chat.remember().ended_turns = 0  # so that no replay is expected
        await forgotten(chat)


@pytest.mark.parametrize("way", ["forgets_in_words", "forgets_in_other_words", "forgets_with_a_code"])
async def test_agent_that_does_not_know_the_session_at_the_prompt_has_lost_it(
    tmp_path: Path, way: str
) -> None:
    async with odd_chat(tmp_path, way) as chat:
        chat.remember().ended_turns = 0
        await forgotten(chat)


async def forgotten(chat: Chat) -> None:
    """The prompt fails as one that can be given again, and then it is given with a transcript."""
    assert (await chat.open()).mode is ResumeMode.NATIVE
    end = await chat.prompt("hello")
    assert isinstance(end, AgentFailed)
    assert (end.lost, end.forgotten) == (True, True)
    assert "lost this conversation" in end.message
    assert all(isinstance(update, UsageReport) for update in chat.updates)
    opened = await chat.open()
    assert opened.mode is ResumeMode.BOOTSTRAP
    assert "the agent had lost the session" in opened.reason
    assert opened.preamble.startswith(TRANSCRIPT_MARKER)
    assert await chat.prompt("hello") == Ended("end_turn")
    assert chat.said == f"{chat.preamble}|hello"
