"""The commands themselves: which agents, one after the other, and the end of all that was started."""

import asyncio
import signal
import tempfile
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any

import typer

from gateway import log
from gateway.agents.leftovers import end_leftovers
from gateway.agents_check import report
from gateway.agents_check.probe import examine
from gateway.agents_check.report import Values
from gateway.config.file import Finder
from gateway.config.models import Config
from gateway.config.types import parse_duration
from gateway.errors import UsageError
from gateway.policies import agent_spec

Show = Callable[[Values], None]

TOKENS = "Each agent is given two short prompts; a real one uses a few tokens. --no-prompt gives it none."

_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopped(Exception):  # noqa: N818  (a condition, named as people say it)
    """A signal ended the check. `exit_code` is the shell's for it."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.exit_code = 128 + number


def main(
    config: Config, find: Finder, name: str | None, timeout: str, *, prompting: bool, as_json: bool
) -> int:
    """The command; its exit code. Raises `UsageError`."""
    try:
        seconds = parse_duration(timeout)
    except ValueError as error:
        raise UsageError(f"--timeout {timeout}: {error}") from None
    if not seconds:
        raise UsageError("--timeout: a duration above zero is allowed")
    if name is not None and name not in config.agents:
        raise UsageError(f"there is no agent {name!r}; there are: {', '.join(config.agents)}")
    if prompting:
        typer.echo(TOKENS, err=True)
    names = [name] if name is not None else list(config.agents)

    def show(values: Values) -> None:
        if not as_json:
            typer.echo(f"{report.check_text(values)}\n")

    try:
        found = check(config, find, names, show, seconds, prompting=prompting)
    except Stopped as stopped:
        typer.echo("carryon: the check was stopped; every process that it had started was ended", err=True)
        return stopped.exit_code
    if as_json:
        typer.echo(report.as_json(found))
    return 0 if all(values["ok"] for values in found) else 1


def check(
    config: Config, find: Finder, names: Sequence[str], show: Show, seconds: float, *, prompting: bool
) -> list[Values]:
    """Try these agents, at most `seconds` each, and show what was found of each when it is known.

    Raises `Stopped` after a signal. Whatever happens, no process of theirs is left.
    """
    log.configure(config.log.format, "error", config.secrets())
    found: list[Values] = []

    async def each(folder: Path) -> None:
        for name in names:
            findings = await examine(agent_spec(config, name), folder / name, seconds, prompting=prompting)
            found.append(report.checked(config, findings, report.command_of(config, find, name)))
            show(found[-1])

    with tempfile.TemporaryDirectory(prefix="carryon-check-", ignore_cleanup_errors=True) as place:
        folder = Path(place).resolve()  # agents know their sessions by the directory's real name
        try:
            asyncio.run(_until_signal(each(folder)))
        finally:
            end_leftovers(folder / name / "agents" for name in names)
    return found


async def _until_signal(work: Coroutine[Any, Any, None]) -> None:
    """The work, cancelled by the first signal; later ones do not disturb the end of what it had started."""
    loop, task = asyncio.get_running_loop(), asyncio.ensure_future(work)
    came: list[int] = []

    def stop(number: int) -> None:
        if not came:
            task.cancel()
        came.append(number)

    for number in _ENDING:
        loop.add_signal_handler(number, stop, number)
    await asyncio.wait({task})
    if came and task.cancelled():
        raise Stopped(came[0])
    task.result()
