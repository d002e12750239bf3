"""The log's second home: a few files of bounded size, so that what was said can be read later. A leaf."""

import json
import logging
import os
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Final

from structlog.typing import EventDict

FOLDER: Final = "logs"
"""Beside the ledger."""

NAME: Final = "gateway.jsonl"
"""The file that is written to; older ones have a number behind it, the oldest the highest."""

FILES: Final = 5


class LogFile:
    """Takes lines as values, and keeps at most `size` bytes of them. A full disk loses lines, nothing else.

    Raises OSError where the folder cannot be used.
    """

    def __init__(self, folder: Path, size: int) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._handler = _Private(
            folder / NAME, maxBytes=size // FILES, backupCount=FILES - 1, encoding="utf-8"
        )

    def write(self, event: EventDict) -> None:
        """Add one line. Never raises: a log is no reason to stop."""
        self._handler.handle(logging.makeLogRecord({"msg": json.dumps(event)}))

    def close(self) -> None:
        """Write no more."""
        self._handler.close()


class _Private(RotatingFileHandler):
    """Files for their owner alone, and silence about what cannot be written."""

    def _open(self) -> TextIOWrapper:
        made = os.open(self.baseFilename, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        return TextIOWrapper(os.fdopen(made, "ab"), encoding="utf-8", errors="backslashreplace")

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  the standard library names it so
        del record


def files(folder: Path) -> tuple[Path, ...]:
    """The files that are there, the oldest first."""
    names = [NAME, *(f"{NAME}.{number}" for number in range(1, FILES))]
    return tuple(folder / name for name in reversed(names) if (folder / name).is_file())
