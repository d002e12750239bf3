"""What was measured: figures with their aims, and the CPU time that went into them."""

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import psutil

BUSY = 0.15
"""Share of the machine's CPU taken by other work above which a missed aim is put down to it as well."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One row. `aim` is an upper bound, or a lower one where `at_least`; None where there is none."""

    name: str
    measure: str
    value: float
    unit: str
    aim: float | None = None
    at_least: bool = False
    note: str = ""
    reason: str = ""

    @property
    def met(self) -> bool | None:
        """Whether the aim was reached; None without one."""
        if self.aim is None:
            return None
        return self.value >= self.aim if self.at_least else self.value <= self.aim


def disturbed(figure: Figure, share: float) -> Figure:
    """The figure with a word about other work, where that took enough of the CPU to matter."""
    if share < BUSY or "other work" in figure.reason:
        return figure
    return replace(
        figure, reason=f"{figure.reason}; other work took {share:.0%} of the CPU meanwhile".lstrip("; ")
    )


def percentile(values: Sequence[float], share: float) -> float:
    """The nearest-rank percentile; NaN of nothing."""
    ordered = sorted(values)
    if not ordered:
        return float("nan")
    return ordered[min(len(ordered) - 1, max(0, round(share * len(ordered) + 0.5) - 1))]


@dataclass(slots=True)
class Usage:
    """CPU seconds by process over some wall time; `other` is work that is not the benchmark's."""

    seconds: dict[str, float] = field(default_factory=dict[str, float])
    wall: float = 0.0
    other: float = 0.0

    def each(self, count: int) -> dict[str, float]:
        """Milliseconds per message."""
        return {name: round(1000 * spent / max(count, 1), 3) for name, spent in self.seconds.items()}

    @property
    def other_share(self) -> float:
        """The share of the machine that went elsewhere."""
        return max(0.0, self.other) / max(self.wall * (psutil.cpu_count() or 1), 1e-9)

    def remark(self) -> str:
        """A sentence when other work was in the way, else nothing."""
        if self.other_share < BUSY:
            return ""
        return f"other work took {self.other_share:.0%} of the CPU meanwhile"


class Meter:
    """CPU time of named processes between `start` and `stop`."""

    def __init__(self, processes: Mapping[str, Sequence[psutil.Process]]) -> None:
        self._processes = {name: list(group) for name, group in processes.items()}
        self._before = self._read()
        self._begun = time.monotonic()
        self._busy = _busy()

    def stop(self) -> Usage:
        after = self._read()
        wall = time.monotonic() - self._begun
        seconds = {name: after[name] - self._before[name] for name in after}
        return Usage(seconds, wall, _busy() - self._busy - sum(seconds.values()))

    def _read(self) -> dict[str, float]:
        return {name: sum(map(_cpu, group)) for name, group in self._processes.items()}


@dataclass(slots=True)
class Surroundings:
    """What else the machine did, over a stretch in which all our processes but `lasting` begin and end."""

    lasting: psutil.Process
    _begun: tuple[float, float] = field(init=False)

    def __post_init__(self) -> None:
        self._begun = self._read()

    def share(self) -> float:
        """The share of the CPU that went to others since the beginning."""
        wall, other = (now - then for now, then in zip(self._read(), self._begun, strict=True))
        return max(0.0, other) / max(wall * (psutil.cpu_count() or 1), 1e-9)

    def _read(self) -> tuple[float, float]:
        times = os.times()
        own = times.user + times.system + times.children_user + times.children_system
        return time.monotonic(), _busy() - own - _cpu(self.lasting)


def _cpu(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.Error:
        return 0.0
    return float(times.user + times.system)


def _busy() -> float:
    times = psutil.cpu_times()
    return float(sum(times) - times.idle - getattr(times, "iowait", 0.0) - getattr(times, "guest", 0.0))


def why(usage: Usage, count: int) -> str:
    """The likely reason for a time that is too long, from where the CPU time went."""
    each = usage.each(count)
    shown = ", ".join(f"{name} {spent:.2f} ms" for name, spent in sorted(each.items(), key=lambda i: -i[1]))
    remark = usage.remark()
    return f"CPU per message: {shown}" + (f"; {remark}" if remark else "")
