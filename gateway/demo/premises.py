"""Where the demo takes place: a temporary directory and the processes that belong to it.

Whatever happens, `clear` leaves no process behind: neither a gateway, nor agents of a gateway that was
killed. Agents are known by the directory that only this demo gave them, never by their name.
"""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import psutil

from gateway.console.address import socket_path
from gateway.errors import CarryonError
from gateway.store.sqlite import LEDGER_FILE

AGENT = "carryon-demo-agent"
AGENT_HOME = "CARRYON_DEMO_HOME"  # the variable that tells the demo agent where to keep its sessions

_GONE = 5.0
"""Seconds that killed processes are waited for."""


class Premises:
    """The directory, its files, and the gateways that were started in it."""

    def __init__(self, program: tuple[str, ...]) -> None:
        """Raises `OSError` where there is no room, and `CarryonError` where the agent is not installed."""
        self._program = program
        _find_agent()
        self.directory = Path(tempfile.mkdtemp(prefix="carryon-demo-"))
        self.log = self.directory / "gateway.log"
        self.ledger = self.directory / "state" / LEDGER_FILE
        self._config = self.directory / "gateway.yaml"
        self._agent_home = self.directory / "agent"
        self._gateways: list[subprocess.Popen[bytes]] = []

    def write_config(self, accounts: Mapping[str, object], **more: object) -> None:
        """Everything else is as it is by default. JSON is YAML too."""
        agent = {
            "command": [AGENT],
            "processes": "shared",
            "env": {AGENT_HOME: str(self._agent_home)},
        }
        config = {
            "state_dir": str(self.ledger.parent),
            "accounts": accounts,
            "agents": {"demo": agent},
            "default_agent": "demo",
            "access": {"default": "allow"},
            "http": {"listen": None},
            "limits": {"messages_per_user": "off"},  # who plays may be quick
            "log": {"format": "json"},
            **more,
        }
        self._config.write_text(json.dumps(config, indent=2), encoding="utf-8")

    def launch(self) -> subprocess.Popen[bytes]:
        """Start a gateway. Its own process group keeps it out of the way of Ctrl-C, which is for the demo."""
        settings = {name for name in os.environ if name == "CARRYON_CONFIG" or name.startswith("CARRYON__")}
        with self.log.open("ab") as log:
            gateway = subprocess.Popen(
                (*self._program, "--config", str(self._config), "run"),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.directory,
                env={name: value for name, value in os.environ.items() if name not in settings},
                start_new_session=True,
            )
        self._gateways.append(gateway)
        return gateway

    def last_words(self) -> str:
        """The last line of the gateway's log that says something."""
        try:
            lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            return ""
        words = [line.strip(" |+-")[:300] for line in lines]  # without the frame of a traceback
        return next((line for line in reversed(words) if line), "")

    def clear(self, *, keep: bool) -> None:
        """End every process, and remove the directory unless it is to be kept."""
        for gateway in self._gateways:
            if gateway.poll() is None:
                gateway.send_signal(signal.SIGKILL)
        for gateway in self._gateways:
            with contextlib.suppress(subprocess.TimeoutExpired):  # stuck in the kernel
                gateway.wait(_GONE)
        agents = self._agents()
        for agent in agents:
            _kill(agent)
        psutil.wait_procs(agents, timeout=_GONE)
        socket_path(self.ledger.parent).unlink(missing_ok=True)  # a killed gateway leaves it, maybe elsewhere
        if not keep:
            shutil.rmtree(self.directory, ignore_errors=True)

    def _agents(self) -> list[psutil.Process]:
        found: list[psutil.Process] = []
        deadline = time.monotonic() + _GONE
        for process in psutil.process_iter():
            if time.monotonic() > deadline:
                break
            try:
                if process.environ().get(AGENT_HOME) == str(self._agent_home):
                    found.append(process)
            except (psutil.Error, OSError):
                continue  # gone meanwhile, or somebody else's
        return found


def ending(code: int) -> str:
    """How a process ended, in words."""
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"


def _kill(process: psutil.Process) -> None:
    try:
        process.kill()  # psutil looks at the start time first, so that nobody else is hit
    except psutil.Error:
        return


def _find_agent() -> None:
    """Better said here and now than by a bot that answers every question with an apology."""
    beside = Path(sys.executable).parent
    if shutil.which(AGENT) is None and shutil.which(AGENT, path=str(beside)) is None:
        raise CarryonError(
            f"{AGENT} is neither on PATH nor in {beside}; it comes with Carryon: install Carryon again "
            "(in a checkout, `make demo` does), then try again"
        )
