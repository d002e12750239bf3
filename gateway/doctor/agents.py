"""The agents: is each one's program there, and what it needs to run?

None is started: `carryon agents check` does that, and takes its time.
"""

import json
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

from gateway.agents.environment import environment, find_command
from gateway.agents.presets import PRESETS
from gateway.agents.spec import AgentSpec
from gateway.doctor.context import Context
from gateway.model.finding import Finding, fine, problem, warning
from gateway.policies import agent_spec
from gateway.rules.words import one_line

_NODE_SECONDS = 5.0
_NEAR = 4
"""How many directories above a program's file its package.json may be."""


def agents(context: Context) -> Iterator[Finding]:
    """Each configured agent, the default one first."""
    default = context.config.default_agent
    for name in sorted(context.config.agents, key=lambda one: one != default):
        yield from _one(context, name, default=name == default)


def _one(context: Context, name: str, *, default: bool) -> Iterator[Finding]:
    check = f"agent {name}"
    spec = agent_spec(context.config, name)
    env = environment(spec, "", context.environ)
    command = find_command(spec, env)
    grave = problem if default else warning
    asked = _called(context, name, spec)
    if command is None:
        preset = context.config.agents[name].preset
        how = f"install it: {PRESETS[preset].install}" if preset else "install it"
        which = " (the default agent)" if default else ""
        advice = f"{how}; or write its full path into agents.{name}.command"
        yield grave(check, f"{asked} was not found on PATH{which}", advice)
        return
    program = Path(command[0])
    if not runs_on_node(program):
        yield fine(check, f"{asked} is there{_version(program)}")
        return
    node = shutil.which("node", path=env.get("PATH"))
    if node is None:
        yield grave(check, f"{asked} is there, but Node.js, which it runs on, is not", "install Node.js")
        return
    yield fine(check, f"{asked} is there{_version(program)}, and Node.js{_said(node, env)}")


def _called(context: Context, name: str, spec: AgentSpec) -> str:
    """The program's name, unless it came from the environment, which may be where secrets are."""
    if context.config.agents[name].command:
        found = context.find(("agents", name, "command", 0)).what
        if not found.startswith('found "'):
            return "its program"
    return Path(spec.command[0]).name


def runs_on_node(program: Path) -> bool:
    """Whether it is a script for Node.js, as npx and what npm installs are."""
    try:
        with program.open("rb") as file:
            first = file.readline(200)
    except OSError:
        return False
    return first.startswith(b"#!") and b"node" in first.replace(b"/", b" ").split()


def _version(program: Path) -> str:
    """As its package says, where there is one; asking the program could start it."""
    for folder in program.resolve().parents[:_NEAR]:
        try:
            found: object = json.loads((folder / "package.json").read_bytes())
        except (OSError, ValueError):
            continue
        version = cast("dict[str, Any]", found).get("version") if isinstance(found, dict) else None
        return f", version {one_line(version, 40)}" if isinstance(version, str) else ""
    return ""


def _said(node: str, env: Mapping[str, str]) -> str:
    try:
        done = subprocess.run(
            [node, "--version"], capture_output=True, timeout=_NODE_SECONDS, check=True, env=dict(env)
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return " " + one_line(done.stdout.decode(errors="replace"), 40)
