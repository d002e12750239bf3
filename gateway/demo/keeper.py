"""The gateway of the page: one process at most, started and ended by its buttons.

An account is connected when its emulator says so. A long poll is now and then between two requests, so an
account that was connected is called so until it has been away for a moment.
"""

import asyncio
import signal
import subprocess
from collections.abc import Callable
from enum import StrEnum

from gateway.demo.premises import Premises, ending
from gateway.demo.stage import Stage

_POLL = 0.05  # seconds between two looks at the process and at the emulators
_AWAY = 1.5  # seconds


class Phase(StrEnum):
    """Where the process is in its life."""

    DOWN = "down"
    STARTING = "starting"
    UP = "up"
    STOPPING = "stopping"


class Keeper:
    """Starts, kills and stops it, and knows how it is. `tell` hears of what happens, with a tone."""

    def __init__(self, premises: Premises, stage: Stage, tell: Callable[[str, str, str], None]) -> None:
        self._premises = premises
        self._stage = stage
        self._tell = tell
        self.process: subprocess.Popen[bytes] | None = None
        self._seen: dict[str, float] = {}  # when an account was last connected to this process
        self._expected = ""  # why it may end
        self.phase = Phase.DOWN
        self.accounts: dict[str, str] = dict.fromkeys(stage.platforms, "down")

    @property
    def pid(self) -> int | None:
        """The process's id, while there is one."""
        return self.process.pid if self.process else None

    def start(self) -> bool:
        """Start it. False where that makes no sense."""
        if self.process is not None:
            return False
        self.process = self._premises.launch()
        self._seen.clear()
        self._expected = ""
        self.phase = Phase.STARTING
        self._tell("", f"started (pid {self.process.pid}); it loads the platforms' libraries", "")
        self._note()
        return True

    def kill(self) -> bool:
        """SIGKILL. False where there is nothing to kill."""
        return self._send(signal.SIGKILL, "killed")

    def stop(self) -> bool:
        """SIGTERM, which lets running turns finish. False where that makes no sense."""
        if self.phase is Phase.STOPPING or not self._send(signal.SIGTERM, "stopped"):
            return False
        self.phase = Phase.STOPPING
        self._tell("", "asked to stop with SIGTERM; running turns may finish", "")
        return True

    async def run(self, changed: Callable[[], None]) -> None:
        """Watch it, until cancelled."""
        while True:
            before = self.phase, dict(self.accounts)
            self._look()
            if (self.phase, self.accounts) != before:
                changed()
            await asyncio.sleep(_POLL)

    def _send(self, number: signal.Signals, expected: str) -> bool:
        if self.process is None:
            return False
        self._expected = expected
        self.process.send_signal(number)
        return True

    def _look(self) -> None:
        process = self.process
        # Its connections, which the emulators may not yet have seen end, must not pass for the next one's.
        if process is not None and process.poll() is not None and not self._stage.connected():
            self.process, self.phase = None, Phase.DOWN
            how = ending(process.returncode)
            if self._expected:
                alarm = "alarm" if process.returncode else ""
                self._tell("", f"{self._expected} ({how})" if alarm else self._expected, alarm)
            else:
                self._tell("", f"ended by itself ({how}); its log says why", "alarm")
        self._note()

    def _note(self) -> None:
        now, here = asyncio.get_running_loop().time(), self._stage.connected()
        for platform in self._stage.platforms:
            if self.process is None:
                self.accounts[platform] = "down"
                continue
            if platform in here:
                self._seen[platform] = now
            was = self.accounts[platform]
            away = now - self._seen.get(platform, float("-inf"))
            self.accounts[platform] = "connected" if away < _AWAY else "connecting"
            if self.accounts[platform] == "connected" != was:
                self._tell(platform, "connected", "good")
        if self.phase is Phase.STARTING and set(self.accounts.values()) == {"connected"}:
            self.phase = Phase.UP
