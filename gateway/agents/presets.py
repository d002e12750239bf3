"""Known agents: how each is started, and what has to be known about it.

Measured with the versions named here, without a network and with a local model; see docs/agents.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

PresetName = Literal["claude", "codex", "gemini", "hermes", "opencode"]


@dataclass(frozen=True, slots=True)
class Preset:
    """Settings of a known agent; what the config says goes before them.

    `install` is the command that installs it. `yields` names variables that must not be passed on together
    with another one. `quiet_time` and `start_timeout` are in seconds, None for the usual ones. `history` are
    the parts of its home in which it keeps sessions.
    """

    command: tuple[str, ...]
    install: str
    env: Mapping[str, str] = field(default_factory=dict[str, str])
    yields: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    quiet_time: float | None = None
    start_timeout: float | None = None
    history: tuple[str, ...] = ()


PRESETS: Mapping[str, Preset] = {
    "claude": Preset(
        command=("claude-agent-acp",),
        install="npm install -g @agentclientprotocol/claude-agent-acp",
        env={"DISABLE_AUTOUPDATER": "1"},
        # With both, it bills the key although its user has logged in.
        yields={"CLAUDE_CODE_OAUTH_TOKEN": ("ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL")},
        history=(".claude/projects",),
    ),
    "codex": Preset(
        command=("codex-acp",),
        install="npm install -g @zed-industries/codex-acp",
        history=(".codex/sessions",),
    ),
    "gemini": Preset(
        command=("gemini", "--acp"),
        install="npm install -g @google/gemini-cli",
        env={"GEMINI_CLI_NO_RELAUNCH": "true"},
        quiet_time=1.0,  # it answers a load before it has replayed everything
        start_timeout=60.0,
        history=(".gemini/tmp",),
    ),
    "hermes": Preset(
        command=("hermes", "acp"),
        install="pip install 'hermes-agent[acp]'",
        start_timeout=60.0,
        history=(".hermes/state.db",),
    ),
    "opencode": Preset(
        command=("opencode", "acp"),
        install="npm install -g opencode-ai",
        env={"OPENCODE_DISABLE_AUTOUPDATE": "1"},
        start_timeout=60.0,
        history=(".local/share/opencode",),
    ),
}
