"""What systemd, or whatever speaks its notification protocol, is told about this process.

Messages go to the datagram socket that `NOTIFY_SOCKET` names; without one nothing is ever said. Sending never
blocks and never raises: what could not be sent is kept, and goes out with the next message.

Signs of life come from a task of the gateway's own event loop: a loop that is stuck is silent, and is ended
and started anew by its supervisor. `STOPPING=1` waits for the point of no return: until then a stop can be
undone, and a supervisor that has heard it ends the process whatever happens.
"""

import math
import os
import socket
import time
from collections.abc import Mapping
from typing import Self

from gateway import log
from gateway.model.operation import GatewayStatus, Phase
from gateway.ports import Clock, Operations
from gateway.rules.words import counted

_log = log.get()

LOOK_SECONDS = 2.0
"""How often the status is looked at, at least."""

SETTLE_SECONDS = 60.0
"""How long the rest of a stop may take after the wait for running turns: cutting, ending agents, sending."""

_ABSTRACT = "@"


class Supervisor:
    """The one that started this process and watches over it, if there is one.

    `watchdog` is the silence, in seconds, after which it takes the process for dead; None if it never does.
    """

    def __init__(self, address: str = "", watchdog: float | None = None) -> None:
        self._address = address
        self._watchdog = watchdog
        self._owed: dict[str, str] = {}
        self._status = ""
        self._stopping = False
        self._deaf = False

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Self:
        """The supervisor that the environment names. A watchdog may be meant for another process."""
        given = os.environ if environment is None else environment
        address = given.get("NOTIFY_SOCKET", "")
        usec, pid = given.get("WATCHDOG_USEC", ""), given.get("WATCHDOG_PID", str(os.getpid()))
        watched = usec.isdecimal() and int(usec) > 0 and pid == str(os.getpid())
        return cls(address if address[:1] in ("/", _ABSTRACT) else "", int(usec) / 1e6 if watched else None)

    def ready(self) -> None:
        """The gateway serves, or serves with its new config. Not: accounts are connected."""
        self._tell(READY="1")

    def reloading(self) -> None:
        """The config is being read again; `ready` has to follow, whatever came of it."""
        self._tell(RELOADING="1", MONOTONIC_USEC=str(time.monotonic_ns() // 1000))

    def stopping(self) -> None:
        """There is no way back."""
        if not self._stopping:
            self._stopping = True
            self._tell(STOPPING="1")

    async def attend(self, operations: Operations, clock: Clock) -> None:
        """Give signs of life and say what the gateway is doing, until cancelled."""
        if not self._address:
            return
        pause = LOOK_SECONDS if self._watchdog is None else min(LOOK_SECONDS, self._watchdog / 2)
        while True:
            self._look(operations.status())
            await clock.sleep(pause)

    def _look(self, status: GatewayStatus) -> None:
        if self._watchdog is not None:
            self._owed["WATCHDOG"] = "1"
        if (line := status_line(status)) != self._status:
            self._owed["STATUS"] = self._status = line
        if status.phase is Phase.WAITING:
            # From now, again and again: however long turns may take, the rest of the stop has its time.
            self._owed["EXTEND_TIMEOUT_USEC"] = str(int(SETTLE_SECONDS * 1e6))
        elif status.phase is not Phase.SERVING:
            self.stopping()
        self._tell()

    def _tell(self, **news: str) -> None:
        self._owed |= news
        if not self._address or not self._owed:
            return
        text = "".join(f"{name}={value}\n" for name, value in self._owed.items())
        where = self._address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
                sender.setblocking(False)
                sender.sendto(text.encode(), "\0" + where[1:] if where.startswith(_ABSTRACT) else where)
        except OSError as error:  # no room, or nobody there: what is owed goes out with the next message
            if not self._deaf and not isinstance(error, BlockingIOError):
                self._deaf = True
                _log.warning("supervisor.unreachable", socket=where, why=str(error))
        else:
            self._deaf = False
            self._owed.clear()


def status_line(status: GatewayStatus) -> str:
    """What the gateway is doing, in one line that holds nothing anybody wrote in a chat."""
    running = counted(len(status.running), "running turn")
    match status.phase:
        case Phase.SERVING:
            missing = [account.name for account in status.accounts if not account.connected]
            there = len(status.accounts) - len(missing)
            said = f"{there} of {counted(len(status.accounts), 'account')} connected"
            parts = [said + (f" (not {', '.join(missing)})" if missing else ""), running]
        case Phase.WAITING:
            left = math.ceil((status.deadline or 0.0) / 10) * 10  # so that it is not said anew each second
            parts = [f"draining: waiting at most {left} s more", running]
        case Phase.CUTTING | Phase.FLUSHING | Phase.STOPPED:
            parts = [f"stopping: {status.phase}", running]
    if not status.ledger_writable:
        parts.append("THE LEDGER CANNOT BE WRITTEN")
    return "; ".join(parts)
