"""What an agent process is given of the gateway's world: very little, so that no secret is inherited."""

import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from gateway.agents.spec import AgentSpec

TOKEN_VARIABLE = "CARRYON_PROCESS_TOKEN"  # noqa: S105  (a name; it marks a process, it opens nothing)

_INHERITED = ("PATH", "HOME", "LANG", "TERM", "TZ", "USER", "LOGNAME", "SHELL", "TMPDIR")


def environment(spec: AgentSpec, token: str, gateway: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of a process of this agent.

    The token is inherited by whatever the agent starts, and finds it again when it has left the process tree.
    """
    inherited = os.environ if gateway is None else gateway
    kept = {name: inherited[name] for name in _INHERITED if name in inherited}
    kept |= {name: value for name, value in inherited.items() if name.startswith("LC_")}
    if spec.home is not None:
        kept["HOME"] = str(spec.home)
    return {**kept, **spec.env, TOKEN_VARIABLE: token}


def find_command(spec: AgentSpec, env: Mapping[str, str]) -> tuple[str, ...] | None:
    """The command with the program's full path: from PATH, or from beside the running interpreter.

    The second place makes commands that are installed with the gateway work where its environment was not
    activated. None when there is no such program.
    """
    program, *arguments = spec.command
    beside = str(Path(sys.executable).parent)
    found = shutil.which(program, path=env.get("PATH", os.defpath)) or shutil.which(program, path=beside)
    return None if found is None else (str(Path(found).absolute()), *arguments)


def working_directory(spec: AgentSpec, session_id: int | None) -> str:
    """The absolute working directory of a conversation, or of a shared process (`session_id` None).

    A shared process itself stands above its conversations' directories.
    """
    home = spec.home or Path.home()
    if spec.cwd is None:
        return str(home.absolute())
    if session_id is None and "{session}" in spec.cwd:
        template = spec.cwd.partition("{session}")[0]
        return str((Path(template) if template.endswith("/") else Path(template).parent).absolute())
    return str(Path(spec.cwd.replace("{session}", str(session_id))).expanduser().absolute())
