"""Writes docs/states.md from the state tables; with `--check`, fails if it would change."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from gateway.model.boot import BOOT_TRANSITIONS
from gateway.model.delivery import DELIVERY_TRANSITIONS
from gateway.model.message import MESSAGE_TRANSITIONS
from gateway.model.permission import APPROVAL_TRANSITIONS
from gateway.model.session import SESSION_TRANSITIONS
from gateway.model.states import Transitions
from gateway.model.turn import TURN_TRANSITIONS

S = TypeVar("S", bound=StrEnum)

PAGE = Path(__file__).parent.parent / "docs" / "states.md"
HEAD = """# State tables

Generated from the tables beside the enums in `gateway/model`; `make check` fails when this page is out of
date, and `make format` writes it. A change that is not drawn here raises in the code.
"""


def diagram(table: Transitions[S]) -> str:
    """One table as a Mermaid state diagram. The first state of the enum is where a thing begins."""
    states = list(table.edges)
    lines = ["stateDiagram-v2", f"    [*] --> {states[0]}"]
    for before in states:
        lines += [f"    {before} --> {after}" for after in states if after in table.edges[before]]
        if not table.edges[before]:
            lines.append(f"    {before} --> [*]")
    return "\n".join(lines)


def page() -> str:
    """The whole page."""
    tables = (
        MESSAGE_TRANSITIONS,
        SESSION_TRANSITIONS,
        TURN_TRANSITIONS,
        DELIVERY_TRANSITIONS,
        APPROVAL_TRANSITIONS,
        BOOT_TRANSITIONS,
    )
    parts = [HEAD]
    for table in tables:
        meaning = (type(next(iter(table.edges))).__doc__ or "").strip()
        parts.append(f"## {table.noun.capitalize()}\n\n{meaning}\n\n```mermaid\n{diagram(table)}\n```\n")
    return "\n".join(parts)


def main() -> int:
    """Write or check."""
    if "--check" not in sys.argv:
        PAGE.write_text(page(), encoding="utf-8")
        return 0
    if PAGE.exists() and PAGE.read_text(encoding="utf-8") == page():
        return 0
    sys.stderr.write("docs/states.md is not what the state tables say; run `make format`\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
