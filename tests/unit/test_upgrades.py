"""Before a ledger is migrated a copy of it is kept, and an older version names it."""

import os
import resource
import shutil
import sqlite3
import stat
from contextlib import closing

import pytest
import structlog

from gateway.errors import LedgerDamaged, SchemaTooNew, UpgradeBlocked
from gateway.store import migrate as module
from gateway.store.copying import schema_of
from gateway.store.migrate import migrations
from gateway.store.offline import reading
from gateway.store.sqlite import LEDGER_FILE, open_sqlite
from gateway.store.upgrades import before, copies
from tests.helpers.schemas import put

NEWEST = migrations()[-1].number


@pytest.fixture
def path(tmp_path):
    return tmp_path / LEDGER_FILE


def dump(path):
    with closing(sqlite3.connect(path)) as raw:
        return list(raw.iterdump())


async def start(path):
    async with open_sqlite(path):
        pass


async def test_an_upgrade_keeps_what_was_there(path):
    put(NEWEST - 2, path)
    was = dump(path)
    await start(path)
    copy = before(path, NEWEST - 1)
    assert copies(path) == [copy]
    assert copy.name == f"ledger.db.before-{NEWEST - 1:04d}"
    assert dump(copy) == was
    assert schema_of(copy) == NEWEST - 2
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert schema_of(path) == NEWEST
    await start(path)
    assert copies(path) == [copy], "there is nothing more to keep"


async def test_an_upgrade_is_in_the_log_once(path):
    put(NEWEST - 1, path)
    for expected in ([{"from": NEWEST - 1, "to": NEWEST, "copy": before(path, NEWEST).name}], []):
        with structlog.testing.capture_logs() as lines:
            await start(path)
        assert lines == [{"event": "ledger.migrated", "log_level": "info", **one} for one in expected]


async def test_a_new_ledger_has_nothing_to_keep(path):
    await start(path)
    assert [one.name for one in path.parent.iterdir()] == [LEDGER_FILE]


async def test_what_the_last_boot_left_in_the_log_is_in_the_copy(path):
    put(NEWEST - 1, path)
    with closing(sqlite3.connect(path, isolation_level=None)) as raw:
        raw.execute("PRAGMA journal_mode = WAL")
        raw.execute("UPDATE messages SET text = 'in the log' WHERE id = 1")
        crashed = path.with_name("crashed.db")
        for tail in ("", "-wal"):
            shutil.copy(f"{path}{tail}", f"{crashed}{tail}")
    await start(crashed)
    assert any("in the log" in line for line in dump(before(crashed, NEWEST)))


async def test_the_last_two_are_kept(path):
    for age, number in ((30, 1), (20, 2), (10, 3)):
        before(path, number).write_bytes(b"old")
        at = path.parent.stat().st_mtime - age
        os.utime(before(path, number), (at, at))
    put(NEWEST - 1, path)
    await start(path)
    assert copies(path) == [before(path, NEWEST), before(path, 3)]


async def test_an_older_version_names_the_copy_that_it_can_use(path, tmp_path, monkeypatch):
    put(NEWEST - 1, path)
    await start(path)
    old = tmp_path / "old"
    old.mkdir()
    for step in migrations()[: NEWEST - 1]:
        shutil.copy(step.path, old)
    monkeypatch.setattr(module, "_FOLDER", old)
    with pytest.raises(SchemaTooNew) as caught:
        await start(path)
    assert caught.value.copy == before(path, NEWEST)
    assert f"carryon restore {before(path, NEWEST)} --replace" in str(caught.value)
    with pytest.raises(SchemaTooNew, match="before-"), reading(path):
        pass
    (old / migrations()[-1].path.name).unlink()
    with pytest.raises(SchemaTooNew) as caught:
        await start(path)
    assert caught.value.copy is None, "one that is too new as well is of no use"
    assert "restore the backup taken before the upgrade" in str(caught.value)


async def test_without_room_nothing_is_migrated(path, monkeypatch):
    put(NEWEST - 1, path)
    was = dump(path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10**9, 10**9, 10**6))
    with pytest.raises(UpgradeBlocked, match="1 MB are free") as caught:
        await start(path)
    assert caught.value.exit_code == 78
    assert (schema_of(path), dump(path)) == (NEWEST - 1, was)
    assert copies(path) == []


async def test_when_the_room_was_only_believed_to_be_there_nothing_is_migrated(path):
    put(NEWEST - 1, path)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (65_536, limits[1]))
    try:
        with pytest.raises(UpgradeBlocked, match="make room"):
            await start(path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert schema_of(path) == NEWEST - 1
    assert copies(path) == []
    await start(path)
    assert copies(path) == [before(path, NEWEST)]
    assert sorted(one.name for one in path.parent.iterdir()) == [LEDGER_FILE, before(path, NEWEST).name]


async def test_a_damaged_ledger_is_not_migrated(path):
    put(NEWEST - 1, path)
    with path.open("r+b") as file:
        file.seek(3 * 4096)
        file.write(b"\xff" * 4096)
    with pytest.raises(LedgerDamaged):
        await start(path)
    assert schema_of(path) == NEWEST - 1
    assert copies(path) == []
