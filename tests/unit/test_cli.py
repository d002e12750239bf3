"""The `carryon` command as people use it: what it prints, on which stream, and how it ends."""

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest

from gateway import cli
from gateway.model.session import Reason, ResumeMode
from gateway.model.turn import TurnState
from tests.harness.settings import merged, settings, write
from tests.helpers.ledgers import opened

NOBODY = "http://127.0.0.1:1"


@pytest.fixture
def config(tmp_path, monkeypatch):
    monkeypatch.delenv("CARRYON_CONFIG", raising=False)
    return write(tmp_path / "gateway.yaml", settings(tmp_path, NOBODY))


@pytest.fixture
def carryon(capsys, monkeypatch):
    """Run the command in this process: its exit code, its output and its complaints."""

    def run(*args):
        monkeypatch.setattr(sys, "argv", ["carryon", *map(str, args)])
        with pytest.raises(SystemExit) as ended:
            sys.exit(cli.main())
        out, err = capsys.readouterr()
        assert "Traceback" not in out + err
        return ended.value.code or 0, out, err

    return run


def test_without_a_name_the_file_that_init_writes_is_taken_before_the_example(config, carryon, monkeypatch):
    folder = config.parent
    (folder / "config").mkdir()
    (folder / "config" / "gateway.yaml").write_text("nonsense: 1")
    monkeypatch.chdir(folder)
    assert carryon("check")[0] == 0
    config.unlink()
    code, out, err = carryon("check")
    assert (code, "config/gateway.yaml:1" in out + err) == (78, True)
    (folder / "config" / "gateway.yaml").unlink()
    code, out, err = carryon("check")
    assert (code, "config/gateway.yaml" in out + err) == (78, True)


def fill(folder, talk):
    """A ledger built through the store, closed again as by a crash."""

    async def build():
        async with opened("sqlite", folder / "state") as ledger:
            await talk(ledger)

    asyncio.run(build())


async def a_conversation(ledger):
    said = await ledger.say("hello there", "42")
    start = await ledger.begin(said.session_id)
    secret = "agent-session-0123456789"
    await ledger.store.record_opening(start.turn_id, "demo", secret, "/w", ResumeMode.FRESH, "none yet")
    await ledger.end(start.turn_id, TurnState.COMPLETED, "general greetings")


async def a_crash(ledger):
    await a_conversation(ledger)
    cut = await ledger.begin((await ledger.say("interrupted work", "43")).session_id)
    await ledger.store.beat(ledger.boot, 4_000_000_000.0)
    suspended = await ledger.say("looping", "44")
    await ledger.store.suspend(suspended.session_id, Reason.RESUME_LOOP, (), ledger.tick())
    await ledger.say("never begun", "45")
    owed = await ledger.store.owed("telegram")
    await ledger.store.claim(owed[0].id, 1.0)
    assert cut.turn_id


def test_an_error_repeats_no_secret_of_the_config(carryon, config, monkeypatch):
    url = "postgresql://carryon:secretpw@127.0.0.1:1/cdb?sslmode=bogus_secretpw"
    monkeypatch.setenv("CARRYON__store__url", url)
    code, _, err = carryon("sessions", "list", "--config", config)
    assert code
    assert "bogus_[redacted]" in err
    assert "secretpw" not in err


def test_check_says_that_all_is_well(carryon, config):
    code, out, err = carryon("--config", config, "check")
    assert (code, err) == (0, "")
    assert "is fine" in out
    assert "telegram" in out
    assert "demo" in out


def test_check_warns_of_a_program_that_is_not_there(carryon, config, tmp_path, monkeypatch):
    monkeypatch.setenv("PROGRAM", "a-program-of-the-environment")
    closed = {"default": "deny", "allow": ["telegram:1"]}
    agents = {"codex": {"command": ["no-such-agent"]}, "other": {"command": ["${PROGRAM}"]}}
    changes = {"agents": agents, "access": closed}
    write(config, merged(settings(tmp_path, NOBODY), changes))
    code, out, err = carryon("--config", config, "check")
    assert code == 0
    assert "can be used, but see the warnings" in out
    first, second = err.splitlines()
    (number,) = [n for n, line in enumerate(config.read_text().splitlines(), 1) if "no-such-agent" in line]
    assert first.startswith(f"carryon: warning: {config}:{number}:")
    assert 'agents.codex.command: found "no-such-agent"; there is no such program on PATH; install' in first
    assert "agents.other.command" in second
    assert "a-program-of-the-environment" not in second


