"""Where a ledger is kept, and its three doors: to write, to read, and to rehearse a start.

PostgreSQL's library is an optional one and takes a while to be imported, so that is done where it is needed.
"""

from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gateway.errors import CarryonError
from gateway.extras import INSTALL_POSTGRES
from gateway.model.happening import Witness, unseen
from gateway.store import offline
from gateway.store.barred import is_there
from gateway.store.ledger import LedgerStore
from gateway.store.sqlite import LEDGER_FILE, open_sqlite
from gateway.store.tx import Tx

SQLITE: Final = "sqlite"
_NO_LIBRARY = f"store.url names PostgreSQL, and its library is not installed; {INSTALL_POSTGRES}"


@dataclass(frozen=True, slots=True)
class Place:
    """A ledger's place. `url` may hold a password."""

    state_dir: Path
    url: str = SQLITE

    @property
    def file(self) -> Path | None:
        """The file that is the ledger, where it is one."""
        return self.state_dir / LEDGER_FILE if self.url == SQLITE else None


@asynccontextmanager
async def open_ledger(
    place: Place, saw: Witness = unseen, patience: float = 0.0
) -> AsyncGenerator[LedgerStore]:
    """Open, and if need be create or migrate, a ledger. `saw` is told of its commits.

    `patience` is how long a database service may take to be there, in seconds. Raises the errors of
    `gateway.errors` that speak of ledgers.
    """
    if place.file is not None:
        async with open_sqlite(place.file, saw) as store:
            yield store
        return
    try:
        from gateway.store.postgres.store import open_postgres  # noqa: PLC0415
    except ImportError:
        raise CarryonError(_NO_LIBRARY) from None
    async with open_postgres(place.url, saw, patience) as store:
        yield store


def exists(place: Place) -> bool:
    """Whether there is a ledger yet."""
    if place.file is not None:
        return is_there(place.file)
    return _postgres().exists(place.url)


@contextmanager
def reading(place: Place) -> Generator[Tx]:
    """A ledger, read-only.

    Raises `CarryonError` where there is none, `LedgerUnavailable` where it is unreadable, `SchemaTooNew`.
    """
    if place.file is not None:
        with offline.reading(place.file) as tx:
            yield tx
    else:
        with _postgres().reading(place.url) as tx:
            yield tx


def rehearse(place: Place, accounts: tuple[str, ...], now: float) -> offline.Rehearsal:
    """Do what a start does to a ledger, look at the result, and take it back."""
    if place.file is not None:
        return offline.rehearse(place.file, accounts, now)
    return _postgres().rehearse(place.url, lambda tx: offline.start(tx, accounts, now))


def _postgres():  # noqa: ANN202  the module itself
    try:
        from gateway.store.postgres import offline as postgres  # noqa: PLC0415
    except ImportError:
        raise CarryonError(_NO_LIBRARY) from None
    return postgres
