"""The ledger for people who leaf through it, on a connection of its own.

What the engine reads never stands in line behind somebody's curiosity. Every answer is bounded, in rows and
in time, whatever the ledger holds: what it costs grows with what is owed and shown, not with all sessions.
"""

import sqlite3
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

from gateway.model.browsing import (
    Conversation,
    LedgerDamagedError,
    LedgerUnreadableError,
    Owed,
    Part,
    People,
    SessionList,
    Unsent,
)
from gateway.model.delivery import DeliveryKind, DeliveryState
from gateway.model.overview import Overview, Passage, Restart
from gateway.model.recovery import Candidate
from gateway.model.session import Session
from gateway.model.turn import Step
from gateway.ports import LedgerUnavailableError
from gateway.store import grants, library, overview, resumes
from gateway.store.committer import LedgerConnection
from gateway.store.damage import is_damage
from gateway.store.rows import (
    DELIVERY,
    MESSAGE,
    STEP,
    TROUBLE,
    TURN,
    delivery_of,
    message_of,
    step_of,
    turn_of,
)
from gateway.store.tx import Reader, Tx, Unit

T = TypeVar("T")

PATIENCE: Final = 2.0
"""Seconds that one answer may take."""

PAGE: Final = 50
"""Sessions or deliveries that are listed at once."""

TURNS: Final = 15
"""Turns of a session that are shown at once."""

LONGEST: Final = 20_000
"""Characters of a text that are read."""

TITLES: Final = 50_000
"""Of how many of the latest sessions the titles are searched."""

GRANTS: Final = 500
"""People whose grants are listed."""

_WINDOW: Final = 5_000  # messages that are looked through at once for the sessions that were used last
_WINDOWS: Final = 4
_LATEST: Final = 200  # messages of a session among which those without a turn are looked for
_LAST_CHARACTER: Final = "\U0010ffff"

_CUT_TURN = TURN.replace(" text,", f" substr(text, 1, {LONGEST}),")
_CUT_MESSAGE = MESSAGE.replace(" text,", f" substr(text, 1, {LONGEST}),")
_CUT_DELIVERY = DELIVERY.replace(" body,", f" substr(body, 1, {LONGEST}),")
_TROUBLED = "state IN ('pending', 'sending', 'unknown', 'held', 'rejected')"  # as the index has it
_UNDECIDED = (
    f"SELECT created_at, {_CUT_DELIVERY} FROM deliveries WHERE {TROUBLE} "  # noqa: S608  a list of columns
    "AND state IN ('held', 'unknown', 'rejected') ORDER BY state = 'rejected', id DESC LIMIT ?"
)
_OWED = (
    f"SELECT created_at, {_CUT_DELIVERY} FROM deliveries WHERE {_TROUBLED} "  # noqa: S608
    "AND state IN ('pending', 'sending') ORDER BY id LIMIT ?"
)
# A session is listed where its latest message is, and nowhere further back.
_RECENT = (
    "SELECT session_id, latest FROM (SELECT session_id, max(id) AS latest FROM (SELECT id, session_id "
    "FROM messages WHERE id < ? ORDER BY id DESC LIMIT ?) AS near GROUP BY session_id) AS w "
    "WHERE latest = (SELECT max(id) FROM messages AS m WHERE m.session_id = w.session_id) "
    "ORDER BY latest DESC LIMIT ?"
)
_WINDOW_END = "SELECT id FROM messages WHERE id < ? ORDER BY id DESC LIMIT 1 OFFSET ?"
_ACCOUNTS = (
    "WITH RECURSIVE a(name) AS (SELECT min(account) FROM sessions UNION ALL "
    "SELECT (SELECT min(account) FROM sessions WHERE account > a.name) FROM a WHERE a.name IS NOT NULL) "
    "SELECT name FROM a WHERE name IS NOT NULL LIMIT 100"
)
_BY_CHAT = "SELECT id FROM sessions WHERE account = ? AND chat >= ? AND chat < ? ORDER BY chat, id LIMIT ?"
_BY_TITLE = (
    "SELECT id FROM (SELECT id, title FROM sessions ORDER BY id DESC LIMIT ?) AS latest "
    "WHERE lower(title) LIKE lower(?) ESCAPE '!' ORDER BY id DESC LIMIT ?"
)
_WAITING_IN = (
    "SELECT count(*) FILTER (WHERE kind = 'user'), count(*) FILTER (WHERE kind = 'internal') FROM messages "
    "WHERE session_id = ? AND state = 'waiting'"
)
_TURNS = f"SELECT {_CUT_TURN} FROM turns WHERE session_id = ? AND id < ? ORDER BY id DESC LIMIT ?"  # noqa: S608
_MESSAGES = f"SELECT {_CUT_MESSAGE} FROM messages WHERE turn_id IN (%s) ORDER BY id LIMIT 500"  # noqa: S608
_LOOSE = (
    f"SELECT {_CUT_MESSAGE} FROM (SELECT * FROM messages WHERE session_id = ? ORDER BY id DESC LIMIT ?) "  # noqa: S608
    "AS latest WHERE turn_id IS NULL AND kind IN ('user', 'command') ORDER BY id DESC LIMIT 50"
)
_PARTS = (
    "SELECT id, turn_id, kind, state, error FROM deliveries WHERE turn_id IN (%s) AND kind <> 'receipt' "
    "ORDER BY id LIMIT 500"
)
_STEPS = (
    f"SELECT turn_id, {STEP} FROM steps WHERE turn_id IN (%s) AND kind = 'tool' ORDER BY turn_id, seq "  # noqa: S608
    "LIMIT 500"
)
_FILES = "SELECT message_id, given_name FROM attachments WHERE message_id IN (%s) ORDER BY id LIMIT 500"


