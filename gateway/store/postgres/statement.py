"""Statements on the wire: each is prepared once for a connection, and then costs one way there and back.

A step is some thirty statements, and while one is on its way the process's own lock is let go of and taken
again. So they go through the library's lowest layer, which does that once for each: in a third of the time.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, LiteralString, cast

import psycopg
from psycopg import abc, errors
from psycopg.adapt import PyFormat, Transformer
from psycopg.pq import ConnStatus, ExecStatus
from psycopg.pq.abc import PGresult
from psycopg.rows import tuple_row
from psycopg.types.numeric import Int8Dumper

from gateway.store.postgres.dialect import numbered

_WELL: Final = frozenset({ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK})


class Raw(psycopg.Connection[Any]):
    """A connection, with what was prepared on it."""

    def __init__(self, *values: Any, **named: Any) -> None:  # noqa: ANN401  the library makes it
        super().__init__(*values, **named)
        self.row_factory = tuple_row
        self.adapters.register_dumper(bool, _Truth)
        self.prepared: dict[str, _Prepared] = {}

    def run(self, command: LiteralString) -> PGresult:
        """Run commands without parameters; what the last one returned."""
        return _checked(self, self.pgconn.exec_(command.encode()))


class _Truth(Int8Dumper):
    """The schema keeps truth as 0 and 1."""

    def dump(self, obj: Any) -> bytes:  # noqa: ANN401  the library's own signature
        return b"1" if obj else b"0"


@dataclass(slots=True)
class _Prepared:
    """A statement that one connection knows by a name."""

    name: bytes
    values: abc.Transformer
    formats: list[PyFormat]


class Rows:
    """What a statement returned, all of it."""

    def __init__(self, rows: list[Any], count: int) -> None:
        self._rows = rows
        self._next = 0
        self.rowcount = count

    def fetchone(self) -> Any:  # noqa: ANN401  a row of whatever was asked for
        """The next row, None after the last."""
        return next(self, None)

    def fetchall(self) -> list[Any]:
        """The rows that are left."""
        return list(self)

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:  # noqa: ANN401
        if self._next >= len(self._rows):
            raise StopIteration
        self._next += 1
        return self._rows[self._next - 1]


class Tx:
    """A connection as steps see it."""

    def __init__(self, raw: Raw) -> None:
        self._raw = raw

    def execute(self, sql: str, parameters: Sequence[Any] = (), /) -> Rows:
        """Run one statement of the ledger. Raises `psycopg.Error`."""
        raw = self._raw
        known = raw.prepared.get(sql)
        if known is None:
            known = raw.prepared[sql] = _prepare(raw, sql, len(parameters))
        values = known.values
        try:
            dumped = values.dump_sequence(parameters, known.formats)
        except psycopg.DataError:
            # No text of PostgreSQL has a NUL, and what an agent says is not to be lost for one.
            dumped = values.dump_sequence([_storable(one) for one in parameters], known.formats)
        result = _checked(raw, raw.pgconn.exec_prepared(known.name, cast("list[abc.Buffer]", dumped)))
        values.set_pgresult(result)
        return Rows(values.load_rows(0, result.ntuples, tuple), result.command_tuples or 0)


def _prepare(raw: Raw, sql: str, parameters: int) -> _Prepared:
    name = b"carryon_%d" % len(raw.prepared)
    _checked(raw, raw.pgconn.prepare(name, numbered(sql).encode()))
    values: abc.Transformer = Transformer(raw)
    return _Prepared(name, values, [PyFormat.TEXT] * parameters)


def _storable(value: object) -> object:
    return value.replace("\0", "\ufffd") if isinstance(value, str) else value


def _checked(raw: Raw, result: PGresult) -> PGresult:
    if result.status in _WELL:
        return result
    if raw.pgconn.status == ConnStatus.BAD:
        raise psycopg.OperationalError(result.error_message.decode(errors="replace"))
    raise errors.error_from_result(result)
