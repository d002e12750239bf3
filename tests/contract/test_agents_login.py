"""Agents that want to be told to take a key: done once, where they have been given it."""

from pathlib import Path

import pytest

from gateway.model.agent import OpenFailed
from gateway.model.session import ResumeMode
from tests.contract.agents import Chat, odd_chat, processes

NOT_LOGGED_IN = OpenFailed(
    "The agent odd is not logged in. Whoever runs the gateway has to log it in.",
    "Authentication required (-32000)",
)
GIVEN = {"ODD_API_KEY": "k"}


@pytest.mark.parametrize(("way", "method"), [("logs_in_by_key", "mine"), ("logs_in_by_id", "odd-api-key")])
async def test_an_agent_is_told_to_take_its_key(tmp_path: Path, way: str, method: str) -> None:
    async with odd_chat(tmp_path, way, env=GIVEN) as chat:
        assert await chat.ask("hello") == f'[["authenticate", "{method}"]]'


@pytest.mark.parametrize("way", ["logs_in_by_key", "logs_in_by_id"])
async def test_so_it_is_before_it_loads(tmp_path: Path, way: str) -> None:
    async with odd_chat(tmp_path, way, env=GIVEN) as chat:
        assert (await chat.remember().open()).mode is ResumeMode.NATIVE


@pytest.mark.parametrize(("way", "env"), [
    ("logs_in_by_key", {}),
    ("logs_in_by_key", {"ODD_API_KEY": ""}),
    ("logs_in_by_key", {"TERMINAL_API_KEY": "k", "ODD_HOST": "h"}),
    ("logs_in_by_id", {"OAUTH": "k"}),
    ("refuses_its_key", GIVEN),
])  # fmt: skip
async def test_else_it_is_not_logged_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str, env: dict[str, str]
) -> None:
    monkeypatch.setenv("OTHER_KEY", "the gateway's own")
    async with odd_chat(tmp_path, way, env=env) as chat:
        assert await chat.try_open() == NOT_LOGGED_IN
        assert processes(chat.pool) == []


async def test_a_key_that_is_refused_is_offered_once(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    async with odd_chat(tmp_path, "refuses_its_key", env=GIVEN) as chat:
        assert isinstance(await chat.remember().try_open(), OpenFailed)
    assert "".join(capfd.readouterr()).count("agent.login_failed") == 1


async def test_what_needs_a_person_is_not_tried(tmp_path: Path) -> None:
    async with odd_chat(tmp_path, "needs_login", env=GIVEN) as chat:
        assert await Chat(chat.pool, agent="odd").try_open() == NOT_LOGGED_IN
