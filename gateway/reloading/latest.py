"""The config file as it is now."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from gateway.config.file import attempt
from gateway.config.models import Config
from gateway.config.tree import Problem
from gateway.config_report.warnings import oddities
from gateway.reloading.elsewhere import elsewhere


@dataclass(frozen=True, slots=True)
class Latest:
    """`config` is None where there are `problems`. `files` are those that it names.

    `odd` is what `carryon check` warns of, and `before` what it would have of the config that counts.
    """

    config: Config | None
    files: tuple[str, ...]
    problems: tuple[str, ...]
    odd: tuple[Problem, ...] = ()
    before: tuple[Problem, ...] = ()


def latest(path: Path, running: Config, environ: Mapping[str, str]) -> Latest:
    """Read it. Blocks; raises nothing that is the file's fault."""
    config, reading = attempt(path, environ)
    files = tuple(reading.variables.files)
    if config is None:
        return Latest(None, files, tuple(reading.messages()))
    if problems := tuple(map(str, elsewhere(running, config, reading.find))):
        return Latest(None, files, problems)
    odd, before = (tuple(oddities(one, reading.find, environ)) for one in (config, running))
    return Latest(config, files, (), odd, before)
