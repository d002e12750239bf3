"""The ledger on PostgreSQL for commands: read beside a running gateway, or without one."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Final, TypeVar

import psycopg
from psycopg import errors

from gateway.errors import CarryonError
from gateway.store.postgres import schema
from gateway.store.postgres.connection import connect, place_of, unavailable
from gateway.store.postgres.reading import READ_ONLY
from gateway.store.postgres.statement import Raw, Tx

T = TypeVar("T")

ATTEMPTS: Final = 20

# Its locks are a running gateway's, too. Whoever is in the other's way gives up, and it is never the gateway;
# and a command that is held up in the middle of it does not hold up anybody for long.
_MODEST: Final = (
    "BEGIN; SET LOCAL lock_timeout = '100ms'; SET LOCAL idle_in_transaction_session_timeout = '2s'; "
    "SET LOCAL statement_timeout = '5s'"
)


@contextmanager
def reading(url: str) -> Generator[Tx]:
    """The ledger at an address, read-only. Raises `CarryonError` where there is none."""
    with _connected(url) as raw:
        raw.run(READ_ONLY)
        yield Tx(raw)


def rehearse(url: str, act: Callable[[Tx], T]) -> T:
    """What a step would return, taken back before anybody sees what it wrote."""
    with _connected(url) as raw:
        for _ in range(ATTEMPTS):
            raw.run(_MODEST)
            try:
                return act(Tx(raw))
            except errors.LockNotAvailable:
                continue
            finally:
                if not raw.closed:
                    raw.run("ROLLBACK")
        raise CarryonError("the gateway is too busy for a rehearsal just now; try again")


@contextmanager
def _connected(url: str) -> Generator[Raw]:
    raw = connect(url)
    try:
        if not schema.version(raw):
            raise CarryonError(f"there is no ledger in {place_of(raw)} yet; the first `carryon run` makes it")
        yield raw
    except psycopg.Error as error:
        raise unavailable(None, error) from None
    finally:
        raw.close()


def exists(url: str) -> bool:
    """Whether there is a ledger. Raises `LedgerUnavailable` where nobody can say."""
    raw = connect(url)
    try:
        return schema.version(raw) > 0
    except psycopg.Error as error:
        raise unavailable(None, error) from None
    finally:
        raw.close()
