"""The doctor in all kinds of places, without a gateway: a line for each thing, nothing is changed unasked."""

import asyncio
import json
import os
import shlex
import socket
import sqlite3
import time

import pytest

from adapters.probing import prober
from adapters.registry import PLATFORMS
from gateway.config.file import read
from gateway.console.address import socket_path
from gateway.doctor import report
from gateway.doctor.checks import Check
from gateway.doctor.context import Context, look
from gateway.doctor.run import diagnose, examine, mended
from gateway.inspection import deliveries_list
from gateway.model.delivery import DeliveryKind, Draft, Rejected
from gateway.model.finding import Finding, Level, NotMendedError
from gateway.model.session import Reason
from gateway.model.turn import TurnState
from gateway.standing import status
from gateway.store.lock import hold_state
from gateway.store.migrate import migrations
from gateway.store.sqlite import LEDGER_FILE
from tests.harness.settings import merged, settings, write
from tests.helpers.ledgers import opened

NOBODY = "http://127.0.0.1:1"
OK, WARNING, PROBLEM, FIXED = Level.OK, Level.WARNING, Level.PROBLEM, Level.FIXED


class Patient:
    """A folder with a config and perhaps a state directory, to be examined."""

    def __init__(self, folder):
        self.folder = folder
        self.values = settings(folder, NOBODY)
        self.values["http"] = {"listen": None}
        self.values["agents"]["demo"]["env"] = {}  # nothing here starts an agent
        self.state = folder / "state"
        self.config = folder / "gateway.yaml"
        self.environ = {"PATH": os.defpath, "HOME": str(folder)}

    def configure(self, **changes):
        self.values = merged(self.values, changes)

    def context(self):
        write(self.config, self.values)
        self.config.chmod(0o600)
        return self.look()

    def look(self):
        config, find = read(self.config, self.environ)
        return Context(self.config, config, find, self.environ, time.time(), look(self.state))

    def examined(self, *, fix=False):
        """What is found, by check; the version of SQLite is the machine's business."""
        found = [one for one in diagnose(self.context(), fix=fix, offline=True) if one.check != "SQLite"]
        assert not [one for one in found if "the check itself failed" in one.found]
        return found

    def lines(self, check, *, fix=False):
        return [(one.level, one.found) for one in self.examined(fix=fix) if one.check == check]

    def line(self, check, *, fix=False):
        (line,) = self.lines(check, fix=fix)
        return line

    def make_state(self):
        self.state.mkdir(mode=0o700)
        return self.state


@pytest.fixture
def patient(tmp_path):
    return Patient(tmp_path)


def fill(patient, talk):
    """A ledger built through the store, closed again as by a crash."""

    async def build():
        async with opened("sqlite", patient.state) as ledger:
            ledger.now = time.time() - 7200
            await talk(ledger)

    patient.make_state()
    asyncio.run(build())


def tree(folder):
    return {path: (path.lstat().st_mode, path.lstat().st_size) for path in sorted(folder.rglob("*"))}


async def a_crash(ledger):
    cut = await ledger.interrupted("work", "43")
    suspended = await ledger.say("looping", "44")
    await ledger.store.suspend(suspended.session_id, Reason.RESUME_LOOP, (), ledger.tick())
    done = await ledger.begin((await ledger.say("hello", "42")).session_id)
    (owed,) = await ledger.end(done.turn_id, TurnState.COMPLETED, "an answer")
    assert cut.turn_id
    assert owed.id


def test_before_the_first_start_all_is_well(patient):
    found = patient.examined()
    assert {one.level for one in found} == {OK}
    assert not patient.state.exists()
    assert "All is well." in report.as_text(found)


def test_an_empty_ledger_is_well(patient):
    async def quiet(ledger):
        await ledger.store.stop_boot(ledger.boot, ledger.tick())

    fill(patient, quiet)
    assert {one.level for one in patient.examined()} == {OK}


