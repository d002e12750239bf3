"""The agents' port against agents that misbehave. Nothing may hang, leak, or surface as a traceback."""

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from gateway.agents.environment import TOKEN_VARIABLE
from gateway.agents.spec import ResumePolicy
from gateway.model.agent import AgentFailed, CancelledPrompt, Ended, OpenFailed, ThoughtChunk
from gateway.model.session import ResumeMode
from gateway.model.turn import HistoryTurn, TurnState
from tests.contract.agents import BOUND, Chat, ended, hostile_spec, pool_of, processes
from tests.harness.waiting import glance, within

HISTORY = (HistoryTurn(1, TurnState.COMPLETED, "", "first", "answer"),)


def is_thought(update: object) -> bool:
    return isinstance(update, ThoughtChunk)


async def test_much_standard_error_neither_hangs_nor_fills_the_disk(tmp_path: Path) -> None:
    spec = hostile_spec(tmp_path, "writes_much_to_stderr", log_bytes=64 * 1024)
    async with pool_of(spec) as pool:
        for text in ("one", "two"):
            assert await Chat(pool, agent="odd").ask(text) == text
        process = processes(pool)[0]
    await ended(process)
    log = (tmp_path / "agents" / "odd.log").read_bytes()
    assert log.endswith(b"the end\n")
    assert len(log) <= 128 * 1024


async def test_rubbish_on_standard_output_is_skipped(tmp_path: Path) -> None:
    async with pool_of(hostile_spec(tmp_path, "prints_rubbish")) as pool:
        assert await Chat(pool, agent="odd").ask("hello") == "hello"


async def test_hang_at_initialize_ends_in_words(tmp_path: Path) -> None:
    async with pool_of(hostile_spec(tmp_path, "hangs_at_initialize", start_timeout=0.3)) as pool:
        failed = await Chat(pool, agent="odd").try_open()
        assert isinstance(failed, OpenFailed)
        assert failed.message == "The agent odd did not answer within 0.3 s of its start."
        assert processes(pool) == []


async def test_exit_at_start_tells_the_last_words(tmp_path: Path) -> None:
    async with pool_of(hostile_spec(tmp_path, "exits_at_start")) as pool:
        failed = await Chat(pool, agent="odd").try_open()
    assert isinstance(failed, OpenFailed)
    assert failed.message == "The agent odd stopped while it was starting."
    assert failed.detail == "exit status 3; it last wrote: no key found in the settings"


async def test_wrong_command_names_the_agent(tmp_path: Path) -> None:
    spec = hostile_spec(tmp_path, "")
    wrong = type(spec)("odd", ("no-such-agent-anywhere",), home=tmp_path)
    async with pool_of(wrong) as pool:
        failed = await Chat(pool, agent="odd").try_open()
    assert isinstance(failed, OpenFailed)
    assert failed.message == "The agent odd could not be started: its command was not found."
    assert "no-such-agent-anywhere" in failed.detail


async def test_login_required_has_its_own_sentence(tmp_path: Path) -> None:
    async with pool_of(hostile_spec(tmp_path, "needs_login")) as pool:
        failed = await Chat(pool, agent="odd").try_open()
        assert isinstance(failed, OpenFailed)
        assert failed.message.startswith("The agent odd is not logged in.")
        assert processes(pool) == []


async def test_unknown_stop_reason_is_an_ended_turn(tmp_path: Path) -> None:
    async with pool_of(hostile_spec(tmp_path, "unknown_stop_reason")) as pool:
        chat = Chat(pool, agent="odd")
        await chat.open()
        assert await chat.prompt("hello") == Ended("bored")


async def test_error_is_one_bounded_line_with_what_the_agent_said(tmp_path: Path) -> None:
    async with pool_of(hostile_spec(tmp_path, "refuses")) as pool:
        chat = Chat(pool, agent="odd")
        await chat.open()
        end = await chat.prompt("hello")
    assert isinstance(end, AgentFailed)
    assert not end.lost
    assert "the model is overloaded" in end.message
    assert "\n" not in end.message
    assert len(end.message) < 400


