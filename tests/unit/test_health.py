"""When the gateway is ready for people, and when it is not."""

import asyncio
import json
import random
from contextlib import asynccontextmanager
from dataclasses import asdict, replace

import pytest

from gateway import standing
from gateway.console.health import routes
from gateway.console.page.concerns import concerns, headline
from gateway.console.readiness import reasons
from gateway.model.browsing import LedgerDamagedError, LedgerUnreadableError
from gateway.model.operation import Intent
from gateway.model.session import ResumeMode
from gateway.ports import LedgerUnavailableError
from gateway.store.browsing import open_browsing
from gateway.store.sqlite import LEDGER_FILE
from gateway.watching import READ_SECONDS, _look_through
from tests.helpers.clock import ManualClock
from tests.helpers.doors import ANN, fresh_doors
from tests.helpers.fakes import Answer, ScriptedAgents
from tests.helpers.groups import killed_group
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


async def scribble(it, folder):
    """Random bytes over every second page, as a disk does that forgets."""
    run, path = it.it.ledger.store._committer.connection.run, folder / LEDGER_FILE
    (size,) = await run(lambda raw: raw.execute("PRAGMA page_size").fetchone())
    await run(lambda raw: raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall())
    with path.open("r+b") as file:
        for start in range(2 * size, path.stat().st_size, 2 * size):
            file.seek(start)
            file.write(random.Random(start).randbytes(size))


FOREVER = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"


async def test_law_11_health_says_that_a_reader_found_damage(tmp_path, monkeypatch):
    lines = []
    monkeypatch.setattr(
        "gateway.engine.operations._log.error", lambda action, **more: lines.append((action, more["why"]))
    )
    async with gateway(tmp_path) as it:
        path, clock, found = tmp_path / LEDGER_FILE, ManualClock(), it.operations.note_damage
        async with open_browsing(path, 0.0, found) as hasty:
            with pytest.raises(LedgerUnreadableError, match="too long"):
                await hasty._read(lambda tx: tx.execute(FOREVER).fetchone())
            with pytest.raises(LedgerUnreadableError, match="no sense"):
                await hasty._read(lambda _tx: ResumeMode("odd"))  # one row, maybe of a newer version
        assert words(it) == lines == []

        async with open_browsing(path, damaged=found) as shelf, killed_group() as group:
            group.create_task(_look_through(shelf, clock))
            await shelf.overview()
            await shelf.overview()  # by now the first look is over
            await scribble(it, tmp_path)
            clock.advance(READ_SECONDS)
            async with asyncio.timeout(20):
                while not lines:
                    await asyncio.to_thread(lambda: None)
            assert words(it) == ["damage"]
            with pytest.raises(LedgerDamagedError):
                await shelf.overview()
        assert lines == [("ledger.damaged", "database disk image is malformed")]
        status = it.operations.status()
        assert status.ledger_writable
        assert headline(status, concerns(status, None, None, clock.now())).text == "The ledger is damaged"
        assert standing._ledger(asdict(status), "").startswith("DAMAGED")
        assert standing._ledger(asdict(replace(status, ledger_damaged=False)), "why").endswith("BE READ")


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
