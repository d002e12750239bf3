"""The config models by themselves, and what importing them costs."""

import subprocess
import sys
from typing import get_args

import pytest
from pydantic import ValidationError

from adapters.manifest import Manifest
from adapters.registry import PLATFORMS, manifest
from adapters.telegram.manifest import TelegramAccount
from gateway import errors
from gateway.config import types as config_types
from gateway.config.models import AgentConfig, Config
from gateway.config.types import parse_duration
from gateway.model.session import Reason

TOKEN = "123456:the-real-bot-token-AAF"


def whole(**more: object) -> Config:
    telegram = {"platform": "telegram", "token": TOKEN}
    given = {
        "accounts": {"telegram": telegram},
        "agents": {"demo": {"command": ["x"]}},
        "default_agent": "demo",
    }
    return Config.model_validate(given | more)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("500ms", 0.5),
        ("30s", 30.0),
        ("10m", 600.0),
        ("1h", 3600.0),
        ("2d", 172800.0),
        ("1.5h", 5400.0),
        ("30", 30.0),
        (" 5s ", 5.0),
        (30, 30.0),
        (0.25, 0.25),
        (0, 0.0),
        ("365d", 31536000.0),
    ],
)
def test_durations(text: object, seconds: float) -> None:
    assert parse_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "s",
        "1h30m",
        "-1s",
        "1 s",
        "1S",
        "٣s",
        "1e3",
        "nan",
        "366d",
        "9" * 99,
        -1,
        True,
        None,
        [],
        1e300,
        10**400,
    ],
)
def test_texts_that_are_no_durations(text: object) -> None:
    with pytest.raises(ValueError, match="a duration such as 500ms"):
        parse_duration(text)


def test_defaults() -> None:
    config = whole()
    agent = config.agents["demo"]
    assert (agent.turn_idle_timeout, agent.idle_timeout, agent.max_processes) == (600.0, 900.0, 8)
    assert (agent.resume, agent.processes, agent.cwd, dict(agent.env)) == (
        "native_preferred",
        "per_session",
        None,
        {},
    )
    assert (config.resume.freshness, config.resume.breaker.window, config.shutdown.drain_timeout) == (
        3600.0,
        300.0,
        30.0,
    )
    assert config.access.default == "deny"


def test_models_are_frozen() -> None:
    config = whole()
    for part, key in ((config, "default_agent"), (config.agents["demo"], "cwd"), (config.log, "level")):
        with pytest.raises(ValidationError):
            setattr(part, key, "x")


def test_an_account_has_the_type_of_its_platform() -> None:
    account = whole().accounts["telegram"]
    assert isinstance(account, TelegramAccount)
    assert account.token.get_secret_value() == TOKEN
    assert whole(accounts={"telegram": account}).accounts["telegram"] == account


def test_secrets_do_not_show_in_texts() -> None:
    env = {"KEY": "a-key-of-some-length", "DEBUG": "1"}
    config = whole(agents={"demo": {"command": ["x"], "env": env}})
    for text in (repr(config), str(config), config.model_dump_json()):
        assert TOKEN not in text
        assert "a-key-of-some-length" not in text
    assert config.secrets() == (TOKEN, "a-key-of-some-length")


def test_pydantic_does_not_repeat_values() -> None:
    with pytest.raises(ValidationError) as caught:
        whole(accounts={"telegram": {"platform": "telegram", "token": [TOKEN], "x": TOKEN}})
    assert TOKEN not in str(caught.value)


def test_names_must_exist() -> None:
    with pytest.raises(ValidationError, match="no agent has this name; allowed: demo"):
        whole(default_agent="other")
    with pytest.raises(ValidationError, match="no account has the name"):
        whole(access={"admins": ["slack:U1"]})


def test_working_directory() -> None:
    config = whole(
        state_dir="/var/lib/x",
        agents={"demo": {"command": ["x"]}, "b": {"command": ["x"], "cwd": "/w/{session}"}},
    )
    assert config.cwd("demo") == "/var/lib/x/workspaces/{session}"
    assert config.cwd("b") == "/w/{session}"


def test_reasons_are_those_of_the_sessions() -> None:
    assert set(get_args(config_types.Reason)) == {reason.value for reason in Reason} - {
        Reason.RESUME_LOOP,
        Reason.STOPPED,
        Reason.SUPERSEDED,
        Reason.AGENT_FAILED,
        Reason.RESTORED,
    }


def test_the_schema_can_be_generated() -> None:
    schema = Config.model_json_schema()
    assert set(schema["properties"]) == set(Config.model_fields)
    assert "TelegramAccount" in schema["$defs"]


@pytest.mark.parametrize("platform", PLATFORMS)
def test_manifests(platform: str) -> None:
    found = manifest(platform)
    assert isinstance(found, Manifest)
    assert found.platform == platform
    assert found.connect.count(":") == 1
    assert found.text_limit > 0
    assert found.typing_seconds > 0
    assert "platform" in found.account_model.model_fields


def test_loading_a_config_imports_no_sdk() -> None:
    code = (
        "import sys, gateway.config.file, gateway.log\n"
        "gateway.config.file.load('config/local.yaml', {})\n"
        "print(*sorted({'aiogram', 'aiohttp', 'acp', 'aiosqlite', 'typer', 'psutil'} & set(sys.modules)))\n"
        "import gateway.cli\n"
        "lazy = 'schema', 'show', 'values', 'check', 'warnings'\n"
        "print(*sorted({f'gateway.config_{one}' for one in lazy} & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == ""


@pytest.mark.parametrize(
    ("error", "code", "parts"),
    [
        (errors.CarryonError("x"), 1, ("x",)),
        (errors.ConfigError(["a", "b"]), 78, ("a\nb",)),
        (errors.StateLocked("/s", 42), 1, ("/s", "process 42", "stop the other one")),
        (errors.StateLocked("/s", None), 1, ("another process",)),
        (errors.SchemaTooNew(9, 4), 78, ("schema 9", "up to 4", "newer version")),
        (errors.LedgerUnavailable("disk full"), 1, ("disk full", "free space")),
    ],
)
def test_errors_speak_to_people(error: errors.CarryonError, code: int, parts: tuple[str, ...]) -> None:
    assert error.exit_code == code
    for part in parts:
        assert part in str(error)


def test_agents_may_be_built_by_hand() -> None:
    assert AgentConfig(command=("x",), turn_idle_timeout="5s").turn_idle_timeout == 5.0  # pyright: ignore[reportArgumentType]
