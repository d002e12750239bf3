"""A real gateway reads its config file again: told to by `carryon reload`, or by SIGHUP at bad moments."""

import signal

from gateway.operate import STILL_COUNTS
from gateway.reloading.reloader import RESTART
from tests.e2e.carryon import carryon, status

SECRET = "4242:a-rotated-token-of-valid-shape"
LONG = "count the apples [[sleep 10m]]"


async def test_the_command_says_what_counts_and_what_does_not(stage):
    said = await carryon(stage, "reload")
    assert said.code == 1
    assert "no gateway is running" in said.err
    ann = stage.chat("Ann")
    stage.configure(access={"admins": [f"telegram:{ann.id}"]})
    gateway = await stage.start()
    await gateway.logged("boot.started")
    said = await carryon(stage, "reload")
    assert (said.code, said.out) == (0, "nothing changed")
    stage.configure(
        limits={"concurrent_turns": 3},
        accounts={"telegram": {"token": SECRET}},
        agents={"demo": {"env": {"API_KEY": "a-key-that-is-secret"}}},
    )
    said = await carryon(stage, "reload")
    assert said.code == 0
    assert said.out.splitlines() == [
        "accounts.telegram.token: changed, needs a restart",
        "agents.demo.env.API_KEY: added, counts now",
        "limits.concurrent_turns: 3 instead of 64, counts now",
        RESTART,
    ]
    said = await carryon(stage, "status")
    assert "accounts.telegram.token" in said.out
    await stage.ask(ann, "hello")

    stage.configure(limits={"concurrent_turns": 0}, access={"allow": ["nobody:1"]})
    said = await carryon(stage, "reload")
    assert said.code == 78
    assert [line.split(": ")[2] for line in said.err.splitlines()[:-1]] == [
        "access.allow.0",
        "limits.concurrent_turns",
    ]
    assert said.err.endswith(STILL_COUNTS)
    gateway.send(signal.SIGHUP)
    problem = await gateway.logged("config.broken")
    assert "gateway.yaml:" in problem["problem"]
    await stage.ask(ann, "hello again")
    found = (await status(stage))["config"]
    assert found["path"] == str(stage.folder / "gateway.yaml")
    assert found["needs_restart"] == ["accounts.telegram.token"]
    assert len(found["problems"]) == 2
    said = await carryon(stage, "restart")
    assert said.code == 1
    assert "would not start again" in said.err
    ann.say("/restart")
    await stage.shows(ann, "Not restarted: it would not start again")
    said = await carryon(stage, "status")
    assert (said.code, said.out.splitlines()[0].split()[-1]) == (0, "serving")
    assert "the config cannot be used" in said.err
    assert await gateway.stop() == 0
    for secret in (SECRET, "a-key-that-is-secret"):
        assert secret not in gateway.log.text


async def test_no_hang_up_ends_it_and_many_are_one(stage):
    ann = stage.chat("Ann")
    gateway = await stage.start(ready=False)
    await gateway.logged("boot.started")
    for _ in range(50):
        gateway.send(signal.SIGHUP)
    await gateway.ready()
    await stage.ask(ann, "hello")
    stage.configure(shutdown={"drain_timeout": "5m"})
    for _ in range(500):
        gateway.send(signal.SIGHUP)
    await carryon(stage, "reload")
    ann.say(LONG)
    await stage.at_work("count the apples")
    gateway.send(signal.SIGTERM)
    await gateway.logged("drain.started", wait=300.0)
    gateway.send(signal.SIGHUP)
    await status(stage)
    gateway.send(signal.SIGTERM)
    for _ in range(500):
        gateway.send(signal.SIGHUP)
    assert await gateway.exited() == 0
    assert stage.ledger.stopped_cleanly
    assert gateway.log.count("config.reloaded") == 1
