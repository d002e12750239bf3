"""What an operator sees of a running gateway, and what asking it to do something comes to."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Intent(StrEnum):
    """Why a gateway stops. `restart` ends with the exit code that asks a supervisor to start it again."""

    STOP = "stop"
    RESTART = "restart"


class Phase(StrEnum):
    """How far a stop has come. Only `waiting` can be undone."""

    SERVING = "serving"
    WAITING = "waiting"
    CUTTING = "cutting"
    FLUSHING = "flushing"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class StopRequest:
    """A wish to stop: how long running turns may finish, in seconds, and where the wish came from.

    `session_id` is the conversation that asked, if it was a chat: it is told when the gateway is back.
    """

    intent: Intent
    wait: float
    session_id: int | None = None


CONNECTING = "connecting"
"""Why an account is not connected that was neither connected nor refused yet."""


@dataclass(frozen=True, slots=True)
class AccountStatus:
    """One account: whether it is connected, and if not, why.

    `found` counts the messages of this boot that were sent while the gateway was away and are answered now,
    `too_old` those that were found too late for that.
    """

    name: str
    connected: bool
    why: str = ""
    found: int = 0
    too_old: int = 0


@dataclass(frozen=True, slots=True)
class RunningTurn:
    """A turn at work: which, in which session, and for how many seconds."""

    turn_id: int
    session_id: int
    seconds: float


@dataclass(frozen=True, slots=True)
class ConfigStatus:
    """The config file of a running gateway.

    `loaded_at` is when what counts now was read, in seconds since the epoch. `needs_restart` names keys that
    were changed since and count only after a restart. `problems` are those of the file as it is now: while
    there are any, what was read before counts.
    """

    path: str
    loaded_at: float
    needs_restart: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class GatewayStatus:
    """A running gateway at a glance. `deadline` is how many seconds of waiting are left while it drains.

    `continued` counts the turns of this boot by how their agent sessions were continued. `ledger_damaged`:
    who read the ledger since this start found damage, which may be where nothing is written.
    """

    boot_id: int
    pid: int
    uptime: float
    phase: Phase
    intent: Intent | None
    deadline: float | None
    ledger_writable: bool
    breaker_open: bool
    accounts: tuple[AccountStatus, ...]
    running: tuple[RunningTurn, ...]
    lanes: int
    queued_chats: int
    continued: Mapping[str, int] = field(default_factory=dict[str, int])
    config: ConfigStatus | None = None
    ledger_damaged: bool = False


@dataclass(frozen=True, slots=True)
class Done:
    """It was done; `text` says what came of it."""

    text: str


@dataclass(frozen=True, slots=True)
class Refused:
    """It cannot be done; `text` says why and what can be done instead.

    `problems` are those of a config file that cannot be used, each with its place.
    """

    text: str
    problems: tuple[str, ...] = ()


OperationOutcome = Done | Refused
