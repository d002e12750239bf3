"""What the config says, as the rules and the agents' pool take it."""

from gateway.agents.spec import AgentSpec, ProcessPolicy
from gateway.agents.spec import ResumePolicy as LadderPolicy
from gateway.config import AgentConfig, Config
from gateway.rules.access import AccessPolicy
from gateway.rules.admission import AdmissionPolicy, Respond
from gateway.rules.recovery import ResumePolicy


def access_policy(config: Config) -> AccessPolicy:
    """The `access` section as the rules take it."""
    access = config.access
    return AccessPolicy(access.default == "allow", access.allow, access.admins)


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


def agent_spec(config: Config, name: str) -> AgentSpec:
    """One of the `agents` as the pool takes it."""
    agent: AgentConfig = config.agents[name]
    return AgentSpec(
        name,
        tuple(agent.command),
        config.cwd(name),
        {key: value.get_secret_value() for key, value in agent.env.items()},
        LadderPolicy(agent.resume),
        turn_idle_timeout=agent.turn_idle_timeout,
        idle_timeout=agent.idle_timeout,
        max_processes=agent.max_processes,
        processes=ProcessPolicy(agent.processes),
        log_dir=config.state_dir / "agents",
    )
