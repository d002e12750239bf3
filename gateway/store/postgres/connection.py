"""Connections to PostgreSQL: how they are made, what they must be able to promise, what their errors mean.

A connection that cannot keep the ledger's promises is refused in words. No message contains a password: none
repeats what libpq says of an address that it cannot read.
"""

import os
import re
import socket
from typing import Any, Final

import psycopg
from psycopg import conninfo

from gateway import log
from gateway.errors import CarryonError, LedgerUnavailable
from gateway.ports import LedgerUnavailableError
from gateway.store.postgres.statement import Raw

_log = log.get()

OLDEST: Final = 140000
"""The oldest server that is supported, as its version number."""

_PRESET: Final = {
    "connect_timeout": "5",
    # Whoever writes must be read by the next one who reads: a standby that lags behind is no ledger.
    "target_session_attrs": "read-write",
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "20000",
}
"""What an address may say otherwise."""

_SESSION: Final = (
    # A gateway whose machine is gone must not hold the ledger for hours.
    "SET tcp_keepalives_idle = 10",
    "SET tcp_keepalives_interval = 5",
    "SET tcp_keepalives_count = 3",
    "SET lock_timeout = '10s'",
    "SET client_min_messages = warning",
)
ADVICE: Final = (
    "no step is taken without it; check that the server runs and can be reached, and the address, "
    "name and password in store.url, then start again"
)
_RISKS: Final = ["synchronous_commit", "fsync", "full_page_writes"]
_TRANSIENT: Final = frozenset({"08", "40", "53", "57", "58", "XX"})
"""Classes of errors that are the server's state and nobody's bug: connection, rollback, resources, operators,
system, damage."""

_UNWRITABLE: Final = frozenset({"25006", "42501", "55P03"})
"""Read only, not permitted, and locked by somebody else."""

_LONGEST: Final = 400


def connect(url: str) -> Raw:
    """A connection on which nothing has begun, with a server that keeps what it commits.

    Raises `LedgerUnavailable` where there is none now, and `CarryonError` where there never will be one.
    """
    settings = _settings(url)
    try:
        raw = Raw.connect("", autocommit=True, cursor_factory=psycopg.RawCursor, **settings)
    except psycopg.Error as error:
        raise unavailable(settings, error) from None
    try:
        _prepare(raw)
    except psycopg.Error as error:
        raw.close()
        raise unavailable(settings, error) from None
    except BaseException:
        raw.close()
        raise
    return raw


def _settings(url: str) -> dict[str, Any]:
    try:
        given = conninfo.conninfo_to_dict(url)
    except psycopg.Error:
        raise CarryonError(
            "store.url cannot be read as an address of PostgreSQL; postgresql://user:password@host/database "
            "is allowed, in which signs such as @ : / and % of a password are written as %40 %3A %2F and %25"
        ) from None
    name = f"carryon {os.getpid()} on {socket.gethostname()}"[:63]
    return _PRESET | given | {"application_name": name, "client_encoding": "UTF8"}


def _prepare(raw: Raw) -> None:
    if raw.info.server_version < OLDEST:
        raise CarryonError(
            f"the ledger's server is PostgreSQL {raw.info.server_version // 10000}; "
            f"version {OLDEST // 10000} or newer is needed"
        )
    if (encoding := raw.info.parameter_status("server_encoding")) != "UTF8":
        raise CarryonError(
            f"the ledger's database has the encoding {encoding}, which cannot keep every text; "
            "make a database with the encoding UTF8"
        )
    raw.run("; ".join(_SESSION))
    row = raw.execute("SELECT current_setting('synchronous_commit'), pg_is_in_recovery()").fetchone()
    assert row is not None
    synchronous, standby = row
    if standby:
        raise LedgerUnavailable("its server is a standby, which only reads", ADVICE)
    if synchronous == "off":  # what is acknowledged must be on a disk
        raw.execute("SET synchronous_commit = on")


def warn(raw: Raw) -> None:
    """Say what of a server's settings could cost messages, and what was done about it."""
    found = dict(raw.execute("SELECT name, reset_val FROM pg_settings WHERE name = ANY($1)", (_RISKS,)))
    if found["synchronous_commit"] == "off":
        _log.warning("ledger.made_durable", found="synchronous_commit=off", set="on", of="this gateway alone")
    for name in ("fsync", "full_page_writes"):
        if found[name] == "off":
            _log.warning("ledger.not_durable", why=f"the server runs with {name}=off: a crash loses messages")


def place_of(raw: Raw) -> str:
    """The server and database of a connection, for people."""
    info = raw.info
    return f"the database {info.dbname} on {info.host or 'this machine'}"


def unavailable(settings: dict[str, Any] | None, error: Exception) -> LedgerUnavailable:
    """The same in words for people."""
    where = f"database {settings.get('dbname') or settings.get('user') or ''}: " if settings else ""
    return LedgerUnavailable(where + said(error), ADVICE)


def said(error: Exception) -> str:
    """What the server said, in one line of bounded length in which nothing moves a terminal."""
    text = " ".join(str(error).split())
    text = re.sub(r"^connection failed: ", "", text)
    return "".join(c for c in text if c.isprintable())[:_LONGEST] or type(error).__name__


def is_lost(raw: Raw, error: Exception) -> bool:
    """Whether this error was the end of the connection."""
    severity = error.diag.severity_nonlocalized if isinstance(error, psycopg.Error) else None
    return raw.closed or severity in ("FATAL", "PANIC")


def classify(error: Exception) -> Exception:
    """Whose fault it is: a server that cannot be written is no bug of the caller's."""
    code = error.sqlstate if isinstance(error, psycopg.Error) else None
    if isinstance(error, psycopg.OperationalError) or (
        code is not None and (code[:2] in _TRANSIENT or code in _UNWRITABLE)
    ):
        return LedgerUnavailableError(said(error))
    return error
