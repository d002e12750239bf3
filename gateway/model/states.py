"""A transition table: which state may follow which.

The tables stand beside their enums. Whoever changes a state asks the table first, so an illegal change is
an exception at the place that made it and not a row that nobody can explain a week later.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

S = TypeVar("S", bound=StrEnum)


class IllegalTransitionError(Exception):
    """A state change that the table does not allow: a bug in this program."""


@dataclass(frozen=True, slots=True)
class Transitions(Generic[S]):
    """The legal changes of one kind of thing, keyed by the state it is in."""

    noun: str
    edges: Mapping[S, frozenset[S]]

    def allows(self, before: S, after: S) -> bool:
        """Whether `before` may become `after`."""
        return after in self.edges[before]

    def check(self, before: S, after: S) -> None:
        """Raise `IllegalTransitionError` unless `before` may become `after`."""
        if not self.allows(before, after):
            allowed = ", ".join(sorted(self.edges[before])) or "nothing: it is final"
            raise IllegalTransitionError(
                f"a {self.noun} cannot go from {before} to {after}; from {before} it may become {allowed}"
            )

    def sources(self, after: S) -> tuple[S, ...]:
        """Every state from which `after` may be reached, in the enum's order."""
        return tuple(before for before in self.edges if after in self.edges[before])
