"""What every check is given: the config, the moment, and whether a gateway is running."""

import fcntl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.config.file import Finder
from gateway.config.models import Config
from gateway.console.client import NotRunningError, ask
from gateway.store.lock import LOCK_FILE
from gateway.store.sqlite import LEDGER_FILE


@dataclass(frozen=True, slots=True)
class Presence:
    """Whether a gateway runs on the state directory: its process holds the lock.

    `pid` is None where it cannot be read. `status` is what the gateway says of itself, None if it is silent.
    """

    running: bool
    pid: int | None = None
    status: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Context:
    """The config and where it is from, the environment, the time in seconds since the epoch, the gateway."""

    path: Path
    config: Config
    find: Finder
    environ: Mapping[str, str]
    now: float
    presence: Presence

    @property
    def state_dir(self) -> Path:
        """Where the ledger, the lock and the agents' logs are."""
        return self.config.state_dir

    @property
    def ledger(self) -> Path | None:
        """The ledger's file; None where it is a database elsewhere."""
        here = str(self.config.store.url).startswith("sqlite")
        return self.state_dir / LEDGER_FILE if here else None


def look(state_dir: Path) -> Presence:
    """Whether a gateway runs, and what it says. Blocks."""
    try:
        with (state_dir / LOCK_FILE).open("r", encoding="ascii", errors="replace") as file:
            try:
                # Shared, and let go of at once: two doctors do not take each other for a gateway.
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                text = file.read(32).strip()
            else:
                return Presence(running=False)
    except OSError:
        return Presence(running=False)  # what is wrong with the directory is found by a check
    try:
        status = ask(state_dir, "GET", "/status")
    except NotRunningError:
        status = None
    return Presence(True, int(text) if text.isascii() and text.isdigit() else None, status)
