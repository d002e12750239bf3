"""State that permissions keep a user from: which path it is, whose, and what to do, by every way in."""

import asyncio
import os
import shutil
import tempfile
import time
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from gateway import keeping, standing
from gateway.config.file import read
from gateway.doctor import files
from gateway.doctor.context import Context, Presence
from gateway.doctor.run import mended
from gateway.errors import LedgerUnavailable
from gateway.inspection import sessions_list
from gateway.model.finding import Level
from gateway.store.barred import barred
from gateway.store.lock import LOCK_FILE, hold_state
from gateway.store.sqlite import LEDGER_FILE, open_sqlite
from tests.harness.settings import settings, write

NOBODY = 65534
ROOT = os.geteuid() == 0


@contextmanager
def ordinary():
    """As a user whom permissions hold back: root is somebody else meanwhile."""
    if not ROOT:
        yield
        return
    os.setresuid(NOBODY, NOBODY, 0)
    try:
        yield
    finally:
        os.setresuid(0, 0, 0)


@pytest.fixture
def context():
    """A gateway's folder with a ledger, all of it this ordinary user's: pytest's own are closed to others."""
    folder = Path(tempfile.mkdtemp())
    state = folder / "state"
    state.mkdir(mode=0o700)
    asyncio.run(_begun(state / LEDGER_FILE))
    (state / LOCK_FILE).touch()
    path = write(folder / "gateway.yaml", settings(folder, "http://127.0.0.1:1"))
    config, find = read(path, {"PATH": os.defpath})
    if ROOT:
        for one in (folder, *folder.rglob("*")):
            os.chown(one, NOBODY, NOBODY)
    yield Context(path, config, find, {}, time.time(), Presence(running=False))
    shutil.rmtree(folder)


async def _begun(ledger):
    async with open_sqlite(ledger):
        pass


def test_nothing_bars_its_owner(context):
    with ordinary():
        assert barred(context.state_dir, LEDGER_FILE, LOCK_FILE, "not there") is None
        assert [one.level for one in files.state(context)] == [Level.OK]


def test_the_doctor_opens_a_directory_to_its_owner_if_asked(context):
    state = context.state_dir
    state.chmod(0o500)
    with ordinary():
        (found,) = files.state(context)
        assert found.level is Level.PROBLEM
        assert f"(user id {os.geteuid()})" in found.found
        assert "(0500)" in found.found
        assert found.advice == f"chmod u+rwx {state}, or --fix"
        assert state.stat().st_mode & 0o777 == 0o500
        assert mended(found).level is Level.FIXED
        assert state.stat().st_mode & 0o777 == 0o700
        assert [one.level for one in files.state(context)] == [Level.OK]


def test_what_is_another_users_is_named_and_left_as_it_is(context):
    state = Path("/usr")  # root's on every system
    with ordinary():
        (found,) = files.state(
            replace(context, config=context.config.model_copy(update={"state_dir": state}))
        )
        assert (found.level, found.mend) == (Level.PROBLEM, None)
        assert found.found.startswith(f"{state} belongs to root (user id 0), and ")
        assert found.found.endswith(f"(user id {os.geteuid()}) may not use it")
        assert found.advice.endswith(f"give it to this one: chown -R {os.geteuid()} {state}")


@pytest.mark.parametrize("closed", ["", LEDGER_FILE])
def test_every_way_in_says_what_to_do(context, closed):
    state, config = context.state_dir, context.config
    (state / closed).chmod(0o000)
    if closed:
        (state / LOCK_FILE).chmod(0o000)

    def hold():
        with hold_state(state):
            pass

    ways = [
        hold,
        lambda: sessions_list(config, 5, as_json=False),
        lambda: asyncio.run(_begun(state / LEDGER_FILE)),
    ]
    if not closed:
        ways.append(lambda: keeping.keep(config, state.parent / "x.tar", None, workspaces=False))
    with ordinary():
        for way in ways:
            with pytest.raises(LedgerUnavailable) as caught:
                way()
            assert f"{state}" in str(caught.value)
            assert f"(user id {os.geteuid()})" in str(caught.value)
            assert "chmod u+rw" in str(caught.value)
        assert "chmod u+rw" in standing.status(config, None, 1.0, json=False)
    (state / closed).chmod(0o700)


def test_what_is_above_the_state_is_not_given_away(context):
    above = context.state_dir.parent
    above.chmod(0o600)
    with ordinary():
        found = barred(context.state_dir)
        assert found is not None
        assert str(above) in found.found
        assert "chown" not in found.advice
        assert "state_dir" in found.advice
    above.chmod(0o700)
