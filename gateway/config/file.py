"""The config of a file and an environment."""

from collections.abc import Mapping
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from gateway.config.models import Config, StoreConfig
from gateway.config.paths import Directory
from gateway.config.reading import PREFIX, Finder, Reading
from gateway.config.tree import Branch, Leaf, Node
from gateway.config.variables import Variables
from gateway.errors import ConfigError
from gateway.known import remember

__all__ = [
    "PREFIX",
    "Finder",
    "attempt",
    "load",
    "load_without_secrets",
    "read",
    "whereabouts",
]

_directory = TypeAdapter[Path](Directory)


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
    config, problems = whereabouts(Path(path), environ)
    if problems:
        raise ConfigError(problems)
    return config


def whereabouts(path: Path, environ: Mapping[str, str]) -> tuple[Config, tuple[str, ...]]:
    """As `load_without_secrets`, but of a file with problems at least where its gateway keeps its state.

    For commands that are wanted most when something is wrong. With problems everything but `state_dir` and
    `store` is as if it were not there.
    """
    reading = Reading(Variables(environ, str(path.absolute().parent)), lenient=True)
    config = reading.config(str(path), environ)
    problems = tuple(reading.messages())
    found = _stand_in(path, reading) if config is None or problems else config
    remember(found.secrets())
    return found, problems


def _stand_in(path: Path, reading: Reading) -> Config:
    written = _text(reading, reading.root.entries.get("state_dir"))
    try:
        place = _directory.validate_python(written or "state", context=reading.context)
    except ValidationError:
        place = path.absolute().parent / "state"
    store = reading.root.entries.get("store")
    url = _text(reading, store.entries.get("url")) if isinstance(store, Branch) else ""
    try:
        known = StoreConfig.model_validate({"url": url} if url else {})
    except ValidationError:
        known = StoreConfig()
    return Config.model_construct(state_dir=place, store=known, accounts={}, agents={}, default_agent="")


def _text(reading: Reading, node: Node | None) -> str:
    value = node.value if isinstance(node, Leaf) else None
    return reading.variables.fill(value)[0] if isinstance(value, str) else ""


def read(path: Path | str, environ: Mapping[str, str]) -> tuple[Config, Finder]:
    """As `load`, with the means to say more about the config."""
    config, reading = attempt(Path(path), environ)
    if config is None:
        raise ConfigError(reading.messages())
    return config, reading.find


def attempt(path: Path, environ: Mapping[str, str]) -> tuple[Config | None, Reading]:
    """The config, or None where there are problems; and what was found out on the way. Never raises."""
    reading = Reading(Variables(environ, str(path.absolute().parent)))
    config = reading.config(str(path), environ)
    if config is not None:
        remember(config.secrets())
    return (None if reading.problems else config), reading
