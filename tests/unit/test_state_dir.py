"""State that cannot be used is said in one line, by every way in."""

import os

import pytest

from gateway.errors import LedgerDamaged, LedgerUnavailable, StateLocked
from gateway.store.lock import hold_state
from gateway.store.sqlite import open_sqlite


async def test_a_ledger_that_is_none_is_named(tmp_path):
    path = tmp_path / "ledger.db"
    path.write_bytes(b"no database, but long enough to be looked at " * 10)
    with pytest.raises(LedgerDamaged, match="file is not a database"):
        async with open_sqlite(path):
            pass


async def test_a_ledger_where_none_can_be_made(tmp_path):
    (tmp_path / "state").write_text("a file")
    with pytest.raises(LedgerUnavailable, match="state"):
        async with open_sqlite(tmp_path / "state" / "ledger.db"):
            pass


def test_a_state_dir_that_is_a_file(tmp_path):
    (tmp_path / "state").write_text("a file")
    with pytest.raises(LedgerUnavailable, match="state"), hold_state(tmp_path / "state"):
        pass


def test_the_state_is_held_once_and_names_who_holds_it(tmp_path):
    with (
        hold_state(tmp_path),
        pytest.raises(StateLocked, match=str(os.getpid())),
        hold_state(tmp_path),
    ):
        pass
    with hold_state(tmp_path):
        pass
