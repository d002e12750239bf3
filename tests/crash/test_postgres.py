"""A gateway whose ledger is on PostgreSQL: killed, and cut off from its database."""

import asyncio

import pytest

from gateway.store.postgres.exclusive import CLASS
from tests.harness.server_ledger import ServerLedger
from tests.helpers.postgres import new_database

WORK = "count the apples [[sleep 700ms]]"
TOOL = "bake a cake [[tool oven 700ms]]"
END_ALL = (
    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
    "WHERE application_name LIKE 'carryon %' AND datname = current_database()"
)
WAITING_FOR_IT = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"


@pytest.fixture
def database(stage):
    made = new_database()
    stage.configure(store={"url": made.url})
    stage.ledger = ServerLedger(made.url)
    return made


async def test_law_01_a_killed_gateway_goes_on_from_its_database(stage, database):
    plain, tool, late = (stage.chat(name) for name in ("Ann", "Bob", "Cid"))
    gateway = await stage.start()
    plain.say(WORK)
    tool.say(TOOL)
    await stage.at_work(WORK)
    await stage.in_tool("oven")
    plain.say("and the pears")
    await stage.knows(lambda ledger: ledger.heard(plain.id) == 2, "a message in the queue")
    await gateway.kill()
    late.say("good evening")

    await stage.start()
    for chat in stage.chats:
        await stage.answered(chat, chat.asked[-1])
    await stage.settled()

    for chat in stage.chats:
        chat.check()
        assert chat.in_order
    assert stage.memory.heard("count the apples") == 1
    assert stage.memory.ran("oven") == 1
    assert stage.ledger.resumes == 2
    assert all(mode == "native" for mode in stage.ledger.modes_of_resumes)
    assert not (stage.folder / "state" / "ledger.db").exists()
    assert await stage.gateway.stop() == 0
    assert stage.ledger.stopped_cleanly


async def test_law_11_a_gateway_outlives_the_end_of_its_connections(stage, database):
    ann = stage.chat("Ann")
    gateway = await stage.start()
    ann.say(WORK)
    await stage.at_work(WORK)
    assert stage.ledger.one(END_ALL) == 2
    await stage.answered(ann, WORK)
    await gateway.logged("ledger.connected_again")
    await stage.ask(ann, "and the pears")
    await stage.settled()
    ann.check()
    assert stage.memory.heard("count the apples") == 1
    assert stage.ledger.resumes == 0


async def test_a_gateway_whose_ledger_was_taken_ends_itself(stage, database):
    ann = stage.chat("Ann")
    gateway = await stage.start()
    ann.say(WORK)
    await stage.at_work(WORK)
    with database.connect() as raw:
        schema = raw.execute("SELECT 'public'::regnamespace::oid::int").fetchone()[0]
        taking = asyncio.to_thread(raw.execute, "SELECT pg_advisory_lock(%s, %s)", (CLASS, schema))
        taken = asyncio.ensure_future(taking)
        await stage.knows(lambda ledger: ledger.one(WAITING_FOR_IT), "somebody who waits for the ledger")
        assert stage.ledger.one(END_ALL) == 2
        await taken
        assert await gateway.exited() == 1
        assert stage.ledger.one("SELECT state FROM turns") == "running"
    (told,) = gateway.log.bugs()
    assert "is in use by" in told["text"]
    stage.tolerated.add(told["action"])

    await stage.start()
    await stage.answered(ann, WORK)
    await stage.settled()
    ann.check()
    assert stage.ledger.resumes == 1
