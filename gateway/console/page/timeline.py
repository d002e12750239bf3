"""The timeline of restarts: how each boot ended, and what became of what it cut short."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from gateway.model.boot import Boot
from gateway.model.overview import BootEnd, Continuation, Restart
from gateway.model.turn import TurnState
from gateway.rules.words import counted

LATEST = 20
"""Boots that are shown at once."""

MOST = 100
"""Boots that can be shown at all."""

CUT = 12
"""Interrupted turns of one boot that are shown."""

ENDS = {
    BootEnd.RUNNING: "is running",
    BootEnd.STOPPED: "was stopped cleanly",
    BootEnd.RESTARTED: "was restarted cleanly",
    BootEnd.CRASHED: "crashed",
}


@dataclass(frozen=True, slots=True)
class Stretch:
    """One boot. `lasted` and `down` are seconds: how long it ran, and how long nobody served before it."""

    restart: Restart
    end: str
    lasted: float
    down: float | None
    cut: tuple[Continuation, ...]
    summary: str

    @property
    def boot(self) -> Boot:
        """The boot."""
        return self.restart.boot

    @property
    def crashed(self) -> bool:
        """Whether it did not stop by itself."""
        return self.restart.end is BootEnd.CRASHED


def timeline(restarts: Sequence[Restart], now: float) -> tuple[Stretch, ...]:
    """The boots, newest first. The oldest of many does not know what was before it."""
    return tuple(
        _stretch(one, restarts[i + 1] if i + 1 < len(restarts) else None, now)
        for i, one in enumerate(restarts)
    )


def _stretch(one: Restart, older: Restart | None, now: float) -> Stretch:
    boot = one.boot
    until = now if one.end is BootEnd.RUNNING else _last_seen(boot)
    down = None if older is None else max(0.0, boot.started_at - _last_seen(older.boot))
    return Stretch(one, ENDS[one.end], max(0.0, until - boot.started_at), down, one.cut[:CUT], _summary(one))


def _last_seen(boot: Boot) -> float:
    return boot.seen_at if boot.stopped_at is None else boot.stopped_at


def _summary(one: Restart) -> str:
    """What it cut short, and what became of that, in one sentence."""
    if one.interrupted == 0:
        return "It interrupted nothing."
    fates = Counter(became(cut) for cut in one.cut)
    if one.interrupted > len(one.cut):
        fates["not looked at here"] = one.interrupted - len(one.cut)
    words = ", ".join(f"{number} {fate}" for fate, number in fates.items())
    return f"It interrupted {counted(one.interrupted, 'turn')}: {words}."


def became(cut: Continuation) -> str:
    """What became of an interrupted turn."""
    if cut.by_turn is None:
        return "still open or given up"
    match cut.state:
        case TurnState.RUNNING:
            return "being gone on with"
        case TurnState.COMPLETED:
            return "finished later"
        case None:
            return "gone on with"
        case _:
            return f"gone on with and {cut.state.value}"
