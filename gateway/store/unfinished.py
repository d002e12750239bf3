"""Folders in which something is made ready before it gets its place.

A process that is killed leaves its folder behind. The next one that makes one there deletes it: the name says
which machine and which process it was.
"""

import os
import re
import shutil
import socket
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import psutil

_NAME = re.compile(r"\.carryon-(?P<host>.+)-(?P<pid>\d+)\.part")


@contextmanager
def unfinished(beside: Path) -> Generator[Path]:
    """An empty folder for its owner alone, which vanishes whatever happens. Raises OSError."""
    _sweep(beside)
    folder = beside / f".carryon-{_host()}-{os.getpid()}.part"
    folder.mkdir(mode=0o700)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _sweep(folder: Path) -> None:
    """Delete what processes of this machine left behind that were killed."""
    for entry in folder.iterdir():
        match = _NAME.fullmatch(entry.name)
        if match and match["host"] == _host() and not _is_alive(int(match["pid"])):
            shutil.rmtree(entry, ignore_errors=True)


def _is_alive(pid: int) -> bool:
    return pid != os.getpid() and psutil.pid_exists(pid)


def _host() -> str:
    return re.sub(r"[^\w.]", "_", socket.gethostname()) or "localhost"
