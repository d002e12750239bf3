"""Every value of a config that counts, with where it comes from. Secrets are not among them."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import cast

from pydantic import BaseModel, SecretStr

from gateway.agents.presets import PRESETS, Preset
from gateway.config.models import Config, Place
from gateway.config.problems import kind_at, value_at
from gateway.config.reading import Reading
from gateway.config.tree import Leaf, Node, Row
from gateway.config.written import duration_text
from gateway.policies import agent_spec
from gateway.rules.credentials import without_credentials

SECRET = "(secret)"  # noqa: S105  (what is shown instead of one)
_NOTHING = object()
_LONG = 8  # a shorter secret may be a part of any word
_FREE = ("command", "options", "mode")
_USER = re.compile(r"(?<=://)[^\s/?#]*@")
_QUERY = re.compile(r"(?<=[?&])([^\s=&#]+)=[^\s&#]+")
_PATH = re.compile(r"(://[^\s/?#]+/).+", re.DOTALL)


class Source(StrEnum):
    """Who said so."""

    DEFAULT = "default"
    FILE = "file"
    ENVIRONMENT = "environment"
    PRESET = "preset"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a value comes from.

    `where` is `file:line:column`, or the name of an override's variable or of a preset. `via` are the
    references that were filled in.
    """

    source: Source
    where: str = ""
    via: tuple[str, ...] = ()

    def __str__(self) -> str:
        said = self.where if self.source is Source.FILE else f"{self.source} {self.where}".strip()
        return f"{said} via {', '.join(self.via)}" if self.via else said


@dataclass(frozen=True, slots=True)
class Value:
    """What counts at a place, as the file would have it. `usual`: it is what counts without being written."""

    place: Place
    value: object
    origin: Origin
    usual: bool


def values(config: Config, reading: Reading) -> list[Value]:
    """Every value that counts, in the order of the model."""
    plain = config.model_dump(mode="json")
    bare = _bare(config, reading)
    usual = dict(_leaves(bare, bare.model_dump(mode="json"), ()))
    found = [_value(config, reading, place, value, usual) for place, value in _leaves(config, plain, ())]
    return [one for value in found for one in _with_preset(config, value)]


def _bare(config: Config, reading: Reading) -> Config:
    """The same accounts and agents with nothing said of them but what has to be."""
    accounts = {
        name: {key: value for key, value in account if type(account).model_fields[key].is_required()}
        for name, account in config.accounts.items()
    }
    agents = {name: {"command": ("none",)} for name in config.agents}
    data = {"accounts": accounts, "agents": agents, "default_agent": config.default_agent}
    return Config.model_validate(data, context={"base": reading.variables.base})


def _leaves(section: object, plain: object, above: Place) -> Iterator[tuple[Place, object]]:
    """Values that are no sections. A mapping without entries is one, too."""
    if isinstance(section, BaseModel):
        for key in type(section).model_fields:
            yield from _leaves(getattr(section, key), value_at((key,), plain), (*above, key))
    elif isinstance(section, Mapping) and section:
        for key, inner in cast("Mapping[str, object]", section).items():
            yield from _leaves(inner, value_at((key,), plain), (*above, key))
    elif isinstance(section, SecretStr) and section.get_secret_value():
        yield above, SECRET if type(section) is SecretStr else str(section)  # an address shows what it may
    else:
        yield above, plain


def _value(
    config: Config, reading: Reading, place: Place, value: object, usual: Mapping[Place, object]
) -> Value:
    node = reading.node_at(place)
    origin = _origin(reading, place, node) if node else Origin(Source.DEFAULT)
    shown = _shown(reading, place, value, origin, node)
    if _is_free(place):
        shown = _without_credentials(shown)
    for secret in config.secrets():
        shown = _without(shown, secret)
    required = (
        place[0] == "accounts" and kind_at(place, reading.outline) is not None and _needed(config, place)
    )
    required = (
        required or place == ("default_agent",) or (place[-1] in {"preset", "command"} and node is not None)
    )
    return Value(place, shown, origin, not required and value == usual.get(place, _NOTHING))


