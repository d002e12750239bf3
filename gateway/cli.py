"""The `carryon` command."""

import os
import sys
import time
from importlib import metadata
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli_backup import backup, restore
from gateway.cli_config import config as config_commands
from gateway.cli_config_for import config_for
from gateway.cli_doctor import doctor
from gateway.cli_ending import ending
from gateway.cli_init import init
from gateway.cli_logs import logs
from gateway.cli_pair import pair
from gateway.config.file import load, load_without_secrets, read, whereabouts
from gateway.config.types import parse_duration
from gateway.errors import CarryonError, UsageError

CONFIGS = ("gateway.yaml", "config/gateway.yaml")
"""Where a config is looked for if none is named: what `carryon init` writes, and a checkout's example."""

app = typer.Typer(
    help="A chat gateway for AI agents that carries on after a restart.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
sessions = typer.Typer(help="Look at conversations, and let them go on or not.", no_args_is_help=True)
deliveries = typer.Typer(help="Look at replies that are owed, held or were refused.", no_args_is_help=True)
app.add_typer(sessions, name="sessions")
app.add_typer(deliveries, name="deliveries")
app.add_typer(pair, name="pair")
app.add_typer(config_commands, name="config")
app.command()(backup)
app.command()(restore)
app.command()(doctor)
app.command()(init)
app.command()(logs)
agent_commands = typer.Typer(help="Look at the agents, and try them.", no_args_is_help=True)
app.add_typer(agent_commands, name="agents")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"carryon {metadata.version('carryon')}")
        raise typer.Exit


