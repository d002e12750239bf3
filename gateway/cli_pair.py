"""`carryon pair`: people who ask to be let in, and people who were."""

import time
from typing import Annotated

import typer

from gateway.cli_config_for import config_for
from gateway.errors import UsageError
from gateway.model.grant import Role

pair = typer.Typer(help="Let people in who were given a code, and cut them off again.", no_args_is_help=True)


@pair.command("list")
def pair_list(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")] = False,
) -> None:
    """List the codes that are valid, and everybody who was let in by a person."""
    from gateway import inspection  # noqa: PLC0415

    typer.echo(inspection.people(config_for(context), time.time(), as_json=as_json))


@pair.command("approve")
def pair_approve(
    context: typer.Context,
    code: Annotated[list[str], typer.Argument(help="The code; spaces, dashes and case do not matter.")],
    admin: Annotated[
        bool, typer.Option("--admin", help="Let them give orders to the gateway, too, such as /restart.")
    ] = False,
) -> None:
    """Let somebody in who was given this code; they are told in their chat."""
    from gateway import operate  # noqa: PLC0415

    role = Role.ADMIN if admin else Role.USER
    typer.echo(operate.approve(config_for(context), "".join(code), role))


@pair.command("revoke")
def pair_revoke(
    context: typer.Context,
    person: Annotated[str, typer.Argument(metavar="ACCOUNT:PERSON", help="As `carryon pair list` shows it.")],
) -> None:
    """Cut somebody off who was let in: at once, with everything that they have under way."""
    from gateway import operate  # noqa: PLC0415

    account, colon, ident = person.partition(":")
    if not (account and colon and ident):
        raise UsageError(f"{person!r} is nobody; name a person as ACCOUNT:PERSON, such as telegram:12345")
    typer.echo(operate.revoke(config_for(context), account, ident))
