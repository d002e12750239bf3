"""What was said on the command line and in the environment, before anybody is asked."""

import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from gateway.agents.presets import PRESETS
from gateway.config.variables import read_bounded
from gateway.errors import UsageError
from gateway.init.answers import DEMO, PLATFORMS

_MOST_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Wishes:
    """None, or nothing, is what was not said. `tokens` are by the names of their variables."""

    platforms: tuple[str, ...] = ()
    tokens: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    api_urls: Mapping[str, str] = field(default_factory=dict[str, str])
    agent: str | None = None
    admins: tuple[str, ...] = ()
    state_dir: str | None = None
    offline: bool = False


def wishes(
    platforms: Iterable[str],
    token_files: Iterable[str],
    api_urls: Iterable[str],
    environ: Mapping[str, str],
) -> Wishes:
    """The part of them that has to be looked at. Raises `UsageError`."""
    chosen = tuple(dict.fromkeys(platforms))
    for name in chosen:
        if name not in PLATFORMS:
            raise UsageError(f"there is no platform {name!r}; there are: {', '.join(PLATFORMS)}")
    variables = [one.variable for name in chosen or PLATFORMS for one in PLATFORMS[name].secrets]
    found = {name: environ[name].strip() for name in variables if environ.get(name, "").strip()}
    given = dict(_from_file(text, variables) for text in token_files)
    urls = dict(_split(text, "--api-url", list(PLATFORMS)) for text in api_urls)
    return Wishes(chosen, {**found, **given}, urls)


def check_agent(name: str) -> str:
    """The name of an agent that there is. Raises `UsageError`."""
    if name != DEMO and name not in PRESETS:
        raise UsageError(f"there is no agent {name!r}; there are: {', '.join((DEMO, *PRESETS))}")
    return name


def check_admin(text: str, platforms: Iterable[str]) -> str:
    """A person as "account:id", of one of these accounts. Raises `UsageError`."""
    account, _, ident = text.partition(":")
    if account not in platforms or not PLATFORMS[account].person.fullmatch(ident):
        forms = "; ".join(f"{name}:ID, where ID is {PLATFORMS[name].whose}" for name in platforms)
        raise UsageError(f"--admin {text}: that is nobody; allowed: {forms}")
    return text


def _from_file(text: str, variables: list[str]) -> tuple[str, str]:
    """`F` where there is but one token, else `NAME=F`; the token is in F, or on standard input for `-`."""
    if len(variables) == 1 and not text.startswith(f"{variables[0]}="):
        return variables[0], _token(text)
    name, path = _split(text, "--token-file", variables)
    return name, _token(path)


def _split(text: str, option: str, names: list[str]) -> tuple[str, str]:
    name, equals, rest = text.partition("=")
    if not equals or name not in names:
        allowed = ", ".join(f"{one}=…" for one in names)
        raise UsageError(f"{option}: which one is it? allowed: {allowed}")
    return name, rest


def _token(path: str) -> str:
    if path == "-" and sys.stdin is None:  # pyright: ignore[reportUnnecessaryComparison]  (the caller closed it)
        raise UsageError("--token-file -: standard input is closed; open it, or name a file")
    try:
        raw = sys.stdin.buffer.read(_MOST_BYTES) if path == "-" else read_bounded(path, _MOST_BYTES)
        lines = raw.decode().split()
    except OSError as error:
        raise UsageError(f"--token-file {Path(path)} cannot be read: {error.strerror}") from None
    except ValueError:
        raise UsageError(f"--token-file {path} is no text with a token") from None
    if len(lines) != 1:
        raise UsageError(f"--token-file {path} has to hold one token and nothing else")
    return lines[0]


def missing(wanted: Wishes) -> Iterator[str]:
    """The variables of tokens that nobody has named."""
    for name in wanted.platforms:
        yield from (one.variable for one in PLATFORMS[name].secrets if one.variable not in wanted.tokens)