@app.callback()
def options(
    context: typer.Context,
    config: Annotated[
        Path | None,
        typer.Option(
            "--config",
            "-c",
            envvar="CARRYON_CONFIG",
            help="The config file.",
            show_default=", else ".join(CONFIGS),
        ),
    ] = None,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Options of all commands."""
    del version
    context.obj = config or next((path for path in map(Path, CONFIGS) if path.exists()), Path(CONFIGS[-1]))


@app.command()
def run(context: typer.Context) -> None:
    """Run the gateway until SIGTERM or SIGINT; a second signal does not wait for running turns.

    SIGHUP has it read its config file again, as `carryon reload` does.
    """
    from gateway.signals import surviving_hang_ups  # noqa: PLC0415  the other commands need none of it

    with surviving_hang_ups():
        config = load(context.obj, os.environ)
        from gateway import app as gateway  # noqa: PLC0415

        raise typer.Exit(gateway.run(config, context.obj))


@app.command()
def check(context: typer.Context, as_json: AsJson = False) -> None:
    """Read the config file and report every problem in it; warnings keep nothing from running."""
    from gateway.config_report import check as report  # noqa: PLC0415

    raise typer.Exit(report.main(context.obj, os.environ, as_json=as_json))


@sessions.command("list")
def sessions_list(
    context: typer.Context,
    limit: Annotated[int, typer.Option(min=1, help="How many, the last used first.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List the conversations that were used last."""
    from gateway import inspection  # noqa: PLC0415

    typer.echo(inspection.sessions_list(config_for(context), limit, as_json=as_json))


@sessions.command("show")
def sessions_show(context: typer.Context, session: int, as_json: AsJson = False) -> None:
    """Show one conversation: its state, its turns and how each was continued."""
    from gateway import inspection  # noqa: PLC0415

    typer.echo(inspection.session_show(config_for(context), session, as_json=as_json))


@sessions.command("resume")
def sessions_resume(context: typer.Context, session: int) -> None:
    """Let a suspended or interrupted conversation go on."""
    _act_on_session(context, "resume", session)


@sessions.command("suspend")
def sessions_suspend(context: typer.Context, session: int) -> None:
    """Stop a conversation until a person lets it go on; its chat is told."""
    _act_on_session(context, "suspend", session)


@sessions.command("reset")
def sessions_reset(context: typer.Context, session: int) -> None:
    """Start a new conversation in the place of this one, which is kept."""
    _act_on_session(context, "reset", session)


def _act_on_session(context: typer.Context, action: str, session: int) -> None:
    from gateway import operate  # noqa: PLC0415

    typer.echo(operate.session_action(config_for(context), action, session))


@deliveries.command("list")
def deliveries_list(
    context: typer.Context,
    limit: Annotated[int, typer.Option(min=1, help="How many, the latest.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List what is owed, held or was refused by the platform."""
    from gateway import inspection  # noqa: PLC0415

    typer.echo(inspection.deliveries_list(config_for(context), limit, as_json=as_json))


@deliveries.command("retry")
def deliveries_retry(context: typer.Context, delivery: int) -> None:
    """Send a delivery that is held or was refused."""
    from gateway import operate  # noqa: PLC0415

    typer.echo(operate.delivery_action(config_for(context), "retry", delivery))


@deliveries.command("drop")
def deliveries_drop(context: typer.Context, delivery: int) -> None:
    """Give up a delivery that is owed or held."""
    from gateway import operate  # noqa: PLC0415

    typer.echo(operate.delivery_action(config_for(context), "drop", delivery))


@agent_commands.command("list")
def agents_list(context: typer.Context, as_json: AsJson = False) -> None:
    """List the configured agents, and whether their programs are there."""
    from gateway.agents_check import report  # noqa: PLC0415

    agents = report.listed(*read(context.obj, os.environ))
    typer.echo(report.as_json(agents) if as_json else report.list_text(agents))


@agent_commands.command("check")
def agents_check(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(help="One agent; without it, each.")] = None,
    timeout: Annotated[str, typer.Option(help="How long one agent may take, such as 30s.")] = "120s",
    prompt: Annotated[bool, typer.Option(help="Whether it is prompted, which uses a few tokens.")] = True,
    as_json: AsJson = False,
) -> None:
    """Try agents: start, prompt, kill -9, start again, and see whether they remember what was said.

    No gateway need run, and one that does is left alone. Exit code 1 when an agent has a problem.
    """
    from gateway.agents_check import run as trial  # noqa: PLC0415

    raise typer.Exit(
        trial.main(*read(context.obj, os.environ), name, timeout, prompting=prompt, as_json=as_json)
    )


@app.command()
def status(context: typer.Context, as_json: AsJson = False) -> None:
    """Say what the gateway is doing, what waits and what the last restart left; exit code 3: none runs."""
    from gateway import operate, standing  # noqa: PLC0415

    config = config_for(context)
    found = operate.status(config)
    typer.echo(standing.status(config, found, time.time(), json=as_json))
    if found is None:
        raise typer.Exit(3)


Wait = Annotated[
    str | None,
    typer.Option("--wait", help="How long running turns may finish, such as 30s; else as configured."),
]


@app.command()
def drain(context: typer.Context, wait: Wait = None) -> None:
    """Stop the running gateway: begin nothing new, let running turns finish, and follow it to its end.

    Asked a second time, it waits as long as it is told then, or no longer without --wait. Of a drain and a
    restart, the later counts.
    """
    _stop(context, "stop", wait)


@app.command()
def restart(context: typer.Context, wait: Wait = None) -> None:
    """Stop the running gateway with exit code 75, which asks its supervisor to start it again."""
    _stop(context, "restart", wait)


def _stop(context: typer.Context, intent: str, wait: str | None) -> None:
    from gateway import operate  # noqa: PLC0415

    try:
        seconds = None if wait is None else parse_duration(wait)
    except ValueError as error:
        raise CarryonError(f"--wait {wait}: {error}") from None
    for line in operate.stop(config_for(context), intent, seconds):
        typer.echo(line)


@app.command()
def reload(context: typer.Context) -> None:
    """Have the running gateway read its config file again, and say what counts now and what needs a restart.

    It does so by itself when the file changes. A file that cannot be used changes nothing; exit code 78.
    """
    from gateway import operate  # noqa: PLC0415

    config, _ = whereabouts(context.obj, os.environ)  # the gateway itself says what is wrong with it
    typer.echo(operate.reload(config))


@app.command()
def undrain(context: typer.Context) -> None:
    """Undo a drain that is still waiting for running turns."""
    from gateway import operate  # noqa: PLC0415

    typer.echo(operate.undrain(config_for(context)))


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

    typer.echo(
        inspection.recovery(load_without_secrets(context.obj, os.environ), time.time(), as_json=as_json)
    )


@app.command()
def demo(
    platform: Annotated[
        list[str] | None,
        typer.Option(help="telegram, discord or slack; may be repeated. Without it: all of them."),
    ] = None,
    play: Annotated[
        bool, typer.Option("--play", help="Serve a page on which you write and kill the gateway yourself.")
    ] = False,
    port: Annotated[
        int | None,
        typer.Option(min=0, max=65535, help="With --play: the page's port; else 8780, or a free one."),
    ] = None,
) -> None:
    """Ask for something slow, kill the gateway in the middle, start it again, and count what came back."""
    from gateway.demo import PLATFORMS  # noqa: PLC0415
    from gateway.demo import main as run_demo  # noqa: PLC0415

    unknown = [name for name in platform or () if name not in PLATFORMS]
    if unknown:
        raise UsageError(f"there is no platform {unknown[0]!r}; there are: {', '.join(PLATFORMS)}")
    if port is not None and not play:
        raise UsageError("--port is the page's; add --play")
    chosen = [name for name in PLATFORMS if name in platform] if platform else PLATFORMS
    raise typer.Exit(run_demo(chosen, play=play, port=port))


@app.command()
def emulate(
    platform: Annotated[str, typer.Argument(help="The platform: telegram, discord or slack.")],
    port: Annotated[
        int | None,
        typer.Option(min=0, max=65535, help="0 takes a free one; else 8081, 8082 and 8083 by platform."),
    ] = None,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    limits: Annotated[bool, typer.Option(help="Limit rates as the platform does.")] = True,
) -> None:
    """Run a local server that speaks a platform's wire protocol, for trying things without an account."""
    from adapters.emulators.registry import PORTS, program  # noqa: PLC0415

    if platform not in PORTS:
        raise UsageError(f"there is no emulator for {platform!r}; there is one for: {', '.join(PORTS)}")
    port = PORTS[platform] if port is None else port
    try:
        program(platform)(["--host", host, "--port", str(port), *([] if limits else ["--no-limits"])])
    except OSError as error:
        raise CarryonError(
            f"cannot listen on {host}:{port} ({error.strerror or error}); if another emulator runs there, "
            "name another port with --port, and the same one in the account's api_url"
        ) from None


def main() -> None:
    """The entry point: errors meant for people are printed as such, with the exit code they name."""
    ending(lambda: app(args=_hoisted(sys.argv[1:]), prog_name="carryon"))


def _hoisted(args: list[str]) -> list[str]:
    """`--config` may stand after the command too, where people write it."""
    for index, arg in enumerate(args):
        if arg in {"--config", "-c"} and index + 1 < len(args):
            return [arg, args[index + 1], *args[:index], *args[index + 2 :]]
        if arg.startswith("--config="):
            return [arg, *args[:index], *args[index + 1 :]]
    return args
