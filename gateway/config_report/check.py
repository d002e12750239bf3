"""What `carryon check` prints: every problem and what is odd, as lines for people or as JSON for programs."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import typer

from gateway.config.file import attempt
from gateway.config.tree import Problem
from gateway.config_report.warnings import oddities
from gateway.errors import ConfigError

EXIT_CONFIG = ConfigError.exit_code


def main(path: Path, environ: Mapping[str, str], *, as_json: bool) -> int:
    """The command; its exit code. Raises `ConfigError` for problems that are to be printed as lines."""
    config, reading = attempt(path, environ)
    odd = list(oddities(config, reading.find, environ)) if config else []
    if as_json:
        found = {"file": str(path), "usable": config is not None}
        lists = {"problems": _values(reading.told()), "warnings": _values(odd)}
        typer.echo(json.dumps(found | lists, indent=2))
        return 0 if config else EXIT_CONFIG
    if config is None:
        raise ConfigError(reading.messages())
    for one in odd:
        typer.echo(f"carryon: warning: {one}", err=True)
    verdict = "can be used, but see the warnings" if odd else "is fine"
    accounts, agents = ", ".join(config.accounts), ", ".join(config.agents)
    typer.echo(f"{path} {verdict}: accounts {accounts}; agents {agents}; state in {config.state_dir}")
    return 0


def _values(problems: Iterable[Problem]) -> list[dict[str, Any]]:
    """`file` is null for an override, which `environment` names; `line` is null for the file as a whole."""
    return [
        {
            "file": None if one.spot.rank else one.spot.source,
            "environment": one.spot.source.removeprefix("environment ") if one.spot.rank else None,
            "line": one.spot.line or None,
            "column": one.spot.column or None,
            "key": one.key or None,
            "message": one.text,
        }
        for one in problems
    ]