def _needed(config: Config, place: Place) -> bool:
    return type(config.accounts[str(place[1])]).model_fields[str(place[2])].is_required()


def _origin(reading: Reading, place: Place, node: Node) -> Origin:
    if node.spot.rank:
        return Origin(Source.ENVIRONMENT, node.spot.source.removeprefix("environment "))
    absent = isinstance(node, Leaf) and node.value is None and not node.text  # YAML places it further on
    spot = reading.find(place).spot if absent else node.spot
    via = dict.fromkeys(name for leaf in _inside(node) for name in reading.references(leaf))
    return Origin(Source.FILE, str(spot), tuple(via))


def _inside(node: Node) -> Iterator[Leaf]:
    if isinstance(node, Leaf):
        yield node
    elif isinstance(node, Row):
        for item in node.items:
            yield from _inside(item)


def _shown(reading: Reading, place: Place, value: object, origin: Origin, node: Node | None) -> object:
    """A text that came from elsewhere may be a secret where any text may stand."""
    if isinstance(value, list):
        items = node.items if isinstance(node, Row) else ()
        vias = [reading.references(item) if isinstance(item, Leaf) else () for item in items]
        given = (
            vias
            if len(vias) == len(cast("list[object]", value))
            else [origin.via] * len(cast("list[object]", value))
        )
        return [
            _shown(reading, (*place, index), one, Origin(origin.source, via=tuple(via)), None)
            for index, (one, via) in enumerate(zip(cast("list[object]", value), given, strict=True))
        ]
    kind = kind_at(place, reading.outline)
    if not isinstance(value, str) or not (kind is str or kind is Path):
        return value
    if any(one.startswith("file ") for one in origin.via) or (_is_free(place) and origin.via):
        return SECRET
    text = _QUERY.sub(r"\1=***", _USER.sub("***@", value))
    return _PATH.sub(r"\1***", text) if origin.via else text


def _is_free(place: Place) -> bool:
    """Whether any text may stand there, also a key that somebody wrote in plain."""
    return place[0] == "agents" and len(place) > 2 and place[2] in _FREE


def _without_credentials(value: object) -> object:
    if isinstance(value, str):
        return without_credentials([value], SECRET)[0]
    return without_credentials(cast("list[str]", value), SECRET) if isinstance(value, list) else value


def _without(value: object, secret: str) -> object:
    if isinstance(value, str):
        return value.replace(secret, SECRET) if len(secret) >= _LONG else value
    return (
        [_without(one, secret) for one in cast("list[object]", value)] if isinstance(value, list) else value
    )


def _with_preset(config: Config, value: Value) -> Iterator[Value]:
    """The value, or what a preset or the gateway has in its place."""
    place = value.place
    if place[0] != "agents" or len(place) < 3:
        yield value
        return
    name, key = str(place[1]), str(place[2])
    agent, spec = config.agents[name], agent_spec(config, name)
    preset = PRESETS[agent.preset] if agent.preset else Preset((), "")
    by_preset, own = Origin(Source.PRESET, agent.preset or ""), Origin(Source.DEFAULT)
    match key:
        case "command" if agent.command is None:
            yield Value(place, list(spec.command), by_preset, usual=True)
        case "cwd" if agent.cwd is None:
            yield Value(place, config.cwd(name), own, usual=True)
        case "start_timeout" if agent.start_timeout is None:
            yield Value(
                place,
                duration_text(spec.start_timeout),
                by_preset if preset.start_timeout else own,
                usual=True,
            )
        case "quiet_time" if agent.quiet_time is None:
            yield Value(
                place, duration_text(spec.quiet_time), by_preset if preset.quiet_time else own, usual=True
            )
        case "env":
            added = [key for key in spec.env if key not in agent.env]
            if (len(place) == 4 and place[3] in spec.env) or (len(place) == 3 and not added):
                yield value
            if len(place) == 3 or place[3] == list(agent.env)[-1]:
                for one in added:
                    yield Value((*place[:3], one), spec.env[one], by_preset, usual=True)
        case _:
            yield value
