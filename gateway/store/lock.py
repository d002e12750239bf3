"""One gateway on one state directory, held by an exclusive lock that dies with its process."""

import fcntl
import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import psutil

from gateway.errors import LedgerUnavailable, StateLocked
from gateway.store.barred import barred

LOCK_FILE = "lock"


@contextmanager
def hold_state(state_dir: Path) -> Generator[None]:
    """Hold the state directory, making it where it is missing.

    Raises `StateLocked`, naming the process that has it, and `LedgerUnavailable` where the directory cannot
    be used. The kernel lets go of the lock when the process ends, however it ends, so that there is no stale
    lock to clear by hand; the number in the file is only
    for people. A child process never inherits it: Python opens files close-on-exec.
    """
    try:
        state_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        opened = (state_dir / LOCK_FILE).open("a+", encoding="ascii")
    except OSError as error:
        found = barred(state_dir, LOCK_FILE)
        raise LedgerUnavailable(found.found if found else str(error), found.advice if found else "") from None
    with opened as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StateLocked(state_dir, _holder(file.name)) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def holder(state_dir: Path) -> int | None:
    """The process that holds a state directory, as far as one can tell without disturbing it; else None.

    Not by trying to lock it: a gateway that starts in that moment would be turned away.
    """
    path = state_dir / LOCK_FILE
    try:
        pid = _holder(str(path))
        if pid is None or pid == os.getpid():
            return None
        opened = {file.path for file in psutil.Process(pid).open_files()}
    except (OSError, psutil.Error):
        return None
    return pid if str(path.resolve()) in opened else None


def _holder(path: str) -> int | None:
    text = Path(path).read_text(encoding="ascii", errors="replace").strip()
    return int(text) if text.isdigit() else None
