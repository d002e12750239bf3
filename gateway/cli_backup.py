"""`carryon backup` and `carryon restore`: copies of what the gateway knows, and the way back."""

import os
import time
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.config.file import load_without_secrets
from gateway.config.types import parse_duration
from gateway.errors import UsageError

if TYPE_CHECKING:
    from gateway.restoring import Since

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]


class With(StrEnum):
    """What else goes into a backup."""

    WORKSPACES = "workspaces"


def backup(
    context: typer.Context,
    target: Annotated[
        Path | None,
        typer.Argument(
            metavar="[FILE|DIR]",
            help="A file (.tar, .tar.gz) that is not there yet, or a directory; else backups in state_dir.",
        ),
    ] = None,
    keep: Annotated[
        int | None, typer.Option(min=1, help="In a directory: delete all but so many, the latest.")
    ] = None,
    also: Annotated[
        With | None, typer.Option("--with", help="workspaces: the agents' working directories in state_dir.")
    ] = None,
    show: Annotated[
        Path | None,
        typer.Option("--list", metavar="FILE", help="Make none: check this one, and list it."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Copy the ledger, and the files that it needs, into one file; beside a running gateway or without one.

    Whoever has the file can read every conversation in it. It holds no token and nothing of the config.
    """
    from gateway import keeping, keeping_report  # noqa: PLC0415

    if show is not None:
        if target is not None or keep is not None or also is not None:
            raise UsageError("--list makes no backup; leave out the other options")
        typer.echo(keeping_report.listed_text(keeping.looked_at(show), as_json=as_json))
        return
    config = load_without_secrets(context.obj, os.environ)
    done = keeping.keep(config, target, keep, workspaces=also is With.WORKSPACES)
    typer.echo(keeping_report.kept_text(done, as_json=as_json))


def restore(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="A backup, or a copy that was kept before an upgrade.")],
    state_dir: Annotated[
        Path | None, typer.Option(help="Where to; else as the config says, which has to be readable then.")
    ] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Move a ledger that is there aside.")] = False,
    since: Annotated[
        str,
        typer.Option(
            help="From when on what is read back is answered: restore, backup (what was answered since is "
            "answered again), a time such as 2026-11-21T09:30Z, or how long ago, such as 90m."
        ),
    ] = "restore",
    moved: Annotated[
        bool | None,
        typer.Option("--moved/--went-on", help="Whether nothing, or something, used the ledger since then."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Put a backup in the place of the ledger of a stopped gateway, and say what it cannot know.

    A backup of a stopped gateway goes on exactly where it was. After any other one, what was under way when
    it was taken waits for a person, because the gateway went on without this ledger knowing of it.
    """
    from gateway import keeping, keeping_report, restoring  # noqa: PLC0415

    wish = restoring.Wish(replace, _since(since), moved)
    if state_dir is None:
        config = load_without_secrets(context.obj, os.environ)
        keeping.in_this_directory(config, "restore")
        state_dir = config.state_dir
    done = restoring.restore(file, state_dir.absolute(), wish)
    typer.echo(keeping_report.restored_text(done, as_json=as_json))


def _since(text: str) -> "Since":
    match text:
        case "restore" | "backup":
            return text
        case _:
            pass
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        try:
            seconds = parse_duration(text)
        except ValueError:
            raise UsageError(
                f"--since {text}: it has to be restore, backup, a time such as 2026-11-21T09:30Z, "
                "or how long ago, such as 90m"
            ) from None
        return time.time() - seconds
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
