"""The real agents: where they come from, how they are started without a network, where they keep sessions.

Every one gets a home of its own, in which it finds the settings that it needs, and nothing of the machine's.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.agents.model.server import KEY

INSTALLED = Path(__file__).parents[2] / ".agents"
"""Where agents are installed. Nothing in it belongs to the project."""

Texts = dict[str, str]


@dataclass(frozen=True, slots=True)
class RealAgent:
    """One agent. `sessions` are patterns of the files, below its home, in which it keeps conversations.

    `env` and `files` (by path below its home) are made from its home and the model's address.
    """

    name: str
    package: str
    version: str
    program: tuple[str, ...]
    sessions: tuple[str, ...]
    env: Callable[[Path, str], Texts]
    files: Callable[[str], Texts]

    @property
    def folder(self) -> Path:
        """Where this version of it is installed."""
        return INSTALLED / f"{self.name}-{self.version}"

    @property
    def command(self) -> list[str]:
        """The program with its arguments."""
        program, *arguments = self.program
        return [str(self.folder / "node_modules" / ".bin" / program), *arguments]

    def settle(self, home: Path, model: str, proxy: int) -> dict[str, Any]:
        """Prepare a home; the agent's section of a gateway's config."""
        for name, text in self.files(model).items():
            path = home / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        env = {"HOME": str(home), **_alone(home, proxy), **self.env(home, model)}
        return {"preset": self.name, "command": self.command, "permissions": "allow", "env": env}

    def forget(self, home: Path) -> list[Path]:
        """Remove every conversation that it keeps; what was removed."""
        found = [path for pattern in self.sessions for path in home.glob(pattern) if path.is_file()]
        for path in found:
            path.unlink()
        return found


def _alone(home: Path, proxy: int) -> Texts:
    """Variables that keep a program in its home and off the network."""
    refusing = f"http://127.0.0.1:{proxy}"
    loopback = "127.0.0.1,localhost"
    return {
        "HTTP_PROXY": refusing,
        "HTTPS_PROXY": refusing,
        "http_proxy": refusing,
        "https_proxy": refusing,
        "NO_PROXY": loopback,
        "no_proxy": loopback,
        "XDG_CONFIG_HOME": str(home / ".config"),
        "XDG_DATA_HOME": str(home / ".local" / "share"),
        "XDG_STATE_HOME": str(home / ".local" / "state"),
        "XDG_CACHE_HOME": str(home / ".cache"),
    }


def _claude_env(home: Path, model: str) -> Texts:
    return {
        "ANTHROPIC_BASE_URL": model,
        "ANTHROPIC_API_KEY": KEY,
        "CLAUDE_CONFIG_DIR": str(home / ".claude"),
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    }


def _opencode_env(_home: Path, _model: str) -> Texts:
    return {"OPENCODE_DISABLE_MODELS_FETCH": "1"}


def _opencode_files(model: str) -> Texts:
    provider = {
        "npm": "@ai-sdk/openai-compatible",
        "name": "Local",
        "options": {"baseURL": f"{model}/v1", "apiKey": KEY},
        "models": {"local-model": {"name": "Local"}},
    }
    settings = {"provider": {"local": provider}, "model": "local/local-model"}
    return {".config/opencode/opencode.json": json.dumps(settings)}


def _codex_env(home: Path, _: str) -> Texts:
    return {"CODEX_HOME": str(home / ".codex"), "LOCAL_KEY": KEY}


def _codex_files(model: str) -> Texts:
    settings = f"""
model = "gpt-5.4"
model_provider = "local"
approval_policy = "never"
sandbox_mode = "danger-full-access"

[model_providers.local]
name = "Local"
base_url = "{model}/v1"
wire_api = "responses"
env_key = "LOCAL_KEY"
"""
    return {".codex/config.toml": settings}


def _gemini_env(_: Path, model: str) -> Texts:
    return {
        "GEMINI_API_KEY": KEY,
        "GOOGLE_GEMINI_BASE_URL": model,
        "GEMINI_MODEL": "gemini-2.5-pro",
    }


def _gemini_files(_: str) -> Texts:
    settings = {
        "security": {"auth": {"selectedType": "gemini-api-key"}},
        "privacy": {"usageStatisticsEnabled": False},
        "telemetry": {"enabled": False},
        "general": {"disableAutoUpdate": True},
    }
    return {".gemini/settings.json": json.dumps(settings)}


CLAUDE = RealAgent(
    "claude",
    "@agentclientprotocol/claude-agent-acp",
    "0.49.0",
    ("claude-agent-acp",),
    (".claude/projects/*/*.jsonl",),
    _claude_env,
    lambda _: {},
)
OPENCODE = RealAgent(
    "opencode",
    "opencode-ai",
    "1.18.33",
    ("opencode", "acp"),
    (".local/share/opencode/opencode.db*",),
    _opencode_env,
    _opencode_files,
)
CODEX = RealAgent(
    "codex",
    "@zed-industries/codex-acp",
    "0.16.0",
    ("codex-acp",),
    (".codex/sessions/**/*.jsonl",),
    _codex_env,
    _codex_files,
)
GEMINI = RealAgent(
    "gemini",
    "@google/gemini-cli",
    "0.61.0",
    ("gemini", "--acp"),
    (".gemini/tmp/*/chats/**/*",),
    _gemini_env,
    _gemini_files,
)
AGENTS = (CLAUDE, OPENCODE, CODEX, GEMINI)
