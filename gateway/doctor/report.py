"""What `carryon doctor` prints: a line for each finding, or JSON.

Every text loses configured secrets first, and then whatever could move a terminal's cursor.
"""

import json
from collections.abc import Iterable, Sequence
from typing import cast

import typer

from gateway.log import Redaction
from gateway.model.finding import Finding, Level
from gateway.rules.words import counted, one_line

_COLOURS = {Level.OK: "green", Level.WARNING: "yellow", Level.PROBLEM: "red", Level.FIXED: "cyan"}
_LONGEST = 600


def cleaned(findings: Iterable[Finding], secrets: Iterable[str]) -> list[Finding]:
    """The findings, fit to be shown."""
    strike = Redaction(secrets)

    def clean(text: str) -> str:
        return one_line(cast("str", strike(None, "", {"text": text})["text"]), _LONGEST)

    return [Finding(one.check, one.level, clean(one.found), clean(one.advice)) for one in findings]


def as_text(findings: Sequence[Finding]) -> str:
    """For people; the last line sums up."""
    width = max(len(one.check) for one in findings)
    lines = [_line(one, width) for one in findings]
    return "\n".join([*lines, "", _verdict(findings)])


def as_json(findings: Sequence[Finding]) -> str:
    """For programs."""
    count = {level: sum(one.level is level for one in findings) for level in Level}
    values = {
        "ok": not count[Level.PROBLEM],
        "problems": count[Level.PROBLEM],
        "warnings": count[Level.WARNING],
        "fixed": count[Level.FIXED],
        "findings": [
            {"check": one.check, "level": one.level, "found": one.found, "advice": one.advice or None}
            for one in findings
        ],
    }
    return json.dumps(values, indent=2, ensure_ascii=False)


def _line(one: Finding, width: int) -> str:
    level = typer.style(f"{one.level:<7}", fg=_COLOURS[one.level])
    advice = f". What to do: {one.advice}" if one.advice else ""
    return f"{level}  {one.check:<{width}}  {one.found}{advice}"


def _verdict(findings: Sequence[Finding]) -> str:
    problems = sum(one.level is Level.PROBLEM for one in findings)
    warnings = sum(one.level is Level.WARNING for one in findings)
    fixed = sum(one.level is Level.FIXED for one in findings)
    mended = f"{counted(fixed, 'thing')} put right. " if fixed else ""
    if not problems and not warnings:
        return f"{mended}All is well."
    parts = [counted(n, noun) for n, noun in ((problems, "problem"), (warnings, "warning")) if n]
    return f"{mended}{' and '.join(parts)}."
