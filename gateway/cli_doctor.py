"""`carryon doctor`: what is wrong around the gateway, and what to do about it."""

import os
from typing import Annotated

import typer


def doctor(
    context: typer.Context,
    fix: Annotated[
        bool, typer.Option("--fix", help="Put right what can be put right without losing anything.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of lines.")] = False,
    offline: Annotated[bool, typer.Option("--offline", help="Ask nothing over the network.")] = False,
) -> None:
    """Examine config, accounts, ledger, disk and agents, with the gateway running or not.

    Exit code 0 when there is no problem (warnings are none), 1 when there is one, 78 when the config cannot
    be used.
    """
    from gateway.doctor import run  # noqa: PLC0415

    raise typer.Exit(run.main(context.obj, os.environ, fix=fix, as_json=as_json, offline=offline))
