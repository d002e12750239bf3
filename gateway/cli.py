"""The `carryon` command."""

import os
import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from gateway.config import Config
from gateway.config_file import load
from gateway.errors import CarryonError

DEFAULT_CONFIG = "config/gateway.yaml"

app = typer.Typer(
    help="A chat gateway for AI agents that carries on after a restart.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
sessions = typer.Typer(help="Look at conversations.", no_args_is_help=True)
app.add_typer(sessions, name="sessions")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]


@app.callback()
def options(
    context: typer.Context,
    config: Annotated[
        Path, typer.Option("--config", "-c", envvar="CARRYON_CONFIG", help="The config file.")
    ] = Path(DEFAULT_CONFIG),
) -> None:
    """Options of all commands."""
    context.obj = config


def _config(context: typer.Context) -> Config:
    return load(context.obj, os.environ)


@app.command()
def run(context: typer.Context) -> None:
    """Run the gateway until SIGTERM or SIGINT; a second signal does not wait for running turns."""
    config = _config(context)
    from gateway import app as gateway  # noqa: PLC0415  the other commands need none of it

    raise typer.Exit(gateway.run(config))


@app.command()
def check(context: typer.Context) -> None:
    """Read the config file and report every problem in it."""
    config = _config(context)
    accounts = ", ".join(config.accounts)
    agents = ", ".join(config.agents)
    typer.echo(f"{context.obj} is fine: accounts {accounts}; agents {agents}; state in {config.state_dir}")


@sessions.command("list")
def sessions_list(
    context: typer.Context,
    limit: Annotated[int, typer.Option(min=1, help="How many, the last used first.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List the conversations that were used last."""
    from gateway import inspection  # noqa: PLC0415

    typer.echo(inspection.sessions_list(_config(context), limit, as_json=as_json))


@sessions.command("show")
def sessions_show(context: typer.Context, session: int, as_json: AsJson = False) -> None:
    """Show one conversation: its state, its turns and how each was continued."""
    from gateway import inspection  # noqa: PLC0415

    typer.echo(inspection.session_show(_config(context), session, as_json=as_json))


@app.command()
def recover(
    context: typer.Context,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")] = False,
    as_json: AsJson = False,
) -> None:
    """Say what the next start would resume, send and skip, and why. Changes nothing."""
    if not dry_run:
        raise CarryonError("recovery happens by itself when the gateway starts; to look ahead, add --dry-run")
    from gateway import inspection  # noqa: PLC0415

    typer.echo(inspection.recovery(_config(context), time.time(), as_json=as_json))


@app.command()
def demo() -> None:
    """Ask for something slow, kill the gateway in the middle, start it again, and count what came back."""
    from gateway.demo import main as run_demo  # noqa: PLC0415

    raise typer.Exit(run_demo())


@app.command()
def emulate(
    platform: Annotated[str, typer.Argument(help="The platform: telegram.")],
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 8081,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
) -> None:
    """Run a local server that speaks a platform's wire protocol, for trying things without an account."""
    if platform != "telegram":
        raise CarryonError(f"there is no emulator for {platform!r}; there is one for: telegram")
    from adapters.emulators.telegram import main as serve  # noqa: PLC0415

    serve(["--host", host, "--port", str(port)])


def main() -> None:
    """The entry point: errors meant for people are printed as such, with the exit code they name."""
    try:
        app(args=_hoisted(sys.argv[1:]), prog_name="carryon")
    except CarryonError as error:
        for line in str(error).splitlines():
            typer.echo(f"carryon: {line}", err=True)
        sys.exit(error.exit_code)


def _hoisted(args: list[str]) -> list[str]:
    """`--config` may stand after the command too, where people write it."""
    for index, arg in enumerate(args):
        if arg in {"--config", "-c"} and index + 1 < len(args):
            return [arg, args[index + 1], *args[:index], *args[index + 2 :]]
        if arg.startswith("--config="):
            return [arg, *args[:index], *args[index + 1 :]]
    return args
