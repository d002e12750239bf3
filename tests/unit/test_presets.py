"""Known agents: what a preset gives, what the config says instead, and what no agent is given."""

from pathlib import Path
from typing import Any, get_args

import pytest

from gateway.agents.environment import TOKEN_VARIABLE, environment
from gateway.agents.presets import PRESETS, PresetName
from gateway.agents.spec import QUIET_TIME, START_TIMEOUT, AgentSpec, PermissionPolicy
from gateway.config.file import load
from gateway.config.models import Config
from gateway.errors import ConfigError
from gateway.policies import agent_spec

GATEWAY = {
    "PATH": "/bin", "HOME": "/home/gateway", "LANG": "C.UTF-8", "LC_TIME": "C", "TZ": "UTC",
    "TELEGRAM_BOT_TOKEN": "secret", "ANTHROPIC_API_KEY": "secret", "CLAUDECODE": "1",
    "CLAUDE_CODE_ENTRYPOINT": "cli", "npm_config_userconfig": "/h/.npmrc", "npm_lifecycle_event": "start",
    "NODE_OPTIONS": "--inspect", "PYTHONPATH": "/gateway", "LD_PRELOAD": "x.so", "CARRYON__STATE_DIR": "/s",
}  # fmt: skip


def spec_of(**agent: Any) -> AgentSpec:
    given = {
        "accounts": {"telegram": {"platform": "telegram", "token": "123456:a-token"}},
        "agents": {"one": agent},
        "default_agent": "one",
    }
    return agent_spec(Config.model_validate(given), "one")


def test_every_name_that_the_config_takes_is_a_preset() -> None:
    assert set(PRESETS) == set(get_args(PresetName))


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_alone_is_an_agent(name: PresetName) -> None:
    preset, spec = PRESETS[name], spec_of(preset=name)
    assert spec.command == preset.command
    assert spec.env == preset.env
    assert spec.quiet_time == (preset.quiet_time or QUIET_TIME)
    assert spec.start_timeout == (preset.start_timeout or START_TIMEOUT)
    assert (spec.name, spec.preset) == ("one", name)
    assert spec.permissions is PermissionPolicy.ASK


def test_keys_of_the_config_go_before_the_presets() -> None:
    spec = spec_of(
        preset="gemini",
        command=["my-gemini", "--acp"],
        env={"GEMINI_CLI_NO_RELAUNCH": "false", "GEMINI_API_KEY": "key"},
        quiet_time="3s",
        start_timeout="5s",
        permissions="deny",
    )
    assert spec.command == ("my-gemini", "--acp")
    assert spec.env == {"GEMINI_CLI_NO_RELAUNCH": "false", "GEMINI_API_KEY": "key"}
    assert (spec.quiet_time, spec.start_timeout) == (3.0, 5.0)
    assert spec.permissions is PermissionPolicy.DENY
    assert spec.preset == "gemini"  # still prepared for a load as it needs to be


def test_a_login_goes_before_an_api_key() -> None:
    login = {"CLAUDE_CODE_OAUTH_TOKEN": "login"}
    key = {"ANTHROPIC_API_KEY": "key", "ANTHROPIC_BASE_URL": "http://127.0.0.1:1"}
    more = {"DISABLE_AUTOUPDATER": "1"}
    assert spec_of(preset="claude", env=key).env == key | more
    assert spec_of(preset="claude", env=key | login).env == login | more
    assert spec_of(command=["claude-agent-acp"], env=key | login).env == key | login


def test_an_unknown_preset_is_refused_with_those_that_are_known(tmp_path: Path) -> None:
    file = tmp_path / "gateway.yaml"
    file.write_text(
        "accounts: {telegram: {platform: telegram, token: '123456:a-token'}}\n"
        "agents:\n  one: {preset: cladue}\ndefault_agent: one\n"
    )
    with pytest.raises(ConfigError) as caught:
        load(file, {})
    assert "agents.one.preset" in str(caught.value)
    assert all(name in str(caught.value) for name in PRESETS)


@pytest.mark.parametrize("name", PRESETS)
def test_agent_is_given_nothing_of_the_gateways_environment_but_the_usual(name: PresetName) -> None:
    given = environment(spec_of(preset=name, env={"API_KEY": "its own"}), "token", GATEWAY)
    usual = {key: GATEWAY[key] for key in ("PATH", "HOME", "LANG", "LC_TIME", "TZ")}
    assert given == {**usual, **PRESETS[name].env, "API_KEY": "its own", TOKEN_VARIABLE: "token"}


def test_its_own_home_goes_before_the_gateways(tmp_path: Path) -> None:
    given = environment(AgentSpec("one", ("x",), home=tmp_path), "token", GATEWAY)
    assert given["HOME"] == str(tmp_path)
    given = environment(AgentSpec("one", ("x",), home=tmp_path, env={"HOME": "/h"}), "token", GATEWAY)
    assert given["HOME"] == "/h"
