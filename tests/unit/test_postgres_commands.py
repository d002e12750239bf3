"""Commands, and the config, where the ledger is on PostgreSQL: beside a running gateway, and without one."""

import asyncio
import json
import re
import sys

import pytest

from gateway import extras, inspection, operate, standing
from gateway.config.file import load, read
from gateway.config_report.warnings import warnings
from gateway.errors import CarryonError, ConfigError, LedgerTaken, LedgerUnavailable
from gateway.model.session import Reason, SessionState
from gateway.model.turn import TurnState
from gateway.policies import ledger_place
from gateway.store import place
from gateway.store.place import Place, open_ledger
from gateway.store.postgres import offline
from tests.harness.settings import merged, settings, write
from tests.helpers.ledgers import opened
from tests.helpers.postgres import database_of, new_database

NOBODY = "http://127.0.0.1:1"
PASSWORD = "hunter2-hunter2"
ADDRESS = f"postgresql://ann:{PASSWORD}@db.example.org/carryon"


def config_of(folder, url, environ=None):
    changes = {"store": {"url": url}}
    return load(write(folder / "gateway.yaml", merged(settings(folder, NOBODY), changes)), environ or {})


@pytest.fixture
def config(tmp_path):
    return config_of(tmp_path, database_of(tmp_path).url)


async def a_crash(folder):
    """A ledger with a turn that was cut, and a message that nobody began with."""
    async with opened("postgres", folder) as ledger:
        await ledger.begin((await ledger.say("interrupted work", "43")).session_id)
        await ledger.store.beat(ledger.boot, 4_000_000_000.0)
        await ledger.say("never begun", "45")


def everything(database):
    with database.connect() as raw:
        return [
            raw.execute(f"SELECT * FROM {table} ORDER BY 1").fetchall()
            for table in ("boots", "sessions", "messages", "turns", "steps", "deliveries", "approvals")
        ]


async def test_what_people_ask_about_a_ledger_is_answered(config, tmp_path):
    await a_crash(tmp_path)
    listed = json.loads(inspection.sessions_list(config, 10, as_json=True))
    assert [one["chat"] for one in listed] == ["45", "43"]
    assert "interrupted work" in inspection.session_show(config, listed[1]["id"], as_json=False)
    assert inspection.deliveries_list(config, 10, as_json=False) == "Nothing is owed, held or refused."
    assert standing.standing(config).overview.waiting == 1


async def test_what_only_reads_cannot_write(tmp_path):
    await a_crash(tmp_path)
    with (
        pytest.raises(LedgerUnavailable, match="read-only"),
        offline.reading(database_of(tmp_path).url) as tx,
    ):
        tx.execute("UPDATE boots SET pid = ?", (1,))


async def test_a_rehearsal_says_what_a_start_would_do_and_does_nothing(config, tmp_path):
    await a_crash(tmp_path)
    before = everything(database_of(tmp_path))
    found = json.loads(inspection.recovery(config, 4_000_000_001.0, as_json=True))
    assert sorted(one["verdict"] for one in found["sessions"]) == ["answer", "resume"]
    assert everything(database_of(tmp_path)) == before


async def test_a_rehearsal_names_what_is_left_as_it_is(config, tmp_path):
    async with opened("postgres", tmp_path) as ledger:
        start = await ledger.begin((await ledger.say("dig", "43")).session_id)
        await ledger.store.suspend(start.session.id, Reason.RESTORED, (), ledger.tick())
    found = json.loads(inspection.recovery(config, 1.0, as_json=True))
    assert [(one["chat"], one["why"]) for one in found["sessions"]] == [("43", "suspended (restored)")]


async def test_a_rehearsal_beside_a_gateway_gives_way_to_it(config, tmp_path, monkeypatch):
    monkeypatch.setattr(offline, "ATTEMPTS", 1)
    async with opened("postgres", tmp_path) as ledger:
        start = await ledger.begin((await ledger.say("at work", "43")).session_id)
        found = json.loads(inspection.recovery(config, ledger.now, as_json=True))
        assert [one["verdict"] for one in found["sessions"]] == ["resume"]
        with database_of(tmp_path).connect() as raw, raw.transaction():
            raw.execute("UPDATE turns SET text = text")  # as a gateway does in the middle of a step
            with pytest.raises(CarryonError, match="too busy"):
                inspection.recovery(config, ledger.now, as_json=True)
        assert [one.body for one in await ledger.end(start.turn_id, TurnState.COMPLETED, "done")] == ["done"]


