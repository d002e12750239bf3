"""A gateway in steady work: latency, a burst of chats, throughput beside the ideal loop, memory."""

import asyncio
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field

import psutil

from bench.figures import Figure, Meter, Usage, percentile, why
from bench.people import Audit, Crowd, Letter, crowd
from bench.processes import Emulator, Gateway, Stage, gateway, ideal

SETTLE_SECONDS = 3.0
PAUSE_SECONDS = 0.005
"""Between one answer and the next message, so that the answer has been settled in the ledger."""

BURST = 200
USERS = 64
RATE = 50.0
RAMP_SECONDS = 1.0
"""The beginning and the end of a closed loop that are not counted."""

_MB = 1_000_000


@dataclass(frozen=True, slots=True)
class Scale:
    """How much is done."""

    singles: int = 500
    open_seconds: float = 20.0
    closed_seconds: float = 8.0
    closed_pairs: int = 2
    bursts: int = 3


QUICK = Scale(singles=150, open_seconds=6.0, closed_seconds=4.0, closed_pairs=1, bursts=1)


@dataclass(slots=True)
class Found:
    """What the measures found."""

    figures: list[Figure] = field(default_factory=list[Figure])
    audit: Audit = field(default_factory=Audit)
    details: dict[str, object] = field(default_factory=dict[str, object])

    other_work: dict[str, float] = field(default_factory=dict[str, float])
    """The share of the machine's CPU that others took during each part."""

    failures: list[str] = field(default_factory=list[str])
    """Parts that could not be measured, and why."""

    def merge(self, other: "Found") -> None:
        self.figures += other.figures
        self.audit.add(other.audit)
        self.details.update(other.details)


def chats(first: int, count: int) -> list[int]:
    """Chats of people who have their ids from us, so that they meet no others."""
    return list(range(first, first + count))


def latencies(letters: Sequence[Letter]) -> list[float]:
    """In milliseconds; of those that were answered."""
    return [1000 * letter.latency for letter in letters if letter.latency is not None]


