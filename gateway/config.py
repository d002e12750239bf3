"""The config file as values: every key with its meaning, its unit and what is allowed.

Frozen, and closed to unknown keys. Places and what was found are added by `gateway.config_problems`, because
only it knows what may be shown. Adapters bring the models of their accounts. Nothing below the composition
root imports this module.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, Field, GetCoreSchemaHandler, SecretStr, model_validator
from pydantic_core import CoreSchema, core_schema

from adapters.registry import PLATFORMS, Account, manifest
from gateway.agents.presets import PRESETS, PresetName
from gateway.config_types import (
    NAME,
    Command,
    Count,
    Directory,
    DirectoryTemplate,
    Duration,
    Lapse,
    Name,
    People,
    Reason,
    Retention,
    Secret,
    Text,
    ToolKind,
    VariableName,
    Wait,
)

_SECRET_ENV_LENGTH = 8  # shorter values (`1`, `info`, `en`) are settings; hiding them would blank the logs


class _ByPlatform:
    """Makes `Account` a union tagged by `platform`, one member per registered manifest."""

    @staticmethod
    def __get_pydantic_core_schema__(_source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        choices = {name: handler.generate_schema(manifest(name).account_model) for name in PLATFORMS}
        return core_schema.tagged_union_schema(choices, discriminator="platform")


class _Section(BaseModel, frozen=True, extra="forbid", hide_input_in_errors=True):
    """What all sections share: frozen, closed to unknown keys, and errors without values."""


class StoreConfig(_Section, frozen=True):
    """Where the ledger is kept."""

    url: Literal["sqlite"] = Field(
        default="sqlite", description="the database; sqlite is a file in state_dir"
    )


class AgentConfig(_Section, frozen=True):
    """One agent: how its process is started, kept and continued."""

    preset: PresetName | None = Field(
        default=None, description="settings for a known agent; keys of this section go before them"
    )
    command: Command | None = Field(
        default=None, description="program and arguments, started without a shell; a preset has its own"
    )
    cwd: DirectoryTemplate | None = Field(
        default=None,
        description="working directory, created when missing; {session} stands for the session; "
        "null is workspaces/{session} in state_dir",
    )
    env: Mapping[VariableName, Secret] = Field(
        default_factory=dict[str, SecretStr],
        description="environment variables of the process, besides the few that every program needs",
    )
    resume: Literal["native_preferred", "native_required", "bootstrap"] = Field(
        default="native_preferred",
        description="how a session is continued: by the agent's own means if they work, only by them, "
        "or by a transcript",
    )
    permissions: Literal["ask", "allow", "deny"] = Field(
        default="ask",
        description="who decides when the agent asks for permission: people in the chat, or always the same",
    )
    permission_timeout: Wait = Field(
        default=600.0, description="how long people may take to decide before it is refused; a duration"
    )
    remember_permissions: bool = Field(
        default=True,
        description="whether a decision for always holds for just such steps in the rest of the conversation",
    )
    mode: Text | None = Field(
        default=None,
        description="a session mode of the agent, set in each conversation; null is the agent's own",
    )
    options: Mapping[Text, Text] = Field(
        default_factory=dict[str, str],
        description="config options of the agent by id, such as model, set in each conversation",
    )
    turn_idle_timeout: Wait = Field(
        default=600.0, description="how long a turn may stay silent before it is stopped; a duration"
    )
    idle_timeout: Wait = Field(
        default=900.0, description="how long a process without work is kept; a duration"
    )
    start_timeout: Wait | None = Field(
        default=None,
        description="how long a start, and each answer about a session, may take; null is the preset's, "
        "else 30s",
    )
    cancel_timeout: Wait = Field(
        default=2.0, description="how long telling the agent to stop may take; a duration"
    )
    drain_timeout: Wait = Field(
        default=2.0,
        description="how long the agent may take to stop before its process is replaced; a duration",
    )
    quiet_time: Wait | None = Field(
        default=None,
        description="how long an agent must be silent until what it replays counts as complete; "
        "null is the preset's, else 700ms",
    )
    retry_waits: tuple[Wait, ...] = Field(
        default=(5.0, 15.0, 30.0),
        description="waits before each new attempt of a prompt that failed inside the agent "
        "before it did anything",
    )
    max_processes: Count = Field(
        default=8, description="processes alive at once; the least recently used goes first"
    )
    processes: Literal["per_session", "shared"] = Field(
        default="per_session",
        description="a process for each session, or one for several where the agent can",
    )

    @model_validator(mode="after")
    def _can_be_started(self) -> Self:
        if self.command is None and self.preset is None:
            raise ValueError(
                "command is needed (program and arguments), unless preset names a known agent; "
                f"allowed: {', '.join(PRESETS)}"
            )
        return self


class GroupsConfig(_Section, frozen=True):
    """How the bot behaves in groups."""

    respond: Literal["mention", "always", "never"] = Field(
        default="mention", description="which group messages are answered"
    )


class AccessConfig(_Section, frozen=True):
    """Who may talk to the bot."""

    default: Literal["deny", "allow"] = Field(
        default="deny", description="what happens to people that no pattern names"
    )
    allow: tuple[People, ...] = Field(default=(), description='people who may use the bot: "account:user"')
    admins: tuple[People, ...] = Field(
        default=(), description='people who may use the bot and give it orders: "account:user"'
    )
    groups: GroupsConfig = Field(default_factory=GroupsConfig, description="behaviour in groups")


class ScopeConfig(_Section, frozen=True):
    """What a session is, in direct chats and in groups."""

    direct: Literal["user"] = Field(default="user", description="a session for each person")
    group: Literal["thread", "user"] = Field(
        default="thread", description="a session for each thread, or for each person"
    )


class SessionsConfig(_Section, frozen=True):
    """What a conversation is and how much may wait in it."""

    scope: ScopeConfig = Field(default_factory=ScopeConfig, description="who shares a session")
    busy: Literal["queue", "interrupt", "collect"] = Field(
        default="queue",
        description="what a message does while the agent is at work: wait its turn, stop what its author "
        "asked before, or wait and be answered together with the others that wait",
    )
    max_queued: Count = Field(default=50, description="messages waiting in one session")
    idle_reset: Lapse = Field(
        default=None, description="a new session after so long without a message; off or a duration"
    )
    retention: Retention = Field(
        default=None,
        description="sessions that were not used for so long are deleted; off or a duration from 7d",
    )


class BreakerConfig(_Section, frozen=True):
    """When a gateway that keeps dying stops resuming by itself."""

    boots: Count = Field(default=3, description="unclean boots within the window that are tolerated")
    window: Wait = Field(default=300.0, description="how far back boots are counted; a duration")


class ResumeConfig(_Section, frozen=True):
    """What happens after a restart to turns that were interrupted."""

    enabled: bool = Field(default=True, description="whether interrupted sessions go on by themselves")
    reasons: tuple[Reason, ...] = Field(
        default=("drain_timeout", "restart_interrupted"), description="interruptions that are resumed unasked"
    )
    freshness: Wait = Field(default=3600.0, description="the oldest interruption resumed unasked; a duration")
    instruction: Literal["continue", "ask", "notify", "off"] = Field(
        default="continue",
        description="continue finishes the interrupted turn unasked; ask and notify offer it with buttons; "
        "off leaves it to the next message",
    )
    ask_for: tuple[ToolKind, ...] = Field(
        default=(), description="kinds of tool calls whose unknown outcome makes a resume ask first"
    )
    concurrency: Count = Field(default=4, description="resumes running at once")
    max_attempts: Count = Field(default=3, description="resumes of a session without a turn that ended well")
    breaker: BreakerConfig = Field(default_factory=BreakerConfig, description="guard against crash loops")


class ShutdownConfig(_Section, frozen=True):
    """How the gateway stops."""

    drain_timeout: Duration = Field(
        default=30.0, description="how long running turns may finish after SIGTERM; a duration, 0 is at once"
    )


class LimitsConfig(_Section, frozen=True):
    """How much may happen at once."""

    concurrent_turns: Count = Field(default=64, description="turns running at once, over all sessions")


class DeliveryConfig(_Section, frozen=True):
    """How replies are sent."""

    stream: Literal["auto", "off"] = Field(
        default="auto", description="whether a long answer grows in the chat while the agent works on it"
    )
    on_unknown: Literal["label", "hold"] = Field(
        default="label", description="what becomes of a reply that may or may not have arrived before a crash"
    )


class LogConfig(_Section, frozen=True):
    """What is logged, on standard error."""

    format: Literal["auto", "console", "json"] = Field(
        default="auto", description="auto is console on a terminal, else json"
    )
    level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="the least severe level that is written"
    )


class Config(_Section, frozen=True):
    """The whole file. Paths are absolute once it was loaded."""

    state_dir: Directory = Field(
        default=Path("./state"),
        validate_default=True,
        description="directory of the ledger, the agents' logs and the lock; created when missing",
    )
    store: StoreConfig = Field(default_factory=StoreConfig, description="the ledger's database")
    accounts: Mapping[Name, Annotated[Account, _ByPlatform]] = Field(
        min_length=1, description="bot identities by name"
    )
    agents: Mapping[Name, AgentConfig] = Field(min_length=1, description="agents by name")
    default_agent: str = Field(description="the agent that answers where nothing else is chosen")
    access: AccessConfig = Field(default_factory=AccessConfig, description="who may talk to the bot")
    sessions: SessionsConfig = Field(default_factory=SessionsConfig, description="conversations")
    resume: ResumeConfig = Field(default_factory=ResumeConfig, description="going on after a restart")
    shutdown: ShutdownConfig = Field(default_factory=ShutdownConfig, description="stopping")
    limits: LimitsConfig = Field(default_factory=LimitsConfig, description="bounds of the whole gateway")
    delivery: DeliveryConfig = Field(default_factory=DeliveryConfig, description="sending replies")
    log: LogConfig = Field(default_factory=LogConfig, description="logs")

    @model_validator(mode="after")
    def _names_exist(self) -> Self:
        lists = {"allow": self.access.allow, "admins": self.access.admins}
        for _, problem in dangling(self.accounts, self.agents, self.default_agent, lists):
            raise ValueError(problem)
        return self

    def cwd(self, agent: str) -> str:
        """An agent's working directory; `{session}` in it stands for the session. `KeyError` if unknown."""
        return self.agents[agent].cwd or str(self.state_dir / "workspaces" / "{session}")

    def secrets(self) -> tuple[str, ...]:
        """Every value that must never be printed, for `gateway.log.configure`."""
        found = [v for account in self.accounts.values() for _, v in account if isinstance(v, SecretStr)]
        env = [v for agent in self.agents.values() for v in agent.env.values()]
        return (
            *(v.get_secret_value() for v in found),
            *(v.get_secret_value() for v in env if len(v) >= _SECRET_ENV_LENGTH),
        )


Place = tuple[str | int, ...]


def dangling(
    accounts: Iterable[str],
    agents: Iterable[str],
    default_agent: object,
    patterns: Mapping[str, Iterable[object]],
) -> Iterator[tuple[Place, str]]:
    """Where a name is used that nothing has: the place, and what is allowed there.

    Works on raw data as on models, so that these problems are reported beside all others.
    """
    agents, accounts = sorted(agents), sorted(accounts)
    if isinstance(default_agent, str) and default_agent not in agents:
        yield ("default_agent",), f"no agent has this name; allowed: {', '.join(agents)}"
    for key, people in patterns.items():
        for index, pattern in enumerate(people):
            account, colon, _ = pattern.partition(":") if isinstance(pattern, str) else ("", "", "")
            if colon and NAME.fullmatch(account) and account not in accounts:
                what = f"no account has the name before the colon; allowed: {', '.join(accounts)}"
                yield ("access", key, index), what