def test_check_looks_for_programs_where_the_agent_will(carryon, config, tmp_path):
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "own-agent").symlink_to(sys.executable)
    agent = {"command": ["own-agent"], "permissions": "deny", "env": {"PATH": str(tmp_path / "bin")}}
    write(config, merged(settings(tmp_path, NOBODY), {"agents": {"own": agent}}))
    assert carryon("--config", config, "check")[2] == ""


@pytest.mark.parametrize(
    ("access", "warned"),
    [
        ({"default": "deny"}, True),
        ({"default": "deny", "allow": ["telegram:1"]}, False),
        ({"default": "deny", "admins": ["telegram:1"]}, False),
        ({"default": "allow"}, False),
    ],
)
def test_check_warns_when_nobody_may_use_the_bot(carryon, config, tmp_path, access, warned):
    write(config, merged(settings(tmp_path, NOBODY), {"access": access}))
    code, _, err = carryon("--config", config, "check")
    assert code == 0
    assert ("access: nobody may use the bot" in err) == warned
    if warned:
        (number,) = [n for n, line in enumerate(config.read_text().splitlines(), 1) if '"access"' in line]
        assert err.startswith(f"carryon: warning: {config}:{number}:")


@pytest.mark.parametrize("place", ["before", "after", "joined", "short", "environment"])
def test_where_the_config_may_be_named(carryon, config, place, monkeypatch):
    if place == "environment":
        monkeypatch.setenv("CARRYON_CONFIG", str(config))
    args = {
        "before": ("--config", config, "check"),
        "after": ("check", "--config", config),
        "joined": ("check", f"--config={config}"),
        "short": ("check", "-c", config),
        "environment": ("check",),
    }[place]
    code, out, _ = carryon(*args)
    assert code == 0
    assert str(config) in out


@pytest.mark.parametrize(
    "args", [("check",), ("sessions", "list"), ("sessions", "show", "1"), ("recover", "--dry-run"), ("run",)]
)
def test_a_config_with_problems_ends_every_command_with_all_of_them(carryon, tmp_path, args):
    path = tmp_path / "gateway.yaml"
    path.write_text("state_dirr: x\ndefault_agent: 5\n")
    code, out, err = carryon(*args, "--config", path)
    assert (code, out) == (78, "")
    lines = err.splitlines()
    assert len(lines) >= 2
    assert all(line.startswith("carryon: ") for line in lines)
    assert "state_dirr" in err


def test_a_config_that_is_not_there(carryon, tmp_path):
    code, out, err = carryon("check", "--config", tmp_path / "nowhere.yaml")
    assert (code, out) == (78, "")
    assert "nowhere.yaml" in err


@pytest.mark.parametrize("args", [("sessions", "list"), ("sessions", "show", "1"), ("recover", "--dry-run")])
def test_without_a_ledger_the_commands_say_so(carryon, config, args):
    code, out, err = carryon(*args, "--config", config)
    assert (code, out) == (1, "")
    assert "carryon run" in err


def test_sessions_are_listed(carryon, config, tmp_path):
    fill(tmp_path, a_conversation)
    code, out, _ = carryon("sessions", "list", "--config", config)
    assert code == 0
    head, _, row = out.splitlines()
    assert head.split()[:4] == ["id", "account", "chat", "state"]
    assert row.split()[:4] == ["1", "telegram", "42", "active"]
    assert "hello there" in row


def test_no_sessions(carryon, config, tmp_path):
    async def nothing(ledger):
        del ledger

    fill(tmp_path, nothing)
    assert carryon("sessions", "list", "--config", config)[1] == "No conversations yet.\n"
    assert json.loads(carryon("sessions", "list", "--json", "--config", config)[1]) == []


def test_sessions_as_json_keep_the_agents_session_id_to_themselves(carryon, config, tmp_path):
    fill(tmp_path, a_conversation)
    code, out, _ = carryon("sessions", "list", "--json", "--config", config)
    assert code == 0
    (found,) = json.loads(out)
    assert (found["id"], found["chat"], found["state"], found["continued"]) == (1, "42", "active", "fresh")
    assert "agent-session-0123456789" not in out
    assert found["agent_session"].endswith("23456789")


