"""The config file read again: however it is written, whoever asks, and whatever is wrong with it."""

import asyncio
import json
import os
import threading

import pytest

from gateway import log
from gateway.config.file import attempt
from gateway.config.variables import read_bounded
from gateway.model.operation import Done, Intent, Phase, Refused
from gateway.reloading import effects
from gateway.reloading.apart import Apart
from gateway.reloading.elsewhere import elsewhere
from gateway.reloading.files import stamps
from gateway.reloading.reloader import LOOK_SECONDS, PIPED, RESTART, SILENT, STOPPING, UNCHANGED
from gateway.store.place import Place, open_ledger
from gateway.store.sqlite import LEDGER_FILE
from tests.harness.settings import merged, write
from tests.harness.waiting import within
from tests.helpers.clock import until
from tests.helpers.ledgers import ACCOUNT
from tests.helpers.living import ANN, BASE, BOB, EVE, new_life
from tests.helpers.postgres import new_database

TOKEN = "4242:another-token-of-valid-shape"
EVERYBODY = {"access": {"default": "allow"}}


async def look(it, times=1):
    """The watch looks at the files so many times, and reads them where it finds that they changed."""
    looks = it.clock.slept.count
    await within(until(lambda: looks(LOOK_SECONDS)), "the watch")
    for _ in range(times):
        before = looks(LOOK_SECONDS)
        it.clock.advance(LOOK_SECONDS)
        await within(until(lambda before=before: looks(LOOK_SECONDS) > before), "a look")


def watched(it):
    it.gateway.working.group.create_task(it.reloader.watch())


def limit(it):
    return it.gateway.lanes._slots._limit


def in_place(path, text):
    path.write_text(text)


def renamed(path, text):
    beside = path.with_name(".gateway.yaml.swp")
    beside.write_text(text)
    beside.rename(path)


def deleted_and_written(path, text):
    path.unlink()
    path.write_text(text)


WAYS = [in_place, renamed, deleted_and_written]


