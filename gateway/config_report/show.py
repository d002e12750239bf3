"""What `carryon config show` prints: the values that count, as YAML with origins in comments, or as JSON."""

import json
from collections.abc import Iterable, Sequence
from io import StringIO
from typing import Any, cast

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq

from gateway.config.hints import suggest
from gateway.config.models import Config
from gateway.config.reading import Reading
from gateway.config_report.values import Source, Value, values
from gateway.errors import UsageError
from gateway.rules.words import printable


def shown(config: Config, reading: Reading, keys: Sequence[str], *, effective: bool, as_json: bool) -> str:
    """The values at `keys`, or all; without `effective` only those that are not the usual ones.

    Raises `UsageError` for a key that there is not.
    """
    found = values(config, reading)
    if keys:
        found = _at(found, keys)
    elif not effective:
        found = [value for value in found if not value.usual]
    return _as_json(found) if as_json else _as_yaml(found)


def _at(found: Sequence[Value], keys: Iterable[str]) -> list[Value]:
    wanted = set[int]()
    for key in keys:
        below = {n for n, value in enumerate(found) if f"{_key(value)}.".startswith(f"{key}.")}
        if not below:
            names = {_key(value) for value in found} | {_key(value).rpartition(".")[0] for value in found}
            hint = suggest(key, names) or "; `carryon config show --effective` shows all"
            raise UsageError(f"there is no {printable(key)} in the config{hint}")
        wanted |= below
    return [value for n, value in enumerate(found) if n in wanted]


def _key(value: Value) -> str:
    return ".".join(str(step) for step in value.place)


def _as_json(found: Iterable[Value]) -> str:
    rows = [
        {
            "key": _key(value),
            "value": value.value,
            "origin": value.origin.source,
            "where": value.origin.where or None,
            "via": value.origin.via,
            "default": value.usual and value.origin.source is not Source.PRESET,
        }
        for value in found
    ]
    return json.dumps(rows, indent=2)


def _as_yaml(found: Sequence[Value]) -> str:
    whole: Any = CommentedMap()
    for value in found:
        section: Any = whole
        for step in value.place[:-1]:
            section = section.setdefault(str(step), CommentedMap())
        key = str(value.place[-1])
        section[key] = _node(value.value)
        section.yaml_add_eol_comment(printable(str(value.origin)), key, column=0)
    out = StringIO()
    yaml: Any = YAML()
    yaml.width = 1_000_000  # each value on one line
    yaml.allow_unicode = all(_plain(value.value) for value in found)
    yaml.representer.add_representer(type(None), _null)
    yaml.dump(whole, out)
    return out.getvalue().rstrip("\n")


def _node(value: object) -> object:
    if not isinstance(value, list | dict):
        return value
    found: Any = CommentedSeq(cast("list[object]", value)) if isinstance(value, list) else CommentedMap()
    found.fa.set_flow_style()
    return found


def _plain(value: object) -> bool:
    """Whether it does nothing to a terminal but be seen."""
    return (
        all(_plain(one) for one in cast("list[object]", value))
        if isinstance(value, list)
        else str(value).isprintable()
    )


def _null(representer: Any, _: None) -> Any:  # noqa: ANN401  (the library has no types)
    return representer.represent_scalar("tag:yaml.org,2002:null", "null")