@asynccontextmanager
async def open_browsing(
    path: Path, patience: float = PATIENCE, damaged: Callable[[str], None] = lambda _why: None
) -> AsyncGenerator["Browsing"]:
    """Leaf through the SQLite ledger at `path`, which is there, on a connection of its own."""
    reading = LedgerConnection(partial(_connect, path), iter_chunk_size=64)
    async with reading:
        yield Browsing(_Bounded(reading, patience), damaged)


def _connect(path: Path) -> sqlite3.Connection:
    raw = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    raw.execute("PRAGMA query_only = ON")
    raw.execute("PRAGMA busy_timeout = 1000")
    return raw


class _Bounded:
    """The `Reader` of a SQLite ledger: each look is consistent, and gives up in time."""

    def __init__(self, reading: LedgerConnection, patience: float) -> None:
        self._reading = reading
        self._patience = patience

    async def run(self, function: Unit[T]) -> T:
        """What the function makes of the ledger as it is now."""
        return await self._reading.run(lambda raw: _bounded(raw, function, self._patience))


def _bounded(raw: sqlite3.Connection, function: Unit[T], patience: float) -> T:
    end = time.monotonic() + patience
    raw.set_progress_handler(lambda: time.monotonic() > end, 10_000)
    try:
        raw.execute("BEGIN")
        try:
            return function(raw)
        finally:
            raw.execute("ROLLBACK")
    except sqlite3.Error as error:
        if is_damage(error):
            raise LedgerDamagedError(str(error)) from None
        late = getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_INTERRUPT
        raise LedgerUnavailableError("it took too long" if late else str(error)) from None
    finally:
        raw.set_progress_handler(None, 0)


class Browsing:
    """Each method is one look; it raises `LedgerUnreadableError`. `damaged` is told of damage, each time."""

    def __init__(self, reader: Reader, damaged: Callable[[str], None] = lambda _why: None) -> None:
        self._reader = reader
        self._damaged = damaged

    async def _read(self, unit: Unit[T]) -> T:
        try:
            return await self._reader.run(unit)
        except LedgerDamagedError as error:
            self._damaged(str(error))
            raise
        except LedgerUnavailableError as error:
            raise LedgerUnreadableError(str(error)) from None
        except (ValueError, LookupError, TypeError) as error:  # of a damaged row, or of a newer version's
            raise LedgerUnreadableError(f"it holds what makes no sense here: {error}") from None

    async def overview(self) -> Overview:
        """What waits, what is pending and what is owed."""
        return await self._read(overview.overview)

    async def restarts(self, limit: int) -> tuple[Restart, ...]:
        """The latest boots, newest first."""
        return await self._read(lambda tx: overview.restarts(tx, limit))

    async def passages(self, limit: int) -> tuple[Passage, ...]:
        """The way of the latest messages of people, oldest first."""
        return await self._read(lambda tx: overview.passages(tx, limit))

    async def unsent(self) -> Unsent:
        """What was not sent."""
        return await self._read(unsent)

    async def delivery(self, delivery_id: int) -> Owed | None:
        """One delivery, sent or not."""
        return await self._read(lambda tx: delivery(tx, delivery_id))

    async def sessions(self, ids: Sequence[int]) -> dict[int, Session]:
        """Some sessions, by their ids; those that there are."""
        return await self._read(lambda tx: {one.id: one for one in by_ids(tx, ids)})

    async def candidates(self, ids: Sequence[int]) -> tuple[Candidate, ...]:
        """What is known of some interrupted sessions."""
        return await self._read(lambda tx: tuple(candidate(tx, one) for one in by_ids(tx, ids)))

    async def recent(self, before: int | None = None) -> SessionList:
        """The sessions that were used last, from where an earlier list ended."""
        return await self._read(lambda tx: recent(tx, before))

    async def search(self, words: str) -> SessionList:
        """Sessions by their id, by the beginning of their chat's id, or by words of their title."""
        return await self._read(lambda tx: search(tx, words))

    async def conversation(self, session_id: int, before: int | None = None) -> Conversation | None:
        """The latest turns of a session, or those before a turn."""
        return await self._read(lambda tx: conversation(tx, session_id, before))

    async def people(self, now: float) -> People:
        """Who asks to be let in, and who was let in."""
        return await self._read(lambda tx: people(tx, now))


