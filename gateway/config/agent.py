"""The section of one agent in the config file."""

from collections.abc import Mapping
from typing import Literal, Self

from pydantic import Field, SecretStr, model_validator

from gateway.agents.presets import PRESETS, PresetName
from gateway.config.paths import DirectoryTemplate
from gateway.config.section import Section
from gateway.config.types import Command, Count, Secret, Text, Truth, VariableName, Wait


class AgentConfig(Section, frozen=True):
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
    remember_permissions: Truth = Field(
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
