"""How values are written in a config file: as texts, and as JSON schemas of what may stand there.

A schema describes what an editor sees, before `${NAME}` is filled in, so every one allows a reference. It may
take what the gateway refuses, never the other way round.
"""

from typing import Any

from pydantic import WithJsonSchema

from gateway.rules.allowance import Allowance

REFERENCE = r"\$\{(?:[A-Za-z_][A-Za-z0-9_]*(?::-[^{}]*)?|file:[^{}]+)\}"
"""A pattern for `${NAME}`, `${NAME:-default}` and `${file:/path}`, as a part of a text."""

_UNITS = (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1))
_SIZES = (("GB", 1024**3), ("MB", 1024**2), ("KB", 1024))

Schema = dict[str, Any]


def duration_text(seconds: float) -> str:
    """Seconds in the largest unit that leaves no fraction: `90s`, `10m`, `700ms`."""
    thousandths = round(seconds * 1000, 6)
    if not thousandths:
        return "0s"
    for unit, size in _UNITS:
        if thousandths % size == 0:
            return f"{int(thousandths // size)}{unit}"
    return f"{seconds:.9f}".rstrip("0") + "s"


def lapse_text(seconds: float | None) -> str:
    """As `duration_text`; None is `off`."""
    return "off" if seconds is None else duration_text(seconds)


def size_text(number: int) -> str:
    """Bytes in the largest unit that leaves no fraction."""
    for unit, size in _SIZES:
        if number % size == 0:
            return f"{number // size}{unit}"
    return f"{number}B"


def log_size_text(number: int | None) -> str:
    """As `size_text`; None is `off`."""
    return "off" if number is None else size_text(number)


def rate_text(allowance: Allowance | None) -> str:
    """A number of messages and a time, or `off`."""
    return "off" if allowance is None else f"{allowance.count}/{duration_text(allowance.seconds)}"


def text_schema(pattern: str, allowed: str, *others: str, **more: float) -> WithJsonSchema:
    """A text that matches, or holds a reference.

    `others` are types that are taken as well, such as `number`, with bounds in `more`. `allowed` is what
    editors say of a text that does not match.
    """
    types: str | list[str] = ["string", *others] if others else "string"
    whole = {"type": types, "pattern": f"^(?:{pattern})$|{REFERENCE}", "patternErrorMessage": allowed}
    return WithJsonSchema(whole | more)


FREE_TEXT: Schema = {
    "type": ["string", "number", "boolean"],  # numbers are taken as they are written
    "pattern": rf"^(?:[^$]|\$\$|\$(?![{{$])|{REFERENCE})*$",
    "patternErrorMessage": "${NAME}, ${NAME:-default} and ${file:/path} are allowed; $$ stands for one $",
}
"""Any text in which all references are well-formed."""

PLAIN_TEXT: Schema = {**FREE_TEXT, "type": "string", "minLength": 1}
"""As `FREE_TEXT`, where a number is refused."""
