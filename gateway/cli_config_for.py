"""The config of commands that talk to no platform."""

import os

import typer

from gateway.config.file import whereabouts
from gateway.config.models import Config
from gateway.errors import ConfigError


def config_for(context: typer.Context) -> Config:
    """What such a command needs to know, also in a shell without the service's secrets.

    A file with problems is no reason to leave an operator alone with a gateway that runs: they are told, and
    the command goes on with where the gateway keeps its state.
    """
    config, problems = whereabouts(context.obj, os.environ)
    if problems and not config.state_dir.is_dir():
        raise ConfigError(problems)  # there is nothing to go on with
    if problems:
        first, *others = problems
        more = f" (and {len(others)} more: `carryon check`)" if others else ""
        typer.echo(f"carryon: warning: the config cannot be used: {first}{more}", err=True)
        typer.echo(f"carryon: warning: going on with the state in {config.state_dir}", err=True)
    return config
