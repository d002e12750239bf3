"""The systemd unit: systemd reads it, it is as closed as docs/deploy.md says, its times fit the gateway's."""

import configparser
import re
import shutil
import subprocess

import pytest

from gateway.config.types import parse_duration
from gateway.engine.drain import CUT_SECONDS, FLUSH_SECONDS
from gateway.supervisor import LOOK_SECONDS, SETTLE_SECONDS
from tests.deploy.papers import DEPLOY, GUIDE, NEEDED_TO_STOP

UNIT = DEPLOY / "systemd" / "carryon.service"
ANALYZE = shutil.which("systemd-analyze")
# Part of systemd itself: no package index has it, and macOS, where this suite runs too, has no systemd. What
# the gateway relies on in the unit is tested below without it.
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
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str
    unit.read_string(UNIT.read_text())
    service = unit["Service"]
    assert (service["Type"], service["NotifyAccess"], service["KillMode"]) == ("notify", "main", "mixed")
    assert parse_duration(service["WatchdogSec"]) >= 5 * LOOK_SECONDS
    assert parse_duration(service["TimeoutStopSec"]) == NEEDED_TO_STOP
    assert SETTLE_SECONDS > 2 * CUT_SECONDS + 2 * FLUSH_SECONDS, (
        "the waits of a stop after that for running turns"
    )
    assert service["ExecReload"] == service["ExecStart"].removesuffix("run") + "reload"