def test_what_a_crash_left(patient):
    fill(patient, a_crash)
    before = tree(patient.state)
    assert [level for level, _ in patient.lines("boots")] == [OK]
    sessions = patient.lines("sessions")
    assert [level for level, _ in sessions] == [OK, WARNING]
    assert "restart_interrupted" in sessions[0][1]
    assert "resume_loop" in sessions[1][1]
    level, found = patient.line("deliveries")
    assert level is OK
    assert "2 messages" in found or "1 message" in found
    assert "next start" in found
    assert tree(patient.state) == before


def test_what_is_counted_as_refused_is_what_the_list_shows(patient):
    """By the doctor as by the status: the opening of an answer and a sign below a message are not."""

    async def refusals(ledger):
        session = (await ledger.say("hello")).session_id
        for kind in (DeliveryKind.NOTICE, DeliveryKind.RECEIPT, DeliveryKind.STREAM):
            (one,) = await ledger.store.notify(session, (Draft(kind, "x"),), ledger.tick())
            await ledger.store.claim(one.id, ledger.tick())
            await ledger.store.settle(one.id, Rejected("blocked"), ledger.tick())

    fill(patient, refusals)
    level, found = patient.line("deliveries")
    assert level is WARNING
    assert found.startswith("1 message ")
    config = patient.context().config
    assert len(json.loads(deliveries_list(config, 10, as_json=True))) == 1
    told = status(config, None, time.time(), json=False)
    assert "deliveries: 1 rejected " in told

    async def drop():
        async with opened("sqlite", patient.state) as ledger:
            (one,) = await ledger.store.deliveries(10)
            assert await ledger.store.drop(one.id, ledger.tick())

    asyncio.run(drop())
    assert patient.lines("deliveries") == []
    assert json.loads(deliveries_list(config, 10, as_json=True)) == []
    assert "rejected" not in status(config, None, time.time(), json=False)


def test_what_is_advised_can_be_copied_from_a_folder_with_a_space(tmp_path):
    folder = tmp_path / "a space"
    folder.mkdir()
    patient = Patient(folder)
    patient.make_state().chmod(0o755)
    write(patient.config, patient.values)
    patient.config.chmod(0o644)
    found = {one.check: one.advice for one in diagnose(patient.look(), fix=False, offline=True)}
    for check, mode, path in (("state", "700", patient.state), ("secrets", "600", patient.config)):
        assert shlex.split(found[check].partition(", or")[0]) == ["chmod", mode, str(path)]


def test_looking_at_a_ledger_in_use_changes_nothing(patient):
    """Two connections are open, as a gateway has them; what it wrote last is in the write-ahead log."""

    async def work():
        async with opened("sqlite", patient.state) as ledger:
            await ledger.say("hello")
            before = tree(patient.state)
            context = await asyncio.to_thread(patient.context)
            found = await asyncio.to_thread(diagnose, context, fix=False, offline=True)
            assert tree(patient.state) == before
            await ledger.say("and again")
            return [one for one in found if one.check == "ledger"]

    patient.make_state()
    (line,) = asyncio.run(work())
    assert line.level is OK


@pytest.mark.parametrize(
    "content", [b"", b"not a database at all" * 100, b"SQLite format 3\0" + b"\xff" * 5000]
)
def test_a_ledger_of_garbage(patient, content):
    (patient.make_state() / LEDGER_FILE).write_bytes(content)
    level, found = patient.line("ledger")
    if content:
        assert level is PROBLEM
        assert "cannot be read" in found
    else:
        assert level is OK  # an empty file is an empty database, which the next start fills
    assert (patient.state / LEDGER_FILE).read_bytes() == content


@pytest.mark.parametrize("where", ["in the middle", "out of sight"])
def test_a_damaged_ledger(patient, where):
    async def many(ledger):
        for number in range(60):
            await ledger.say("x" * 2000, str(number))

    fill(patient, many)
    path = patient.state / LEDGER_FILE
    data = bytearray(path.read_bytes())
    if where == "in the middle":
        middle = len(data) // 2 // 4096 * 4096
        data[middle : middle + 8192] = os.urandom(8192)
    else:
        data[36:40] = b"\0\0\0\7"  # how many pages are free: no query looks there
    path.write_bytes(data)
    level, found = patient.line("ledger")
    assert level is PROBLEM
    assert where == "in the middle" or "damaged" in found


