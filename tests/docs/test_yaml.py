"""Every piece of a config file in the pages can be used, put into a small one that is complete."""

import pytest
from ruamel.yaml import YAML

from gateway.config.file import attempt
from gateway.config.models import Config
from tests.docs import papers

MINIMAL = {
    "accounts": {
        "telegram": {"platform": "telegram", "token": "${TELEGRAM_BOT_TOKEN}"},
        "discord": {"platform": "discord", "token": "${DISCORD_BOT_TOKEN}"},
        "slack": {"platform": "slack", "bot_token": "${SLACK_BOT_TOKEN}", "app_token": "${SLACK_APP_TOKEN}"},
    },
    "agents": {"demo": {"command": ["carryon-demo-agent"]}},
    "default_agent": "demo",
}
ENVIRON = {
    "TELEGRAM_BOT_TOKEN": "4242:a-token-of-valid-shape",
    "DISCORD_BOT_TOKEN": "MTEwMDAwMDAwMDAwMDAwNDI0Mg.a-token.of-valid-shape-that-names-a-bot",
    "SLACK_BOT_TOKEN": "xoxb-a-token-of-valid-shape",
    "SLACK_APP_TOKEN": "xapp-a-token-of-valid-shape",
    "ANTHROPIC_API_KEY": "a-key", "GEMINI_API_KEY": "a-key", "CARRYON_HTTP_TOKEN": "0123456789abcdef",
    "DATABASE_URL": "postgresql://carryon:a-password@127.0.0.1/carryon", "HOME": "/home/me",
}  # fmt: skip
OTHERS = {"display_information": "a manifest of Slack"}
"""What is YAML and no config, by its first key."""

BLOCKS = [one for page in papers.pages() for one in papers.blocks(page) if one.kind == "yaml"]


def read(text):
    return YAML(typ="safe").load(text)


@pytest.mark.parametrize("block", BLOCKS, ids=lambda one: one.place)
def test_it_can_be_used(block, tmp_path):
    values = read(block.text)
    if next(iter(values)) in OTHERS:
        return
    config = tmp_path / "gateway.yaml"
    (tmp_path / "secret").write_text("a-secret-of-some-length")
    whole = MINIMAL | values
    if "default_agent" not in values:
        whole["default_agent"] = next(iter(whole["agents"]))
    with config.open("w") as file:
        YAML(typ="safe").dump(whole, file)
    text = config.read_text().replace("/run/secrets/anthropic", str(tmp_path / "secret"))
    config.write_text(text)
    found, reading = attempt(config, ENVIRON)
    assert found is not None, f"{block.place}: {reading.messages()}"
    assert set(values) <= set(Config.model_fields)


def test_there_are_many():
    assert len(BLOCKS) > 15


def test_one_that_cannot_be_used_is_found(tmp_path):
    bad = papers.Block("a page", 1, "yaml", "limits: {messages_per_usr: 5/1m}\n")
    with pytest.raises(AssertionError, match="messages_per_usr"):
        test_it_can_be_used(bad, tmp_path)
