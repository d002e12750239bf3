"""Agents that cannot be started, or that are not what they seem: told in words, with nothing left running."""

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.agents.environment import TOKEN_VARIABLE
from gateway.model.agent import OpenFailed
from tests.contract.agents import BOUND, Chat, becomes, hostile_spec, odd_chat, pool_of, processes

VERSION = (
    "The agent odd could not be started: it speaks version 2 of the Agent Client Protocol, "
    "and this gateway speaks version 1."
)


@pytest.mark.parametrize(("way", "message", "detail"), [
    ("hangs_at_initialize", "The agent odd did not answer within 0.3 s of its start.", "still running"),
    ("exits_at_start", "The agent odd stopped while it was starting.",
     "exit status 3; it last wrote: no key found in the settings"),
    ("speaks_version_2", VERSION, "still running"),
    ("needs_login", "The agent odd is not logged in. Whoever runs the gateway has to log it in.",
     "Authentication required (-32000)"),
])  # fmt: skip
async def test_agent_that_cannot_be_used(tmp_path: Path, way: str, message: str, detail: str) -> None:
    limit = 0.3 if way == "hangs_at_initialize" else BOUND
    async with odd_chat(tmp_path, way, start_timeout=limit) as chat:
        assert await chat.try_open() == OpenFailed(message, detail)
        assert processes(chat.pool) == []


async def test_wrong_command_names_the_agent(tmp_path: Path) -> None:
    wrong = replace(hostile_spec(tmp_path, "asks"), command=("no-such-agent-anywhere",))
    async with pool_of(wrong) as pool:
        failed = await Chat(pool, agent="odd").try_open()
    assert isinstance(failed, OpenFailed)
    assert failed.message == "The agent odd could not be started: its command was not found."
    assert "no-such-agent-anywhere" in failed.detail


async def test_directory_that_cannot_be_made_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    nowhere = replace(hostile_spec(tmp_path, "asks"), cwd=str(tmp_path / "file" / "below"))
    async with pool_of(nowhere) as pool:
        failed = await Chat(pool, agent="odd").try_open()
    assert isinstance(failed, OpenFailed)
    assert failed.message == "The agent odd could not be started: its working directory cannot be made."
    assert "file" in failed.detail


async def test_environment_that_cannot_be_one_is_no_bug(tmp_path: Path) -> None:
    odd = replace(hostile_spec(tmp_path, "asks"), env={"B=C": "x"})
    async with pool_of(odd) as pool:
        failed = await Chat(pool, agent="odd").try_open()
    assert isinstance(failed, OpenFailed)
    assert failed.message == "The agent odd could not be started."


async def test_closing_does_not_wait_for_an_agent_that_hangs_at_its_start(tmp_path: Path) -> None:
    async with odd_chat(tmp_path, "hangs_at_initialize", start_timeout=1000) as chat:
        opening = asyncio.ensure_future(chat.try_open())
        notes = tmp_path / "agents" / "processes"
        await becomes(lambda: notes.is_dir() and any(notes.iterdir()), "the note of a started process")
        async with asyncio.timeout(BOUND):
            await chat.pool.close()
            assert isinstance(await opening, OpenFailed)


async def test_environment_holds_nothing_of_the_gateways(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TELEGRAM_BOT_TOKEN", "secret")
    monkeypatch.setenv("LC_TIME", "C")
    async with odd_chat(tmp_path, "tells_its_environment", env={"API_KEY": "given"}) as chat:
        told = json.loads(await chat.ask("hello"))
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
