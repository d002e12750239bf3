"""`carryon status`: what a running gateway says, what the ledger says, and both of a stopped one."""

import json
import shutil
import subprocess
import sys

import pytest

from gateway import operate, standing
from gateway.config.file import load
from gateway.errors import CarryonError
from gateway.model.delivery import Rejected
from gateway.model.session import Reason, ResumeMode
from gateway.model.turn import TurnState
from gateway.operate import ELSEWHERE
from gateway.store.lock import hold_state
from gateway.store.sqlite import LEDGER_FILE
from tests.helpers.ledgers import notice, opened

LIVE = {
    "boot_id": 3,
    "pid": 4242,
    "uptime": 7_300.0,
    "phase": "serving",
    "intent": None,
    "deadline": None,
    "ledger_writable": True,
    "breaker_open": False,
    "accounts": [{"name": "telegram", "connected": True, "why": "", "found": 2, "too_old": 0}],
    "running": [{"turn_id": 9, "session_id": 4, "seconds": 12.0}],
    "lanes": 1,
    "queued_chats": 0,
    "continued": {"native": 2},
    "config": {"path": "x", "loaded_at": 1.0, "needs_restart": [], "problems": []},
}


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "carryon.yaml"
    path.write_text(
        "state_dir: ./state\naccounts: {telegram: {platform: telegram, token: '1:x'}}\n"
        "agents: {demo: {command: [carryon-demo-agent]}}\ndefault_agent: demo\n"
    )
    return load(path, {})


async def troubled(config):
    """A ledger with one of everything; the time of its last moment."""
    async with opened("sqlite", config.state_dir) as ledger:
        cut = await ledger.interrupted("build the \x1b[31mrelease", "1")
        await ledger.store.schedule_resumes([cut.session.id], ledger.tick())
        resumed = await ledger.begin(cut.session.id)
        await ledger.store.record_opening(resumed.turn_id, "demo", "s", "/w", ResumeMode.NATIVE, "loaded")
        await ledger.end(resumed.turn_id, TurnState.COMPLETED)
        await ledger.interrupted("dig", "2")
        paused = (await ledger.say("idle", "3")).session_id
        await ledger.store.suspend(paused, Reason.MANUAL, (), ledger.tick())
        (refused,) = await ledger.store.notify(paused, notice("x"), ledger.tick())
        await ledger.store.claim(refused.id, ledger.tick())
        await ledger.store.settle(refused.id, Rejected("blocked"), ledger.tick())
        return ledger.now


async def test_a_stopped_gateway_with_work_left(config):
    now = await troubled(config)
    said = standing.status(config, None, now + 120, json=False)
    assert "No gateway is running" in said
    assert "died without stopping, 2 min ago" in said
    assert "waiting: 1 message" in said
    assert "interrupted: 1 (restart_interrupted); suspended: 1" in said
    assert "session 2 (telegram 2) resume pending: restart_interrupted" in said
    assert "suspended: manual" in said
    assert "`carryon sessions resume 3`" in said
    assert "deliveries: 1 rejected" in said
    assert "\x1b" not in said


async def test_a_running_gateway_and_what_its_last_start_found(config):
    now = await troubled(config)
    said = standing.status(config, LIVE, now, json=False).splitlines()
    assert said[0] == "boot 3, process 4242, up 2 h 1 min: serving"
    assert "ledger: writable" in said
    assert "account telegram: connected; found 2 messages from while it was away" in said
    assert "turn 9 of session 4: running for 12 s" in said
    assert "last start: just now, after a crash of boot 2" in said
    assert "boot 2 left 1 turn unfinished: 1 not gone on with" in said


async def test_trouble_is_said_first_hand(config):
    await troubled(config)
    live = {
        **LIVE,
        "ledger_writable": False,
        "breaker_open": True,
        "phase": "waiting",
        "intent": "restart",
        "deadline": 7.2,
        "config": {"needs_restart": ["accounts.slack"], "problems": ["a.yaml:3:1: no"]},
    }
    said = standing.status(config, live, 2_000.0, json=False)
    for words in (
        "CANNOT BE WRITTEN",
        "crashed too often",
        "restart in at most 7 s",
        "`carryon restart`: accounts.slack",
        "a.yaml:3:1: no",
    ):
        assert words in said


async def test_json_has_all_of_it(config):
    now = await troubled(config)
    found = json.loads(standing.status(config, LIVE, now, json=True))
    assert (found["up"], found["boot_id"]) == (True, 3)
    ledger = found["ledger"]
    assert (ledger["waiting"], ledger["suspended"]) == (1, 1)
    assert ledger["pending_by_reason"] == {"restart_interrupted": 1}
    assert [one["session"] for one in ledger["pending"]] == [2, 3]
    assert ledger["deliveries"] == {"rejected": 1}
    assert [one["end"] for one in ledger["boots"]] == ["running", "crashed", "crashed"]
    assert ledger["boots"][2]["continued"][0]["mode"] == "native"
    assert json.loads(standing.status(config, None, now, json=True))["up"] is False


def test_a_gateway_that_does_not_answer_yet(config):
    program = "import sys, pathlib; from gateway.store.lock import hold_state\n"
    program += "with hold_state(pathlib.Path(sys.argv[1])): print('held', flush=True); sys.stdin.read()"
    words = [sys.executable, "-c", program, str(config.state_dir)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "held\n"
        said = standing.status(config, None, 1.0, json=False)
        assert said == (
            f"Process {process.pid} holds {config.state_dir} and does not answer: "
            "it is starting, stopping or stuck."
        )
        process.stdin.close()
        process.wait(30)
    assert "none ever was" in standing.status(config, None, 1.0, json=False)


def test_without_a_ledger_and_with_one_that_is_none(config):
    said = standing.status(config, None, 1.0, json=False)
    assert said == f"No gateway is running on {config.state_dir}, and none ever was. {ELSEWHERE}"
    for asked in (operate.reload, operate.undrain, lambda config: list(operate.stop(config, "stop", None))):
        with pytest.raises(CarryonError, match=r"none ever was\. If one runs .* `CARRYON__state_dir="):
            asked(config)
    with hold_state(config.state_dir), pytest.raises(CarryonError, match=r"running on \S+$"):
        operate.undrain(config)
    assert ELSEWHERE in standing.status(config, None, 1.0, json=False)
    shutil.rmtree(config.state_dir)
    assert json.loads(standing.status(config, None, 1.0, json=True)) == {"up": False, "ledger": None}
    config.state_dir.mkdir()
    (config.state_dir / LEDGER_FILE).write_text("garbage" * 1000)
    said = standing.status(config, LIVE, 1.0, json=False)
    assert "boot 3" in said
    assert "the ledger cannot be used" in said
    first, second = standing.status(config, None, 1.0, json=False).splitlines()
    assert first == f"No gateway is running on {config.state_dir}.", "nobody knows whether one ever was"
    assert "the ledger cannot be used" in second
    found = json.loads(standing.status(config, None, 1.0, json=True))
    assert (found["ledger"], found["ledger_problem"]) == (None, second)