@pytest.mark.parametrize(("change", "level", "word"), [(1, PROBLEM, "newer"), (-1, OK, "older")])
def test_a_ledger_of_another_version(patient, change, level, word):
    fill(patient, a_crash)
    with sqlite3.connect(patient.state / LEDGER_FILE) as raw:
        raw.execute(f"PRAGMA user_version = {migrations()[-1].number + change}")
    raw.close()
    found = patient.line("ledger")
    assert found[0] is level
    assert word in found[1]


def test_a_directory_in_the_ledgers_place(patient):
    (patient.make_state() / LEDGER_FILE).mkdir()
    assert patient.line("ledger")[0] is PROBLEM


def test_a_ledger_elsewhere_is_not_looked_for_here(patient):
    (patient.make_state() / LEDGER_FILE).write_bytes(b"garbage" * 1000)
    context = patient.context()
    store = context.config.store.model_copy(update={"url": "postgresql://db.example.org/carryon"})
    elsewhere = context.config.model_copy(update={"store": store})
    moved = Context(context.path, elsewhere, context.find, context.environ, context.now, context.presence)
    checks = {one.check for one in diagnose(moved, fix=False, offline=True)}
    assert not checks & {"ledger", "SQLite", "file system"}


@pytest.mark.parametrize("what", ["file", "below a file", "link to nowhere", "too long a name"])
def test_a_state_directory_that_is_none(patient, what):
    if what == "link to nowhere":
        patient.state.symlink_to(patient.folder / "gone" / "away")
    elif what == "too long a name":
        patient.configure(state_dir=str(patient.folder / ("x" * 300)))
    else:
        patient.state.write_text("a file")
    if what == "below a file":
        patient.configure(state_dir=str(patient.state / "deeper"))
    level, _ = patient.line("state")
    assert level is PROBLEM


def test_a_state_directory_that_others_may_read_is_closed_if_asked(patient):
    patient.make_state().chmod(0o755)
    assert patient.line("state")[0] is WARNING
    assert patient.state.stat().st_mode & 0o777 == 0o755
    level, found = patient.line("state", fix=True)
    assert level is FIXED
    assert "0755" in found
    assert patient.state.stat().st_mode & 0o777 == 0o700
    assert patient.line("state")[0] is OK


# The case is root at another user's files: only root can give files away, and nobody else is in that case.
@pytest.mark.skipif(
    os.geteuid() != 0, reason="only root can look at another user's files, and give them away"
)
def test_root_sees_to_it_that_another_users_gateway_can_still_read_its_files(patient):
    patient.make_state().chmod(0o755)
    os.chown(patient.state, 65534, 65534)
    write(patient.config, patient.values)
    patient.config.chmod(0o644)
    found = diagnose(patient.look(), fix=True, offline=True)
    state = [one for one in found if one.check == "state"]
    assert [one.level for one in state] == [WARNING, WARNING]
    assert "root" in state[0].found
    (line,) = [one for one in found if one.check == "secrets"]
    assert line.level is WARNING
    assert "chown" in line.advice
    assert patient.config.stat().st_mode & 0o777 == 0o644


def test_a_config_with_secrets_that_others_may_read(patient):
    write(patient.config, patient.values)
    patient.config.chmod(0o644)
    checks = {one.check: one.level for one in diagnose(patient.look(), fix=False, offline=True)}
    assert checks["secrets"] is WARNING
    checks = {one.check: one.level for one in diagnose(patient.look(), fix=True, offline=True)}
    assert checks["secrets"] is FIXED
    assert patient.config.stat().st_mode & 0o777 == 0o600


