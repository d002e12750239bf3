"""Who writes holds the ledger: a lock of its session, which ends with the connection however that ends."""

import time
from dataclasses import dataclass
from typing import Final, LiteralString

from gateway.errors import CarryonError, LedgerTaken
from gateway.store.postgres.connection import place_of
from gateway.store.postgres.statement import Raw

CLASS: Final = 1667330681
"""Tells this lock from those of other programs that share the database."""

_SCHEMA: Final = "SELECT to_regnamespace(quote_ident(current_schema()))::oid::bigint"
_TRY: Final = "SELECT pg_try_advisory_lock($1::bigint::int, $2::bigint::oid::int)"
_HOLDER: Final = (
    "SELECT a.pid, a.backend_start::text, a.application_name, host(a.client_addr) "
    "FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid WHERE l.locktype = 'advisory' AND l.granted "
    "AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()) "
    "AND l.classid::bigint = $1 AND l.objid::bigint = $2 AND l.objsubid = 2"
)
_SELF: Final = "SELECT pid, backend_start::text FROM pg_stat_activity WHERE pid = pg_backend_pid()"
_LOOKS: Final = 0.05
"""Seconds between two looks at a lock that is about to be let go of."""

_UNSEEN: Final = 5.0
"""Seconds for which nobody may hold it that cannot be named: whoever it is, is ending."""


@dataclass(frozen=True, slots=True)
class Backend:
    """One process of the server, for as long as it lives: numbers are used again."""

    pid: int
    began: str | None


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds the ledger."""

    backend: Backend
    name: str


def hold(raw: Raw, patience: float, own: Backend | None = None) -> Backend:
    """Hold the ledger with this connection; its backend.

    Waits so many seconds for whoever is just ending. `own` is the backend that this process held it with
    before: if the server has not noticed yet that this connection is broken, it is told so. Raises
    `LedgerTaken`, naming who has it.
    """
    schema = _one(raw, _SCHEMA)
    if schema is None:
        raise CarryonError(
            f"there is no schema to keep the ledger in, in {place_of(raw)}; "
            "make the one that search_path names, or let this user create it"
        )
    until = time.monotonic() + patience
    while not _one(raw, _TRY, CLASS, schema):
        row = raw.execute(_HOLDER, (CLASS, schema)).fetchone()
        holder = Holder(Backend(row[0], row[1]), _name(*row)) if row else None
        if own is not None and holder is not None and holder.backend == own:
            raw.execute("SELECT pg_terminate_backend($1::int)", (own.pid,))
            own = None  # once
            until = max(until, time.monotonic() + 5.0)
        elif time.monotonic() >= until + (0 if holder else _UNSEEN):
            raise LedgerTaken(place_of(raw), holder.name if holder else "somebody who is not to be seen")
        time.sleep(_LOOKS)
    row = raw.execute(_SELF).fetchone()
    assert row is not None
    return Backend(row[0], row[1])


def _one(raw: Raw, sql: LiteralString, *values: object) -> object:
    row = raw.execute(sql, values).fetchone()
    assert row is not None
    return row[0]


def _name(pid: int, _began: str | None, name: str | None, address: str | None) -> str:
    told = "".join(c for c in name or "another program" if c.isprintable())
    return f"{told} (at {address})" if address else f"{told} (backend {pid})"
