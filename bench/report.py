"""The table and the JSON."""

import datetime as dt
import math
import os
import platform
import sqlite3
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import psutil

from bench.figures import Figure
from bench.people import Audit

CONDITIONS = (
    "real gateway, emulator and agent processes on the loopback; rate limits are off in the emulator and in "
    "the account; the demo agent answers without delay in one shared process; log level info; "
    "ledger on SQLite, WAL, synchronous=FULL"
)


def environment(directory: Path) -> dict[str, object]:
    """The machine and the versions, as far as they explain numbers."""
    return {
        "date": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "cpus": psutil.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "file_system": file_system(directory),
        "sqlite": sqlite3.sqlite_version,
        "versions": {
            name: version(name) for name in ("aiogram", "aiohttp", "agent-client-protocol", "pydantic")
        },
        "load_average": [round(load, 2) for load in os.getloadavg()],
    }


def file_system(directory: Path) -> str:
    """The type of the file system under a directory."""
    place = directory.resolve()
    mounts = [p for p in psutil.disk_partitions(all=True) if place.is_relative_to(p.mountpoint)]
    return max(mounts, key=lambda p: len(p.mountpoint)).fstype if mounts else "unknown"


def table(figures: Sequence[Figure]) -> str:
    """Measure, value, aim, met; then a line for each aim that was missed."""
    rows = [("measure", "value", "aim", "met")]
    rows += [(f.measure, _quantity(f.value, f.unit), _aim(f), _met(f)) for f in figures]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
    lines.insert(1, "  ".join("-" * width for width in widths))
    missed = [f"missed: {f.measure}: {f.reason or 'no reason is known'}" for f in figures if f.met is False]
    notes = [f"note: {f.measure}: {f.note}" for f in figures if f.note]
    return "\n".join([*lines, "", *missed, *notes])


def verdict(audit: Audit) -> str:
    """One line on what was lost or doubled."""
    counts = (
        f"{audit.sent} messages, {audit.lost} lost, {audit.doubled} answered twice, {audit.strange} strange"
    )
    return "\n".join([counts, *(f"  {example}" for example in audit.examples[:20])])


def as_json(
    figures: Sequence[Figure], audit: Audit, machine: dict[str, object], extra: object
) -> dict[str, object]:
    """Everything."""
    return {
        "environment": machine,
        "conditions": CONDITIONS,
        "figures": [
            {
                "name": f.name,
                "measure": f.measure,
                "value": None if math.isnan(f.value) else round(f.value, 4),
                "unit": f.unit,
                "aim": f.aim,
                "met": f.met,
                "note": f.note,
                "reason": f.reason if f.met is False else "",
            }
            for f in figures
        ],
        "messages": {
            "sent": audit.sent,
            "lost": audit.lost,
            "doubled": audit.doubled,
            "strange": audit.strange,
            "examples": audit.examples[:20],
        },
        "details": extra,
    }


def _quantity(value: float, unit: str) -> str:
    if math.isnan(value):
        return "not measured"
    digits = 0 if abs(value) >= 1000 else 1 if abs(value) >= 100 else 2
    return f"{value:.{digits}f} {unit}"


def _aim(figure: Figure) -> str:
    if figure.aim is None:
        return ""
    return f"{'≥' if figure.at_least else '≤'} {figure.aim:g} {figure.unit}"


def _met(figure: Figure) -> str:
    return {None: "", True: "yes", False: "missed"}[figure.met]