async def test_load_that_succeeds_without_history_is_no_resume(tmp_path: Path) -> None:
    async with pool_of(hostile_spec(tmp_path, "empty_load", replay_timeout=0.1)) as pool:
        chat = Chat(pool, agent="odd")
        chat.agent_session_id, chat.history, chat.ended_turns = "made-up", HISTORY, 1
        opened = await chat.open()
        assert opened.mode is ResumeMode.BOOTSTRAP
        assert "without any of its history" in opened.reason


async def test_refusal_without_a_word_after_loading_means_that_the_session_is_lost(tmp_path: Path) -> None:
    async with pool_of(hostile_spec(tmp_path, "empty_load")) as pool:
        chat = Chat(pool, agent="odd")
        chat.agent_session_id, chat.history = "made-up", HISTORY  # no ended turn, so no replay is expected
        assert (await chat.open()).mode is ResumeMode.NATIVE
        end = await chat.prompt("hello")
        assert isinstance(end, AgentFailed)
        assert end.lost
        assert "lost this conversation" in end.message
        chat.agent_session_id = "made-up"
        opened = await chat.open()
        assert opened.mode is ResumeMode.BOOTSTRAP
        assert "lost the session" in opened.reason


@pytest.mark.parametrize(("way", "reason"), [
    ("load_error", "refused to load the session: Internal error: Session not found"),
    ("cannot_load", "cannot load sessions"),
])  # fmt: skip
async def test_load_that_fails_is_a_reason_to_bootstrap(tmp_path: Path, way: str, reason: str) -> None:
    async with pool_of(hostile_spec(tmp_path, way)) as pool:
        chat = Chat(pool, agent="odd")
        chat.agent_session_id, chat.history, chat.ended_turns = "s0", HISTORY, 1
        opened = await chat.open()
        assert opened.mode is ResumeMode.BOOTSTRAP
        assert reason in opened.reason


async def test_agent_that_breaks_while_loading_is_given_the_transcript_instead(tmp_path: Path) -> None:
    async with pool_of(hostile_spec(tmp_path, "breaks_at_load")) as pool:
        chat = Chat(pool, agent="odd")
        chat.agent_session_id, chat.history, chat.ended_turns = "s0", HISTORY, 1
        opened = await chat.open()
        assert opened.mode is ResumeMode.BOOTSTRAP
        assert "stopped while it loaded" in opened.reason


async def test_agent_that_breaks_while_loading_is_given_up_where_native_is_required(tmp_path: Path) -> None:
    spec = replace(hostile_spec(tmp_path, "breaks_at_load"), resume=ResumePolicy.NATIVE_REQUIRED)
    async with pool_of(spec) as pool:
        chat = Chat(pool, agent="odd")
        chat.agent_session_id, chat.history = "s0", HISTORY
        failed = await chat.try_open()
        assert isinstance(failed, OpenFailed)
        assert "odd stopped answering" in failed.message
        assert processes(pool) == []


async def test_late_replay_proves_the_resume_and_is_not_taken_for_an_answer(tmp_path: Path) -> None:
    async with pool_of(hostile_spec(tmp_path, "late_replay")) as pool:
        chat = Chat(pool, agent="odd")
        chat.agent_session_id, chat.history, chat.ended_turns = "s0", HISTORY, 1
        opened = await chat.open()
        assert opened.mode is ResumeMode.NATIVE
        assert opened.last_replayed == "the first half and the second"
        await chat.prompt("new")
        assert chat.said == "new"


async def test_last_replayed_is_the_last_message_of_the_user(tmp_path: Path) -> None:
    async with pool_of(hostile_spec(tmp_path, "replays")) as pool:
        chat = Chat(pool, agent="odd")
        chat.agent_session_id, chat.ended_turns = "s0", 1
        assert (await chat.open()).last_replayed == "second"


