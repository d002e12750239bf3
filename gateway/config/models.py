"""The config file as values: every key with its meaning, its unit and what is allowed.

Frozen, and closed to unknown keys. Places and what was found are added by `gateway.config.problems`, because
only it knows what may be shown. Adapters bring the models of their accounts. Nothing below the composition
root imports this module.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import (
    Field,
    GetCoreSchemaHandler,
    SecretStr,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import CoreSchema, core_schema

from adapters.registry import PLATFORMS, Account, manifest
from gateway.config.agent import AgentConfig
from gateway.config.ledger import SQLITE, LedgerAddress, LedgerUrl
from gateway.config.paths import Directory
from gateway.config.section import Section
from gateway.config.types import (
    NAME,
    Address,
    Count,
    Duration,
    HttpToken,
    Lapse,
    Listen,
    ListenAt,
    LogSize,
    Name,
    People,
    Rate,
    Reason,
    Retention,
    Size,
    ToolKind,
    Truth,
    Wait,
)
from gateway.rules.allowance import Allowance
from gateway.rules.credentials import unless_secret

_SECRET_ENV_LENGTH = 8  # shorter values (`1`, `info`, `en`) are settings; hiding them would blank the logs


class _ByPlatform:
    """Makes `Account` a union tagged by `platform`, one member per registered manifest."""

    @staticmethod
    def __get_pydantic_core_schema__(_source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        choices = {name: handler.generate_schema(manifest(name).account_model) for name in PLATFORMS}
        return core_schema.tagged_union_schema(choices, discriminator="platform")


class StoreConfig(Section, frozen=True):
    """Where the ledger is kept."""

    url: LedgerAddress = Field(
        default=LedgerUrl(SQLITE),
        description="the database: sqlite, a file in state_dir, or postgresql://user:password@host/database",
    )


class GroupsConfig(Section, frozen=True):
    """How the bot behaves in groups."""

    respond: Literal["mention", "always", "never"] = Field(
        default="mention", description="which group messages are answered"
    )


class AccessConfig(Section, frozen=True):
    """Who may talk to the bot."""

    default: Literal["deny", "pair", "allow"] = Field(
        default="deny", description="what happens to people that no pattern names"
    )
    allow: tuple[People, ...] = Field(default=(), description='people who may use the bot: "account:user"')
    admins: tuple[People, ...] = Field(
        default=(), description='people who may use the bot and give it orders: "account:user"'
    )
    groups: GroupsConfig = Field(default_factory=GroupsConfig, description="behaviour in groups")


class ScopeConfig(Section, frozen=True):
    """What a session is, in direct chats and in groups."""

    direct: Literal["user"] = Field(default="user", description="a session for each person")
    group: Literal["thread", "user"] = Field(
        default="thread", description="a session for each thread, or for each person"
    )


class SessionsConfig(Section, frozen=True):
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


class BreakerConfig(Section, frozen=True):
    """When a gateway that keeps dying stops resuming by itself."""

    boots: Count = Field(default=3, description="unclean boots within the window that are tolerated")
    window: Wait = Field(default=300.0, description="how far back boots are counted; a duration")


class ResumeConfig(Section, frozen=True):
    """What happens after a restart to turns that were interrupted."""

    enabled: Truth = Field(default=True, description="whether interrupted sessions go on by themselves")
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


class ShutdownConfig(Section, frozen=True):
    """How the gateway stops."""

    drain_timeout: Duration = Field(
        default=30.0, description="how long running turns may finish after SIGTERM; a duration, 0 is at once"
    )


class LimitsConfig(Section, frozen=True):
    """How much may happen at once."""

    concurrent_turns: Count = Field(default=64, description="turns running at once, over all sessions")
    messages_per_user: Rate = Field(
        default=Allowance(20, 60.0), description="what one person may write; a number and a time, or off"
    )
    messages_per_account: Rate = Field(
        default=None, description="what all people of an account may write; a number and a time, or off"
    )


class DeliveryConfig(Section, frozen=True):
    """How replies are sent."""

    stream: Literal["auto", "draft", "off"] = Field(
        default="auto", description="whether a long answer grows in the chat while the agent works on it"
    )
    progress: Literal["off", "compact", "full"] = Field(
        default="compact", description="what a growing answer shows of the steps that the agent takes"
    )
    max_messages: Count = Field(
        default=8, description="messages that one answer may take; a longer one is sent as a file"
    )
    receipts: Literal["off", "reactions"] = Field(
        default="off", description="whether a reaction tells that a message was accepted, and answered"
    )
    on_unknown: Literal["label", "hold"] = Field(
        default="label",
        description="what becomes of a reply that may or may not have arrived before a crash or a broken "
        "connection",
    )


class MediaConfig(Section, frozen=True):
    """Files that people send and agents make."""

    receive: Truth = Field(default=True, description="whether files that people send reach the agent")
    send: Truth = Field(default=True, description="whether files that an answer links to are sent along")
    max_size: Size = Field(default=20 * 1024 * 1024, description="the largest file, either way; a size")
    retention: Lapse = Field(
        default=30 * 86400.0, description="how long the gateway keeps its copies; off or a duration"
    )


class HttpConfig(Section, frozen=True):
    """The operator page, health and metrics."""

    listen: ListenAt = Field(
        default=Listen("127.0.0.1", 8787),
        description="address and port of the operator page, /healthz, /readyz and /metrics; null is off",
    )
    token: HttpToken | None = Field(
        default=None,
        validate_default=True,
        description="what the page and /metrics ask for; needed unless listen is an address of this machine "
        "alone",
    )

    @field_validator("token")
    @classmethod
    def _not_open_to_others(cls, token: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        listen: Listen | None = info.data.get("listen")
        if listen is not None and not listen.loopback and token is None:
            raise ValueError(
                "a token is needed where listen is not an address of this machine alone (127.0.0.1); "
                "add token: ${CARRYON_HTTP_TOKEN}"
            )
        return token


class TelemetryConfig(Section, frozen=True):
    """Traces of messages for OpenTelemetry."""

    otlp: Address | None = Field(
        default=None,
        description="where traces are sent by OTLP over HTTP, such as http://127.0.0.1:4318; null is off",
    )


class LogConfig(Section, frozen=True):
    """What is logged, on standard error."""

    format: Literal["auto", "console", "json"] = Field(
        default="auto", description="auto is console on a terminal, else json"
    )
    level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="the least severe level that is written"
    )
    keep: LogSize = Field(
        default=50 * 1024 * 1024,
        description="how much of the log is also kept, in logs in state_dir, for `carryon logs`; off or a "
        "size",
    )


class Config(Section, frozen=True):
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
    media: MediaConfig = Field(default_factory=MediaConfig, description="files")
    http: HttpConfig = Field(default_factory=HttpConfig, description="page, health and metrics")
    telemetry: TelemetryConfig = Field(default_factory=TelemetryConfig, description="traces")
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
        if self.http.token is not None:
            found.append(self.http.token)
        ledger = self.store.url.secrets() if isinstance(self.store.url, LedgerUrl) else ()
        env = [v for agent in self.agents.values() for v in agent.env.values()]
        return (
            *(v.get_secret_value() for v in found),
            *ledger,
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
        yield ("default_agent",), f"no agent has this name; allowed: {', '.join(map(unless_secret, agents))}"
    for key, people in patterns.items():
        for index, pattern in enumerate(people):
            account, colon, _ = pattern.partition(":") if isinstance(pattern, str) else ("", "", "")
            if colon and NAME.fullmatch(account) and account not in accounts:
                known = ", ".join(map(unless_secret, accounts))
                what = f"no account has the name before the colon; allowed: {known}"
                yield ("access", key, index), what