def test_a_config_without_secrets_may_be_read_but_not_written(patient):
    patient.configure(accounts={"telegram": {"token": "${TOKEN}"}})
    patient.environ["TOKEN"] = "4242:a-token-of-valid-shape"
    write(patient.config, patient.values)
    patient.config.chmod(0o644)
    found = [one for one in diagnose(patient.look(), fix=False, offline=True) if one.check == "secrets"]
    assert [one.level for one in found] == [OK]
    patient.config.chmod(0o666)
    found = [one for one in diagnose(patient.look(), fix=True, offline=True) if one.check == "secrets"]
    assert [one.level for one in found] == [FIXED]
    assert patient.config.stat().st_mode & 0o777 == 0o664


@pytest.mark.parametrize(("name", "level"), [("OWN_API_KEY", WARNING), ("OWN_HOME", OK)])
def test_secrets_of_agents_are_told_from_their_settings(patient, name, level):
    patient.configure(accounts={"telegram": {"token": "${TOKEN}"}})
    patient.configure(agents={"demo": {"env": {name: "a-value-in-the-file"}}})
    patient.environ["TOKEN"] = "4242:a-token-of-valid-shape"
    write(patient.config, patient.values)
    patient.config.chmod(0o644)
    found = [one for one in diagnose(patient.look(), fix=False, offline=True) if one.check == "secrets"]
    assert [one.level for one in found] == [level]


@pytest.mark.parametrize("name", ["token", "secrets.env"])
def test_other_files_with_secrets(patient, name):
    (patient.folder / "token").write_text("4242:a-token-of-valid-shape")
    (patient.folder / "secrets.env").write_text("A=B")
    patient.configure(accounts={"telegram": {"token": "${file:token}"}})
    for file in ("token", "secrets.env"):
        (patient.folder / file).chmod(0o600)
    assert patient.line("secrets")[0] is OK
    (patient.folder / name).chmod(0o644)
    level, found = patient.line("secrets")
    assert level is WARNING
    assert str(patient.folder / name) in found


def test_a_dead_gateways_socket(patient):
    patient.make_state()
    path = socket_path(patient.state)
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
    assert patient.line("socket")[0] is WARNING
    assert path.exists()
    assert patient.line("socket", fix=True)[0] is FIXED
    assert not path.exists()
    assert patient.lines("socket") == []


def test_beside_a_gateway_nothing_of_it_is_touched(patient):
    patient.make_state()
    path = socket_path(patient.state)
    with hold_state(patient.state):
        with socket.socket(socket.AF_UNIX) as left:
            left.bind(str(path))
        level, found = patient.line("gateway", fix=True)
        assert level is WARNING
        assert f"process {os.getpid()} holds" in found
        assert path.exists()
        context = patient.context()
    assert context.presence.running


def test_what_is_mended_waits_for_the_state_to_be_free(patient):
    """A gateway has started after the look and before the mending."""
    patient.make_state()
    path = socket_path(patient.state)
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
    (line,) = [one for one in diagnose(patient.context(), fix=False, offline=True) if one.check == "socket"]
    with hold_state(patient.state):
        after = mended(line)
    assert after.level is WARNING
    assert "could not be put right" in after.found
    assert path.exists()


def test_an_address_that_is_taken(patient):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        patient.configure(http={"listen": f"127.0.0.1:{other.getsockname()[1]}"})
        level, found = patient.line("http")
        assert level is WARNING
        assert "another program" in found
    assert patient.line("http")[0] is OK


def test_a_gateway_that_does_not_have_its_address(patient):
    """This process has the state; whether it listens there is what is asked."""
    patient.make_state()
    with hold_state(patient.state), socket.socket() as page:
        page.bind(("127.0.0.1", 0))
        patient.configure(http={"listen": f"127.0.0.1:{page.getsockname()[1]}"})
        level, found = patient.line("http")
        assert level is WARNING
        assert "does not listen" in found
        page.listen()
        assert patient.lines("http") == []


