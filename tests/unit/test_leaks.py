"""The search for secrets finds what is there: else it would prove nothing."""

import json

from tests.harness.leaks import PLANTED, kept_logs, leaks, secrets_of, session_ids
from tests.harness.settings import TOKEN, settings
from tests.helpers.ledgers import opened


def test_every_secret_of_a_config_is_looked_for(tmp_path):
    values = settings(tmp_path)
    values["accounts"]["slack"] = {"bot_token": "xoxb-0123456789", "app_token": "xapp-0123456789"}
    values["http"]["token"] = "a-token-for-the-page"
    assert secrets_of(values) == {
        PLANTED,
        TOKEN,
        "xoxb-0123456789",
        "xapp-0123456789",
        "a-token-for-the-page",
    }


def test_a_secret_is_found_plain_and_as_json_spells_it():
    secret = 'half"of\\it'
    texts = {"log": f"before {secret} after", "page": json.dumps({"x": secret}), "clean": "nothing"}
    found = leaks(texts, [secret])
    assert sorted(line.partition(":")[0] for line in found) == ["log", "page"]
    assert leaks({"clean": "nothing"}, [secret]) == []


async def test_agents_session_ids_are_secrets(tmp_path):
    async with opened("sqlite", tmp_path) as ledger:
        start = await ledger.begin((await ledger.say("x")).session_id)
        await ledger.store.record_opening(start.turn_id, "demo", "a-session-of-the-agent", "/", "fresh", "")
        assert session_ids(tmp_path) == {"a-session-of-the-agent"}
    assert session_ids(tmp_path / "nowhere") == frozenset()


def test_kept_logs_are_read(tmp_path):
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "gateway.jsonl").write_text("x")
    assert kept_logs(tmp_path) == {"gateway.jsonl": "x"}
