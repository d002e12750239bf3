"""What `carryon logs` prints: the kept log, filtered, and followed as it grows."""

import json
import os
import re
import time
from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO, Final, cast

from gateway import log, log_file
from gateway.errors import CarryonError

LEVELS: Final = ("debug", "info", "warning", "error", "critical")
FOLLOW_SECONDS: Final = 0.25
"""How often a file that is followed is looked at."""

Line = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which lines are shown. What is None does not matter.

    `level` is the least severe one; `action` may end with `*`; `seconds` is how far back.
    """

    level: str = "debug"
    action: str | None = None
    account: str | None = None
    session: int | None = None
    turn: int | None = None
    seconds: float | None = None

    def takes(self, line: Line, now: datetime) -> bool:
        """Whether a line is one of them."""
        severity = LEVELS.index(line["level"]) if line.get("level") in LEVELS else len(LEVELS)
        return (
            severity >= LEVELS.index(self.level)
            and _matches(self.action, line.get("action"))
            and self.account in (None, line.get("account"))
            and self.session in (None, line.get("session"))
            and self.turn in (None, line.get("turn"), line.get("resumes"))
            and (self.seconds is None or _at(line) >= now - timedelta(seconds=self.seconds))
        )


def _matches(pattern: str | None, action: object) -> bool:
    if pattern is None:
        return True
    return bool(re.fullmatch(re.escape(pattern).replace(r"\*", ".*"), str(action)))


def _at(line: Line) -> datetime:
    try:
        at = datetime.fromisoformat(str(line.get("timestamp")))
    except ValueError:
        return datetime.min.replace(tzinfo=UTC)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def lines(state_dir: Path, wanted: Wanted, last: int, *, follow: bool) -> Iterator[Line]:
    """The last so many lines that are wanted; with `follow` also those that come, for ever.

    Raises `CarryonError` where nothing is kept.
    """
    folder = state_dir / log_file.FOLDER
    now = datetime.now(UTC)
    found = log_file.files(folder)
    if not found and not follow:
        raise CarryonError(
            f"there is no log in {folder}; a gateway keeps one there unless log.keep is off; "
            "what runs as a service is also in its supervisor's log (journalctl, docker logs)"
        )
    reader = _Reader(folder / log_file.NAME)
    held: deque[Line] = deque(maxlen=last)
    for path in found[:-1] if found and found[-1] == reader.path else found:
        held.extend(one for one in _parsed(path.read_bytes()) if wanted.takes(one, now))
    held.extend(one for one in reader.more() if wanted.takes(one, now))
    yield from held
    while follow:
        yield from (one for one in reader.more() if wanted.takes(one, now))
        time.sleep(FOLLOW_SECONDS)


def text(line: Line, *, colours: bool) -> str:
    """A line for people."""
    return log.readable(line, colours=colours)


class _Reader:
    """Whole lines of a file as it grows, also when it is put aside for a new one, several times even."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._inode = 0
        self._offset = 0

    def more(self) -> Iterator[Line]:
        """The lines since the last call."""
        with ExitStack() as stack:
            present = self._open(stack)
            fresh = [inode for inode, _ in present]
            begin = fresh.index(self._inode) if self._inode in fresh else 0 if self._inode else -1
            for inode, file in present[begin:]:
                if inode != self._inode:
                    self._inode, self._offset = inode, 0
                file.seek(min(self._offset, os.fstat(file.fileno()).st_size))
                raw = file.read()
                whole = raw.rfind(b"\n") + 1
                self._offset = file.tell() - len(raw) + whole
                yield from _parsed(raw[:whole])

    def _open(self, stack: ExitStack) -> list[tuple[int, BinaryIO]]:
        """The files that are there, each once, the oldest first.

        Names move while one is put aside, so what was found counts only if they are the same afterwards.
        """
        while True:
            names = _inodes(self.path.parent)
            found: dict[int, BinaryIO] = {}
            for path in names:
                with suppress(OSError):
                    file = stack.enter_context(path.open("rb"))
                    found[os.fstat(file.fileno()).st_ino] = file
            if _inodes(self.path.parent) == names and list(found) == [*names.values()]:
                return list(found.items())


def _inodes(folder: Path) -> dict[Path, int]:
    found: dict[Path, int] = {}
    for path in log_file.files(folder):
        with suppress(OSError):
            found[path] = path.stat().st_ino
    return found


def _parsed(raw: bytes) -> Iterator[Line]:
    """The lines that can be read; half of one that a kill has cut is nothing."""
    for one in raw.splitlines():
        try:
            value = json.loads(one)
        except (ValueError, RecursionError):  # the latter: nested deeper than anything a gateway writes
            continue
        if isinstance(value, dict):
            yield cast("Line", value)
