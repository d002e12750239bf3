"""`carryon agents check` and `list`: what an agent really does, and that nothing else is touched by it."""

import asyncio
import os
import signal
import sys

import psutil
import pytest

from tests.contract.agents import HOSTILE
from tests.e2e.carryon import carryon
from tests.harness.gateway import CARRYON
from tests.harness.settings import write
from tests.harness.waiting import glance, within

SECRET = "sk-a-key-that-must-not-be-shown"
TRANSCRIPT = ("does not go on with its own session", "by a transcript")
WAYS = {  # what is said of each, and what is to be done
    "at its start": {
        "exits_at_start": ("stopped while it was starting", "run its program once by hand"),
        "hangs_at_initialize": ("did not answer its start within 2 s", "hangs_at_initialize.start_timeout"),
        "missing": ("not found on PATH", "agents.missing.command"),
        "gem": ("not found on PATH", "npm install -g @google/gemini-cli"),
    },
    "in a session": {
        "needs_login": ("not logged in", "agents.needs_login.env"),
        "fails_for_its_key": ("not logged in", "agents.fails_for_its_key.env"),
        "refuses_settings": ("does not take the mode reckless", "the modes that it offers: careful, bold"),
    },
    "in a turn": {"silent": ("did not answer a prompt within 4 s", "longer --timeout")},
    "when it loads": {
        "empty_load": TRANSCRIPT,
        "load_error": TRANSCRIPT,
    },
    "after it has loaded": {
        "breaks_at_load": ("stopped answering when it had to load its session", "by hand"),
        "replays": ("remembers nothing", "write resume: bootstrap into agents.replays"),
    },
}
BY_TRANSCRIPT = {"empty_load", "load_error", "replays"}


def hostile(stage, way, *arguments, **keys):
    """The config of an agent that misbehaves; MARK is inherited by whatever it starts."""
    command = [sys.executable, "-S", "-E", str(HOSTILE), way, *arguments]
    return {"command": command, "env": {"MARK": str(stage.folder)}, **keys}