def unsent(tx: Tx) -> Unsent:
    """What was not sent."""
    return Unsent(*(tuple(map(_owed, tx.execute(query, (PAGE,)))) for query in (_UNDECIDED, _OWED)))


def delivery(tx: Tx, delivery_id: int) -> Owed | None:
    """One delivery."""
    query = f"SELECT created_at, {_CUT_DELIVERY} FROM deliveries WHERE id = ?"  # noqa: S608
    row = tx.execute(query, (delivery_id,)).fetchone()
    return _owed(row) if row else None


def _owed(row: tuple[Any, ...]) -> Owed:
    return Owed(delivery_of(row[1:]), row[0])


def by_ids(tx: Tx, ids: Sequence[int]) -> list[Session]:
    """Sessions in the order of their ids as given."""
    found = (library.session(tx, one) for one in dict.fromkeys(ids))
    return [one for one in found if one is not None]


def candidate(tx: Tx, session: Session) -> Candidate:
    """What decides about an interrupted session."""
    return resumes.candidate(tx, session, *tx.execute(_WAITING_IN, (session.id,)).fetchone())


def recent(tx: Tx, before: int | None) -> SessionList:
    """The sessions that were used last. A chat that wrote very much does not hide the others."""
    at, found = before or 2**63 - 1, list[int]()
    for _ in range(_WINDOWS):
        rows = tx.execute(_RECENT, (at, _WINDOW, PAGE - len(found))).fetchall()
        found += [session for session, _ in rows]
        if len(found) == PAGE:
            return SessionList(tuple(by_ids(tx, found)), rows[-1][1])
        end = tx.execute(_WINDOW_END, (at, _WINDOW - 1)).fetchone()
        if end is None:
            return SessionList(tuple(by_ids(tx, found)))
        at = end[0]
    return SessionList(tuple(by_ids(tx, found)), at)


def search(tx: Tx, words: str) -> SessionList:
    """Sessions by id, chat and title, in that order."""
    found = [int(words)] if words.isascii() and words.isdecimal() and len(words) < 19 else []
    most = PAGE + 1
    for (account,) in tx.execute(_ACCOUNTS).fetchall():
        found += [one for (one,) in tx.execute(_BY_CHAT, (account, words, words + _LAST_CHARACTER, most))]
    found += [one for (one,) in tx.execute(_BY_TITLE, (TITLES, _anywhere(words), most))]
    sessions = by_ids(tx, tuple(dict.fromkeys(found))[: most + 1])
    return SessionList(tuple(sessions[:PAGE]), more=len(sessions) > PAGE)


def _anywhere(words: str) -> str:
    """A pattern for texts that contain these words."""
    return "%" + words.replace("!", "!!").replace("%", "!%").replace("_", "!_") + "%"


def conversation(tx: Tx, session_id: int, before: int | None) -> Conversation | None:
    """A stretch of a session."""
    session = library.session(tx, session_id)
    if session is None:
        return None
    rows = tx.execute(_TURNS, (session_id, before or 2**63 - 1, TURNS + 1)).fetchall()
    turns = tuple(map(turn_of, rows[:TURNS]))
    ids = tuple(turn.id for turn in turns)
    loose = [] if before else tx.execute(_LOOSE, (session_id, _LATEST)).fetchall()
    messages = tuple(map(message_of, (*_of(tx, _MESSAGES, ids), *loose)))
    steps: dict[int, tuple[Step, ...]] = {}
    for turn, *row in _of(tx, _STEPS, ids):
        steps[turn] = (*steps.get(turn, ()), step_of(tuple(row)))
    files: dict[int, tuple[str, ...]] = {}
    for message, name in _of(tx, _FILES, tuple(one.id for one in messages)):
        files[message] = (*files.get(message, ()), name)
    parts = tuple(
        Part(ident, turn, DeliveryKind(kind), DeliveryState(state), error)
        for ident, turn, kind, state, error in _of(tx, _PARTS, ids)
    )
    older = turns[-1].id if len(rows) > TURNS else None
    return Conversation(session, turns, messages, parts, steps, files, older)


def _of(tx: Tx, query: str, ids: Sequence[int]) -> list[tuple[Any, ...]]:
    """The rows of a query about some ids."""
    if not ids:
        return []
    return tx.execute(query % ", ".join("?" * len(ids)), ids).fetchall()


def people(tx: Tx, now: float) -> People:
    """Who asks to be let in, and who was let in."""
    found = grants.grants(tx)
    return People(grants.pairings(tx, now), found[:GRANTS], more=len(found) > GRANTS)
