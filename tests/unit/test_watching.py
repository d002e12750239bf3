"""What watches a gateway when it may, and that a gateway goes without where it may not."""

import asyncio
import stat
import subprocess
import sys
from types import SimpleNamespace

import pytest

from gateway import extras, watching
from gateway.config.models import Config
from gateway.config.reading import Found
from gateway.config.tree import Spot
from gateway.config_report.warnings import warnings
from gateway.key import KEY_FILE, state_key
from gateway.model.happening import Committed, unseen
from gateway.model.operation import AccountStatus
from gateway.watching import DRAINED_FILE, FIRST_POLL_SECONDS, Watching
from tests.harness.settings import merged, settings
from tests.helpers.clock import ManualClock

HEAVY = ("prometheus_client", "opentelemetry", "jinja2", "aiohttp", "requests")


def config(folder, **more):
    return Config.model_validate(merged(settings(folder, "http://127.0.0.1:1"), more))


def test_nothing_heavy_is_imported_before_the_first_poll():
    code = (
        "import sys, gateway.app\n"
        f"found = {{name.partition('.')[0] for name in sys.modules}} & set({HEAVY!r})\n"
        "print(sorted(found), 'gateway.console.server' in sys.modules, 'gateway.tracing' in sys.modules)\n"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[] False False"


async def test_whoever_wants_neither_page_nor_traces_has_no_watchers(tmp_path):
    it = Watching(config(tmp_path), ManualClock())
    assert it.saw is unseen
    await it.run(None, None, None)  # it does nothing, so it needs nothing
    assert not list(tmp_path.iterdir())


async def test_both_hear_everything_from_the_first_moment(tmp_path):
    both = config(tmp_path, http={"listen": "127.0.0.1:0"}, telemetry={"otlp": "http://127.0.0.1:9"})
    it = Watching(both, ManualClock())
    it.saw(Committed(1, 0.1, 0))
    assert it._counted is not None
    assert it._traced is not None
    assert it._counted.take() == it._traced.take() == Committed(1, 0.1, 0)


async def test_watching_begins_when_platforms_have_connected_or_have_had_their_time(tmp_path):
    clock, it = ManualClock(), Watching(config(tmp_path), ManualClock())
    it._clock = clock
    accounts = [AccountStatus("a", connected=True), AccountStatus("b", connected=False, why="connecting")]
    operations = SimpleNamespace(status=lambda: SimpleNamespace(accounts=tuple(accounts)))
    for change in (lambda: accounts.__setitem__(1, AccountStatus("b", connected=False, why="refused")), None):
        accounts[1] = AccountStatus("b", connected=False, why="connecting")
        waiting = asyncio.ensure_future(it._first_poll(operations))
        await asyncio.sleep(0)
        clock.advance(FIRST_POLL_SECONDS / 2)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert not waiting.done()
        if change:
            change()
        clock.advance(FIRST_POLL_SECONDS if change is None else watching.LOOK_SECONDS)
        await waiting


@pytest.fixture
def no_library(monkeypatch):
    for name in [name for name in sys.modules if name.startswith("opentelemetry.")]:
        monkeypatch.delitem(sys.modules, name)  # other tests may have imported it
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk", None)


async def test_without_the_library_there_are_no_traces_and_one_line(tmp_path, no_library, monkeypatch):
    lines = []
    monkeypatch.setattr("gateway.watching._log.warning", lambda action, **more: lines.append((action, more)))
    assert not extras.can_trace()
    it = Watching(config(tmp_path, telemetry={"otlp": "http://127.0.0.1:9"}), ManualClock())
    assert it._traced is not None
    it.saw(Committed(1, 0.1, 0))
    await it._trace(it._traced, None, b"k" * 32)
    ((action, more),) = lines
    assert (action, more["then"]) == ("trace.off", extras.INSTALL)
    it.saw(Committed(1, 0.1, 0))
    assert (it._traced.take(), it._traced.lost) == (None, 0), "nothing is kept for nobody"


def warned(found):
    lines = warnings(found, lambda place: Found(Spot(0, ".".join(map(str, place))), ""), {})
    return [line for line in lines if "otlp" in line]


def test_check_warns_of_a_library_that_is_missing(tmp_path, no_library):
    assert warned(config(tmp_path)) == []
    (line,) = warned(config(tmp_path, telemetry={"otlp": "http://me:secret@127.0.0.1:9"}))
    assert "pip install 'carryon[otel]'" in line
    assert "secret" not in line


def test_check_does_not_warn_of_one_that_is_there(tmp_path):
    assert extras.can_trace()
    assert warned(config(tmp_path, telemetry={"otlp": "http://127.0.0.1:9"})) == []


def test_the_key_of_a_state_directory_is_made_once_and_for_its_owner(tmp_path):
    key = state_key(tmp_path)
    assert len(key) == 32
    assert state_key(tmp_path) == key
    assert stat.S_IMODE((tmp_path / KEY_FILE).stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == [KEY_FILE]
    (tmp_path / KEY_FILE).write_bytes(b"half")
    (tmp_path / "gateway.new").write_bytes(b"left by a crash")
    again = state_key(tmp_path)
    assert again not in (key, b"half")
    assert state_key(tmp_path) == again


def test_a_key_that_cannot_be_kept_is_one_for_now(tmp_path):
    assert len(state_key(tmp_path / "nowhere")) == 32
    (tmp_path / KEY_FILE).mkdir()
    assert state_key(tmp_path) != state_key(tmp_path)


def test_how_long_a_stop_took_is_told_once(tmp_path):
    watching._keep_drain(tmp_path, 2.5)
    assert watching._take_drain(tmp_path) == 2.5
    assert watching._take_drain(tmp_path) is None
    for odd in ("", "{}", "[]", "null", '{"seconds": "x"}', '{"seconds": null}'):
        (tmp_path / DRAINED_FILE).write_text(odd)
        assert watching._take_drain(tmp_path) is None
    watching._keep_drain(tmp_path / "nowhere", 1.0)


async def test_a_watcher_that_breaks_ends_nobody_else(tmp_path, monkeypatch):
    lines = []
    monkeypatch.setattr("gateway.watching._log.exception", lambda action, **_: lines.append(action))

    async def broken():
        raise ZeroDivisionError

    it = Watching(config(tmp_path, http={"listen": "127.0.0.1:0"}), ManualClock())
    assert it._counted is not None
    it.saw(Committed(1, 0.1, 0))
    await it._supervised(broken(), it._counted)
    assert lines == ["watching.failed"]
    it.saw(Committed(1, 0.1, 0))
    assert (it._counted.take(), it._counted.lost) == (None, 0), "nothing is kept for nobody"
