"""What a real gateway tells its service manager, in which order, on a real datagram socket."""

import socket
import uuid

import psutil

from gateway.model.boot import BootState
from tests.e2e.carryon import request
from tests.harness.ear import Ear, says

FAST = "200000"
"""Microseconds of a watchdog, so that the gateway looks at itself ten times a second."""


async def test_ready_alive_drained_undone_and_stopped(stage):
    ann = stage.chat("Ann")
    stage.configure(shutdown={"drain_timeout": "10m"})
    with Ear(f"@carryon-{uuid.uuid4()}") as ear:
        world = {"NOTIFY_SOCKET": ear.address, "WATCHDOG_USEC": FAST}
        gateway = await stage.start(env=world, ready=False)

        async def hears(name, part=""):
            return await gateway.until(ear.until(says(name, part)), f"{name}={part}")

        await hears("READY")
        assert ear.heard == [{"READY": "1"}], "nothing comes before it"
        assert stage.ledger.one("SELECT state FROM boots") == BootState.SERVING
        await hears("STATUS", "1 of 1 account connected; 0 running turns")
        ann.say("count for ever [[tool scales 10m]]")
        await hears("STATUS", "1 running turn")
        await stage.in_tool("scales")
        for process in psutil.Process(gateway.pid).children(recursive=True):
            assert not world.keys() & process.environ().keys(), "an agent is told of the supervisor"
        for _ in range(3):
            await hears("WATCHDOG")

        gateway.terminate()
        await hears("STATUS", "draining: waiting at most 600 s more; 1 running turn")
        await hears("EXTEND_TIMEOUT_USEC", "60000000")
        assert (await request(stage, "POST", "/undrain"))[0] == 200
        await hears("STATUS", "1 of 1 account connected; 1 running turn")
        assert not ear.all("STOPPING"), "there was a way back"

        gateway.terminate()
        await hears("STATUS", "draining")
        await hears("WATCHDOG")
        gateway.terminate()
        await hears("STOPPING")
        assert await gateway.exited() == 0
        ear.listen()
        assert (ear.all("READY"), ear.all("STOPPING")) == (["1"], ["1"])
        after = ear.heard[next(n for n, message in enumerate(ear.heard) if "STOPPING" in message) :]
        assert not [message for message in after if "EXTEND_TIMEOUT_USEC" in message]


async def test_it_is_ready_although_the_platform_is_down(stage, tmp_path):
    stage.tolerated.add("account.crashed")
    with socket.socket() as closed, Ear(str(tmp_path / "notify")) as ear:
        closed.bind(("127.0.0.1", 0))  # nobody listens: a connection is refused
        port = closed.getsockname()[1]
        stage.configure(accounts={"telegram": {"api_url": f"http://127.0.0.1:{port}"}})
        others = {"NOTIFY_SOCKET": ear.address, "WATCHDOG_USEC": FAST, "WATCHDOG_PID": "1"}
        gateway = await stage.start(env=others, ready=False)
        await gateway.until(ear.until(says("READY")), "READY")
        down = says("STATUS", "0 of 1 account connected (not telegram); 0 running turns")
        await gateway.until(ear.until(down), "its state")
        assert await gateway.stop() == 0
        ear.listen()
        assert ear.heard[-1].get("STOPPING") == "1"
        assert not ear.all("WATCHDOG"), "the watchdog is meant for another process"