def program(folder, name, content):
    (folder / "bin").mkdir(exist_ok=True)
    path = folder / "bin" / name
    path.write_text(content)
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(("default", "level"), [(True, PROBLEM), (False, WARNING)])
def test_an_agent_that_is_not_installed(patient, default, level):
    patient.configure(agents={"codex": {"preset": "codex"}}, access={"default": "pair"})
    if default:
        patient.configure(default_agent="codex")
    patient.environ["PATH"] = str(patient.folder / "bin")
    (line,) = [one for one in patient.examined() if one.check == "agent codex"]
    assert line.level is level
    assert "npm install" in line.advice
    assert [one.check for one in patient.examined() if one.level is not OK] == ["agent codex"]


def test_an_agent_of_node_needs_node(patient):
    package = patient.folder / "lib" / "package"
    package.mkdir(parents=True)
    (package / "package.json").write_text('{"name": "x", "version": "1.2.3"}')
    (package / "cli.js").write_text("#!/usr/bin/env node\n")
    (package / "cli.js").chmod(0o755)
    (patient.folder / "bin").mkdir()
    (patient.folder / "bin" / "own-agent").symlink_to(package / "cli.js")
    patient.configure(
        agents={"own": {"command": ["own-agent"], "env": {"PATH": str(patient.folder / "bin")}}}
    )
    level, found = patient.line("agent own")
    assert level is WARNING
    assert "Node.js" in found
    program(patient.folder, "node", "#!/bin/sh\necho v24.1.0\n")
    level, found = patient.line("agent own")
    assert level is OK
    assert "version 1.2.3" in found
    assert "v24.1.0" in found


def test_a_secret_in_an_agents_command_is_not_told(patient):
    patient.environ["PROGRAM"] = "a-program-of-the-environment"
    patient.configure(agents={"own": {"command": ["${PROGRAM}"]}})
    found = report.as_text(patient.examined())
    assert "agent own" in found
    assert "a-program-of-the-environment" not in found


def test_a_check_that_fails_is_one_line(patient):
    def bad(_context):
        yield Finding("bad", OK, "so far")
        raise RuntimeError("oh \x1b[2J 4242:a-token-of-valid-shape")

    context = patient.context()
    found = examine(context, [Check("bad", bad), Check("good", lambda _: [Finding("good", OK, "fine")])])
    assert [(one.check, one.level) for one in found] == [("bad", PROBLEM), ("good", OK)]
    text = " ".join(one.found for one in report.cleaned(found, context.config.secrets()))
    assert "RuntimeError" in text
    assert "a-token-of-valid-shape" not in text
    assert "\x1b" not in text


def test_a_check_that_hangs_keeps_nobody_waiting(patient):
    from threading import Event  # noqa: PLC0415

    never = Event()
    hung = Check("hung", lambda _: never.wait() or [], 0.0)
    found = examine(patient.context(), [hung, Check("good", lambda _: [Finding("good", OK, "fine")])])
    never.set()
    assert [(one.check, one.level) for one in found] == [("hung", PROBLEM), ("good", OK)]


def test_what_cannot_be_mended_stays_what_it_was():
    def fails():
        raise NotMendedError("no")

    found = mended(Finding("x", PROBLEM, "broken", "mend it", fails))
    assert (found.level, found.mend) == (PROBLEM, None)
    assert "could not be put right: no" in found.found
    assert mended(found) == found


def test_as_json():
    findings = [Finding("a", PROBLEM, "x", "y"), Finding("b", FIXED, "z"), Finding("c", WARNING, "w")]
    values = json.loads(report.as_json(findings))
    assert {key: values[key] for key in ("ok", "problems", "warnings", "fixed")} == {
        "ok": False,
        "problems": 1,
        "warnings": 1,
        "fixed": 1,
    }
    assert values["findings"][0] == {"check": "a", "level": "problem", "found": "x", "advice": "y"}
    assert values["findings"][1]["advice"] is None


def test_offline_asks_nobody(patient):
    assert not [one for one in patient.examined() if one.check.startswith("account")]
    context = patient.context()
    found = diagnose(context, fix=False, offline=False)
    (line,) = [one for one in found if one.check.startswith("account")]
    assert line.level is PROBLEM
    assert "no connection" in line.found


@pytest.mark.parametrize("platform", PLATFORMS)
def test_every_platform_can_be_examined(platform):
    assert callable(prober(platform))
