"""Templates and files of the page. What comes from a chat is escaped, and can neither hide nor turn text."""

import hashlib
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from typing import Final, cast

from jinja2 import Environment, PackageLoader, StrictUndefined

from gateway.model.address import Address, Route
from gateway.rules.words import ago, counted, cut, lasting, one_line

Filter = Callable[..., object]

STATIC: Final = {
    "page.css": "text/css",
    "page.js": "text/javascript",
    "htmx.min.js": "text/javascript",
    "idiomorph-ext.min.js": "text/javascript",
    "icon.svg": "image/svg+xml",
}
"""The files that a browser is given, and nothing else of the folder."""

SHORT: Final = 8
"""Characters of an agent's session id that are shown, its last ones."""

FOLDED: Final = 400
"""Characters of a text before it is folded."""

SHOWN: Final = 10_000
"""Characters of a text that are shown at all."""


@cache
def static_file(name: str) -> bytes:
    """A file of the page."""
    return (files("gateway.console.page") / "static" / name).read_bytes()


@cache
def build() -> str:
    """Changes with the files and templates, so that an open page knows when to load itself anew."""
    digest = hashlib.sha256()
    for name in sorted(STATIC):
        digest.update(static_file(name))
    for template in sorted(_environment().list_templates()):
        digest.update((files("gateway.console.page") / "templates" / template).read_bytes())
    return digest.hexdigest()[:12]


def render(template: str, values: Mapping[str, object]) -> str:
    """A page, or a part of one."""
    return _environment().get_template(template).render(values)


@cache
def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader("gateway.console.page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    cast("dict[str, Filter]", made.filters).update(_filters())
    cast("dict[str, object]", made.globals).update(FOLDED=FOLDED)
    return made


def _filters() -> dict[str, Filter]:
    return {
        "ago": ago,
        "lasting": lasting,
        "counted": counted,
        "line": line,
        "preview": preview,
        "prose": prose,
        "stamp": stamp,
        "clock": clock,
        "iso": iso,
        "tail": tail,
        "place": place,
        "said": said,
    }


def line(text: str) -> str:
    """Somebody's words as a part of a line."""
    return one_line(text, 120)


def preview(text: str) -> str:
    """The beginning of a text, in one line."""
    return one_line(text[:SHOWN], 240)


def tail(ident: str) -> str:
    """The end of an agent's session id: enough to find it in the agent's log, and no more."""
    return one_line(ident[-SHORT:], SHORT)


def prose(text: str) -> str:
    """Somebody's text with its lines, and without characters that do anything but be seen."""
    shown = cut(text.expandtabs(4), SHOWN)  # first: the rest of a long one is not worth the time
    return "".join(one if one.isprintable() or one == "\n" else "\ufffd" for one in shown)


def said(reason: str | None) -> str:
    """A reason as the ledger keeps it, as words."""
    return one_line((reason or "").replace("_", " "), 120)


def place(where: Address | Route) -> str:
    """A chat in one line."""
    parts = [where.chat]
    if where.thread:
        parts.append(f"thread {where.thread}")
    if isinstance(where, Address) and where.user:
        parts.append(f"user {where.user}")
    return one_line(" · ".join(parts), 120)


def stamp(at: float) -> str:
    """A moment for people: the same everywhere, and so with its zone."""
    return _moment(at).strftime("%Y-%m-%d %H:%M:%S UTC")


def clock(at: float) -> str:
    """The time of day of a moment."""
    return _moment(at).strftime("%H:%M:%S")


def iso(at: float) -> str:
    """A moment for programs."""
    return _moment(at).isoformat(timespec="seconds")


def _moment(at: float) -> datetime:
    return datetime.fromtimestamp(min(max(at, 0.0), 253_402_300_799.0), UTC)
