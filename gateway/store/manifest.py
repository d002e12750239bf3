"""What a backup says of itself, in its last member: what it is, and every other member with size and hash."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

from gateway.errors import CarryonError

FORMAT = 1
"""Of the archive. One with a higher number is refused."""

LARGEST = 16 << 20
"""Of a manifest, in bytes: some ninety thousand files. Parsed, it takes up to thirty times as much memory."""

_LAST_MOMENT = 253_402_300_799.0  # the end of the year 9999, after which no calendar here goes on
_LARGEST = 1 << 62


class BackupUnusable(CarryonError):  # noqa: N818
    """The file's: it is no backup, or not a whole one, or it was changed. Nothing was restored from it."""

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(f"{path} cannot be used as a backup: {why}; nothing was changed; take another one")


@dataclass(frozen=True, slots=True)
class Member:
    """A file in a backup; its size in bytes."""

    name: str
    size: int
    sha256: str
    executable: bool = False


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup is. `taken_at` is in seconds since the epoch.

    `at_rest`: no gateway was using the ledger while it was copied. `clean`: the last one had stopped and was
    not cut off. `accounts` are names and platforms. `left_out` counts what was not taken along: files
    that the ledger names and that are gone, and links and other things in working directories.
    """

    carryon: str
    schema: int
    taken_at: float
    at_rest: bool
    clean: bool
    accounts: Mapping[str, str]
    counts: Mapping[str, int]
    left_out: int = 0
    members: tuple[Member, ...] = ()
    format: int = FORMAT


def written(manifest: Manifest) -> bytes:
    """A manifest as a file."""
    return json.dumps(asdict(manifest)).encode()


def parsed(path: Path, text: bytes) -> Manifest:
    """The manifest of the backup at `path`. Raises `BackupUnusable`."""
    try:
        fields = cast("dict[str, Any]", json.loads(text))
        form = _count(fields["format"])
        if form > FORMAT:
            raise BackupUnusable(path, f"its format {form} is newer than this version knows")
        members = tuple(
            Member(str(one["name"]), _count(one["size"]), str(one["sha256"]), bool(one["executable"]))
            for one in fields["members"]
        )
        return Manifest(
            _words(fields["carryon"]),
            _count(fields["schema"]),
            moment(fields["taken_at"]),
            bool(fields["at_rest"]),
            bool(fields["clean"]),
            {_words(name): _words(platform) for name, platform in fields["accounts"].items()},
            {_words(name): _count(count) for name, count in fields["counts"].items()},
            _count(fields["left_out"]),
            members,
            form,
        )
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError):
        raise BackupUnusable(path, "its manifest is none that Carryon has written") from None


def moment(found: float) -> float:
    """Seconds since the epoch that a calendar knows. Raises ValueError, TypeError, OverflowError."""
    at = float(found)
    if not 0.0 <= at <= _LAST_MOMENT:  # nor what is no number
        raise ValueError
    return at


def _count(found: float) -> int:
    """How many of something. Raises ValueError, TypeError, OverflowError."""
    number = int(found)
    if not 0 <= number <= _LARGEST:
        raise ValueError
    return number


def _words(found: object) -> str:
    """A text that can be printed. Raises ValueError."""
    text = str(found)
    text.encode()
    return text
