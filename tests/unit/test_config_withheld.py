"""Commands that need no secret work in a shell that has none."""

import pytest

from gateway.config.file import load, load_without_secrets, whereabouts
from gateway.errors import ConfigError

CONFIG = """
state_dir: ./state
accounts:
  telegram: {platform: telegram, token: "${TELEGRAM}"}
  discord: {platform: discord, token: "${file:/nowhere/token}"}
  slack: {platform: slack, bot_token: "${SLACK_BOT}", app_token: "${SLACK_APP}"}
agents: {demo: {command: [carryon-demo-agent], env: {KEY: "${KEY}"}}}
default_agent: demo
http: {token: "${PAGE}"}
"""


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "carryon.yaml"
    path.write_text(CONFIG)
    return path


def test_secrets_that_cannot_be_had_are_left_out(path):
    with pytest.raises(ConfigError) as refused:
        load(path, {})
    assert len(refused.value.problems) == 6
    config = load_without_secrets(path, {})
    assert list(config.accounts) == ["telegram", "discord", "slack"]
    assert config.state_dir == path.parent / "state"
    assert not any(config.secrets())


def test_those_that_can_be_had_are_there(path):
    config = load_without_secrets(path, {"TELEGRAM": "4242:a-token", "PAGE": "0123456789abcdef"})
    assert set(filter(None, config.secrets())) == {"4242:a-token", "0123456789abcdef"}


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("${TELEGRAM}", "no token at all", "accounts.telegram.token"),
        ("./state", "${STATE}", "STATE is not set"),
        ("default_agent: demo", "default_agent: x", "default_agent"),
    ],
)
def test_everything_else_is_as_strict_as_ever(path, old, new, told):
    path.write_text(CONFIG.replace(old, new))
    with pytest.raises(ConfigError, match=told):
        load_without_secrets(path, {})


@pytest.mark.parametrize(
    ("text", "state"),
    [
        (f"{CONFIG}limts: {{}}", "state"),
        (CONFIG.replace("./state", "/var/lib/x").replace("telegram,", "telegrm,"), "/var/lib/x"),
        ("accounts: [", "state"),
        ("", "state"),
        (f"{CONFIG}limts: {{}}".replace("./state", "~nobody-here/x"), "~nobody-here/x"),
        (f"{CONFIG}limts: {{}}".replace("./state", "~/x"), "/home-of-the-service/x"),
        (f"{CONFIG}limts: {{}}".replace("./state", '"a\\0b"'), "state"),
    ],
)
def test_of_a_file_with_problems_it_is_known_where_the_state_is(path, text, state):
    path.write_text(text)
    config, problems = whereabouts(path, {"HOME": "/home-of-the-service"})
    assert config.state_dir == path.parent / state
    assert problems
    assert str(config.store.url) == "sqlite"


def test_the_database_is_known_too(path):
    path.write_text(f"{CONFIG}store: {{url: 'postgresql://u:p@h/d'}}\nlimts: {{}}")
    config, problems = whereabouts(path, {})
    assert len(problems) == 1
    assert "postgresql" in str(config.store.url)