@pytest.mark.parametrize("edit", WAYS)
async def test_an_edit_counts_by_itself_once_it_is_whole(tmp_path, edit):
    async with new_life(tmp_path) as it:
        watched(it)
        await look(it, 3)
        loaded = it.reloader.status.loaded_at
        new = merged(it.values, {"limits": {"concurrent_turns": 7}})
        whole = write(tmp_path / "new.yaml", new).read_text()
        edit(it.file, whole[: len(whole) // 2])
        await look(it)
        assert it.reloader.status.problems == (), "half of a file is not looked into"
        edit(it.file, whole)
        await look(it)
        assert limit(it) == 64, "it may grow yet"
        await look(it)
        await until(lambda: limit(it) == 7)
        assert it.reloader.status.loaded_at > loaded
        assert it.notices == [], "nobody asked for it"
        read = it.reloader.status.loaded_at
        await look(it, 3)
        assert it.reloader.status.loaded_at == read, "and it is left alone again"


async def test_a_swapped_link_counts(tmp_path):
    """As in a volume of a config map: the file is a link into a folder that is itself a link."""
    async with new_life(tmp_path) as it:
        for name, turns in (("one", 5), ("two", 6)):
            (tmp_path / name).mkdir()
            new = merged(it.values, {"limits": {"concurrent_turns": turns}})
            write(tmp_path / name / "gateway.yaml", new)
        (tmp_path / "data").symlink_to("one")
        it.file.unlink()
        it.file.symlink_to("data/gateway.yaml")
        watched(it)
        await look(it, 2)
        await until(lambda: limit(it) == 5)
        (tmp_path / "data.new").symlink_to("two")
        (tmp_path / "data.new").rename(tmp_path / "data")
        await look(it, 2)
        await until(lambda: limit(it) == 6)


async def test_what_changed_before_the_first_look_is_not_missed(tmp_path):
    async with new_life(tmp_path) as it:
        it.write(limits={"concurrent_turns": 7})
        watched(it)
        await look(it, 2)
        await until(lambda: limit(it) == 7)


async def test_a_secret_of_a_file_is_rotated(tmp_path, capfd):
    secret = tmp_path / "key"
    async with new_life(tmp_path) as it:
        env = {"API_KEY": "${file:key}"}
        secret.write_text("the-first-key\n")
        said = await it.change(agents={"demo": {"env": env}}, log={"format": "json"})
        assert said.splitlines() == [
            "agents.demo.env.API_KEY: added, counts now",
            "log.format: json instead of auto, counts now",
        ]
        watched(it)
        await look(it, 3)
        secret.write_text("the-second-key\n")
        await look(it, 2)
        await until(lambda: it.pool._specs["demo"].env["API_KEY"] == "the-second-key")
        secret.unlink()
        await look(it, 2)
        await until(lambda: it.reloader.status.problems)
        assert "key cannot be read" in it.reloader.status.problems[0]
        assert it.pool._specs["demo"].env["API_KEY"] == "the-second-key"
        secret.write_text("the-third-key\n")
        await look(it, 2)
        await until(lambda: it.pool._specs["demo"].env["API_KEY"] == "the-third-key")
        assert it.reloader.status.problems == ()
        log.get().warning("test.line", said="the-first-key the-second-key the-third-key")
    err = capfd.readouterr().err
    assert '"said": "[redacted] [redacted] [redacted]"' in err
    assert "-key" not in err.replace("API_KEY", "").replace(str(tmp_path), "")


BROKEN = {
    "no YAML": ("accounts: [", "not valid YAML"),
    "nothing": ("", "the file is empty"),
    "an unknown key": ({"limits": {"concurent_turns": 3}}, 'did you mean "concurrent_turns"?'),
    "a wrong value": ({"limits": {"concurrent_turns": 0}}, "at least 1 is allowed"),
    "no default agent": ({"default_agent": "nobody"}, "no agent has this name"),
    "an unset variable": ({"agents": {"demo": {"env": {"A": "${NOT_SET_HERE}"}}}}, "is not set"),
    "bytes": (b"\xff\xfe\x00", "text in UTF-8 is allowed"),
}


@pytest.mark.parametrize("name", BROKEN)
async def test_a_broken_edit_changes_nothing_and_says_what_is_wrong(tmp_path, name):
    broken, problem = BROKEN[name]
    async with new_life(tmp_path) as it:
        text = it.file.read_bytes()
        if isinstance(broken, dict):
            # Also what is right in it does not count.
            write(it.file, merged(merged(it.values, EVERYBODY), broken))
        else:
            it.file.write_bytes(broken if isinstance(broken, bytes) else broken.encode())
        outcome = await it.reload()
        assert isinstance(outcome, Refused)
        assert outcome.text.splitlines() == list(outcome.problems)
        assert problem in outcome.text
        assert outcome.text.startswith(f"{it.file}:")
        status = it.gateway.operations.status().config
        assert status is not None
        assert status.problems == outcome.problems
        assert await it.ask(EVE, "hello") == []
        assert await it.ask(BOB, "hello") == ["hello"]
        it.file.write_bytes(text)
        assert await it.reload() == Done(UNCHANGED)
        assert it.reloader.status.problems == ()
        assert it.notices == ["reloading", "ready"] * 2


async def test_every_problem_is_told_at_once_and_none_tells_a_secret(tmp_path):
    async with new_life(tmp_path) as it:
        wrong = {"limits": {"concurrent_turns": "many"}, "log": {"level": "loud"}}
        it.write(accounts={ACCOUNT: {"token": "x y"}}, **wrong)
        outcome = await it.reload()
        assert isinstance(outcome, Refused)
        assert [line.split(": ")[1] for line in outcome.problems] == [
            f"accounts.{ACCOUNT}.token",
            "limits.concurrent_turns",
            "log.level",
        ]
        assert "x y" not in outcome.text


async def test_the_file_is_gone_and_comes_back(tmp_path):
    async with new_life(tmp_path) as it:
        text = it.file.read_text()
        it.file.unlink()
        outcome = await it.reload()
        assert isinstance(outcome, Refused)
        assert outcome.text.startswith(f"{it.file}: ")
        it.file.write_text(text)
        assert await it.reload() == Done(UNCHANGED)


async def test_what_needs_a_restart_waits_for_it_and_is_forgotten_when_it_is_changed_back(tmp_path):
    async with new_life(tmp_path) as it:
        old = it.values
        later = {"accounts": {ACCOUNT: {"token": TOKEN}}, "sessions": {"scope": {"group": "user"}}}
        said = await it.change(**later, **EVERYBODY)
        assert [line for line in said.splitlines() if not line.startswith("warning: ")] == [
            f"accounts.{ACCOUNT}.token: changed, needs a restart",
            "access.default: allow instead of deny, counts now",
            "sessions.scope.group: user instead of thread, needs a restart",
            RESTART,
        ]
        pending = (f"accounts.{ACCOUNT}.token", "sessions.scope.group")
        assert it.reloader.status.needs_restart == pending
        assert await it.ask(EVE, "hello") == ["hello"]
        said = await it.change(limits={"concurrent_turns": 5})
        assert "limits.concurrent_turns: 5 instead of 64, counts now" in said
        assert "access" not in said, "it counts already"
        assert it.reloader.status.needs_restart == pending
        assert it.reloader._config.accounts[ACCOUNT].token.get_secret_value() != TOKEN
        back = {"accounts": old["accounts"], "sessions": {"scope": {"group": "thread"}}}
        assert await it.change(**back) == UNCHANGED
        assert it.reloader.status.needs_restart == ()


async def test_a_ledger_is_not_left_behind(tmp_path):
    async with new_life(tmp_path / "state") as it:
        other = tmp_path / "other"
        it.write(state_dir=str(other), limits={"concurrent_turns": 7})
        outcome = await it.reload()
        assert isinstance(outcome, Refused)
        assert outcome.text.split(": ", 1)[1] == (
            f"state_dir: the running gateway keeps its state in {it.ledger.folder}, and there is none in "
            f"{other}; a start would begin without it; put back what was there, or stop the gateway, "
            f"move {it.ledger.folder} to {other}, and start it"
        )
        assert outcome.text.startswith(f"{it.file}:")
        assert it.reloader.status.problems == (outcome.text,)
        assert limit(it) == 64, "nothing of the file counts"
        refused = it.gateway.operations.stop(Intent.RESTART, None)
        assert isinstance(refused, Refused)
        assert outcome.text in refused.text
        assert it.gateway.drain.phase is Phase.SERVING
        other.mkdir()
        (other / LEDGER_FILE).touch()
        said = await it.change(state_dir=str(other))
        assert said.splitlines()[0] == "state_dir: changed, needs a restart"
        assert it.reloader.status.problems == ()
        assert it.reloader.status.needs_restart == ("state_dir",)
        assert it.gateway.operations.why_no_restart() == ""
        (other / LEDGER_FILE).unlink()
        (it.ledger.folder / LEDGER_FILE).rename(tmp_path / "somewhere")
        assert isinstance(await it.reload(), Done), "there is nothing left to leave behind"
        (tmp_path / "somewhere").rename(it.ledger.folder / LEDGER_FILE)


async def test_no_ledger_is_left_for_an_empty_database(tmp_path):
    database, away = new_database().url, "postgresql://me:a-password-of-mine@127.0.0.1:1/carryon"

    def told(running, **changes):
        read = attempt(write(tmp_path / "gateway.yaml", merged(BASE, changes)), {})
        assert read[0] is not None, read[1].messages()
        return read[0], [str(one) for one in elsewhere(running or read[0], read[0], read[1].find)]

    here = {"state_dir": str(tmp_path / "state")}
    file, nothing = told(None, **here)
    assert nothing == []
    assert told(file, **here, store={"url": database})[1] == [], "there is nothing to lose yet"
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / LEDGER_FILE).touch()
    kept, (problem,) = told(file, **here, store={"url": database})
    assert (
        f"store.url: the running gateway keeps its state in {tmp_path / 'state'}, and there is none in "
        in problem
    )
    assert database not in problem
    assert "no ledger is carried over" in problem
    assert told(file, **here, store={"url": away})[1] == [], "nobody can say, and a start would not begin"
    async with open_ledger(Place(tmp_path, database)):
        assert told(file, **here, store={"url": database})[1] == []
        (problem,) = told(kept, state_dir=str(tmp_path / "other"), store={"url": database})[1]
        assert f"state_dir: the running gateway keeps its state in {tmp_path / 'state'}" in problem


async def test_what_is_odd_about_an_edit_is_told_and_logged_once(tmp_path, capfd):
    log.configure("json", "info")
    async with new_life(tmp_path) as it:
        ghost = {"ghost": {"command": ["no-such-program-anywhere"]}}
        first, second = (await it.change(agents=ghost)).splitlines()
        assert first == "agents.ghost: added, counts now"
        assert second.startswith(f"warning: {it.file}:")
        assert 'agents.ghost.command: found "no-such-program-anywhere"; there is no such program' in second
        assert await it.change(limits={"concurrent_turns": 7}) == (
            "limits.concurrent_turns: 7 instead of 64, counts now"
        )
        assert await it.change() == UNCHANGED
    lines = [json.loads(line) for line in capfd.readouterr().err.splitlines()]
    warned = [line["warning"] for line in lines if line["action"] == "config.odd"]
    assert len(warned) == 2
    assert any("never-started" in line for line in warned), "what the start had is logged, too"


async def test_values_are_told_as_the_file_has_them(tmp_path):
    async with new_life(tmp_path) as it:
        said = await it.change(
            sessions={"idle_reset": "36h"},
            shutdown={"drain_timeout": "1.5m"},
            limits={"messages_per_user": "100/60s"},
            media={"max_size": "5MB", "send": False},
            agents={"demo": {"cwd": "./secret-place", "start_timeout": "700ms"}},
            log={"keep": "off"},
        )
        assert said.splitlines() == [
            "agents.demo.cwd: changed, counts now",
            "agents.demo.start_timeout: 700ms instead of null, counts now",
            "sessions.idle_reset: 36h instead of off, counts now",
            "shutdown.drain_timeout: 90s instead of 30s, counts now",
            "limits.messages_per_user: 100/1m instead of off, counts now",
            "media.send: false instead of true, counts now",
            "media.max_size: 5MB instead of 20MB, counts now",
            "log.keep: off instead of 50MB, needs a restart",
            RESTART,
        ]


async def test_an_account_more_needs_a_restart_and_is_not_counted_on(tmp_path):
    async with new_life(tmp_path) as it:
        other = {"platform": "telegram", "token": TOKEN}
        said = await it.change(accounts={"other": other}, access={"allow": ["other:*"]})
        assert said.splitlines()[:2] == [
            "accounts.other: added, needs a restart",
            "access.allow: changed, counts now",
        ]
        assert await it.ask(BOB, "hello") == []
        assert await it.ask(ANN, "hello") == ["hello"]


async def test_wishes_that_come_together_are_one_reading(tmp_path):
    async with new_life(tmp_path) as it:
        it.write(limits={"concurrent_turns": 7})
        for _ in range(100):
            it.reloader.ask()
        first = asyncio.ensure_future(it.gateway.operations.reload())
        await until(lambda: it.notices)  # it is being read
        it.write(limits={"concurrent_turns": 8})
        later = [asyncio.ensure_future(it.gateway.operations.reload()) for _ in range(100)]
        await first
        answers = await within(asyncio.gather(*later), "the answers")
        assert limit(it) == 8, "who asks after the file was written is told of what he wrote"
        assert len({id(answer) for answer in answers}) == 1
        assert it.notices == ["reloading", "ready"] * 2


async def test_a_gateway_that_stops_leaves_the_file_to_its_next_start(tmp_path):
    async with new_life(tmp_path) as it:
        it.agents.hold()
        await it.hear(ANN, "dig")
        await until(lambda: it.agents.running)
        draining = asyncio.ensure_future(it.gateway.drain.run())
        it.gateway.operations.stop(Intent.STOP, None)
        await until(lambda: it.gateway.drain.phase is Phase.WAITING)
        assert await it.change(limits={"concurrent_turns": 7}), "it may yet go on"
        it.gateway.operations.stop(Intent.STOP, None)
        await until(lambda: it.gateway.drain.phase is not Phase.WAITING)
        assert await it.reload() == Refused(STOPPING)
        it.reloader.ask()
        await draining
        assert it.notices == ["reloading", "ready"]


async def test_all_of_it_counts_at_once_or_nothing(tmp_path, monkeypatch):
    log.configure("json", "info")  # what a bug leaves in the log of a gateway shows no values
    async with new_life(tmp_path) as it:

        def broken(_config):
            raise RuntimeError("a bug")

        monkeypatch.setattr(effects, "agent_specs", broken)
        it.write(limits={"concurrent_turns": 7}, **EVERYBODY)
        outcome = await it.reload()
        assert isinstance(outcome, Refused)
        assert limit(it) == 64
        assert await it.ask(EVE, "hello") == []
        monkeypatch.undo()
        assert isinstance(await it.reload(), Done)
        assert await it.ask(EVE, "hello") == ["hello"]


async def test_nothing_piles_up(tmp_path):
    async with new_life(tmp_path) as it:
        await it.ask(BOB, "hello")
        before = {task.get_name() for task in asyncio.all_tasks()}
        for number in range(1, 201):
            allowed = [f"{ACCOUNT}:{BOB}", f"{ACCOUNT}:{number}"]
            demo = {"env": {"A_SECRET": f"the-secret-number-{number}"}}
            turns = number % 5  # none is one too few
            it.write(access={"allow": allowed}, limits={"concurrent_turns": turns}, agents={"demo": demo})
            assert isinstance(await it.reload(), Done if turns else Refused)
        await it.quiet()
        assert {task.get_name() for task in asyncio.all_tasks()} <= before | {"reload-settling"}
        assert len(it.pool._specs) == 1
        assert await it.ask(BOB, "again") == ["hello", "again"]


def test_stamps_raise_nothing(tmp_path):
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    found = stamps(["/no/such/file", "a\0b", str(loop), str(pipe)])
    assert list(found.values())[:3] == [(), (), ()]
    assert found[str(pipe)]


def pipe_of(text):
    """The reading end of a pipe that held a text, as a shell hands over `<(command)`."""
    reading, writing = os.pipe()
    os.write(writing, text)
    os.close(writing)
    return reading


def test_a_pipe_is_read_to_its_end_whoever_writes_when(tmp_path):
    reading = pipe_of(b"all of it")
    try:
        assert read_bounded(f"/dev/fd/{reading}", 100) == b"all of it"
        with pytest.raises(OSError, match="nothing came out"):
            read_bounded(f"/dev/fd/{reading}", 100)
    finally:
        os.close(reading)
    path = tmp_path / "pipe"
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_text, args=("it comes later",))  # opens when it is read
    writer.start()
    assert read_bounded(str(path), 100) == b"it comes later"
    writer.join()


