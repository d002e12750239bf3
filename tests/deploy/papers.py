"""The files of deploy/, read."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from gateway.config.models import ShutdownConfig
from gateway.supervisor import SETTLE_SECONDS
from tests.helpers.sources import ROOT

DEPLOY = ROOT / "deploy"
GUIDE = ROOT / "docs" / "deploy.md"

NEEDED_TO_STOP = ShutdownConfig().drain_timeout + SETTLE_SECONDS
"""Seconds that a stop may take with the default config."""


def documents(path: Path) -> list[Any]:
    """The YAML documents of a file."""
    return list(YAML(typ="safe").load_all(path.read_text(encoding="utf-8")))


def document(path: Path) -> Any:
    """The only one."""
    (found,) = documents(path)
    return found


def anchors() -> Iterator[str]:
    """The links that the headings of docs/deploy.md can be reached by."""
    for heading in re.findall(r"^#+ (.+)$", GUIDE.read_text(encoding="utf-8"), re.MULTILINE):
        yield re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-")


def instructions(path: Path) -> list[tuple[str, str]]:
    """A Dockerfile's instructions in order, each with its argument in one line."""
    text = re.sub(r"^\s*#.*\n", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    lines = re.sub(r"\\\n\s*", " ", text).splitlines()
    return [(words[0], words[2]) for line in lines if (words := line.partition(" "))[0]]
