"""`carryon agents check` and `list`: what an agent really does, and that nothing else is touched by it."""

import asyncio
import os
import signal
import sys

import psutil

from tests.contract.agents import HOSTILE
from tests.e2e.carryon import carryon
from tests.e2e.commands import command, commands
from tests.harness.gateway import CARRYON
from tests.harness.settings import write
from tests.harness.waiting import glance, within

SECRET = "sk-a-key-that-must-not-be-shown"
TRANSCRIPT = ("does not go on with its own session", "by a transcript")
AT_ITS_START = {  # what is said of each, and what is to be done
    "exits_at_start": ("stopped while it was starting", "run its program once by hand"),
    "hangs_at_initialize": ("did not answer its start within 2 s", "hangs_at_initialize.start_timeout"),
    "missing": ("not found on PATH", "agents.missing.command"),
    "gem": ("not found on PATH", "npm install -g @google/gemini-cli"),
}
LATER = {
    "needs_login": ("not logged in", "agents.needs_login.env"),
    "fails_for_its_key": ("not logged in", "agents.fails_for_its_key.env"),
    "refuses_settings": ("does not take the mode reckless", "the modes that it offers: careful, bold"),
    "silent": ("did not answer a prompt within 6 s", "longer --timeout"),
    "empty_load": TRANSCRIPT,
    "load_error": TRANSCRIPT,
    "breaks_at_load": ("stopped answering when it had to load its session", "by hand"),
    "replays": ("remembers nothing", "write resume: bootstrap into agents.replays"),
}
KEYS = {
    "hangs_at_initialize": {"start_timeout": "2s"},
    "refuses_settings": {"mode": "reckless"},
    "missing": {"command": ["no-such-program"]},
    "gem": {"preset": "gemini", "command": ["no-such-program"]},
}
BY_TRANSCRIPT = {"empty_load", "load_error", "replays"}


def hostile(stage, way, *arguments, **keys):
    """The config of an agent that misbehaves; MARK is inherited by whatever it starts."""
    command = [sys.executable, "-S", "-E", str(HOSTILE), way, *arguments]
    return {"command": command, "env": {"MARK": str(stage.folder)}, **keys}


