"""The ledger on SQLite for commands: read beside a running gateway, or without one."""

import sqlite3
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gateway.errors import CarryonError
from gateway.model.boot import BootOpening
from gateway.model.delivery import Delivery
from gateway.model.recovery import Candidate
from gateway.model.session import Session
from gateway.store import boots, outbox, resumes
from gateway.store import statements as sql
from gateway.store.barred import is_there, unavailable
from gateway.store.migrate import migrations
from gateway.store.tx import Tx
from gateway.store.upgrades import too_new


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What the next start would find. `left` are interrupted sessions that it leaves as they are."""

    opening: BootOpening
    candidates: tuple[Candidate, ...]
    left: tuple[Session, ...]
    owed: tuple[Delivery, ...]


@contextmanager
def reading(path: Path) -> Generator[sqlite3.Connection]:
    """The ledger at `path`, read-only.

    Raises `CarryonError` where there is none, `LedgerUnavailable` where it is unreadable, `SchemaTooNew`.
    """
    with _connect(path) as raw:
        raw.execute("PRAGMA query_only = ON")
        yield raw


def rehearse(path: Path, accounts: tuple[str, ...], now: float) -> Rehearsal:
    """Do what a start does to the ledger, look at the result, and take it back.

    The very same transaction as at a real start, so that the answer is not a second opinion.
    """
    with _connect(path) as raw:
        raw.execute("BEGIN IMMEDIATE")
        try:
            return start(raw, accounts, now)
        finally:
            raw.execute("ROLLBACK")


def start(tx: Tx, accounts: tuple[str, ...], now: float) -> Rehearsal:
    """A start, in a transaction that the caller takes back."""
    cut = {row[1] for row in tx.execute(sql.RUNNING_TURNS).fetchall()}
    opening = boots.open_boot(tx, "rehearsal", 0, now)
    candidates = resumes.candidates(tx, None)
    left = resumes.left_alone(tx, cut, candidates)
    owed = tuple(delivery for account in accounts for delivery in outbox.owed(tx, account))
    return Rehearsal(opening, candidates, left, owed)


@contextmanager
def _connect(path: Path) -> Generator[sqlite3.Connection]:
    if not is_there(path):
        raise CarryonError(f"there is no ledger in {path.parent} yet; the first `carryon run` makes it")
    try:
        raw = sqlite3.connect(path, isolation_level=None, timeout=5.0)
    except sqlite3.Error as error:
        raise unavailable(path, error) from None
    try:
        (found,) = raw.execute("PRAGMA user_version").fetchone()
        known = migrations()[-1].number
        if found > known:
            raise too_new(path, found, known)
        yield raw
    except sqlite3.Error as error:
        raise unavailable(path, error) from None
    finally:
        raw.close()
