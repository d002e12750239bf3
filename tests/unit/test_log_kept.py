"""The kept log: in bounded files for its owner alone, readable afterwards and while it grows."""

import json
import logging
import stat
import threading
from datetime import UTC, datetime, timedelta

import pytest
from typer.testing import CliRunner

from gateway import log, log_file, log_view
from gateway.cli import app
from gateway.errors import CarryonError
from tests.harness.settings import settings, write

SECRET = "123456:the-real-bots-token"


def read(folder):
    return [json.loads(line) for path in log_file.files(folder) for line in path.read_text().splitlines()]


def put(folder, *entries):
    """Lines as a gateway wrote them, each a second later than the one before."""
    folder.mkdir(parents=True, exist_ok=True)
    start = datetime.now(UTC) - timedelta(hours=2)
    with (folder / log_file.NAME).open("a") as file:
        for number, entry in enumerate(entries):
            at = (start + timedelta(seconds=number)).isoformat()
            file.write(json.dumps({"timestamp": at, "level": "info", **entry}) + "\n")


def test_lines_are_kept_as_json_without_secrets_whatever_the_console_shows(tmp_path, capfd):
    log.configure("console", "info", [SECRET])
    with log.kept(tmp_path / "logs", 5_000_000):
        log.get().info("boot.started", token=SECRET, agent_session_id="a" * 30, pid=7)
        logging.getLogger("aiohttp").warning("it said %s 100%%", SECRET)
        log.get().debug("not.shown")
    log.get().info("after.closing")
    first, library = read(tmp_path / "logs")
    assert (first["action"], first["token"], first["pid"]) == ("boot.started", "[redacted]", 7)
    assert first["agent_session_id"] == "…" + "a" * 8
    assert library["message"] == "it said [redacted] 100%"
    assert SECRET not in capfd.readouterr().err


def test_files_are_for_their_owner_alone_and_of_bounded_size(tmp_path, capfd):
    folder = tmp_path / "logs"
    log.configure("json", "info")
    with log.kept(folder, 50_000):
        for number in range(1_000):
            log.get().info("turn.ended", number=number, text="x" * 100)
    capfd.readouterr()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert len(log_file.files(folder)) == log_file.FILES
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    assert sum(path.stat().st_size for path in folder.iterdir()) <= 50_000
    numbers = [line["number"] for line in read(folder)]
    assert numbers == list(range(numbers[0], 1_000))


def test_a_folder_that_cannot_be_used_is_one_line_and_no_reason_to_stop(tmp_path, capfd):
    (tmp_path / "logs").write_text("a file")
    log.configure("json", "info")
    with log.kept(tmp_path / "logs", 5_000_000):
        log.get().info("boot.started")
    said = [json.loads(line)["action"] for line in capfd.readouterr().err.splitlines()]
    assert said == ["log.not_kept", "boot.started"]


def test_nothing_is_kept_where_that_is_off(tmp_path, capfd):
    log.configure("json", "info")
    with log.kept(tmp_path / "logs", None):
        log.get().info("boot.started")
    assert not (tmp_path / "logs").exists()
    capfd.readouterr()


def shown(tmp_path, last=100, **wanted):
    found = log_view.lines(tmp_path, log_view.Wanted(**wanted), last, follow=False)
    return [line["action"] for line in found]


def test_what_is_shown(tmp_path):
    put(
        tmp_path / log_file.FOLDER,
        {"action": "boot.started"},
        {"action": "turn.ended", "session": 3, "turn": 5},
        {"action": "delivery.rejected", "level": "warning", "account": "slack"},
        {"action": "delivery.held", "level": "warning", "account": "telegram"},
    )
    everything = ["boot.started", "turn.ended", "delivery.rejected", "delivery.held"]
    assert shown(tmp_path) == everything
    assert shown(tmp_path, last=2) == everything[2:]
    assert shown(tmp_path, last=0) == []
    assert shown(tmp_path, level="warning") == everything[2:]
    assert shown(tmp_path, action="delivery.*") == everything[2:]
    assert shown(tmp_path, action="turn.ended") == ["turn.ended"]
    assert shown(tmp_path, action="turn") == []
    assert shown(tmp_path, account="slack") == ["delivery.rejected"]
    assert shown(tmp_path, session=3, turn=5) == ["turn.ended"]
    assert shown(tmp_path, seconds=3600.0) == []
    assert shown(tmp_path, seconds=7200.0 + 60) == everything


