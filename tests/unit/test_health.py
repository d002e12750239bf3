"""When the gateway is ready for people, and when it is not."""

import asyncio
import json
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from gateway.console.health import routes
from gateway.console.readiness import reasons
from gateway.model.operation import Intent
from gateway.ports import LedgerUnavailableError
from tests.helpers.doors import ANN, fresh_doors
from tests.helpers.fakes import Answer, ScriptedAgents
from tests.helpers.ledgers import ACCOUNT
from tests.helpers.watched import watched


@asynccontextmanager
async def gateway(folder, **more):
    """A house whose operations see the accounts that its intake hears of."""
    async with fresh_doors(folder, **more) as it:
        it.operations._parts = replace(it.operations._parts, accounts=it.intake._parts.accounts)
        yield it


async def full(it, is_full):
    """Have the disk be full, or have room again."""

    def run(raw):
        (pages,) = raw.execute("PRAGMA page_count").fetchone()
        raw.execute(f"PRAGMA max_page_count = {pages if is_full else 1_000_000}")

    await it.it.ledger.store._committer.connection.run(run)


def words(it):
    return [reason.partition(":")[0] for reason in reasons(it.operations.status())]


async def test_each_reason_and_its_end(tmp_path):
    answer = Answer(held=asyncio.Event())
    agents = ScriptedAgents()
    agents.answers.append(answer)
    async with gateway(tmp_path, agents=agents, ready=False) as it:
        assert words(it) == ["starting"]
        it.intake.lost(ACCOUNT, "the network is down")
        assert words(it) == ["accounts"]
        await it.intake.ready(ACCOUNT)
        assert words(it) == []
        it.intake.lost(ACCOUNT, "the network is down")
        assert words(it) == ["accounts"]
        await it.intake.ready(ACCOUNT)

        await it.hear(ANN, "work")
        await it.it.at_work()
        stopping = asyncio.ensure_future(it.it.drain.run())
        it.operations.stop(Intent.STOP, 60.0)
        await it.it.quiet()
        assert words(it) == ["draining"]
        it.operations.undrain()
        await it.it.quiet()
        assert words(it) == []
        answer.held.set()
        await it.it.idle()
        stopping.cancel()


async def test_law_11_health_says_that_the_ledger_cannot_be_written(tmp_path):
    async with gateway(tmp_path) as it:
        await full(it, True)
        with pytest.raises(LedgerUnavailableError):
            await it.it.ledger.say("x" * 100_000)
        assert words(it) == ["ledger"]
        it.intake.lost(ACCOUNT, "gone")
        assert words(it) == ["ledger", "accounts"]
        await full(it, False)
        await it.it.ledger.say("x" * 100_000)
        assert words(it) == ["accounts"]


async def test_what_is_answered(tmp_path):
    async with (
        gateway(tmp_path, ready=False) as it,
        watched(routes=routes(it.operations), clock=it.it.clock) as http,
    ):
        answer = await http.ask("GET", "/readyz")
        assert answer.status == 503
        told = json.loads(answer.text)
        assert told == {"ready": False, "reasons": ["starting: no account has connected yet"]}
        assert f'"{told["reasons"][0]}"' in [line.strip().rstrip(",") for line in answer.text.splitlines()]
        assert ACCOUNT not in answer.text
        # A platform that is down is no reason to be killed.
        assert (await http.ask("GET", "/healthz")).status == 200
        await it.intake.ready(ACCOUNT)
        answer = await http.ask("GET", "/readyz")
        assert (answer.status, json.loads(answer.text)) == (200, {"ready": True, "reasons": []})
