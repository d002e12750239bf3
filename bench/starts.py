"""Starting: cold, over many stored sessions, with turns to resume; and the price of one commit."""

import asyncio
import contextlib
import datetime as dt
import shutil
import sqlite3
import statistics
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import psutil

from bench.figures import Figure, Meter, percentile, why
from bench.ledger import FIRST_CHAT, QUESTION, fill, interrupt
from bench.people import Audit, Crowd, crowd
from bench.processes import Emulator, Gateway, Stage, gateway
from bench.steady import PAUSE_SECONDS, Found, latencies

OWED = 100
_PROBES = 8
_WITHIN = 60.0


async def cold_start(stage: Stage, place: Emulator, times: int) -> Found:
    """From the start of the process to its first getUpdates, with a ledger that exists already."""
    subject = await gateway(stage, place, "cold", 200_001)
    values: list[float] = []
    for attempt in range(times + 1):
        after = await place.control.seq()
        await subject.spawn()
        asked = {"method": "getUpdates", "account": str(subject.bot)}
        event = await place.control.wait_event("call", asked, after=after)
        if attempt:  # the first one makes the ledger and fills the disk's cache
            values.append(cast("float", event["at"]) - subject.spawned_at)
        await subject.connected()
        await asyncio.sleep(1.0)  # until the agent has started, too
        await subject.stop()
    figure = Figure(
        "cold_start",
        "cold start, to the first getUpdates, median",
        statistics.median(values),
        "s",
        aim=1,
        reason="imports; see --explain",
        note=f"{times} starts, {min(values):.2f} to {max(values):.2f} s",
    )
    return Found([figure], details={"cold_start": values})


async def growth(stage: Stage, place: Emulator, sizes: Sequence[int], rounds: int, each: int) -> Found:
    """Latency with ledgers of several sizes; their gateways take turns, so that noise hits them all alike."""
    found = Found()
    values: dict[int, list[float]] = {size: [] for size in sizes}
    async with contextlib.AsyncExitStack() as stack:
        people: dict[int, Crowd] = {}
        processes: dict[str, list[psutil.Process]] = {}
        for index, size in enumerate(sizes):
            subject = await gateway(stage, place, f"stored-{size}", 300_001 + index)
            await asyncio.to_thread(fill, subject.ledger, size)
            await subject.start()
            stack.push_async_callback(subject.stop)
            people[size] = await stack.enter_async_context(crowd(place.control, subject.bot))
            for _ in range(4):
                await people[size].at_once(_known(size))
            processes[f"gateway with {size}"] = [subject.processes()[0]]
        meter = Meter(processes)
        for turn in range(rounds):
            for offset in range(len(sizes)):
                size = sizes[(turn + offset) % len(sizes)]
                letters = await people[size].one_by_one(_known(size), each, PAUSE_SECONDS)
                values[size] += latencies(letters)
        usage = meter.stop()
        for size in sizes:
            found.audit.add(await people[size].audit())
    middle = {size: percentile(values[size], 0.5) for size in sizes}
    for size in sizes:
        found.figures.append(
            Figure(f"latency_{size}", f"latency with {size:,} stored sessions, p50", middle[size], "ms")
        )
    for size in sizes[1:]:
        found.figures.append(
            Figure(
                f"growth_{size}",
                f"  growth from {sizes[0]:,} to {size:,} sessions",
                middle[size] / middle[sizes[0]],
                "x",
                aim=1.3,
                reason=why(usage, rounds * each),
            )
        )
    found.details["growth"] = {
        str(size): {"p50": middle[size], "messages": len(values[size])} for size in sizes
    }
    return found