def test_the_limit_of_a_list(carryon, config, tmp_path):
    fill(tmp_path, a_crash)
    found = json.loads(carryon("sessions", "list", "--limit", 2, "--json", "--config", config)[1])
    assert len(found) == 2
    assert carryon("sessions", "list", "--limit", 0, "--config", config)[0] == 2


def test_a_session_is_shown_with_its_turns(carryon, config, tmp_path):
    fill(tmp_path, a_conversation)
    code, out, _ = carryon("sessions", "show", "1", "--config", config)
    assert code == 0
    assert "state: active" in out
    assert "general greetings" in out
    assert "completed" in out
    assert "none yet" in out
    assert "agent-session-0123456789" not in out
    found = json.loads(carryon("sessions", "show", "1", "--json", "--config", config)[1])
    assert found["waiting"] == 0
    (turn,) = found["turns"]
    assert (turn["state"], turn["mode"], turn["text"]) == ("completed", "fresh", "general greetings")


@pytest.mark.parametrize(("seen_after", "took"), [(7.9, "at least 7 s"), (0.4, "unknown"), (0.0, "unknown")])
def test_how_long_a_killed_turn_took_is_not_made_up(carryon, config, tmp_path, seen_after, took):
    async def killed(ledger):
        await ledger.begin((await ledger.say("work")).session_id)
        await ledger.store.beat(ledger.boot, ledger.now + seen_after)
        ledger.tick(60)
        await ledger.start()

    fill(tmp_path, killed)
    head, _, row = carryon("sessions", "show", "1", "--config", config)[1].splitlines()[-3:]
    assert row[head.index("took") :].startswith(f"{took}")


def test_an_unknown_session(carryon, config, tmp_path):
    fill(tmp_path, a_conversation)
    code, out, err = carryon("sessions", "show", "99", "--config", config)
    assert (code, out) == (1, "")
    assert "no session 99" in err
    assert carryon("sessions", "show", "one", "--config", config)[0] == 2


def test_what_the_next_start_would_do(carryon, config, tmp_path):
    fill(tmp_path, a_crash)
    code, out, _ = carryon("recover", "--dry-run", "--json", "--config", config)
    assert code == 0
    found = json.loads(out)
    assert (found["interrupted_turns"], found["breaker_open"]) == (1, False)
    verdicts = {row["chat"]: row["verdict"] for row in found["sessions"]}
    assert verdicts == {"43": "resume", "44": "skip", "45": "answer"}
    assert [(d["chat"], d["state"]) for d in found["deliveries"]] == [("42", "unknown")]


def test_law_03_looking_ahead_changes_nothing(carryon, config, tmp_path):
    fill(tmp_path, a_crash)
    first = carryon("recover", "--dry-run", "--json", "--config", config)
    assert carryon("recover", "--dry-run", "--json", "--config", config) == first
    rows = json.loads(carryon("sessions", "list", "--json", "--config", config)[1])
    assert {row["state"] for row in rows} == {"active", "suspended"}


def test_looking_ahead_for_people(carryon, config, tmp_path):
    fill(tmp_path, a_crash)
    out = carryon("recover", "--dry-run", "--config", config)[1]
    assert "Turns that the last boot left running: 1" in out
    assert "restart_interrupted" in out
    assert "labelled as a possible repeat" in out


async def three_paused(ledger):
    """As after a restore: cut conversations that are suspended, one with a message that waits."""
    for chat in ("1", "2", "3"):
        start = await ledger.begin((await ledger.say("dig", chat)).session_id)
        await ledger.store.suspend(start.session.id, Reason.RESTORED, (), ledger.tick())
    await ledger.say("and?", "1")
    idle = await ledger.say("idle", "4")
    await ledger.begin(idle.session_id)
    await ledger.store.next_generation(idle.session_id, ledger.tick())
    quiet = await ledger.begin((await ledger.say("quick", "5")).session_id)
    await ledger.end(quiet.turn_id)
    await ledger.store.suspend(quiet.session.id, Reason.MANUAL, (), ledger.tick())


async def three_paused_and_a_start(ledger):
    await three_paused(ledger)
    await ledger.start()