def test_half_a_line_and_garbage_are_passed_over(tmp_path):
    put(tmp_path / log_file.FOLDER, {"action": "one"})
    with (tmp_path / log_file.FOLDER / log_file.NAME).open("ab") as file:
        file.write(b'\xff garbage\n[1]\n{"action": "two"}\n{"action": "thr')
    assert shown(tmp_path) == ["one", "two"]


def test_without_a_log_it_says_where_to_look(tmp_path):
    with pytest.raises(CarryonError, match=r"log\.keep"):
        shown(tmp_path)


def test_following_goes_on_through_a_change_of_files(tmp_path):
    folder = tmp_path / log_file.FOLDER
    kept = log_file.LogFile(folder, 5_000)
    kept.write({"action": "first", "number": 0})
    following = log_view.lines(tmp_path, log_view.Wanted(), 10, follow=True)
    assert next(following)["number"] == 0

    def write():
        for number in range(1, 40):
            kept.write({"action": "more", "number": number, "text": "x" * 20})

    writer = threading.Thread(target=write)
    writer.start()
    assert [next(following)["number"] for _ in range(1, 40)] == list(range(1, 40))
    writer.join()
    kept.close()
    assert len(log_file.files(folder)) > 1


def test_the_command(tmp_path):
    config = write(tmp_path / "carryon.yaml", settings(tmp_path, "http://127.0.0.1:1"))
    folder = tmp_path / "state" / log_file.FOLDER
    put(folder, {"action": "message.refused", "why": "evil \x1b[2J \u202e"}, {"action": "turn.ended"})
    run = CliRunner().invoke
    said = run(app, ["--config", str(config), "logs"])
    assert said.exit_code == 0
    assert "message.refused" in said.output
    assert "\x1b" not in said.output
    assert "\u202e" not in said.output
    said = run(app, ["--config", str(config), "logs", "--json", "-n", "1"])
    assert json.loads(said.output)["action"] == "turn.ended"
    config.write_text("state_dir: ./state\naccounts: {telegram: {platform: telegrm}}\n")
    said = run(app, ["--config", str(config), "logs", "-n", "1"])
    assert "turn.ended" in said.output, "it is wanted most when something is wrong"
    assert "the config cannot be used" in said.output
    config.write_text("state_dir: [\n")
    assert "turn.ended" in run(app, ["--config", str(config), "logs", "-n", "1"]).output
    for wrong in (["--level", "loud"], ["--since", "yesterday"]):
        assert isinstance(run(app, ["--config", str(config), "logs", *wrong]).exception, CarryonError)


def test_what_no_gateway_wrote_is_passed_over_or_read_as_well_as_it_can_be(tmp_path):
    put(tmp_path / log_file.FOLDER, {"action": "one"})
    zoneless = (datetime.now(UTC) - timedelta(minutes=1)).replace(tzinfo=None).isoformat()
    with (tmp_path / log_file.FOLDER / log_file.NAME).open("a") as file:
        file.write('{"a": ' + "[" * 100_000 + "]" * 100_000 + "}\n")
        file.write(json.dumps({"timestamp": zoneless, "action": "zoneless"}) + "\n")
        file.write(json.dumps({"timestamp": "0001-01-01T00:00:00+23:00", "action": "old"}) + "\n")
    assert shown(tmp_path) == ["one", "zoneless", "old"]
    assert shown(tmp_path, seconds=3600.0) == ["zoneless"]


def test_more_lines_than_anybody_reads_are_refused(tmp_path):
    said = CliRunner().invoke(app, ["--config", str(tmp_path / "x"), "logs", "-n", "1" + "0" * 23])
    assert said.exit_code == 2
    assert "1000000" in said.output
