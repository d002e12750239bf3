"""Boots: one run of one gateway process."""

from dataclasses import dataclass
from enum import StrEnum

from gateway.model.states import Transitions


class BootState(StrEnum):
    """A boot without `stopped_at` that is not the current one has crashed, whatever its state says."""

    STARTING = "starting"
    SERVING = "serving"
    DRAINING = "draining"
    STOPPED = "stopped"


BOOT_TRANSITIONS = Transitions(
    "boot",
    {
        BootState.STARTING: frozenset({BootState.SERVING, BootState.DRAINING, BootState.STOPPED}),
        BootState.SERVING: frozenset({BootState.DRAINING, BootState.STOPPED}),
        BootState.DRAINING: frozenset({BootState.SERVING, BootState.STOPPED}),
        BootState.STOPPED: frozenset[BootState](),
    },
)


@dataclass(frozen=True, slots=True)
class Boot:
    """A row of the ledger's boots. `seen_at` is the last sign of life; times are seconds since the epoch."""

    id: int
    replica: str
    pid: int
    state: BootState
    started_at: float
    seen_at: float
    stopped_at: float | None = None
    intent: str | None = None


@dataclass(frozen=True, slots=True)
class BootOpening:
    """What opening a boot found: the new boot's id and what dead boots left behind.

    `crashes` are the starting times of unclean boots, newest first, for the loop breaker. What was written
    before `answer_since` and is read back is not answered: an earlier run may have done it that this ledger,
    restored from a backup, knows nothing of.
    """

    boot_id: int
    dead_boots: int
    interrupted_turns: int
    unknown_deliveries: int
    crashes: tuple[float, ...]
    answer_since: float = 0.0
