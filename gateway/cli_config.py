"""`carryon config`: what the config comes to, and what editors need to know of it."""

import os
from typing import Annotated

import typer

from gateway.errors import ConfigError

config = typer.Typer(help="Look at what the config comes to, and print its schema.", no_args_is_help=True)


@config.command("show")
def config_show(
    context: typer.Context,
    keys: Annotated[
        list[str] | None, typer.Argument(metavar="[KEY]...", help="Only these, such as log.level or agents.")
    ] = None,
    effective: Annotated[
        bool, typer.Option("--effective", help="Everything that counts, the defaults and presets too.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of YAML.")] = False,
) -> None:
    """Show what differs from the defaults, and where it comes from. Secrets are not shown.

    Each value is what counts in the end, with the file, the environment and references put together.
    """
    from gateway.config.file import attempt  # noqa: PLC0415
    from gateway.config_report import show as showing  # noqa: PLC0415

    found, reading = attempt(context.obj, os.environ)
    if found is None:
        raise ConfigError(reading.messages())
    typer.echo(showing.shown(found, reading, keys or (), effective=effective, as_json=as_json))


@config.command("schema")
def config_schema() -> None:
    """Print the config file's JSON schema, with which editors complete and check it."""
    from gateway.config_report import schema  # noqa: PLC0415

    typer.echo(schema.text())
