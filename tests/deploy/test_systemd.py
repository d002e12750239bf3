"""The systemd unit: systemd reads it, it is as closed as docs/deploy.md says, its times fit the gateway's."""

import configparser
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gateway.app import EXIT_STOPPED, EXIT_UNUSABLE
from gateway.cli import app
from gateway.config.file import load_without_secrets
from gateway.config.types import parse_duration
from gateway.engine.drain import CUT_SECONDS, FLUSH_SECONDS
from gateway.supervisor import LOOK_SECONDS, SETTLE_SECONDS
from tests.deploy.papers import DEPLOY, GUIDE, NEEDED_TO_STOP

README = DEPLOY / "systemd" / "README.md"
UNIT = DEPLOY / "systemd" / "carryon.service"
ANALYZE = shutil.which("systemd-analyze")
# Part of systemd itself, which pip cannot install and macOS, where this suite runs too, has not. What the
# gateway relies on in the unit is tested below without it.
needs_systemd = pytest.mark.skipif(
    ANALYZE is None, reason="only systemd can judge a unit, and there is none here"
)


def analyze(*words):
    done = subprocess.run(
        [str(ANALYZE), *words],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={"LC_ALL": "C.UTF-8"},
    )
    return done.stdout + done.stderr


def ini(text):
    found = configparser.ConfigParser(strict=False, interpolation=None)
    found.optionxform = str
    found.read_string(text)
    return found


@needs_systemd
def test_systemd_reads_it(tmp_path):
    there = shutil.which("true")
    unit = tmp_path / UNIT.name
    unit.write_text(UNIT.read_text().replace("/opt/carryon/bin/carryon", str(there)))
    assert analyze("verify", "--recursive-errors=no", str(unit)) == ""


@needs_systemd
def test_it_is_as_closed_as_the_guide_says():
    said = re.search(r"an exposure of (\d\.\d)", GUIDE.read_text())
    assert said
    found = re.search(
        r"Overall exposure level for carryon.service: (\d\.\d)",
        analyze("security", "--offline=true", str(UNIT)),
    )
    assert found
    assert float(found[1]) <= float(said[1])


def test_its_times_fit_those_of_the_gateway():
    service = ini(UNIT.read_text())["Service"]
    assert (service["Type"], service["NotifyAccess"], service["KillMode"]) == ("notify", "main", "mixed")
    assert parse_duration(service["WatchdogSec"]) >= 5 * LOOK_SECONDS
    assert parse_duration(service["TimeoutStopSec"]) == NEEDED_TO_STOP
    assert SETTLE_SECONDS > 2 * CUT_SECONDS + 2 * FLUSH_SECONDS, (
        "the waits of a stop after that for running turns"
    )
    assert service["ExecReload"] == service["ExecStart"].removesuffix("run") + "reload"


def test_commands_of_a_shell_find_the_gateway_that_was_installed_as_the_page_says(tmp_path):
    assert "CARRYON__" not in UNIT.read_text(), "shells would have to know of it"
    found = re.search(
        r"^sudo -u carryon carryon (init) (\S+) (--state-dir \S+)", README.read_text(), re.MULTILINE
    )
    assert found
    service = ini(UNIT.read_text())["Service"]
    assert f"--config {found[2]} " in service["ExecStart"]
    (tmp_path / "token").write_text("4242:a-token-of-valid-shape")
    file = tmp_path / "gateway.yaml"
    answers = ["--yes", "--offline", "--platform", "telegram", "--token-file", str(tmp_path / "token")]
    done = CliRunner().invoke(app, [found[1], str(file), *found[3].split(), *answers])
    assert done.exit_code == 0, done.output
    assert load_without_secrets(file, {}).state_dir == Path("/var/lib") / service["StateDirectory"]


def test_the_example_for_supervisord_fits_the_gateway():
    program = ini((DEPLOY / "supervisord" / "carryon.conf").read_text())["program:carryon"]
    assert program["command"] == ini(UNIT.read_text())["Service"]["ExecStart"]
    assert (program["stopsignal"], program["autorestart"]) == ("TERM", "unexpected")
    stay = {EXIT_STOPPED, EXIT_UNUSABLE}
    assert {int(code) for code in program["exitcodes"].split(",")} == stay
    assert int(program["stopwaitsecs"]) > NEEDED_TO_STOP