def _known(size: int) -> list[int]:
    """Chats of stored sessions, spread over all of them."""
    count = min(_PROBES, size)
    return [FIRST_CHAT + index * (size // count) for index in range(count)]


async def resume(stage: Stage, place: Emulator, sessions: int, times: int) -> Found:
    """A gateway starts over a ledger in which so many turns were cut short."""
    original = await gateway(stage, place, "owed", 400_001)
    await asyncio.to_thread(fill, original.ledger, sessions)
    owed = await asyncio.to_thread(interrupt, original.ledger, original.demo_home, OWED)
    first: list[float] = []
    last: list[float] = []
    modes: Counter[str] = Counter()
    found = Found()
    for number in range(1, times + 1):
        subject = await gateway(stage, place, f"resumed-{number}", 400_001 + number)
        await asyncio.to_thread(_copy, original, subject)
        for chat in owed:
            await place.control.request("POST", "private", user=chat, bot=subject.bot)
        after = await place.control.seq()
        await subject.start()
        at = await _replies(place, subject, owed, after)
        opened = [
            line for line in subject.lines() if line.get("action") == "session.opened" and line["resumes"]
        ]
        modes.update(str(line["mode"]) for line in opened)
        if opened and len(at) == len(owed):
            begun = min(dt.datetime.fromisoformat(line["timestamp"]).timestamp() for line in opened)
            first.append(begun - subject.spawned_wall)
            last.append(max(at.values()) - subject.spawned_at)
        found.audit.add(await _audit(place, subject, owed))
        await subject.stop()
    how = ", ".join(f"{count} {mode}" for mode, count in modes.most_common())
    found.figures += [
        Figure(
            "resume_first",
            f"{OWED} owed of {sessions:,} sessions: start to the first resumed prompt",
            statistics.median(first) if first else float("nan"),
            "s",
            aim=2,
            reason="cold start of gateway and agent",
            note=f"{times} starts; resumed: {how}",
        ),
        Figure(
            "resume_last",
            "  start to the last resumed reply",
            statistics.median(last) if last else float("nan"),
            "s",
        ),
    ]
    found.details["resume"] = {"first": first, "last": last, "modes": dict(modes)}
    return found


def _copy(source: Gateway, target: Gateway) -> None:
    """The same state under another gateway, as if it had always been there."""
    shutil.copytree(source.demo_home, target.demo_home)
    target.ledger.parent.mkdir(parents=True)
    shutil.copy(source.ledger, target.ledger)
    raw = sqlite3.connect(target.ledger)
    with raw:
        raw.execute("UPDATE sessions SET cwd = replace(cwd, ?, ?)", (str(source.state), str(target.state)))
    raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    raw.close()


async def _replies(place: Emulator, subject: Gateway, owed: Sequence[int], after: int) -> dict[int, float]:
    """When each chat got its first message from this bot."""
    at: dict[int, float] = {}
    wanted = set(owed)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_WITHIN):
            async for event in place.control.stream(after, ("message",)):
                if event["from"] == subject.bot:
                    at.setdefault(cast("int", event["chat"]), cast("float", event["at"]))
                if at.keys() >= wanted:
                    break
    return at


async def _audit(place: Emulator, subject: Gateway, owed: Sequence[int]) -> Audit:
    """Each chat was answered once, and to the question that was cut short."""
    await asyncio.sleep(1.0)  # for a reply that comes twice
    audit = Audit(sent=len(owed))
    for chat in owed:
        transcript = await place.control.transcript(chat, bot=subject.bot)
        question = QUESTION.format(chat)
        right = sum(question in str(message["text"]) for message in transcript)
        audit.lost += not right
        audit.doubled += max(0, right - 1)
        audit.strange += len(transcript) - right
        if right != 1 or len(transcript) != 1:
            audit.examples.append(f"chat {chat}: {[str(message['text'])[:100] for message in transcript]}")
    return audit


def commit(directory: Path, times: int) -> Found:
    """One row in one durable transaction after the other, on the disk that holds the ledgers."""
    raw = sqlite3.connect(directory / "commit.db", isolation_level=None)
    raw.execute("PRAGMA journal_mode = WAL")
    raw.execute("PRAGMA synchronous = FULL")
    raw.execute("CREATE TABLE rows (id INTEGER PRIMARY KEY, text TEXT)")
    values: list[float] = []
    for number in range(times + 10):
        begun = time.perf_counter()
        raw.execute("BEGIN IMMEDIATE")
        raw.execute("INSERT INTO rows (text) VALUES (?)", (f"row {number} " * 10,))
        raw.execute("COMMIT")
        values.append(1000 * (time.perf_counter() - begun))
    raw.close()
    values = values[10:]
    return Found(
        [
            Figure("commit_p50", "one durable commit on this disk, p50", percentile(values, 0.5), "ms"),
            Figure("commit_p99", "one durable commit on this disk, p99", percentile(values, 0.99), "ms"),
        ]
    )
