"""Pydantic's errors as sentences for people: what was found; what is allowed; what to do.

What was found is shown only where it cannot be a secret: short, plain, written in the file itself, and at a
key whose model says that it holds none.
"""

import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from types import NoneType, UnionType
from typing import Annotated, Final, Union, cast, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic_core import ErrorDetails

from adapters.registry import PLATFORMS, Account, manifest
from gateway.config.hints import for_section, for_value, suggest, unknown_key
from gateway.config.models import Config, Place
from gateway.config.tree import shorten

_SHOWN = re.compile(r"[A-Za-z0-9_.*:/ +-]{1,24}", re.ASCII)
_ADDRESS = re.compile(r"([a-z][a-z0-9+.-]{0,9}://[A-Za-z0-9.:-]{1,64})(?:/.*)?", re.ASCII | re.DOTALL)
_KEY: Final = "[key]"  # pydantic's way of saying that the key itself is wrong
_MAPPING = frozenset({"model_type", "model_attributes_type", "dict_type", "mapping_type"})
_LIST = "a list is allowed; write [one, two], or a line with - for each"
_NUMBER = "a whole number is allowed"
_TRUTH = "true or false is allowed"
_SIMPLE = {
    "tuple_type": _LIST,
    "list_type": _LIST,
    "bool_type": _TRUTH,
    "bool_parsing": _TRUTH,
    "int_type": _NUMBER,
    "int_parsing": _NUMBER,
    "int_parsing_size": _NUMBER,
    "int_from_float": _NUMBER,
    "finite_number": _NUMBER,
}


def place_of(error: ErrorDetails) -> tuple[Place, bool]:
    """Where the error is in the raw data, and whether the key rather than the value is meant."""
    place = error["loc"]
    if len(place) > 2 and place[0] == "accounts" and place[2] in PLATFORMS:
        place = (*place[:2], *place[3:])  # pydantic names the chosen member of the union too
    if place and place[-1] == _KEY:
        return place[:-1], True
    if error["type"].startswith("union_tag_"):
        return (*place, "platform"), False
    return place, error["type"] == "extra_forbidden"


def kind_at(place: Place, data: object) -> object:
    """The annotation of a place in the config, None where there is no such key."""
    kind: object = Config
    for step in (*place, None):  # once more at the end, to resolve the last
        while len(parts := _parts(kind)) == 1:
            kind = parts[0]
        if kind is Account:
            platform = value_at(("platform",), data)
            known = isinstance(platform, str) and platform in PLATFORMS
            kind = cast("object", manifest(platform).account_model if known else Account)
        if step is None:
            break
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            field = kind.model_fields.get(str(step))
            kind = field.annotation if field else None
        else:
            inner = [part for part in get_args(kind) if part is not Ellipsis]
            kind = inner[-1] if inner and get_origin(kind) in {Mapping, tuple} else None
        data = value_at((step,), data)
    return kind


def _parts(kind: object) -> list[object]:
    """The kinds of values that an annotation adorns or joins, without null."""
    if get_origin(kind) is Annotated:
        return [get_args(kind)[0]]
    joined = get_args(kind) if get_origin(kind) in {Union, UnionType} else ()
    return [part for part in joined if part is not NoneType]


def holds_secret(kind: object) -> bool:
    """Whether values of this annotation must not be shown. An unknown key may hold anything."""
    return kind is None or kind is SecretStr or any(holds_secret(part) for part in get_args(kind) if part)


def is_section(kind: object) -> bool:
    """Whether keys belong at a place of this annotation, and no value."""
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def keys_at(place: Place, data: object) -> tuple[str, ...]:
    """The keys that a section may have; none where names are free."""
    kind = kind_at(place, data)
    return tuple(kind.model_fields) if isinstance(kind, type) and issubclass(kind, BaseModel) else ()