def left(stage, *words):
    """The processes of a stage's hostile agents, wherever they went; all, or those with these arguments."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("MARK") == str(stage.folder) and {*words} <= {*process.cmdline()}:
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


def misled(stage, ways):
    """Agents that are checked and found wanting."""
    return {way: hostile(stage, way) | KEYS.get(way, {}) for way in ways}


def judged(one, ways):
    """What was found of an agent is what is wrong with it, and what to do."""
    problem, advice = ways[one["agent"]]
    assert not one["ok"]
    assert problem in one["problem"], one
    assert advice in one["advice"], one
    assert one["resume"] == ("bootstrap" if one["agent"] in BY_TRANSCRIPT else None), one


async def test_one_agent_does_not_keep_the_next_from_being_checked(stage):
    agents = misled(stage, AT_ITS_START)
    stage.configure(agents={**agents, "plain": hostile(stage, "cannot_load")})
    said = await command(stage, "agents", "check", "--json")
    assert said.code == 1
    demo, *found, plain = said.values
    assert demo["ok"], demo
    assert plain["ok"], plain
    assert [one["agent"] for one in found] == list(AT_ITS_START)
    for one in found:
        judged(one, AT_ITS_START)
    assert left(stage) == []


async def test_what_is_wrong_and_what_to_do(stage):
    stage.configure(agents=misled(stage, LATER))
    patience = {way: "6s" if way == "silent" else "60s" for way in LATER}
    check = ("agents", "check", "--json", "--timeout")
    for said, way in zip(
        await commands(stage, *((*check, patience[way], way) for way in LATER)), LATER, strict=True
    ):
        (one,) = said.values
        assert (said.code, one["agent"]) == (1, way)
        judged(one, LATER)
    assert left(stage) == []


async def test_agents_for_people(stage):
    """Among them one that never loads, which is wrong only where nothing else will do."""
    stage.configure(
        agents={
            "plain": hostile(stage, "cannot_load"),
            "broken": hostile(stage, "exits_at_start"),
            "strict": hostile(stage, "cannot_load", resume="native_required"),
        }
    )
    plain, broken, strict = await commands(
        stage, *(("agents", "check", name) for name in ("plain", "broken", "strict"))
    )
    assert plain.code == 0, plain
    assert "broken" not in plain.out
    assert "resume        bootstrap: the agent cannot load sessions" in plain.out
    assert plain.out.splitlines()[-1] == "  All is well: after a restart it is given the transcript."

    assert broken.code == 1
    assert "last wrote: no key found in the settings" in broken.out
    assert broken.out.splitlines()[-1].startswith("  PROBLEM: ")

    assert strict.code == 1
    assert "native_required each restart stops its conversations" in strict.out


async def test_nothing_that_an_agent_started_outlives_the_check(stage):
    child = stage.folder / "child"
    agents = {"parent": hostile(stage, "has_a_child", str(child)), "deaf": hostile(stage, "outlives_sigterm")}
    stage.configure(agents=agents)
    found = await commands(stage, *(("agents", "check", name, "--json") for name in agents))
    for said, number in zip(found, (2, 1), strict=True):
        assert said.values[0]["processes"] == number, said
        assert said.values[0]["left_behind"] == []
    assert child.exists()
    assert left(stage) == []


async def test_a_signal_ends_the_check_and_the_agent(stage):
    ends = {"interrupted": (signal.SIGINT, 130), "terminated": (signal.SIGTERM, 143)}
    stage.configure(agents={name: hostile(stage, "hangs_at_initialize", name) for name in ends})
    config = write(stage.folder / "gateway.yaml", stage.values)
    async with asyncio.TaskGroup() as tasks:
        for name, (number, code) in ends.items():
            tasks.create_task(ended(stage, config, name, number, code))


async def ended(stage, config, name, number, code):
    """A check of an agent that hangs is ended by a signal."""
    process = await asyncio.create_subprocess_exec(
        CARRYON, "--config", str(config), "agents", "check", name,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        await within(glance(lambda: left(stage, name) or None), "the agent's process")
        os.kill(process.pid, number)
        out, err = await within(process.communicate(), "the end of the check")
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == code
    assert "was stopped" in err.decode()
    assert b"Traceback" not in out + err
    assert left(stage, name) == []


async def test_without_a_prompt_nothing_is_said_and_nothing_proven(stage):
    """So an agent that loses what was never said is not blamed."""
    stage.configure(agents={"odd": hostile(stage, "load_error", resume="native_required")})
    options = ("--no-prompt", "--json")
    demo, odd = await commands(stage, *(("agents", "check", name, *options) for name in ("demo", "odd")))
    (found,) = demo.values
    assert (demo.code, demo.err) == (0, "")
    assert found["resume"] is None
    assert found["resume_reason"].startswith("not proven: ")
    assert found["answer_seconds"] is None
    assert stage.memory.prompts == []
    assert (odd.code, odd.values[0]["resume"]) == (0, None), odd
    assert "Session not found" in odd.values[0]["resume_reason"]


async def test_no_secret_and_no_whole_session_id_is_shown(stage):
    code = "import os, sys; sys.stderr.write('bad key ' + os.environ['KEY'] + '\\x1b[2J'); sys.exit(1)"
    stage.configure(agents={"leaky": {"command": [sys.executable, "-c", code], "env": {"KEY": SECRET}}})
    *leaky, demo = await commands(
        stage, *(("agents", "check", *more) for more in (("leaky",), ("leaky", "--json"), ("demo",)))
    )
    for said in leaky:
        assert said.code == 1
        assert "bad key [redacted]" in said.out
        assert SECRET not in said.out + said.err
        assert "\x1b" not in said.out
    (session,) = [path.stem for path in (stage.folder / "demo" / "sessions").glob("*.jsonl")]
    assert session not in demo.out
    assert f"…{session[-8:]}" in demo.out


async def test_wrong_arguments(stage):
    told = {
        ("nobody",): "there are: demo",
        ("--timeout", "soon"): "a duration",
        ("--timeout", "0"): "above zero",
    }
    found = await commands(stage, *(("agents", "check", *arguments) for arguments in told))
    for said, word in zip(found, told.values(), strict=True):
        assert (said.code, said.out) == (2, ""), word
        assert said.err.startswith("carryon: ")
        assert word in said.err
