"""What the demo calls connected is connected to the gateway that runs now, not to the one before."""

import asyncio
import io
import signal
import sys
from contextlib import asynccontextmanager

from gateway.demo.keeper import Keeper, Phase
from gateway.demo.play import Play
from gateway.demo.premises import Premises
from gateway.demo.screen import Screen
from gateway.demo.stage import Stage
from tests.harness.waiting import glance, within

# Started as `... --config FILE run`, it polls once and then waits for its end.
POLLER = """
import json, sys, urllib.request
account = json.load(open(sys.argv[2]))["accounts"]["telegram"]
urllib.request.urlopen(f"{account['api_url']}/bot{account['token']}/getUpdates?timeout=50").read()
"""


@asynccontextmanager
async def opened(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    premises = Premises((sys.executable, "-c", POLLER))
    try:
        async with Stage(("telegram",)) as stage:
            premises.write_config(stage.accounts())
            yield stage, premises
    finally:
        premises.clear(keep=False)


def killed(process):
    """Dead before anything else can happen in this process: the emulator has not seen it yet."""
    process.kill()
    process.wait()


async def test_the_play_goes_on_when_the_connections_are_gone(tmp_path, monkeypatch):
    async with opened(tmp_path, monkeypatch) as (stage, premises), asyncio.TaskGroup() as group:
        play = Play(stage, premises, Screen(io.StringIO()), group)
        stage.follow(group)
        gateway = await within(play._start("starts"), "a connection")
        killed(gateway)
        assert stage.connected() == ("telegram",)
        assert await within(play._end(gateway, signal.SIGKILL), "the end") == -signal.SIGKILL
        assert stage.connected() == ()
        stage.leave()


async def test_the_page_calls_it_down_when_the_connections_are_gone(tmp_path, monkeypatch):
    async with opened(tmp_path, monkeypatch) as (stage, premises):
        keeper = Keeper(premises, stage, lambda *_: None)
        async with asyncio.TaskGroup() as group:
            running = group.create_task(keeper.run(lambda: None))
            keeper.start()
            await within(glance(lambda: keeper.phase is Phase.UP), "a connection")
            killed(keeper.process)
            keeper._look()
            assert (stage.connected(), keeper.start()) == (("telegram",), False)
            await within(glance(lambda: keeper.phase is Phase.DOWN), "the end")
            assert stage.connected() == ()
            running.cancel()
