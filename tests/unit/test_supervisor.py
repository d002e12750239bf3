"""Signs of life, states and their order, for whoever supervises the gateway."""

import asyncio
import os
import threading
import time
from dataclasses import replace

import pytest

from gateway.agents.environment import environment
from gateway.agents.spec import AgentSpec
from gateway.clock import SystemClock
from gateway.model.operation import AccountStatus, GatewayStatus, Intent, Phase, RunningTurn
from gateway.supervisor import LOOK_SECONDS, Supervisor, status_line
from tests.harness.ear import Ear, says
from tests.harness.waiting import within
from tests.helpers.clock import ManualClock, until

SERVING = GatewayStatus(
    boot_id=1,
    pid=1,
    uptime=0.0,
    phase=Phase.SERVING,
    intent=None,
    deadline=None,
    ledger_writable=True,
    breaker_open=False,
    accounts=(
        AccountStatus("telegram", connected=True),
        AccountStatus("slack", connected=False, why="\x1b[2J"),
    ),
    running=(RunningTurn(1, 1, 2.0), RunningTurn(2, 2, 1.0)),
    lanes=2,
    queued_chats=0,
)
WAITING = replace(SERVING, phase=Phase.WAITING, intent=Intent.STOP, deadline=21.5)


class Operations:
    """A gateway that is in whatever state a test says. Only its status is ever asked for."""

    def __init__(self, status=SERVING):
        self.state = status
        self.looked = 0

    def status(self):
        self.looked += 1
        return self.state


@pytest.fixture
def ear(tmp_path):
    with Ear(str(tmp_path / "notify")) as opened:
        yield opened


@pytest.mark.parametrize(
    ("given", "socket", "watchdog"),
    [
        ({}, "", None),
        ({"NOTIFY_SOCKET": "/run/x"}, "/run/x", None),
        ({"NOTIFY_SOCKET": "@x", "WATCHDOG_USEC": "3000000"}, "@x", 3.0),
        ({"NOTIFY_SOCKET": "@x", "WATCHDOG_USEC": "3000000", "WATCHDOG_PID": str(os.getpid())}, "@x", 3.0),
        ({"NOTIFY_SOCKET": "@x", "WATCHDOG_USEC": "3000000", "WATCHDOG_PID": "1"}, "@x", None),
        ({"NOTIFY_SOCKET": "@x", "WATCHDOG_USEC": "0"}, "@x", None),
        ({"NOTIFY_SOCKET": "@x", "WATCHDOG_USEC": "soon"}, "@x", None),
        ({"NOTIFY_SOCKET": "vsock:2:1234"}, "", None),
        ({"NOTIFY_SOCKET": "relative"}, "", None),
    ],
)
def test_what_the_environment_says(given, socket, watchdog):
    found = Supervisor.from_environment(given)
    assert (found._address, found._watchdog) == (socket, watchdog)


def test_an_agent_is_told_of_no_supervisor():
    world = {"NOTIFY_SOCKET": "/run/x", "WATCHDOG_USEC": "1", "WATCHDOG_PID": "1", "PATH": "/bin"}
    assert not environment(AgentSpec("demo", ("demo",)), "token", world).keys() & {*world} - {"PATH"}


async def test_without_a_supervisor_nothing_is_looked_at():
    idle = Operations()
    silent = Supervisor.from_environment({})
    silent.ready()
    await silent.attend(idle, ManualClock())
    silent.stopping()
    assert idle.looked == 0


async def test_signs_of_life_come_at_half_the_time_and_news_when_there_is_some(ear):
    clock, gateway = ManualClock(), Operations()
    supervisor = Supervisor(ear.address, watchdog=3.0)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(supervisor.attend(gateway, clock))
        for number in range(1, 4):
            await until(lambda wanted=number: gateway.looked == wanted)
            await asyncio.sleep(0)
            clock.advance(1.5)
        task.cancel()
    assert set(clock.slept) == {1.5}
    assert ear.listen() == [{"WATCHDOG": "1", "STATUS": status_line(SERVING)}] + [{"WATCHDOG": "1"}] * 2


