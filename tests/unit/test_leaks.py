"""The search for secrets finds what is there: else it would prove nothing."""

import json

import aiohttp
from aiohttp import web

from tests.harness import secrecy
from tests.harness.leaks import PLANTED, kept_logs, leaks, secrets_of, session_ids
from tests.harness.settings import TOKEN, settings
from tests.helpers.ledgers import opened

pytest_plugins = ["pytester"]


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


async def test_what_a_server_shows_is_looked_at():
    async def page(_request):
        return web.Response(text=f"<p>{PLANTED}</p>")

    app = web.Application()
    app.router.add_get("/", page)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    async with aiohttp.ClientSession(trace_configs=[secrecy.overheard()]) as client:
        await (await client.get(f"http://127.0.0.1:{port}/")).text()
    await runner.cleanup()
    (found,) = secrecy.said([])
    assert found.startswith("GET http://127.0.0.1")
    assert secrecy.said([]) == []


def test_what_a_test_prints_is_looked_at():
    sections = [("Captured stdout call", "all is well"), ("Captured stderr call", f'{{"key": "{PLANTED}"}}')]
    (found,) = secrecy.said(sections)
    assert found.startswith("Captured stderr call")


def test_a_test_that_shows_a_secret_fails(pytester, monkeypatch):
    pytester.makeconftest("from tests.harness.secrecy import pytest_runtest_makereport")
    pytester.makepyfile("""
        def test_shows(): print("for your eyes only")
        def test_does_not(): print("all is well")
        def test_fails_anyhow(): assert False, "for your eyes only"
    """)
    with monkeypatch.context() as planted:
        planted.setattr(secrecy, "MARKS", ("for your eyes only",))
        scope = ("-o", "asyncio_default_fixture_loop_scope=function")  # else it warns
        result = pytester.runpytest_inprocess("-p", "no:cacheprovider", "-p", "no:randomly", *scope)
    result.assert_outcomes(passed=1, failed=2)
    result.stdout.fnmatch_lines(["a secret was shown"])
