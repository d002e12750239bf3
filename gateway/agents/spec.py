"""What is configured about one agent, as plain values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

START_TIMEOUT = 30.0
"""Seconds in which an agent has to answer while a conversation is opened."""

QUIET_TIME = 0.7
"""Seconds without a word after which an agent's replay counts as complete."""


class ResumePolicy(StrEnum):
    """Which rungs of the resume ladder an agent may use.

    `native_preferred` takes the best one that works. `native_required` fails visibly where the agent cannot
    load a session that it once had. `bootstrap` never loads.
    """

    NATIVE_PREFERRED = "native_preferred"
    NATIVE_REQUIRED = "native_required"
    BOOTSTRAP = "bootstrap"


class PermissionPolicy(StrEnum):
    """How an agent's requests for permission are answered: by people in the chat, or always the same."""

    ASK = "ask"
    ALLOW = "allow"
    DENY = "deny"


class ProcessPolicy(StrEnum):
    """Whether each conversation has a process of its own or all of an agent's share one."""

    PER_SESSION = "per_session"
    SHARED = "shared"


@dataclass(frozen=True, slots=True)
class AgentSpec:
    """One configured agent. Times are in seconds.

    `cwd` is the working directory of a conversation; `{session}` in it stands for the session's id, and it is
    made when it is missing; None is the home directory. `home` is the agent's HOME; None is the gateway's.
    `env` comes on top of the few variables that every agent is given. `mode` is a session mode of the agent
    and `options` are values of its config options by id, set after each new and load. `retry_waits` are how
    long to wait before each further attempt of a prompt that failed inside the agent before it did anything.
    `log_dir` takes the tail of what each agent writes to standard error, and the
    notes by which a later gateway finds processes that this one left behind; None keeps neither.
    `turn_idle_timeout` is how long a turn may be silent. `quiet_time` is the gap after which a replay that
    looks incomplete counts as over, `replay_timeout` how long a missing one is waited for. `preset` names the
    known agent that this is, empty for others.
    """

    name: str
    command: tuple[str, ...]
    cwd: str | None = None
    env: Mapping[str, str] = field(default_factory=dict[str, str])
    resume: ResumePolicy = ResumePolicy.NATIVE_PREFERRED
    permissions: PermissionPolicy = PermissionPolicy.DENY
    mode: str | None = None
    options: Mapping[str, str] = field(default_factory=dict[str, str])
    retry_waits: tuple[float, ...] = (5.0, 15.0, 30.0)
    turn_idle_timeout: float = 600.0
    idle_timeout: float = 900.0
    cancel_timeout: float = 2.0
    drain_timeout: float = 2.0
    start_timeout: float = START_TIMEOUT
    quiet_time: float = QUIET_TIME
    replay_timeout: float = 3.0
    max_processes: int = 8
    processes: ProcessPolicy = ProcessPolicy.PER_SESSION
    home: Path | None = None
    log_dir: Path | None = None
    log_bytes: int = 256 * 1024
    preset: str = ""

    @property
    def shared(self) -> bool:
        """Whether one process serves every conversation with this agent."""
        return self.processes is ProcessPolicy.SHARED
