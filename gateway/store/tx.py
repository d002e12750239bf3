"""What a step of the ledger needs of a database: it executes statements, and reads what they return.

Steps are typed against this and nothing else, so that one text of each serves SQLite and PostgreSQL.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

T = TypeVar("T")


class Rows(Protocol):
    """What a statement returned."""

    @property
    def rowcount(self) -> int:
        """How many rows it changed."""
        ...

    def fetchone(self) -> Any:  # noqa: ANN401  a row of whatever was asked for
        """The next row, None after the last."""
        ...

    def fetchall(self) -> list[Any]:
        """The rows that are left."""
        ...

    def __iter__(self) -> Iterator[Any]: ...


class Tx(Protocol):
    """A connection inside a transaction, or one that only reads."""

    def execute(self, sql: str, parameters: Sequence[Any] = ..., /) -> Rows:
        """Run one statement; each `?` in it stands for a parameter."""
        ...


Unit = Callable[[Tx], T]
"""A step: everything it executes is committed together, or not at all."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A unit of which nothing was written, and why."""

    error: Exception


@dataclass(slots=True)
class Doubt:
    """A transaction whose connection broke at its COMMIT, until somebody knows what became of it."""

    xid: str
    committed: bool | None = None


@dataclass(frozen=True, slots=True)
class Doubtful:
    """A unit that returned `result` in a transaction in doubt."""

    doubt: Doubt
    result: Any


class Transactor(Protocol):
    """A connection that writes."""

    async def transact(self, units: list[Unit[Any]]) -> list[Any]:
        """Run all units in one transaction; if that fails, each in its own.

        One outcome for each: its result, a `Failure`, or that it is `Doubtful`. Called without any, it looks
        after what is in doubt. Raises `CarryonError` when this process must not write any more.
        """
        ...


class Reader(Protocol):
    """A connection that reads."""

    async def run(self, function: Unit[T]) -> T:
        """What the function makes of the ledger as it is now."""
        ...
