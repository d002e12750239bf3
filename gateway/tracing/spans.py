"""Spans as values, and the ids that say where they belong.

Ids are derived from the ledger's numbers with a secret of the state directory: the process that goes on with
a message after a crash arrives at the same trace as the one that died, and at the same parent spans.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2b

Value = str | int | float | bool


@dataclass(frozen=True, slots=True)
class Place:
    """Where a span is: its trace, and its own id in it."""

    trace: int
    span: int


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time with a name. Times are seconds since the epoch.

    `place` without a parent is the root of its trace. `error` says in a word what went wrong. `links` are
    spans that this one goes on with, or that go on with it.
    """

    name: str
    place: Place
    start: float
    end: float
    parent: Place | None = None
    attributes: Mapping[str, Value] = field(default_factory=dict[str, Value])
    links: tuple[Place, ...] = ()
    error: str = ""


class Ids:
    """The places of what the ledger numbers."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def root(self, message_id: int) -> Place:
        """The span of a message's whole way, which gives its trace the id."""
        return Place(self._number(f"trace:{message_id}", 16), self._number(f"message:{message_id}", 8))

    def within(self, root: Place, kind: str, number: int, part: int = 0) -> Place:
        """A span of the same trace."""
        return Place(root.trace, self._number(f"{kind}:{number}:{part}", 8))

    def _number(self, name: str, size: int) -> int:
        digest = blake2b(name.encode(), digest_size=size, key=self._key, person=b"carryon-trace").digest()
        return int.from_bytes(digest, "big") or 1  # zero is no id
