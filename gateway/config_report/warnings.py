"""What is odd about a config that can be used. Nothing here keeps the gateway from starting."""

import re
from collections.abc import Iterator, Mapping
from pathlib import PurePath

from gateway.agents.environment import environment, find_command
from gateway.agents.presets import PRESETS
from gateway.config.hints import names_variable
from gateway.config.models import Config, Place
from gateway.config.reading import Finder
from gateway.config.tree import Problem
from gateway.config.written import duration_text
from gateway.extras import INSTALL, INSTALL_POSTGRES, can_reach_postgres, can_trace
from gateway.policies import agent_spec, ledger_place

_DEMO = "carryon-demo-agent"
_IDS = {
    "telegram": (re.compile(r"-?[0-9]+", re.ASCII), "Telegram's ids are numbers, not @names"),
    "discord": (re.compile(r"[0-9]+", re.ASCII), "Discord's ids are numbers, not names"),
    "slack": (re.compile(r"[UW][A-Z0-9]+", re.ASCII), "Slack's ids begin with U or W, in capitals"),
}
_STAND_IN = re.compile(
    r"your|change.?me|example|placeholder|insert|replace|xxx|todo|[<>]|\.\.\.", re.IGNORECASE
)
_BARE_SIZE = 1024
_SETTLING = 60.0  # what the rest of a stop may take
_PATIENCE = 90.0
"""Seconds that systemd waits for a service to stop unless it is told otherwise; others wait less."""


def warnings(config: Config, find: Finder, environ: Mapping[str, str]) -> Iterator[str]:
    """One line each, with its place; `environ` is the gateway's environment."""
    return (str(odd) for odd in oddities(config, find, environ))


def oddities(config: Config, find: Finder, environ: Mapping[str, str]) -> Iterator[Problem]:
    """What `warnings` says, each with its place and key."""
    parts = (
        _programs(config, environ),
        _variables(config, find),
        _demo(config),
        _nobody(config),
        _everybody(config),
        _people(config),
        _amounts(config),
        _open_page(config),
        _database(config),
        _traces(config),
    )
    for part in parts:
        for place, what in part:
            found = find(place)
            key = ".".join(str(step) for step in place if not isinstance(step, int))
            yield Problem(found.spot, what.replace("{found}", found.what), key)


Odd = Iterator[tuple[Place, str]]
"""Where something is odd, and what; `{found}` stands for what is there."""


def _programs(config: Config, environ: Mapping[str, str]) -> Odd:
    for name, agent in config.agents.items():
        spec = agent_spec(config, name)
        if find_command(spec, environment(spec, "", environ)) is None:
            found = "{found}" if agent.command else f'its preset starts "{spec.command[0]}"'
            how = f"install it with `{PRESETS[agent.preset].install}`" if agent.preset else "install it"
            yield (
                ("agents", name, "command", 0),
                f"{found}; there is no such program on PATH; {how}, or write its full path",
            )


def _variables(config: Config, find: Finder) -> Odd:
    """Variables as shells and other programs write them: here they are texts like any other.

    Whoever wrote `$$NAME` means `$NAME`, and what was filled in is nobody's slip.
    """
    return ((place, what) for place, what in _like_variables(config) if find(place).as_written)


def _like_variables(config: Config) -> Odd:
    what = "a text that looks like a variable, and is taken as it is; if one is meant, write ${NAME}"
    for name, agent in config.agents.items():
        for key, value in agent.env.items():
            if names_variable(value.get_secret_value()):
                yield ("agents", name, "env", key), what
        for key, value in (("cwd", agent.cwd), ("mode", agent.mode)):
            if value and names_variable(*PurePath(value).parts):
                yield ("agents", name, key), what
    if names_variable(*config.state_dir.parts):
        yield ("state_dir",), what


def _demo(config: Config) -> Odd:
    real = [name for name, account in config.accounts.items() if not dict(account).get("api_url")]
    if real and _is_demo(config, config.default_agent):
        what = "is answered by the demo agent, which only repeats it; configure a real one (docs/agents.md)"
        yield ("default_agent",), f"{{found}}; what people write to {', '.join(real)} {what}"


def _nobody(config: Config) -> Odd:
    access = config.access
    if access.default == "deny" and not access.allow and not access.admins:
        what = (
            "nobody may use the bot (default is deny, allow and admins are empty); "
            "write to the bot, which tells strangers their id, and put that into access.allow"
        )
        yield ("access",), what


def _everybody(config: Config) -> Odd:
    """People nobody knows, and an agent that can act."""
    agents = [name for name, agent in config.agents.items() if agent.permissions != "deny"]
    acting = [name for name in agents if not _is_demo(config, name)]
    if not acting:
        return
    what = (
        f"{{found}}; whoever finds the bot may have {', '.join(acting)} run programs and read files on this "
        "machine; use pair or deny, and name people in access.allow"
    )
    if config.access.default == "allow":
        yield ("access", "default"), what
        return
    for place, pattern in _patterns(config):
        if pattern.endswith("*"):
            yield place, what


def _patterns(config: Config) -> Iterator[tuple[Place, str]]:
    for key, patterns in (("allow", config.access.allow), ("admins", config.access.admins)):
        for index, pattern in enumerate(patterns):
            yield ("access", key, index), pattern


def _people(config: Config) -> Odd:
    """Entries that are nobody."""
    for place, pattern in _patterns(config):
        account, _, person = pattern.partition(":")
        if person in ("", "*"):
            continue
        form, ids = _IDS.get(config.accounts[account].platform, (None, ""))
        if form is not None and not form.fullmatch(person):
            kind = "this only stands for an id" if _STAND_IN.search(person) else "this can be nobody's id"
            yield place, f"{{found}}; {kind}; {ids}; the bot tells strangers theirs, and others with /whoami"


def _amounts(config: Config) -> Odd:
    size, wait = config.media.max_size, config.shutdown.drain_timeout
    if size < _BARE_SIZE:
        what = "a number alone is bytes, and hardly any file is as small; if megabytes are meant, write"
        yield ("media", "max_size"), f"{{found}}; {what} {size}MB"
    if wait > _PATIENCE:
        what = "unless told otherwise, Docker kills 10s after it asked to stop, Kubernetes 30s, systemd 90s"
        where = (
            "docker stop -t, terminationGracePeriodSeconds, TimeoutStopSec; deploy/systemd needs no change"
        )
        yield (
            ("shutdown", "drain_timeout"),
            f"{{found}}; {what}; have them wait {duration_text(wait + _SETTLING)} ({where})",
        )


def _open_page(config: Config) -> Odd:
    listen = config.http.listen
    if listen and not listen.loopback:
        what = "others can connect, and nothing is encrypted on the way, neither the page nor the token"
        yield (
            ("http", "listen"),
            f"{{found}}; {what}; put a proxy with TLS in front, or listen on 127.0.0.1 and use a tunnel",
        )


def _database(config: Config) -> Odd:
    if ledger_place(config).file is None and not can_reach_postgres():
        yield (
            ("store", "url"),
            f"the gateway does not start: PostgreSQL's library is not installed; {INSTALL_POSTGRES}",
        )


def _traces(config: Config) -> Odd:
    if config.telemetry.otlp is not None and not can_trace():
        yield (
            ("telemetry", "otlp"),
            f"no traces are sent: the library for that is not installed; {INSTALL}",
        )


def _is_demo(config: Config, agent: str) -> bool:
    return PurePath(agent_spec(config, agent).command[0]).name == _DEMO
