"""What the config says, as the rules and the agents' pool take it."""

from gateway.agents.presets import PRESETS, Preset
from gateway.agents.spec import QUIET_TIME, START_TIMEOUT, AgentSpec, PermissionPolicy, ProcessPolicy
from gateway.agents.spec import ResumePolicy as LadderPolicy
from gateway.config.models import AgentConfig, Config
from gateway.engine.approvals import ApprovalPolicy
from gateway.engine.choices import MODE, MODEL
from gateway.engine.media import MediaPolicy
from gateway.engine.streams import StreamPolicy
from gateway.engine.timers import UpkeepPolicy
from gateway.engine.turns import TurnPolicy
from gateway.rules.access import AccessPolicy
from gateway.rules.admission import AdmissionPolicy, Respond
from gateway.rules.note import NotePolicy
from gateway.rules.progress import Progress
from gateway.rules.recovery import ResumePolicy
from gateway.store.place import Place


def ledger_place(config: Config) -> Place:
    """Where the ledger is kept."""
    return Place(config.state_dir, config.store.url.get_secret_value())


def access_policy(config: Config) -> AccessPolicy:
    """The `access` section as the rules take it."""
    access = config.access
    return AccessPolicy(
        access.default == "allow", access.allow, access.admins, pairing=access.default == "pair"
    )


def admission_policy(
    config: Config, access: AccessPolicy, commands: frozenset[str], renewing: frozenset[str]
) -> AdmissionPolicy:
    """Who is let in and to which conversation; `commands` are those of the gateway itself."""
    return AdmissionPolicy(
        access,
        Respond(config.access.groups.respond),
        config.sessions.scope.group == "thread",
        commands,
        config.sessions.max_queued,
        renewing,
        config.resume.freshness,
        config.media.receive,
        config.delivery.receipts == "reactions",
    )


def resume_policy(config: Config) -> ResumePolicy:
    """The `resume` section as the rules take it."""
    resume = config.resume
    return ResumePolicy(
        resume.enabled,
        frozenset(resume.reasons),
        resume.freshness,
        resume.instruction == "continue",
        resume.instruction in ("ask", "notify"),
        frozenset(resume.ask_for),
        resume.max_attempts,
        resume.breaker.boots,
        resume.breaker.window,
    )


def turn_policy(config: Config) -> TurnPolicy:
    """How turns begin and end."""
    resume = resume_policy(config)
    return TurnPolicy(
        NotePolicy(resume.freshness, resume.finish, resume.ask_for, resume.max_attempts),
        config.sessions.idle_reset,
        collect=config.sessions.busy == "collect",
        receipts=config.delivery.receipts == "reactions",
    )


def stream_policy(config: Config) -> StreamPolicy:
    """How answers grow in their chats."""
    delivery = config.delivery
    return StreamPolicy(
        delivery.stream != "off", drafts=delivery.stream == "draft", how=Progress(delivery.progress)
    )


def media_policy(config: Config) -> MediaPolicy:
    """What is done with files."""
    return MediaPolicy(config.media.send, config.media.max_size)


def upkeep_policy(config: Config) -> UpkeepPolicy:
    """What time does to conversations and files."""
    sessions = config.sessions
    return UpkeepPolicy(
        config.resume.freshness, sessions.idle_reset, sessions.retention, config.media.retention
    )


def approval_policies(config: Config) -> dict[str, ApprovalPolicy]:
    """How long people may take to decide about each agent's permissions, and whether that is remembered."""
    return {
        name: ApprovalPolicy(agent.permission_timeout, agent.remember_permissions)
        for name, agent in config.agents.items()
    }


def reserved_choices(config: Config) -> dict[str, frozenset[str]]:
    """What only administrators choose of each agent in the chat.

    Where the config sets a mode, or decides about permissions itself, a mode would be a way round it.
    """
    reserved: dict[str, frozenset[str]] = {}
    for name, agent in config.agents.items():
        mode = agent.mode is not None or agent.permissions != "ask"
        reserved[name] = frozenset({MODE} if mode else ()) | frozenset({MODEL} if agent.options else ())
    return reserved


def agent_specs(config: Config) -> dict[str, AgentSpec]:
    """All `agents`, by name."""
    return {name: agent_spec(config, name) for name in config.agents}


def agent_spec(config: Config, name: str) -> AgentSpec:
    """One of the `agents` as the pool takes it."""
    agent: AgentConfig = config.agents[name]
    preset = PRESETS[agent.preset] if agent.preset else Preset((), "")
    env = {**preset.env, **{key: value.get_secret_value() for key, value in agent.env.items()}}
    for given, instead_of in preset.yields.items():
        env = {key: value for key, value in env.items() if not env.get(given) or key not in instead_of}
    return AgentSpec(
        name,
        agent.command or preset.command,
        config.cwd(name),
        env,
        LadderPolicy(agent.resume),
        PermissionPolicy(agent.permissions),
        agent.mode,
        agent.options,
        agent.retry_waits,
        preset=agent.preset or "",
        start_timeout=agent.start_timeout or preset.start_timeout or START_TIMEOUT,
        cancel_timeout=agent.cancel_timeout,
        drain_timeout=agent.drain_timeout,
        quiet_time=agent.quiet_time or preset.quiet_time or QUIET_TIME,
        turn_idle_timeout=agent.turn_idle_timeout,
        idle_timeout=agent.idle_timeout,
        max_processes=agent.max_processes,
        processes=ProcessPolicy(agent.processes),
        log_dir=config.state_dir / "agents",
    )