async def test_a_stop_is_told_when_there_is_no_way_back(ear):
    clock, gateway = ManualClock(), Operations()
    supervisor = Supervisor(ear.address)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(supervisor.attend(gateway, clock))
        for phase in (Phase.SERVING, Phase.WAITING, Phase.WAITING, Phase.CUTTING, Phase.FLUSHING):
            gateway.state = replace(WAITING, phase=phase)
            wanted = gateway.looked + 1
            clock.advance(LOOK_SECONDS)
            await until(lambda wanted=wanted: gateway.looked >= wanted)
            await asyncio.sleep(0)
        task.cancel()
    supervisor.stopping()
    extended = {"EXTEND_TIMEOUT_USEC": "60000000"}
    assert ear.listen() == [
        {"STATUS": status_line(SERVING)},
        {"STATUS": status_line(WAITING), **extended},
        extended,
        {"STATUS": status_line(replace(WAITING, phase=Phase.CUTTING)), "STOPPING": "1"},
        {"STATUS": status_line(replace(WAITING, phase=Phase.FLUSHING))},
    ]


def test_a_reload_says_when_it_began(ear):
    supervisor = Supervisor(ear.address)
    before = time.monotonic_ns() // 1000
    supervisor.reloading()
    supervisor.ready()
    first, second = ear.listen()
    assert first.keys() == {"RELOADING", "MONOTONIC_USEC"}
    assert before <= int(first["MONOTONIC_USEC"]) <= time.monotonic_ns() // 1000
    assert second == {"READY": "1"}


def test_what_the_socket_has_no_room_for_is_not_lost(tmp_path):
    with Ear(str(tmp_path / "notify")) as ear:
        supervisor = Supervisor(ear.address)
        sent = 0
        while not supervisor._owed:  # until the kernel takes no more
            supervisor.reloading()
            sent += 1
        supervisor.ready()
        assert len(ear.listen()) == sent - 1
        supervisor._look(SERVING)
        (late,) = ear.listen()
        assert (late["RELOADING"], late["READY"], late["STATUS"]) == ("1", "1", status_line(SERVING))


def test_a_supervisor_that_is_away_is_no_trouble(tmp_path):
    supervisor = Supervisor(str(tmp_path / "notify"))
    supervisor.ready()
    supervisor._look(SERVING)
    with Ear(str(tmp_path / "notify")) as ear:
        supervisor._look(SERVING)
        assert ear.listen() == [{"READY": "1", "STATUS": status_line(SERVING)}]


@pytest.mark.parametrize(
    ("status", "line"),
    [
        (SERVING, "1 of 2 accounts connected (not slack); 2 running turns"),
        (WAITING, "draining: waiting at most 30 s more; 2 running turns"),
        (replace(WAITING, phase=Phase.FLUSHING, running=()), "stopping: flushing; 0 running turns"),
        (
            replace(SERVING, accounts=(), running=(), ledger_writable=False),
            "0 of 0 accounts connected; 0 running turns; THE LEDGER CANNOT BE WRITTEN",
        ),
    ],
)
def test_the_line_for_people(status, line):
    assert status_line(status) == line


async def test_a_loop_that_is_stuck_gives_no_sign_of_life(tmp_path):
    """One loop is blocked while another one gives five signs; let go, it gives signs again."""
    stuck, freed = threading.Event(), threading.Event()

    def block():
        stuck.set()
        freed.wait()

    async def attended(address):
        await Supervisor(address, watchdog=0.02).attend(Operations(), SystemClock())

    def live(loop):
        task = loop.create_task(attended(ears[0].address))
        loop.call_soon_threadsafe(tasks.append, task)
        with pytest.raises(asyncio.CancelledError):
            loop.run_until_complete(task)
        loop.close()

    tasks, loop = [], asyncio.new_event_loop()
    with Ear(str(tmp_path / "a")) as first, Ear(str(tmp_path / "b")) as second:
        ears = (first, second)
        async with asyncio.TaskGroup() as group:
            thread = group.create_task(asyncio.to_thread(live, loop))
            own = group.create_task(attended(second.address))
            try:
                await within(first.until(says("WATCHDOG")), "the first sign of life")
                loop.call_soon_threadsafe(block)
                await within(asyncio.to_thread(stuck.wait), "a loop that is stuck")
                first.listen()
                for _ in range(5):
                    await within(second.until(says("WATCHDOG")), "signs of life of the other loop")
                assert first.listen() == [], "something else than the loop says that it lives"
                freed.set()
                await within(first.until(says("WATCHDOG")), "a sign of life after that")
            finally:
                freed.set()
                loop.call_soon_threadsafe(tasks[0].cancel)
                await thread
                own.cancel()
