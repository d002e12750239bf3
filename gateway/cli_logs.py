"""`carryon logs`: what the gateway has said."""

import json
import sys
from contextlib import suppress
from typing import Annotated

import typer

from gateway.cli_config_for import config_for
from gateway.config.types import parse_duration
from gateway.errors import UsageError


def logs(  # noqa: PLR0913, PLR0917  each is an option of the command
    context: typer.Context,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on with what is said from now on.")
    ] = False,
    last: Annotated[
        int, typer.Option("--lines", "-n", min=0, max=1_000_000, help="How many lines, the latest.")
    ] = 100,
    level: Annotated[str, typer.Option(help="The least severe: debug, info, warning or error.")] = "debug",
    action: Annotated[
        str | None, typer.Option(help="Only this action, such as turn.ended, or delivery.*")
    ] = None,
    account: Annotated[str | None, typer.Option(help="Only of this account.")] = None,
    session: Annotated[int | None, typer.Option(help="Only of this session.")] = None,
    turn: Annotated[int | None, typer.Option(help="Only of this turn.")] = None,
    since: Annotated[str | None, typer.Option(help="Only of so long ago, such as 1h.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, one object a line.")] = False,
) -> None:
    """Show what the gateway has said, whether it runs or not."""
    from gateway import log_view  # noqa: PLC0415

    if level not in log_view.LEVELS:
        raise UsageError(f"there is no level {level!r}; there are: {', '.join(log_view.LEVELS)}")
    try:
        seconds = None if since is None else parse_duration(since)
    except ValueError as error:
        raise UsageError(f"--since {since}: {error}") from None
    wanted = log_view.Wanted(level, action, account, session, turn, seconds)
    folder = config_for(context).state_dir
    colours = bool(sys.stdout and sys.stdout.isatty())
    try:
        for line in log_view.lines(folder, wanted, last, follow=follow):
            with suppress(RecursionError):  # what could just be read may be nested too deeply to be written
                typer.echo(json.dumps(line) if as_json else log_view.text(line, colours=colours))
    except KeyboardInterrupt:  # how people end following
        raise typer.Exit from None
