"""Config files for tests: the demo agent, one Telegram account, everybody allowed, few waits."""

import json
from pathlib import Path
from typing import Any

TOKEN = "4242:a-token-of-valid-shape"

Settings = dict[str, Any]


def settings(folder: Path, api_url: str) -> Settings:
    """The smallest config that works, with everything it writes in `folder`."""
    demo = {"CARRYON_DEMO_HOME": str(folder / "demo")}
    return {
        "state_dir": str(folder / "state"),
        "accounts": {
            "telegram": {
                "platform": "telegram",
                "token": TOKEN,
                "api_url": api_url,
                "rate_limits": "off",
            }
        },
        "agents": {"demo": {"command": ["carryon-demo-agent"], "processes": "shared", "env": demo}},
        "default_agent": "demo",
        "access": {"default": "allow"},
        "shutdown": {"drain_timeout": "5s"},
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
