"""Paths in the config file: relative to it, with `~`, absolute once they were read."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, ValidationInfo, WithJsonSchema

from gateway.config.written import PLAIN_TEXT


def _resolve(path: object, info: ValidationInfo) -> str:
    # Relative to the config file, not to wherever the process happens to stand: a service starts in /.
    context: Mapping[str, Any] = info.context or {}
    text = os.fspath(path) if isinstance(path, str | Path) else ""
    if not text or "\0" in text or not _encodable(text):
        raise ValueError("a path is allowed")
    if text == "~" or text.startswith("~/"):
        text = str(context.get("home") or os.path.expanduser("~")) + text[1:]  # noqa: PTH111  (never raises)
    base = str(context.get("base") or "")
    return os.path.normpath(os.path.join(base, text))  # noqa: PTH118  (pathlib keeps `..`)


def _encodable(path: str) -> bool:
    try:
        return bool(os.fsencode(path))
    except UnicodeEncodeError:
        return False


def _placeholders(path: str) -> str:
    if re.search(r"[{}]", path.replace("{session}", "")):
        raise ValueError("{session} is the only placeholder allowed in a path")
    return path


Directory = Annotated[Path, BeforeValidator(_resolve), WithJsonSchema(PLAIN_TEXT)]
DirectoryTemplate = Annotated[str, AfterValidator(_resolve), AfterValidator(_placeholders)]