class Steady:
    """The measures on one warm gateway. Call `idle` first."""

    def __init__(self, stage: Stage, place: Emulator, subject: Gateway, people: Crowd, scale: Scale) -> None:
        self._stage = stage
        self._place = place
        self._gateway = subject
        self._people = people
        self._scale = scale
        self._found = Found()

    async def idle(self) -> None:
        """Memory before the first message."""
        await asyncio.sleep(SETTLE_SECONDS)
        own, agents = self._gateway.processes()
        rss = own.memory_info().rss / _MB
        self._found.figures.append(
            Figure(
                "memory_idle",
                "gateway memory (RSS), idle, one platform",
                rss,
                "MB",
                aim=100,
                note=f"agent processes: {_rss(agents)}",
                reason="imported modules; see --explain",
            )
        )

    async def warm(self) -> None:
        """The first messages pay for modules, connections and the agent's start."""
        for _ in range(3):
            await self._people.at_once(chats(1_000_001, 8))

    async def latency(self) -> None:
        """One message at a time, then 50 a second."""
        few, many = chats(1_000_001, 8), chats(1_100_001, 100)
        meter = Meter(self._groups())
        letters = await self._people.one_by_one(few, self._scale.singles, PAUSE_SECONDS)
        self._latency("latency_single", "latency, one message at a time", letters, meter.stop(), (15, None))
        await self._people.at_once(many)
        meter = Meter(self._groups())
        letters = await self._people.open_loop(many, RATE, self._scale.open_seconds)
        self._latency("latency_open", f"latency at {RATE:g} messages/s", letters, meter.stop(), (15, 25))

    async def burst(self) -> None:
        """Everybody writes at once: strangers first, then the same people again."""
        new: list[float] = []
        again: list[float] = []
        meter = Meter(self._groups())
        for number in range(self._scale.bursts):
            people = chats(1_200_001 + 1_000 * number, BURST)
            new.append(_span(await self._people.at_once(people)))
            again.append(_span(await self._people.at_once(people)))
        usage = meter.stop()
        reason = why(usage, 2 * BURST * self._scale.bursts)
        self._found.figures += [
            Figure(
                "burst_new",
                f"{BURST} new chats at once, to the last answer",
                statistics.median(new),
                "s",
                aim=1.5,
                reason=reason,
            ),
            Figure("burst_known", f"{BURST} known chats at once", statistics.median(again), "s"),
        ]
        self._found.details["burst"] = {"new": new, "known": again}

    async def memory(self) -> None:
        """Memory after the bursts."""
        own, agents = self._gateway.processes()
        note = f"agent processes: {_rss(agents)}"
        rss = own.memory_info().rss / _MB
        self._found.figures.append(
            Figure("memory_after", f"gateway memory (RSS) after {BURST} chats", rss, "MB", note=note)
        )

    async def throughput(self) -> None:
        """The gateway and the ideal loop, in turns, with the same people and the same emulator."""
        own, agents = self._gateway.processes()
        process, bot = await ideal(self._stage, self._place, 900_001)
        rates: dict[str, list[float]] = {"gateway": [], "ideal": []}
        usages: dict[str, list[dict[str, float]]] = {"gateway": [], "ideal": []}
        common = {"emulator": [psutil.Process(self._place.process.pid)], "load generator": [psutil.Process()]}
        groups = {
            "gateway": {"gateway": [own], "agent": agents, **common},
            "ideal": {"ideal loop": [psutil.Process(process.pid)], **common},
        }
        users = chats(1_300_001, USERS)
        remarks: set[str] = set()
        async with crowd(self._place.control, bot) as others:
            crowds = {"gateway": self._people, "ideal": others}
            for people in crowds.values():
                await people.at_once(users)
            await others.one_by_one(users[:8], 50, PAUSE_SECONDS)
            single = latencies(await others.one_by_one(users[:8], self._scale.singles // 2, PAUSE_SECONDS))
            for _ in range(self._scale.closed_pairs):
                for name, people in crowds.items():
                    meter = Meter(groups[name])
                    letters = await people.closed_loop(users, self._scale.closed_seconds)
                    usage = meter.stop()
                    rates[name].append(_rate(letters))
                    usages[name].append(usage.each(len(letters)))
                    remarks |= {usage.remark()} - {""}
            self._found.audit.add(await others.audit())
        await self._stage.stop(process)
        mean = {name: statistics.fmean(values) for name, values in rates.items()}
        spent = ", ".join(f"{name} {ms:.2f} ms" for name, ms in usages["gateway"][-1].items())
        self._found.figures += [
            Figure("throughput", f"throughput, closed loop of {USERS} people", mean["gateway"], "msg/s"),
            Figure("ideal_throughput", "  the ideal loop beside it", mean["ideal"], "msg/s"),
            Figure(
                "throughput_share",
                "  share of the ideal loop",
                100 * mean["gateway"] / mean["ideal"],
                "%",
                aim=30,
                at_least=True,
                reason="; ".join([f"CPU per message: {spent}", *sorted(remarks)]),
            ),
            Figure(
                "ideal_latency",
                "  the ideal loop's latency, one at a time, p50",
                percentile(single, 0.5),
                "ms",
            ),
        ]
        self._found.details["closed_loop"] = {"rates": rates, "cpu_ms_per_message": usages}

    async def finish(self) -> Found:
        """The figures, with the audit of everything that was written."""
        self._found.audit.add(await self._people.audit())
        return self._found

    def _groups(self) -> dict[str, list[psutil.Process]]:
        own, agents = self._gateway.processes()
        emulator = psutil.Process(self._place.process.pid)
        return {
            "gateway": [own],
            "agent": agents,
            "emulator": [emulator],
            "load generator": [psutil.Process()],
        }

    def _latency(
        self,
        name: str,
        measure: str,
        letters: Sequence[Letter],
        usage: Usage,
        aims: tuple[float, float | None],
    ) -> None:
        values, reason = latencies(letters), why(usage, len(letters))
        self._found.figures += [
            Figure(
                f"{name}_p50", f"{measure}, p50", percentile(values, 0.5), "ms", aim=aims[0], reason=reason
            ),
            Figure(
                f"{name}_p99", f"{measure}, p99", percentile(values, 0.99), "ms", aim=aims[1], reason=reason
            ),
        ]
        self._found.details[name] = {"messages": len(values), "cpu_ms_per_message": usage.each(len(letters))}


def _span(letters: Sequence[Letter]) -> float:
    """Seconds from the first injection to the last answer."""
    begun = [letter.injected_at for letter in letters if letter.injected_at is not None]
    ended = [letter.answered_at for letter in letters if letter.answered_at is not None]
    if len(ended) < len(letters) or not begun:
        return float("nan")
    return max(ended) - min(begun)


def _rate(letters: Sequence[Letter]) -> float:
    """Answers a second, without the ends."""
    ended = sorted(letter.answered_at for letter in letters if letter.answered_at is not None)
    if not ended:
        return float("nan")
    first, last = ended[0] + RAMP_SECONDS, ended[-1] - RAMP_SECONDS
    return sum(first <= at <= last for at in ended) / (last - first)


def _rss(processes: Sequence[psutil.Process]) -> str:
    return ", ".join(f"{process.memory_info().rss / _MB:.0f} MB" for process in processes) or "none"


async def steady(stage: Stage, place: Emulator, names: frozenset[str], scale: Scale) -> Found:
    """Run the named measures of `latency`, `burst`, `memory` and `throughput`."""
    subject = await gateway(stage, place, "gateway", 100_001)
    await subject.start()
    async with crowd(place.control, subject.bot) as people:
        work = Steady(stage, place, subject, people, scale)
        if "memory" in names:
            await work.idle()
        await work.warm()
        if "latency" in names:
            await work.latency()
        if names & {"burst", "memory"}:
            await work.burst()
        if "memory" in names:
            await work.memory()
        if "throughput" in names:
            await work.throughput()
        found = await work.finish()
    await subject.stop()
    return found