def sentence(error: ErrorDetails, place: Place, data: object, shown: object) -> str:
    """The problem in words. `shown` is the value, or `Hidden` where it may be a secret."""
    kind, context = error["type"], error.get("ctx", {})
    match kind:
        case "missing":
            said = f"missing; {description(place, data)} is required; add {place[-1]}: …"
        case "union_tag_not_found" if shown is None:
            keys = cast("dict[str, object]", value_at(place[:-1], data) or {})
            close = get_close_matches("platform", list(keys), n=1, cutoff=0.6)
            found = f'found "{shorten(close[0])}"; rename it to platform' if close else "add platform: …"
            said = f"missing; allowed: {', '.join(PLATFORMS)}; {found}"
        case "extra_forbidden":
            said = _unknown_key(place, data)
        case "value_error" if error["loc"][-1:] == (_KEY,):
            said = f"{context['error']}; rename it"
        case "too_short":
            said = f"empty; at least one is needed: {description(place, data)}; add one"
        case "string_unicode":
            said = "found a text that is not valid Unicode; write it anew"
        case _:
            hint = for_value(value_at(place, data), place)
            said = f"{describe(shown)}; {_allowed(error, place, data, shown)}{hint}"
    return said


def _allowed(error: ErrorDetails, place: Place, data: object, shown: object) -> str:
    kind, context = error["type"], error.get("ctx", {})
    match kind:
        case "union_tag_invalid" | "union_tag_not_found":
            return _choice(PLATFORMS, shown)
        case "literal_error":
            return _choice(re.findall(r"'([^']*)'", str(context["expected"])), shown)
        case "value_error":
            return str(context["error"])
        case "string_type":
            what = description(place, data)
            return f"a text is allowed: {what}" if what else "a text is allowed; quote it, or remove the key"
        case "greater_than_equal":
            return f"at least {context['ge']} is allowed"
        case "less_than_equal":
            return f"at most {context['le']} is allowed"
        case _ if kind in _MAPPING:
            keys = keys_at(place, data)
            allowed = (
                f"a section is allowed, with {', '.join(keys)}" if keys else "a section with names is allowed"
            )
            return f"{allowed}; {for_section(value_at(place, data), place)}"
        case _:
            return _SIMPLE.get(kind, error["msg"])


def describe(value: object) -> str:
    """What was found, in words; texts only where they are short and plain."""
    match value:
        case None:
            return "no value"
        case bool():
            return f"found {str(value).lower()}"
        case int() | float() if abs(value) < 1e15:
            return f"found {value}"
        case int() | float():
            return "found a number"
        case "":
            return "found an empty text"
        case str() if _SHOWN.fullmatch(value):
            return f'found "{value}"'
        case str() if server := _ADDRESS.fullmatch(value):  # a path may hold a secret
            return f'found an address that begins with "{server[1]}"'
        case str() | Hidden():
            return "found a text that is not shown here"
        case Mapping():
            return "found a section with keys"
        case _:
            return "found a list"


class Hidden:
    """Stands for a value that may be a secret."""


def description(place: Place, data: object) -> str:
    """What the key is for, from its model."""
    parent = kind_at(place[:-1], data)
    if isinstance(parent, type) and issubclass(parent, BaseModel):
        field = parent.model_fields.get(str(place[-1]))
        if field and field.description:
            return field.description
    return ""


def _choice(allowed: Sequence[str], shown: object) -> str:
    hint = suggest(shown, allowed) if isinstance(shown, str) else ""
    return f"allowed: {', '.join(allowed)}{hint or '; write one of these'}"


def _unknown_key(place: Place, data: object) -> str:
    allowed = keys_at(place[:-1], data)
    return f"unknown key; allowed here: {', '.join(allowed)}{unknown_key(place, allowed)}"


def value_at(place: Place, data: object) -> object:
    """What stands at a place of raw data; None where nothing does."""
    for step in place:
        if isinstance(data, dict):
            data = cast("dict[object, object]", data).get(step)
        elif isinstance(data, list) and isinstance(step, int) and step < len(cast("list[object]", data)):
            data = cast("list[object]", data)[step]
        else:
            return None
    return data