def test_what_never_ends_is_not_waited_for(tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    with pytest.raises(TimeoutError, match="it is a pipe"):
        read_bounded(str(path), 100, 0.0)
    held = os.open(path, os.O_RDWR)
    try:
        os.write(held, b"x" * 50)
        with pytest.raises(TimeoutError, match="it is a pipe"):
            read_bounded(str(path), 100, 0.0)
        os.write(held, b"x" * 101)
        with pytest.raises(ValueError, match="too large"):
            read_bounded(str(path), 100, 0.0)
    finally:
        os.close(held)
    for neither in ("/dev/zero", str(tmp_path)):
        with pytest.raises(OSError, match=r"neither a file nor a pipe|directory"):
            read_bounded(neither, 100)


async def test_a_config_that_is_a_pipe_is_left_alone(tmp_path):
    async with new_life(tmp_path) as it:
        text = it.file.read_text()
        it.file.unlink()
        os.mkfifo(it.file)
        watched(it)
        await look(it, 4)
        assert it.reloader.status.problems == (), "nothing is wrong with it"
        assert await it.reload() == Refused(PIPED)
        assert it.reloader.status.problems == ()
        it.file.unlink()
        it.file.write_text(text)
        it.write(limits={"concurrent_turns": 7})
        await look(it, 2)
        await until(lambda: limit(it) == 7)


async def test_a_secret_that_was_a_pipe_is_not_called_broken_before_anybody_changed_it(tmp_path):
    """What a shell's pipe held is gone after the start."""
    reading = pipe_of(b"")
    try:
        async with new_life(tmp_path) as it:
            it.write(agents={"demo": {"env": {"KEY": f"${{file:/dev/fd/{reading}}}"}}})
            watched(it)
            await look(it, 3)
            await until(lambda: not it.reloader._first)
            await look(it)
            assert it.reloader.status.problems == ()
            it.write(limits={"concurrent_turns": 7})
            await look(it, 2)
            await until(lambda: it.reloader.status.problems)
            assert "it is a pipe" in it.reloader.status.problems[0]
    finally:
        os.close(reading)


def test_a_file_system_that_never_answers_keeps_nothing_from_ending():
    begun, hangs = threading.Event(), threading.Event()
    threads = []

    def job():
        threads.append(threading.current_thread())
        begun.set()
        hangs.wait()

    async def serve():
        apart = Apart("a-test", 0.01)
        for _ in range(3):
            with pytest.raises(TimeoutError):
                await apart.call(job)
        begun.wait()
        assert len(threads) == 1, "one is lost, not one for each attempt"
        with pytest.raises(ZeroDivisionError):
            await Apart("another-test").call(lambda: 1 / 0)

    try:
        asyncio.run(serve())
        assert threads[0].is_alive(), "the loop has not waited for it"
        assert threads[0].daemon, "nor does the process"
    finally:
        hangs.set()
        threads[0].join()


async def test_a_file_system_that_does_not_answer_is_said_and_changes_nothing(tmp_path):
    hangs = threading.Event()
    async with new_life(tmp_path) as it:
        it.reloader._apart = Apart("a-test", 0.01)
        it.reloader._look = lambda _files: hangs.wait()
        try:
            assert await it.reload() == Refused(SILENT)
            assert await it.reload() == Refused(SILENT)
        finally:
            hangs.set()
        assert it.reloader.status.problems == ()
