"""The gateway's own commands, as platforms list them to people."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CommandInfo:
    """A command: its bare name in lower case, one line about it, and what may follow it (empty: nothing)."""

    name: str
    description: str
    argument: str = ""
