"""Every key of the config is explained in `config/gateway.yaml`, with its default and what is allowed.

The comment above a key ends with `Default: value` or `Required.`; the default is read as YAML and compared
with the model's own.
"""

import configparser
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

import pytest
from pydantic import BaseModel, TypeAdapter
from pydantic.fields import FieldInfo

from adapters.registry import PLATFORMS, manifest
from gateway.config.models import Config
from gateway.config.tree import Branch, Leaf, Node, Row, parse, parse_override
from gateway.config.types import parse_duration

ROOT = Path(__file__).parents[2]
LINES = (ROOT / "config" / "gateway.yaml").read_text().splitlines()
SHOWN_OTHERWISE = {
    "agents.demo.command",  # it has no preset
    "agents.demo.processes",  # the demo agent can do better than the default
}


def tree() -> Branch:
    node, problems = parse("\n".join(LINES), "gateway.yaml")
    assert not problems
    assert isinstance(node, Branch)
    return node


def fields() -> Iterator[tuple[tuple[str, ...], FieldInfo]]:
    """Every key below which there are no further ones, and where it stands in the annotated file."""
    yield from _fields(Config, ())


def _fields(model: type[BaseModel], above: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], FieldInfo]]:
    for name, field in model.model_fields.items():
        place = (*above, name)
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from _fields(field.annotation, place)
        else:
            yield place, field
    if model is Config:
        for platform in PLATFORMS:
            yield from _fields(manifest(platform).account_model, ("accounts", platform))
        yield from _fields(get_args(Config.model_fields["agents"].annotation)[1], ("agents", "demo"))


FIELDS = list(fields())
NAMES = [".".join(place) for place, _ in FIELDS]


def find(place: tuple[str, ...]) -> tuple[str, Node]:
    """The comment right above a key, as one line, and the key's value."""
    node: Node = tree()
    line = 0
    for step in place:
        assert isinstance(node, Branch), place
        assert step in node.entries, f"{'.'.join(place)} is not in config/gateway.yaml"
        line, node = node.keys[step].line, node.entries[step]
    comment: list[str] = []
    for text in reversed(LINES[: line - 1]):
        if not text.lstrip().startswith("# "):
            break
        comment.insert(0, text.strip().removeprefix("# "))
    return " ".join(comment), node


def plain(node: Node) -> Any:
    match node:
        case Branch():
            return {key: plain(inner) for key, inner in node.entries.items()}
        case Row():
            return [plain(inner) for inner in node.items]
        case Leaf():
            return node.value


def literals(annotation: object) -> Iterator[str]:
    if get_origin(annotation) is Literal:
        yield from get_args(annotation)
    for part in get_args(annotation):
        yield from literals(part)


@pytest.mark.parametrize(("place", "field"), FIELDS, ids=NAMES)
def test_every_key_is_documented(place: tuple[str, ...], field: FieldInfo) -> None:
    comment, node = find(place)
    name = ".".join(place)
    assert field.description, f"{name} has no description in its model"
    if field.is_required():
        assert comment.endswith("Required."), f"{name}: its comment must end with Required."
    else:
        stated = re.search(r"Default: (\S.*)$", comment)
        assert stated, f"{name}: its comment must end with Default: and a value"
        adapter = TypeAdapter[Any](Annotated[field.annotation, "documented", *field.metadata])
        default = adapter.validate_python(field.get_default(call_default_factory=True))
        assert adapter.validate_python(plain(parse_override(stated[1], name))) == default, name
        assert name in SHOWN_OTHERWISE or adapter.validate_python(plain(node)) == default, name
    for allowed in literals(field.annotation):
        assert re.search(rf"\b{re.escape(allowed)}\b", comment), (
            f"{name}: {allowed} is allowed but not explained"
        )
    if "a duration" in (field.description or ""):
        assert "A duration" in comment, f"{name}: its unit is missing"
    sized = "a size" in (field.description or "")
    if sized:
        assert "A size" in comment, f"{name}: its unit is missing"
    if field.annotation is int and not sized:
        assert "A number from 1" in comment, f"{name}: its range is missing"


def test_sections_come_in_the_order_of_the_model() -> None:
    assert list(tree().entries) == list(Config.model_fields)


def test_the_service_waits_longer_than_the_drain() -> None:
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # pyright: ignore[reportAttributeAccessIssue]
    unit.read_string((ROOT / "deploy" / "systemd" / "carryon.service").read_text())
    service = unit["Service"]
    assert (
        parse_duration(service["TimeoutStopSec"])
        > Config.model_fields["shutdown"].get_default(call_default_factory=True).drain_timeout
    )
    assert (service["RestartForceExitStatus"], service["RestartPreventExitStatus"]) == ("75", "78")
