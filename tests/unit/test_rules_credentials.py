"""What looks like a key or a password among words that people see, and what only resembles one."""

import pytest

from gateway.rules.credentials import unless_secret, without_credentials

HIDDEN = "(hidden)"


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (["run", "--api-key=planted"], ["run", "--api-key=(hidden)"]),
        (["run", "--api-key=-planted"], ["run", "--api-key=(hidden)"]),
        (["run", "--api-key", "planted", "x"], ["run", "--api-key", "(hidden)", "x"]),
        (["run", "-token", "planted"], ["run", "-token", "(hidden)"]),
        (["env", "OPENAI_API_KEY=planted", "x"], ["env", "OPENAI_API_KEY=(hidden)", "x"]),
        (["-H", "Authorization: Bearer planted"], ["-H", "Authorization: Bearer (hidden)"]),
        (["sh", "-c", "TOKEN='a planted' run"], ["sh", "-c", "TOKEN=(hidden) run"]),
        (["sh", "-c", "run --password planted x"], ["sh", "-c", "run --password (hidden) x"]),
        (['{"apiKey": "planted"}'], ['{"apiKey": (hidden)}']),
        (["sk-ant-planted-0"], ["(hidden)"]),
        (["x:ghp_planted0123"], ["x:(hidden)"]),
        (["xoxb-1-planted"], ["(hidden)"]),
    ],
)
def test_what_looks_like_one_is_struck_out(words: list[str], shown: list[str]) -> None:
    assert without_credentials(words, HIDDEN) == shown


@pytest.mark.parametrize(
    "words",
    [
        ["npx", "@scope/package", "--max-tokens=5", "--monkey=3", "--keyfile=/a/b"],
        ["--token", "--verbose"],
        ["--tokenizer", "bpe"],
        ["task-runner-something", "desk-something-long", "sk-1"],
        ["http://***@host/?key=***"],
        ["keyboard: on", ""],
    ],
)
def test_what_only_resembles_one_is_left(words: list[str]) -> None:
    assert without_credentials(words, HIDDEN) == words


@pytest.mark.parametrize(
    "name",
    [
        "telegram-production-bot-2",
        "sk-production-bot-2",
        "TELEGRAM_BOT_TOKEN",
        "CARRYON__agents__demo__turn_idle_timeout",
        "/run/secrets/Telegram-Token-2026",
        "telegram:7262626262",
        "127.0.0.1:8080",
        "gateway.agents.demo",
        "d" * 40,
        "7" * 40,
    ],
)
def test_what_people_call_things_is_no_secret(name: str) -> None:
    assert unless_secret(name) == name


def test_a_long_word_takes_no_time() -> None:
    for name in ("a-" * 50_000, "1A" * 50_000 + ".", "a" * 100_000, "1" * 100_000):
        unless_secret(name)
    assert without_credentials(["a-" * 50_000], HIDDEN) == ["a-" * 50_000]