@pytest.mark.parametrize(("talk", "others"), [(three_paused, ["4"]), (three_paused_and_a_start, [])])
def test_looking_ahead_names_what_was_interrupted_and_is_left_as_it_is(
    carryon, config, tmp_path, talk, others
):
    fill(tmp_path, talk)
    found = json.loads(carryon("recover", "--dry-run", "--json", "--config", config)[1])
    assert [row["chat"] for row in found["sessions"]] == ["1", "2", "3", *others]
    assert {row["verdict"] for row in found["sessions"]} == {"skip"}
    assert {row["why"] for row in found["sessions"][:3]} == {"suspended (restored)"}
    assert all("newer conversation" in row["why"] for row in found["sessions"][3:])
    assert carryon("recover", "--dry-run", "--config", config)[1].count("suspended (restored)") == 3


def test_nothing_is_owed(carryon, config, tmp_path):
    async def quiet(ledger):
        await ledger.store.stop_boot(ledger.boot, ledger.tick())

    fill(tmp_path, quiet)
    assert "answer nobody" in carryon("recover", "--dry-run", "--config", config)[1]


def test_recovering_is_not_a_command(carryon, config, tmp_path):
    fill(tmp_path, a_crash)
    code, _, err = carryon("recover", "--config", config)
    assert code == 1
    assert "--dry-run" in err


def test_what_cannot_be_shown_is_not_sent_to_the_terminal(carryon, config, tmp_path):
    async def nasty(ledger):
        said = await ledger.say("\x1b[2J\x07 clear \u202e", "42")
        await ledger.end((await ledger.begin(said.session_id)).turn_id, TurnState.COMPLETED, "\x1b]0;x\x07")

    fill(tmp_path, nasty)
    for args in (("sessions", "list"), ("sessions", "show", "1")):
        out = carryon(*args, "--config", config)[1]
        assert all(char.isprintable() or char == "\n" for char in out)


@pytest.mark.parametrize("args", [("frobnicate",), ("check", "--frobnicate"), ("sessions", "frobnicate")])
def test_wrong_usage(carryon, args):
    code, _, err = carryon(*args)
    assert code == 2
    assert "frobnicate" in err


@pytest.mark.parametrize("args", [("emulate", "carrier-pigeon"), ("demo", "--platform", "carrier-pigeon")])
def test_an_unknown_platform_is_wrong_usage(carryon, args):
    code, _, err = carryon(*args)
    assert code == 2
    assert all(name in err for name in ("carrier-pigeon", "telegram", "discord", "slack"))


def test_help_is_help(carryon):
    code, out, _ = carryon("--help")
    assert code == 0
    assert "sessions" in out


COMMANDS = ["config show", "config schema", "sessions list", "status", "--help", "logs"]


@pytest.mark.parametrize("command", COMMANDS)
def test_output_that_cannot_be_written_is_one_line(carryon, config, tmp_path, monkeypatch, command):
    fill(tmp_path, a_conversation)
    logs = tmp_path / "state" / "logs"
    logs.mkdir(exist_ok=True)
    (logs / "gateway.jsonl").write_text('{"action": "boot.started"}\n')
    with Path("/dev/full").open("w") as full:
        monkeypatch.setattr(sys, "stdout", full)
        code, _, err = carryon("--config", config, *command.split())
        full.flush()  # nothing is left that would fail again at the end of the process
    assert code == 1
    assert err.splitlines() == [
        "carryon: the output could not be written: No space left on device; make room, or send it elsewhere"
    ]


def test_a_reader_that_has_seen_enough_is_no_trouble(carryon, config, monkeypatch):
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as pipe:
        monkeypatch.setattr(sys, "stdout", pipe)
        code, _, err = carryon("--config", config, "config", "schema")
        monkeypatch.undo()
        os.dup2(os.open(os.devnull, os.O_WRONLY), writing)
    assert (code, err) == (1, "")


def test_closed_streams(carryon, config, monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    assert carryon("--config", config, "config", "show")[::2] == (0, "")


def test_a_config_out_of_a_pipe_is_read_once(carryon, config):
    reading, writing = os.pipe()
    os.write(writing, config.read_bytes())
    os.close(writing)
    assert carryon("--config", f"/dev/fd/{reading}", "check")[0] == 0
    os.close(reading)
