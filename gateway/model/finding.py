"""What an examination finds: of an account, of the ledger, of the machine."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

Mend = Callable[[], str]
"""Puts right what was found, and says what it did. Raises `NotMendedError` where it cannot. Blocks; to be
called where no event loop runs."""


class Level(StrEnum):
    """How grave it is. Only a `problem` keeps people from being answered, or endangers what was said."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"
    FIXED = "fixed"


class NotMendedError(Exception):
    """It could not be put right; the message says why."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: which check, what was found, and what to do about it. `mend` does it, where it can be done.

    The texts are for people and hold no secret; they are parts of sentences, without a stop at the end.
    """

    check: str
    level: Level
    found: str
    advice: str = ""
    mend: Mend | None = field(default=None, compare=False, repr=False)


def fine(check: str, found: str) -> Finding:
    """All is well."""
    return Finding(check, Level.OK, found)


def warning(check: str, found: str, advice: str = "", mend: Mend | None = None) -> Finding:
    """It works, but not as well as it could, or not for long."""
    return Finding(check, Level.WARNING, found, advice, mend)


def problem(check: str, found: str, advice: str = "", mend: Mend | None = None) -> Finding:
    """It does not work, or what was said is in danger."""
    return Finding(check, Level.PROBLEM, found, advice, mend)
