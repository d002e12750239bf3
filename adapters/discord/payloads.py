"""Reading JSON of which nothing is certain: what is not as expected reads as empty."""

from collections.abc import Mapping
from typing import Any, TypeAlias, cast

Json: TypeAlias = Mapping[str, Any]
"""An object, as it came."""


def mapping(value: object) -> Json:
    """An object."""
    return cast("Json", value) if isinstance(value, Mapping) else {}


def items(value: object) -> list[object]:
    """A list."""
    return cast("list[object]", value) if isinstance(value, list) else []


def mappings(value: object) -> list[Json]:
    """A list of objects."""
    return [mapping(one) for one in items(value)]


def text(value: object) -> str:
    """A text."""
    return value if isinstance(value, str) else ""


def as_id(value: object) -> int:
    """An id as Discord writes it, as text or number; 0 for what is none."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 20:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0
