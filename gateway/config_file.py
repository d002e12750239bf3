"""The config of a file and an environment."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from gateway.config import Config
from gateway.config_reading import PREFIX, Finder, Reading
from gateway.config_tree import Leaf
from gateway.config_variables import Variables
from gateway.errors import ConfigError

__all__ = ["PREFIX", "Finder", "Look", "attempt", "load", "load_without_secrets", "look", "read", "state_dir"]


def load(path: Path | str, environ: Mapping[str, str]) -> Config:
    """The config of a file, with overrides and references from the environment; its paths are absolute.

    Raises `ConfigError` with every problem, in the order of the file, each as
    `file:line:column: key: what was found; what is allowed; what to do`.
    """
    return read(path, environ)[0]


def load_without_secrets(path: Path | str, environ: Mapping[str, str]) -> Config:
    """As `load`, for commands that need no secret: one that cannot be had here is left out.

    Operators' shells seldom have what the service's environment holds.
    """
    reading = Reading(Variables(environ, str(Path(path).absolute().parent)), lenient=True)
    config = reading.config(str(path), environ)
    if config is None or reading.problems:
        raise ConfigError(reading.messages())
    return config


def state_dir(path: Path, environ: Mapping[str, str]) -> tuple[Path, bool]:
    """Where a config keeps its state, and whether the config can be used.

    For what is wanted most when it cannot: then it is what the file says, or the default beside it.
    """
    reading = Reading(Variables(environ, str(path.absolute().parent)), lenient=True)
    config = reading.config(str(path), environ)
    if config is not None and not reading.problems:
        return config.state_dir, True
    leaf = reading.root.entries.get("state_dir")
    written = leaf.value if isinstance(leaf, Leaf) else None
    text = reading.variables.fill(written)[0] if isinstance(written, str) else "state"
    return path.absolute().parent / Path(text or "state").expanduser(), False


def read(path: Path | str, environ: Mapping[str, str]) -> tuple[Config, Finder]:
    """As `load`, with the means to say more about the config."""
    config, reading = attempt(Path(path), environ)
    if config is None:
        raise ConfigError(reading.messages())
    return config, reading.find


@dataclass(frozen=True, slots=True)
class Look:
    """What a file holds: a config, or None and every problem.

    `files` are those that it names, as absolute paths.
    """

    config: Config | None
    problems: tuple[str, ...]
    files: frozenset[str]


def look(path: Path, environ: Mapping[str, str]) -> Look:
    """As `load`, for whoever looks at the file again and again. Never raises for what is in it."""
    config, reading = attempt(path, environ)
    problems = () if config is not None else tuple(reading.messages())
    return Look(config, problems, frozenset(reading.variables.files))


def attempt(path: Path, environ: Mapping[str, str]) -> tuple[Config | None, Reading]:
    """The config, or None where there are problems; and what was found out on the way. Never raises."""
    reading = Reading(Variables(environ, str(path.absolute().parent)))
    config = reading.config(str(path), environ)
    return (None if reading.problems else config), reading
