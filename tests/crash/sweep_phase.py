"""What the phases of a sweep have in common: visit a point, have the recovery killed too, read the chats."""

import argparse
import asyncio
import random
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

from tests.crash.sweep_verdict import Finding, Tally, say
from tests.crash.tracer import Point, arm_all, available
from tests.harness.chat import Chat
from tests.harness.gateway import Gateway
from tests.harness.stage import Stage
from tests.harness.waiting import within

FAILPOINTS = (
    "intake.committed",
    "turn.begun",
    "turn.opened",
    "turn.worked",
    "turn.committed",
    "outbox.claimed",
    "outbox.sent",
)
BOOT_FAILPOINTS = ("boot.opened", "resume.scheduled", *FAILPOINTS)
BOOT_CALLS = {"fdatasync": 10, "pwrite64": 40, "unlink": 2, "connect": 3}
"""Calls of a recovery that agents do not make, and about how often a start and an answer make them."""

FORGIVING = {"max_attempts": 1000, "breaker": {"boots": 1_000_000}}
"""A sweep is a crash loop by design."""


class Phase(ABC):
    """One run over many points, with one state directory."""

    name: ClassVar[str]
    people: ClassVar[int] = 1
    """How many chats a point takes. The first one's request runs a tool."""
    settings: ClassVar[dict[str, Any]] = {}
    notices: ClassVar[tuple[str, ...]] = ()
    """What the gateway may say of its own accord."""

    def __init__(self, stage: Stage, options: argparse.Namespace, tallies: dict[str, Tally]) -> None:
        self._stage = stage
        self._options = options
        self._random = random.Random(options.seed)
        self._number = 0
        self._tools: dict[str, str] = {}
        self._tallies = tallies
        stage.configure(resume=FORGIVING, log={"level": "info"}, **self.settings)

    @abstractmethod
    async def points(self) -> list[Point]:
        """Every point that is worth a kill."""

    @abstractmethod
    async def _strike(self, point: Point, cast: Sequence[Chat]) -> bool:
        """Ask, and have the gateway killed at the point; whether it was. The next one may be started."""

    async def run(self, points: Sequence[Point]) -> None:
        """Visit every point."""
        await self._fresh()
        began = time.monotonic()
        for done, point in enumerate(points, 1):
            await self._visit(point)
            left = (time.monotonic() - began) / done * (len(points) - done)
            violations = sum(len(tally.violations) for tally in self._tallies.values())
            say(f"{self.name} {done}/{len(points)} {point}  violations: {violations}  {left:.0f} s left")
        self._read_all_again()

    def _cast(self) -> list[Chat]:
        self._number += 1
        cast = [self._stage.chat() for _ in range(self.people)]
        self._tools[cast[0].id] = f"step{self._number}x"
        return cast

    def _text(self, milliseconds: int = 20) -> str:
        return f"point {self._number}x [[tool step{self._number}x {milliseconds}ms]]"

    async def _fresh(self, failpoint: str = "") -> Gateway:
        """A gateway that is ready, has its agent and waits for messages."""
        gateway = await self._stage.start(failpoint=failpoint)
        await gateway.ready()
        await gateway.logged("agent.started")
        return gateway

    async def _visit(self, point: Point) -> None:
        tally = self._tallies.setdefault(f"{self.name} {point.role} {point.syscall}", Tally())
        began = time.monotonic()
        cast = self._cast()
        try:
            killed = await self._strike(point, cast)
            if killed and self._options.second_kill:
                tally.again += await self._kill_again(cast)
            if not self._stage.gateway.running:
                await self._fresh()
            await self._prove(cast)  # first without another word, which would carry on what was interrupted
            for chat in cast:
                chat.say(f"still there {self._number}x")
            await self._prove(cast)
        except AssertionError as error:
            killed = True
            await self._stage.gateway.kill()
            await self._fresh()
            self._violated(tally, point, f"stuck: {error}")
        tally.points += 1
        tally.killed += killed
        tally.seconds += time.monotonic() - began
        for chat in cast:
            finding = self._finding(chat)
            tally.lost += finding.lost
            tally.doubled += finding.doubled
            tally.labelled += finding.labelled
            if finding.trouble:
                self._violated(tally, point, f"{finding.trouble}\n{chat}")

    async def _prove(self, cast: Sequence[Chat]) -> None:
        await self._stage.until(self._answered(cast), "the answers to everything")
        for chat in cast:
            await self._stage.heard(chat)

    def _finding(self, chat: Chat) -> Finding:
        return Finding.of(chat, self._stage, self._tools.get(chat.id, ""), self.notices)

    def _violated(self, tally: Tally, point: Point, what: str) -> None:
        again = f"--seed {self._options.seed} --second-kill " if self._options.second_kill else ""
        program = f"{Path(sys.executable).name} -m tests.crash.sweep"
        tally.violations.append(what)
        say(f"VIOLATION at {point}: {what}\n  replay: {program} {again}--phase {self.name} --at {point}")

    async def _ended(self, gateway: Gateway, cast: Sequence[Chat]) -> None:
        """Wait until the gateway is gone, or everything that was asked is answered."""
        ended = asyncio.ensure_future(gateway.exited())
        answered = asyncio.ensure_future(self._answered(cast))
        await within(
            asyncio.wait({ended, answered}, return_when=asyncio.FIRST_COMPLETED), "an end or an answer"
        )
        for task in (ended, answered):
            task.cancel()
        await asyncio.gather(ended, answered, return_exceptions=True)

    async def _answered(self, cast: Sequence[Chat]) -> None:
        for chat in cast:
            for asked in chat.asked:
                await chat.answered(asked)
        await self._stage.ledger.until(lambda ledger: ledger.owes_nothing)

    async def _kill_again(self, cast: Sequence[Chat]) -> bool:
        """Kill the next gateway too, somewhere in its recovery; whether it got there before its answer."""
        failpoint = self._random.choice((*BOOT_FAILPOINTS, *BOOT_CALLS))
        tracer = None
        if failpoint in BOOT_CALLS:
            gateway = await self._stage.start(ready=False)
            nth = self._random.randint(1, BOOT_CALLS[failpoint])
            if available():
                tracer = await arm_all(gateway.pid, failpoint, nth)
        else:
            gateway = await self._stage.start(failpoint=failpoint)
        await self._ended(gateway, cast)
        if tracer is not None:
            await tracer.detach()
        killed = gateway.is_gone
        await gateway.kill()
        return killed

    def _read_all_again(self) -> None:
        """What was right when its point was done must still be right: no start may disturb an old chat."""
        tally = self._tallies.setdefault(f"{self.name} chats at the end", Tally())
        for chat in self._stage.chats:
            if trouble := self._finding(chat).trouble:
                tally.violations.append(trouble)
                say(f"VIOLATION at the end of {self.name}: {trouble}\n{chat}")