@pytest.mark.parametrize(("way", "end", "held"), [
    ("silent", CancelledPrompt(), False),
    ("silent_until_cancelled", CancelledPrompt(), False),
    ("finishes_when_cancelled", Ended("end_turn"), True),
])  # fmt: skip
async def test_cancelling(tmp_path: Path, way: str, end: object, held: bool) -> None:
    async with pool_of(hostile_spec(tmp_path, way, drain_timeout=0.3)) as pool:
        chat = Chat(pool, agent="odd")
        await chat.open()
        first = processes(pool)[0]
        async with asyncio.TaskGroup() as tasks:
            prompt = tasks.create_task(chat.prompt("hello"))
            await chat.heard(is_thought)
            await pool.cancel(1)
        assert prompt.result() == end
        assert pool.holds(1) is held
        await chat.open()
        assert (processes(pool)[0] is first) is held  # a quarantined process is replaced


async def test_result_that_completes_while_a_silent_turn_is_drained_is_kept(tmp_path: Path) -> None:
    async with pool_of(hostile_spec(tmp_path, "finishes_when_cancelled", turn_idle_timeout=0.2)) as pool:
        chat = Chat(pool, agent="odd")
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
        chat = Chat(pool, agent="odd")
        await chat.ask("hello")
        assert not is_over(int(note.read_text()))
        await pool.forget(1)
        assert is_over(int(note.read_text()))


async def test_environment_holds_nothing_of_the_gateways(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TELEGRAM_BOT_TOKEN", "secret")
    monkeypatch.setenv("LC_TIME", "C")
    spec = hostile_spec(tmp_path, "tells_its_environment", env={"API_KEY": "given"})
    async with pool_of(spec) as pool:
        told = json.loads(await Chat(pool, agent="odd").ask("hello"))
    assert told["API_KEY"] == "given"
    assert told["HOME"] == str(tmp_path / "home")
    assert told["LC_TIME"] == "C"
    assert told[TOKEN_VARIABLE]
    allowed = {"PATH", "HOME", "LANG", "TERM", "TZ", "USER", "LOGNAME", "SHELL", "TMPDIR", "API_KEY"}
    unexpected = {name for name in told if not name.startswith("LC_")} - allowed - {TOKEN_VARIABLE}
    assert not unexpected


async def test_working_directory_is_made_for_each_conversation(tmp_path: Path) -> None:
    spec = hostile_spec(tmp_path, "tells_its_directory", cwd=str(tmp_path / "work" / "{session}"))
    async with pool_of(spec) as pool:
        chat = Chat(pool, 7, "odd")
        assert await chat.ask("where") == str(tmp_path / "work" / "7")
        assert chat.cwd == str(tmp_path / "work" / "7")


async def test_updates_for_unknown_sessions_are_dropped(tmp_path: Path) -> None:
    spec = hostile_spec(tmp_path, "replays")
    async with pool_of(spec) as pool:
        chat = Chat(pool, agent="odd")
        chat.agent_session_id, chat.ended_turns = "s0", 1
        await chat.open()
        process = processes(pool)[0]
        process.heard("nobody's session", ThoughtChunk("dropped"))
        assert await chat.ask("hello") == "hello"


def is_over(pid: int) -> bool:
    """Whether a process has ended; a zombie that nobody reaps has."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


async def test_closing_does_not_wait_for_an_agent_that_hangs_at_its_start(tmp_path: Path) -> None:
    spec = hostile_spec(tmp_path, "hangs_at_initialize", start_timeout=1000)
    async with pool_of(spec) as pool:
        opening = asyncio.ensure_future(Chat(pool, agent="odd").try_open())
        notes = tmp_path / "agents" / "processes"
        await within(glance(lambda: notes.is_dir() and any(notes.iterdir())), "the note of a started process")
        async with asyncio.timeout(BOUND):
            await pool.close()
            assert isinstance(await opening, OpenFailed)
