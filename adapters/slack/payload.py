"""Reading what Slack sent, of which nothing is certain. Pure."""

from collections.abc import Mapping
from typing import Any, cast

NAME_LIMIT = 64
"""The longest author name that is passed on, in characters."""

Payload = Mapping[str, Any]


def text_of(fields: Payload, name: str) -> str:
    """A text; empty where there is none."""
    value = fields.get(name)
    return value if isinstance(value, str) else ""


def part_of(fields: Payload, name: str) -> Payload:
    """An object; empty where there is none."""
    value = fields.get(name)
    return cast("Payload", value) if isinstance(value, Mapping) else {}


def parts_of(fields: Payload, name: str) -> list[Payload]:
    """The objects of a list."""
    value = fields.get(name)
    listed = cast("list[object]", value) if isinstance(value, list) else []
    return [cast("Payload", one) for one in listed if isinstance(one, Mapping)]


def one_line(name: str) -> str:
    """A name that fits into a line."""
    return " ".join(name.split())[:NAME_LIMIT].rstrip()