async def test_commands_that_write_hold_the_ledger(config, tmp_path):
    await a_crash(tmp_path)
    (later, _) = json.loads(inspection.sessions_list(config, 10, as_json=True))
    async with opened("postgres", tmp_path):
        with pytest.raises(LedgerTaken):
            await asyncio.to_thread(operate.session_action, config, "suspend", later["id"])
    assert "is suspended" in await asyncio.to_thread(operate.session_action, config, "suspend", later["id"])
    async with opened("postgres", tmp_path) as ledger:
        assert (await ledger.session(later["id"])).state is SessionState.SUSPENDED


async def test_without_a_ledger_the_commands_say_so(tmp_path):
    config = config_of(tmp_path, new_database().url)
    for ask in (
        lambda: inspection.sessions_list(config, 10, as_json=False),
        lambda: inspection.recovery(config, 1.0, as_json=False),
        lambda: operate.delivery_action(config, "drop", 1),
    ):
        with pytest.raises(CarryonError, match="there is no ledger"):
            ask()
    assert standing.standing(config) is None


async def test_what_the_library_is_missing_for_is_said(tmp_path, monkeypatch):
    for name in [name for name in sys.modules if name.startswith("gateway.store.postgres")]:
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(CarryonError, match=re.escape("pip install 'carryon[postgres]'")):
        async with open_ledger(Place(tmp_path, ADDRESS)):
            pass
    with pytest.raises(CarryonError, match=re.escape("carryon[postgres]")):
        place.exists(Place(tmp_path, ADDRESS))


def test_check_warns_of_a_missing_library(tmp_path, monkeypatch):
    path = write(tmp_path / "gateway.yaml", merged(settings(tmp_path, NOBODY), {"store": {"url": ADDRESS}}))
    config, find = read(path, {})
    assert not any("store.url" in line for line in warnings(config, find, {}))
    monkeypatch.setattr(extras.importlib.util, "find_spec", lambda _: None)
    (told,) = [line for line in warnings(config, find, {}) if "store.url" in line]
    assert "carryon[postgres]" in told
    assert "hunter2" not in told


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        (f"mysql://ann:{PASSWORD}@h/d", "postgresql://user:password@host/database, is allowed"),
        (f"postgresql+psycopg://ann:{PASSWORD}@h/d", "postgresql://user:password@host/database, is allowed"),
        ("sqlite:///ledger.db", "write sqlite alone"),
        (f"postgresql://ann:{PASSWORD}@x@h/d", "%40"),
        (f"postgresql://ann:{PASSWORD}/x@h/d", "%2F"),
        (f"postgresql://ann:{PASSWORD}#x@h/d", "%23"),
        (f"postgresql://ann:{PASSWORD} x@h/d", "is allowed"),
        ("", "sqlite"),
    ],
)
def test_an_address_that_is_none_is_refused_and_not_repeated(tmp_path, url, allowed):
    with pytest.raises(ConfigError) as caught:
        config_of(tmp_path, url)
    (problem,) = caught.value.problems
    assert "store.url" in problem
    assert allowed in problem
    assert "hunter2" not in problem


@pytest.mark.parametrize(
    ("url", "secrets"),
    [
        ("sqlite", ()),
        ("postgresql://ann@h/d", ()),
        ("postgresql:///d?host=/run/postgresql", ()),
        (ADDRESS, (ADDRESS, PASSWORD)),
        (ADDRESS.replace("-", "%2F"), (ADDRESS.replace("-", "%2F"), "hunter2%2Fhunter2", "hunter2/hunter2")),
        (f"postgresql://h/d?password={PASSWORD}", (f"postgresql://h/d?password={PASSWORD}", PASSWORD)),
        ("postgresql://ann:pw@h/d", ("postgresql://ann:pw@h/d",)),
    ],
)
def test_what_of_an_address_must_not_be_printed(tmp_path, url, secrets):
    config = config_of(tmp_path, "${LEDGER_URL}", {"LEDGER_URL": url})
    before = set(config_of(tmp_path, "sqlite").secrets())
    assert set(config.secrets()) - before == set(secrets)
    assert ledger_place(config).url == url
    for shown in (repr(config), str(config.store.url), config.store.model_dump_json()):
        assert PASSWORD not in shown
    assert str(config.store.url) == ("sqlite" if url == "sqlite" else "postgresql://**********")
