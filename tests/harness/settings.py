"""Config files for tests: the demo agent, an account or several, everybody allowed, few waits.

Answers are sent in one piece, so that a message that can be seen is an answer that has ended; tests of
answers that grow switch that on.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.harness.leaks import PLANTED

TOKEN = "4242:a-token-of-valid-shape"

Settings = dict[str, Any]


def settings(
    folder: Path, api_url: str = "", accounts: Mapping[str, Mapping[str, object]] | None = None
) -> Settings:
    """The smallest config that works, with everything it writes in `folder`.

    Without `accounts` there is one, of a Telegram at `api_url`.
    """
    demo = {"CARRYON_DEMO_HOME": str(folder / "demo"), "PLANTED_KEY": PLANTED}
    telegram = {"platform": "telegram", "token": TOKEN, "api_url": api_url, "rate_limits": "off"}
    return {
        "state_dir": str(folder / "state"),
        "accounts": {"telegram": telegram} if accounts is None else {n: dict(a) for n, a in accounts.items()},
        "agents": {"demo": {"command": ["carryon-demo-agent"], "processes": "shared", "env": demo}},
        "default_agent": "demo",
        "access": {"default": "allow"},
        "http": {"listen": None},
        "limits": {"messages_per_user": "off"},
        "shutdown": {"drain_timeout": "5s"},
        "delivery": {"stream": "off"},
        "log": {"level": "debug", "format": "json"},
    }


def merged(base: Settings, changes: Settings) -> Settings:
    """`base` with `changes` laid over it, section by section."""
    both = dict(base)
    for key, value in changes.items():
        old = both.get(key)
        both[key] = merged(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return both


def write(path: Path, values: Settings) -> Path:
    """Write a config file. JSON is YAML."""
    path.write_text(json.dumps(values, indent=2), encoding="utf-8")
    return path
