"""`python -m tests.agents.install`: have npm install the real agents that are not there yet."""

import json
import shutil
import subprocess
from pathlib import Path

from tests.agents.real import AGENTS, RealAgent

SECONDS = 600
"""How long one may take. They have 100 to 350 MB each."""


def missing(agent: RealAgent) -> str:
    """Why the agent cannot be run; empty if it can."""
    if shutil.which("node") is None:
        return "node is not installed"
    if not _done(agent).is_file():
        return f"{agent.package}@{agent.version} is not installed: make agents"
    return ""


def install(agent: RealAgent) -> str:
    """Install it; what became of it, in one line."""
    if not missing(agent):
        return "is there"
    if shutil.which("npm") is None:
        return "cannot be installed: npm is not there"
    agent.folder.mkdir(parents=True, exist_ok=True)
    (agent.folder.parent / ".gitignore").write_text("*\n")
    (agent.folder / "package.json").write_text(json.dumps({"private": True}))
    asked = f"{agent.package}@{agent.version}"
    try:
        npm = subprocess.run(
            ["npm", "install", "--no-audit", "--no-fund", "--loglevel=error", asked],
            cwd=agent.folder,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"cannot be installed: npm took more than {SECONDS} s"
    if npm.returncode:
        last = next((line for line in reversed(npm.stderr.splitlines()) if line.strip()), "")
        return f"cannot be installed: npm ended with {npm.returncode}: {last}"
    _done(agent).touch()
    return "was installed"


def _done(agent: RealAgent) -> Path:
    return agent.folder / ".installed"


if __name__ == "__main__":
    for one in AGENTS:
        print(f"{one.package}@{one.version}", install(one), flush=True)  # noqa: T201
