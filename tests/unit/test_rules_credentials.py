"""What looks like a key or a password among words that people see, and what only resembles one."""

import pytest

from gateway.rules.credentials import without_credentials

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


def test_a_long_word_takes_no_time() -> None:
    assert without_credentials(["a-" * 50_000], HIDDEN) == ["a-" * 50_000]
