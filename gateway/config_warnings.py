"""What is odd about a config that can be used. Nothing here keeps the gateway from starting."""

from collections.abc import Iterator, Mapping

from gateway.agents.environment import environment, find_command
from gateway.agents.presets import PRESETS
from gateway.config import Config
from gateway.config_file import Finder
from gateway.policies import agent_spec


def warnings(config: Config, find: Finder, environ: Mapping[str, str]) -> Iterator[str]:
    """One line each, with its place; `environ` is the gateway's environment."""
    for name in config.agents:
        spec = agent_spec(config, name)
        if find_command(spec, environment(spec, "", environ)) is None:
            spot, found = find(("agents", name, "command", 0))
            if not config.agents[name].command:
                found = f'its preset starts "{spec.command[0]}"'
            preset = config.agents[name].preset
            how = f"install it with `{PRESETS[preset].install}`" if preset else "install it"
            yield (
                f"{spot}: agents.{name}.command: {found}; there is no such program on PATH; "
                f"{how}, or write its full path"
            )
    access = config.access
    if access.default == "deny" and not access.allow and not access.admins:
        spot, _ = find(("access",))
        yield (
            f"{spot}: access: nobody may use the bot (default is deny, allow and admins are empty); "
            "write to the bot, which tells strangers their id, and put that into access.allow"
        )
