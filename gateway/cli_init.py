"""`carryon init`: from a few answers to a config file that works."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

DEFAULT_FILE = Path("gateway.yaml")


def init(  # noqa: PLR0913, PLR0917  (each is an option of the command)
    context: typer.Context,
    file: Annotated[
        Path | None,
        typer.Argument(help="The config file to write; else that of --config, else gateway.yaml."),
    ] = None,
    platform: Annotated[
        list[str] | None, typer.Option(help="telegram, discord or slack; may be repeated.")
    ] = None,
    token_file: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[NAME=]FILE",
            help="A file with a token, - for standard input; NAME is the token's variable, such as "
            "SLACK_BOT_TOKEN. May be repeated. Else the variables of the environment count.",
        ),
    ] = None,
    agent: Annotated[str | None, typer.Option(help="The agent that answers: demo, or a known one.")] = None,
    admin: Annotated[
        list[str] | None,
        typer.Option(metavar="PLATFORM:ID", help="You, such as telegram:12345; may be repeated."),
    ] = None,
    state_dir: Annotated[str | None, typer.Option(help="Where the ledger is kept.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Ask nothing: for scripts.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there; it is kept.")] = False,
    offline: Annotated[bool, typer.Option("--offline", help="Do not try the tokens out.")] = False,
    api_url: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PLATFORM=URL",
            help="A server other than the platform's own, such as an emulator; may be repeated.",
        ),
    ] = None,
) -> None:
    """Ask a few questions, try the tokens out, and write a config file that works.

    The tokens go into files of their own that only their owner can read.
    """
    from gateway.init import run  # noqa: PLC0415
    from gateway.init.answers import PLATFORMS  # noqa: PLC0415
    from gateway.init.wishes import check_admin, check_agent, wishes  # noqa: PLC0415

    given = wishes(platform or (), token_file or (), api_url or (), os.environ)
    given = replace(
        given,
        agent=None if agent is None else check_agent(agent),
        admins=tuple(check_admin(one, given.platforms or PLATFORMS) for one in admin or ()),
        state_dir=state_dir,
        offline=offline,
    )
    run.main(file or _named(context) or DEFAULT_FILE, given, os.environ, asking=not yes, force=force)


def _named(context: typer.Context) -> Path | None:
    """The file of --config or CARRYON_CONFIG, if somebody named one."""
    above = context.parent
    source = None if above is None else above.get_parameter_source("config")
    return None if source is None or source.name.startswith("DEFAULT") else context.obj
