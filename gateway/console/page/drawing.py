"""Charts as shapes of an SVG: all numbers are computed here, so that a template only writes them down."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gateway.rules.words import lasting

WIDTH, HEIGHT = 640, 250
LEFT, RIGHT, TOP, BOTTOM = 76, 16, 16, 40
_TICKS = 4


@dataclass(frozen=True, slots=True)
class Tick:
    """A line across, or a moment below, and what it says."""

    at: float
    text: str


@dataclass(frozen=True, slots=True)
class Line:
    """One row of values: a path with gaps where there is none, and its dots."""

    name: str
    path: str
    dots: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Bar:
    """A value as an area from the ground."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Chart:
    """Everything to draw."""

    ticks: tuple[Tick, ...]
    moments: tuple[Tick, ...]
    lines: tuple[Line, ...] = ()
    bars: tuple[Bar, ...] = ()
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - RIGHT
    ground: int = HEIGHT - BOTTOM


def seconds(value: float) -> str:
    """A length of time as short as an axis needs it."""
    if value == 0:
        return "0 s"
    if value < 1:
        return f"{round(value * 1000)} ms"
    if value < 60:
        return f"{value:.2g} s" if value < 10 else f"{value:.0f} s"
    return lasting(value)


def lines(rows: Sequence[tuple[str, Sequence[float | None]]], moments: Sequence[str]) -> Chart:
    """Values over time as lines, on one scale from nothing."""
    top = nice(max((value for _, row in rows for value in row if value is not None), default=1.0))
    return Chart(_across(top, seconds), _below(moments), tuple(_line(name, row, top) for name, row in rows))


def bars(values: Sequence[int], moments: Sequence[str]) -> Chart:
    """Counts over time as bars."""
    top = max(_TICKS, math.ceil(nice(max(values, default=0))))
    step = _step(len(values))
    made = tuple(_bar(LEFT + step * (i + 0.1), step * 0.8, value, top) for i, value in enumerate(values))
    return Chart(_across(top, lambda value: f"{value:g}"), _below(moments), bars=made)


def _bar(x: float, width: float, value: float, top: float) -> Bar:
    return Bar(_r(x), _r(_y(value, top)), _r(width), _r(_y(0, top) - _y(value, top)))


def nice(value: float) -> float:
    """The next number that divides well: 1, 2, 4, 6 or 8 times a power of ten."""
    if value <= 0:
        return 1.0
    power = 10 ** math.floor(math.log10(value))
    return next(n * power for n in (1, 2, 4, 6, 8, 10, 20) if n * power >= value * 0.999)


def _line(name: str, row: Sequence[float | None], top: float) -> Line:
    step, path, dots, pen_down = _step(len(row)), "", list[tuple[float, float]](), False
    for i, value in enumerate(row):
        if value is None:
            pen_down = False
            continue
        x, y = _r(LEFT + step * (i + 0.5)), _r(_y(value, top))
        path += f"{'L' if pen_down else 'M'}{x} {y} "
        dots.append((x, y))
        pen_down = True
    return Line(name, path.strip(), tuple(dots))


def _across(top: float, say: Callable[[float], str]) -> tuple[Tick, ...]:
    return tuple(Tick(_r(_y(top * i / _TICKS, top)), say(top * i / _TICKS)) for i in range(_TICKS + 1))


def _below(moments: Sequence[str]) -> tuple[Tick, ...]:
    """The first, the middle and the last moment: more would touch on a phone."""
    if not moments:
        return ()
    chosen = sorted({0, len(moments) // 2, len(moments) - 1})
    return tuple(Tick(_r(LEFT + _step(len(moments)) * (i + 0.5)), moments[i]) for i in chosen)


def _step(number: int) -> float:
    return (WIDTH - LEFT - RIGHT) / max(1, number)


def _y(value: float, top: float) -> float:
    return HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * value / top


def _r(value: float) -> float:
    return round(value, 1)