def left(stage):
    """The processes of a stage's hostile agents, wherever they went."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("MARK") == str(stage.folder):
                found.append(process)
        except (psutil.Error, OSError):
            continue
    return found


async def test_the_demo_agent_beside_a_gateway_that_it_serves(stage):
    ann = stage.chat("Ann")
    await stage.start()
    await stage.ask(ann, "remember plums")
    await stage.settled()
    state = stage.folder / "state"
    notes = {path: path.read_text() for path in (state / "agents" / "processes").glob("*.json")}
    assert notes

    said = await carryon(stage, "agents", "check", "--json")
    (found,) = said.values
    assert (said.code, found["ok"], found["resume"]) == (0, True, "native"), said
    assert found["name"] == "carryon-demo-agent"
    assert found["modes"] == ["echo", "shout"]
    assert found["commands"] == 1
    assert found["processes"] == 1
    assert 10 < found["memory_mb"] < 500
    assert found["left_behind"] == []
    assert "tokens" in said.err

    assert {path: path.read_text() for path in (state / "agents" / "processes").glob("*.json")} == notes
    assert stage.ledger.one("SELECT count(*) FROM sessions") == 1
    await stage.ask(ann, "what do you know [[recall]]")
    assert stage.ledger.rows("SELECT resume_mode FROM turns ORDER BY id")[-1] == ("live",)


@pytest.mark.parametrize("when", WAYS)
async def test_what_is_wrong_and_what_to_do(stage, when):
    """One agent does not keep the next from being checked."""
    agents = {way: hostile(stage, way, start_timeout="2s") for way in WAYS[when]}
    for name, keys in (
        ("refuses_settings", {"mode": "reckless"}),
        ("missing", {"command": ["no-such-program"]}),
        ("gem", {"preset": "gemini", "command": ["no-such-program"]}),
    ):
        if name in agents:
            agents[name].update(keys)
    stage.configure(agents=agents)
    timeout = "4s" if when == "in a turn" else "60s"
    said = await carryon(stage, "agents", "check", "--json", "--timeout", timeout)
    assert said.code == 1
    demo, *found = said.values
    assert demo["ok"] or when == "in a turn", demo
    assert [one["agent"] for one in found] == list(WAYS[when])
    for one in found:
        problem, advice = WAYS[when][one["agent"]]
        assert not one["ok"]
        assert problem in one["problem"], one
        assert advice in one["advice"], one
        assert one["resume"] == ("bootstrap" if one["agent"] in BY_TRANSCRIPT else None), one
    assert left(stage) == []


async def test_one_agent_for_people(stage):
    stage.configure(
        agents={"plain": hostile(stage, "cannot_load"), "broken": hostile(stage, "exits_at_start")}
    )
    said = await carryon(stage, "agents", "check", "plain")
    assert said.code == 0, said
    assert "broken" not in said.out
    assert "resume        bootstrap: the agent cannot load sessions" in said.out
    assert said.out.splitlines()[-1] == "  All is well: after a restart it is given the transcript."

    said = await carryon(stage, "agents", "check", "broken")
    assert said.code == 1
    assert "last wrote: no key found in the settings" in said.out
    assert said.out.splitlines()[-1].startswith("  PROBLEM: ")


async def test_one_that_never_loads_is_wrong_where_only_that_will_do(stage):
    stage.configure(agents={"plain": hostile(stage, "cannot_load", resume="native_required")})
    said = await carryon(stage, "agents", "check", "plain")
    assert said.code == 1
    assert "native_required each restart stops its conversations" in said.out


async def test_nothing_that_an_agent_started_outlives_the_check(stage):
    child = stage.folder / "child"
    agents = {"parent": hostile(stage, "has_a_child", str(child)), "deaf": hostile(stage, "outlives_sigterm")}
    stage.configure(agents=agents)
    for name in agents:
        said = await carryon(stage, "agents", "check", name, "--json")
        assert said.values[0]["processes"] == (2 if name == "parent" else 1), said
        assert said.values[0]["left_behind"] == []
    assert child.exists()
    assert left(stage) == []


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
async def test_a_signal_ends_the_check_and_the_agent(stage, number, code):
    stage.configure(agents={"stuck": hostile(stage, "hangs_at_initialize")})
    config = write(stage.folder / "gateway.yaml", stage.values)
    process = await asyncio.create_subprocess_exec(
        CARRYON, "--config", str(config), "agents", "check", "stuck",
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        await within(glance(lambda: left(stage) or None), "the agent's process")
        os.kill(process.pid, number)
        out, err = await within(process.communicate(), "the end of the check")
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == code
    assert "was stopped" in err.decode()
    assert b"Traceback" not in out + err
    assert left(stage) == []


async def test_without_a_prompt_nothing_is_said_and_nothing_proven(stage):
    said = await carryon(stage, "agents", "check", "demo", "--no-prompt", "--json")
    (found,) = said.values
    assert (said.code, said.err) == (0, "")
    assert found["resume"] is None
    assert found["resume_reason"].startswith("not proven: ")
    assert found["answer_seconds"] is None
    assert stage.memory.prompts == []


async def test_an_agent_that_loses_what_was_never_said_is_not_blamed(stage):
    stage.configure(agents={"odd": hostile(stage, "load_error", resume="native_required")})
    said = await carryon(stage, "agents", "check", "odd", "--no-prompt", "--json")
    assert (said.code, said.values[0]["resume"]) == (0, None), said
    assert "Session not found" in said.values[0]["resume_reason"]


async def test_no_secret_and_no_whole_session_id_is_shown(stage):
    code = "import os, sys; sys.stderr.write('bad key ' + os.environ['KEY'] + '\\x1b[2J'); sys.exit(1)"
    stage.configure(agents={"leaky": {"command": [sys.executable, "-c", code], "env": {"KEY": SECRET}}})
    for form in ((), ("--json",)):
        said = await carryon(stage, "agents", "check", "leaky", *form)
        assert said.code == 1
        assert "bad key [redacted]" in said.out
        assert SECRET not in said.out + said.err
        assert "\x1b" not in said.out
    said = await carryon(stage, "agents", "check", "demo")
    (session,) = [path.stem for path in (stage.folder / "demo" / "sessions").glob("*.jsonl")]
    assert session not in said.out
    assert f"…{session[-8:]}" in said.out


async def test_wrong_arguments(stage):
    for arguments, word in (
        (("nobody",), "there are: demo"),
        (("--timeout", "soon"), "a duration"),
        (("--timeout", "0"), "above zero"),
    ):
        said = await carryon(stage, "agents", "check", *arguments)
        assert (said.code, said.out) == (2, ""), arguments
        assert said.err.startswith("carryon: ")
        assert word in said.err
