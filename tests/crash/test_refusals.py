"""When a gateway must not start, it says why and exits with a code that a supervisor understands."""

import sqlite3
from contextlib import closing

EXIT_USABLE_LATER = 1
EXIT_UNUSABLE = 78


async def test_a_second_gateway_on_the_same_state_names_the_first(stage):
    ann = stage.chat("Ann")
    first = await stage.start()
    second = await stage.start(ready=False)
    assert await second.exited() == EXIT_USABLE_LATER
    assert f"process {first.pid}" in second.log.text
    stage.gateways.remove(second)
    await stage.ask(ann, "hello there")
    ann.check()


async def test_a_newer_schema_is_refused_and_left_alone(stage):
    ann = stage.chat("Ann")
    gateway = await stage.start()
    await stage.ask(ann, "hello there")
    assert await gateway.stop() == 0
    with closing(sqlite3.connect(stage.ledger.path)) as raw:
        raw.execute("PRAGMA user_version = 9999")

    gateway = await stage.start(ready=False)
    assert await gateway.exited() == EXIT_UNUSABLE
    assert "schema 9999" in gateway.log.text
    stage.gateways.remove(gateway)
    assert stage.ledger.one("PRAGMA user_version") == 9999
    assert stage.ledger.one("SELECT count(*) FROM boots") == 1


async def test_every_problem_of_a_config_is_told_and_nothing_is_started(stage):
    stage.configure(default_agent="nobody", resume={"max_attempts": "many"}, shutdwon={"drain_timeout": 3})
    gateway = await stage.start(ready=False)
    assert await gateway.exited() == EXIT_UNUSABLE
    for problem in ("default_agent", "resume.max_attempts", "shutdwon"):
        assert problem in gateway.log.text
    assert "gateway.yaml:" in gateway.log.text
    stage.gateways.remove(gateway)
    assert not (stage.folder / "state").exists()
    assert stage.emulator.calls.counts == {}
