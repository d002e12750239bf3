"""`carryon doctor` beside a gateway that runs, after one that was killed, and where everything is wrong."""

import json
import os
import subprocess
import sys

import psutil

from adapters.emulators.faults import FaultKind
from adapters.emulators.registry import emulator
from gateway.agents.environment import TOKEN_VARIABLE
from gateway.agents.leftovers import leftovers
from gateway.console.address import socket_path
from gateway.store.sqlite import LEDGER_FILE
from tests.e2e import forked
from tests.e2e.carryon import carryon
from tests.harness.settings import settings, write
from tests.harness.stage import open_stage

WORK = "dig a hole [[tool shovel 10m]]"
PLANTED = {
    "telegram": "4242:PLANTED-telegram",
    "slack": "xoxb-PLANTED-slack",
    "app": "xapp-PLANTED-slack",
    "key": "PLANTED-key-of-an-agent",
}


def by_check(said):
    found = {}
    for one in said.values["findings"]:
        found.setdefault(one["check"], []).append(one)
    return found


def levels(said, check):
    return [one["level"] for one in by_check(said).get(check, [])]


def a_leftover(stage):
    """A process that a dead gateway had noted, and that does not end by itself; the stage sees to its end."""
    notes, token = stage.folder / "state" / "agents" / "processes", f"left-in-{stage.folder}"
    env = {**os.environ, TOKEN_VARIABLE: token, "CARRYON_DEMO_HOME": str(stage.folder / "demo")}
    process = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"], env=env)
    created = psutil.Process(process.pid).create_time()
    (notes / "stubborn.json").write_text(json.dumps({"pid": process.pid, "created": created, "token": token}))
    return process


async def test_beside_a_gateway_on_all_platforms_and_after_its_death(tmp_path):
    async with open_stage(tmp_path, "telegram", "discord", "slack") as stage:
        ann = stage.chat("Ann", "telegram")
        stage.chat("Bob", "discord", channel=True)
        gateway = await stage.start()
        slack, discord = stage.emulators["slack"], stage.emulators["discord"]
        left = discord.starts.standing()["remaining"]
        ann.say(WORK)
        await stage.in_tool("shovel")

        said = await carryon(stage, "doctor", "--json", "--fix")
        grave = [one for one in said.values["findings"] if one["level"] == "problem"]
        assert (said.code, grave) == (0, [])
        assert levels(said, "gateway") == ["ok"]
        assert all(levels(said, f"account {name}")[0] == "ok" for name in stage.emulators)
        assert levels(said, "leftovers") == []
        assert levels(said, "boots") == []  # the one that runs has not ended
        assert levels(said, "socket") == []
        assert discord.starts.standing()["remaining"] == left
        assert slack.socket.connected == 1
        assert stage.emulator.events.since(0, frozenset({"conflict"})) == []
        assert gateway.running

        await gateway.kill()
        folder = stage.folder / "state"
        stubborn = a_leftover(stage)  # the demo agent may end by itself
        said = await carryon(stage, "doctor", "--json", "--offline")
        assert said.code == 0
        assert levels(said, "leftovers") == ["warning"]
        assert levels(said, "boots") == ["ok"]
        assert levels(said, "socket") == ["warning"]
        assert stubborn.poll() is None

        said = await carryon(stage, "doctor", "--fix", "--offline")
        assert said.code == 0
        assert "2 things put right" in said.out
        assert leftovers([folder / "agents"]) == []
        assert stubborn.wait(timeout=30) < 0
        assert not socket_path(folder).exists()

        await stage.start()
        await stage.knows(lambda ledger: ledger.resumes > 0, "a turn that goes on")


async def test_what_keeps_a_running_gateway_from_its_account_is_told(stage):
    gateway = await stage.start()
    stage.fault(FaultKind.SERVER_ERROR, "getUpdates", times=10_000)
    stage.emulator.world.bot().updates.answer_now()
    await gateway.logged("account.lost")
    said = await carryon(stage, "doctor", "--json", "--offline")
    (line,) = [one for one in by_check(said)["gateway"] if one["level"] == "problem"]
    assert said.code == 1
    assert "telegram is not connected: Telegram's server is failing" in line["found"]


async def test_where_everything_is_wrong(tmp_path):
    """Wrong tokens, others' eyes, a ledger of garbage, no program: everything is named, nothing is told."""
    async with emulator("telegram") as telegram, emulator("slack") as slack:
        slack.revoke()
        slack.api.socket_mode = False
        telegram.world.bot_of(PLANTED["telegram"]).webhook = "https://elsewhere.example.org/PLANTED-path"
        values = settings(tmp_path)
        values |= {
            "accounts": {
                "telegram": {**telegram.playground.settings(), "token": PLANTED["telegram"]},
                "slack": {
                    **slack.playground.settings(),
                    "bot_token": PLANTED["slack"],
                    "app_token": PLANTED["app"],
                },
            },
            "agents": {"ghost": {"command": ["no-such-agent"], "env": {"API_KEY": PLANTED["key"]}}},
            "default_agent": "ghost",
            "access": {"default": "deny", "groups": {"respond": "always"}},
        }
        config = write(tmp_path / "gateway.yaml", values)
        config.chmod(0o666)
        state = tmp_path / "state"
        state.mkdir(mode=0o755)
        state.chmod(0o755)
        (state / LEDGER_FILE).write_bytes(b"garbage" * 1000)

        code, out, err = await forked.run(config, ["doctor", "--json"])
        assert (code, err) == (1, "")
        found = {}
        for one in json.loads(out)["findings"]:
            found.setdefault(one["check"], set()).add(one["level"])
        assert found["config"] == {"ok", "warning"}
        assert found["secrets"] == {"problem"}
        assert found["state"] == {"warning"}
        assert found["ledger"] == {"problem"}
        assert found["agent ghost"] == {"problem"}
        assert found["account telegram"] == {"ok", "warning", "problem"}
        assert found["account slack"] == {"problem"}

        fixed = await forked.run(config, ["doctor", "--fix"])
        assert fixed[0] == 1
        assert telegram.world.bot_of(PLANTED["telegram"]).webhook == ""
        assert config.stat().st_mode & 0o777 == 0o600
        assert state.stat().st_mode & 0o777 == 0o700
        assert (state / LEDGER_FILE).read_bytes() == b"garbage" * 1000
        for text in (out, err, *fixed[1:]):
            assert "PLANTED" not in text
            assert "Traceback" not in text


async def test_a_config_that_cannot_be_used(tmp_path):
    values = settings(tmp_path)
    values["accounts"] = {
        "slack": {"platform": "slack", "bot_token": PLANTED["app"], "app_token": PLANTED["slack"]}
    }
    config = write(tmp_path / "gateway.yaml", values)
    code, out, err = await forked.run(config, ["doctor"])
    assert (code, err) == (78, "")
    assert "this looks like an app-level token" in out
    assert "this looks like a bot token" in out
    assert "PLANTED" not in out
    code, out, _ = await forked.run(config, ["doctor", "--json"])
    assert code == 78
    assert json.loads(out)["problems"] == 2
    code, out, _ = await forked.run(tmp_path / "nothing.yaml", ["doctor"])
    assert code == 78
    assert "nothing.yaml" in out
