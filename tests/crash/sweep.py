"""`python -m tests.crash.sweep`: kill a gateway at every system call of a conversation, and read the chats.

Each point is one message in a chat of its own. The gateway is killed while it deals with that message and
started again, a second message proves that the conversation goes on, and the chat is compared with what it
should show: the message answered once, or twice where the second answer says of itself that it may be a
repeat; nothing lost, nothing silently doubled, nothing unasked-for, no tool run twice. All points share one
state directory, so that each start is also the recovery of a ledger with a history, and at the end every chat
is read once more. Without strace the named failpoints take the place of the system calls.
"""

import argparse
import asyncio
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

from tests.crash.tracer import Counting, Point, Tracer, arm, arm_all, available, evenly, points_of
from tests.harness.chat import Chat
from tests.harness.gateway import Gateway
from tests.harness.stage import Stage, open_stage
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


@dataclass(slots=True)
class Tally:
    """What became of the points of one kind."""

    points: int = 0
    killed: int = 0
    again: int = 0
    labelled: int = 0
    seconds: float = 0
    violations: list[str] = field(default_factory=list[str])
    lost: int = 0
    doubled: int = 0


@dataclass(frozen=True, slots=True)
class Finding:
    """What one chat shows."""

    lost: bool
    doubled: bool
    labelled: int
    trouble: str

    @classmethod
    def of(cls, chat: Chat, stage: Stage, tool: str) -> "Finding":
        """Read a chat."""
        answers = [chat.answers(asked) for asked in chat.asked]
        plainly = [sum(not line.labelled for line in lines) for lines in answers]
        lost = any(not lines for lines in answers)
        doubled = any(count > 1 for count in plainly)
        labelled = sum(line.labelled for line in chat.replies)
        troubles = [
            "lost" if lost else "",
            "silently doubled" if doubled else "",
            "repeated too often" if labelled > 2 else "",
            f"unasked-for: {chat.unsolicited[0].text!r}" if chat.unsolicited else "",
            f"ran its tool {ran} times" if (ran := stage.memory.ran(tool)) > 1 else "",
        ]
        return cls(lost, doubled, labelled, "; ".join(filter(None, troubles)))


class Sweep:
    """One run over many points."""

    def __init__(self, stage: Stage, options: argparse.Namespace) -> None:
        self._stage = stage
        self._options = options
        self._random = random.Random(options.seed)
        self._number = 0
        self._tools: dict[int, str] = {}
        self.tallies: dict[str, Tally] = {}
        stage.configure(resume=FORGIVING, log={"level": "info"})

    async def count(self) -> dict[tuple[str, str], int]:
        """How many calls a conversation makes; an exchange before it warms everything up."""
        gateway = await self._fresh()
        await self._stage.ask(self._chat(), self._text())
        await self._stage.settled()
        counting = await Counting.begin(gateway.pid, self._stage.folder / "calls.txt")
        chat, text = self._chat(), self._text()
        await self._stage.ask(chat, text)
        await self._stage.settled()
        return await counting.finish()

    async def run(self, points: Sequence[Point]) -> None:
        """Visit every point."""
        await self._fresh()
        began = time.monotonic()
        for done, point in enumerate(points, 1):
            await self._visit(point)
            left = (time.monotonic() - began) / done * (len(points) - done)
            violations = sum(len(tally.violations) for tally in self.tallies.values())
            say(f"{done}/{len(points)} {point}  violations: {violations}  {left:.0f} s left")
        self._read_all_again()

    def _chat(self) -> Chat:
        self._number += 1
        chat = self._stage.chat()
        self._tools[chat.id] = f"step{self._number}x"
        return chat

    def _text(self) -> str:
        return f"point {self._number}x [[tool step{self._number}x 20ms]]"

    async def _fresh(self, failpoint: str = "") -> Gateway:
        """A gateway that is ready, has its agent and waits for messages."""
        stage = self._stage
        gateway = await stage.start(failpoint=failpoint)
        await gateway.ready()
        await gateway.logged("agent.started")
        return gateway

    async def _visit(self, point: Point) -> None:
        tally = self.tallies.setdefault(f"{point.role} {point.syscall}", Tally())
        began = time.monotonic()
        chat = self._chat()
        text = self._text()
        try:
            killed = await self._strike(point, chat, text)
            if killed:
                if self._options.second_kill:
                    tally.again += await self._kill_again(chat, text)
                await self._fresh()
            await self._stage.ask(chat, f"still there {self._number}x")
            await self._stage.settled()
        except AssertionError as error:
            killed = True
            await self._stage.gateway.kill()
            await self._fresh()
            self._violated(tally, point, f"{Finding.of(chat, self._stage, '').trouble}; stuck: {error}")
        tally.points += 1
        tally.killed += killed
        tally.seconds += time.monotonic() - began
        finding = Finding.of(chat, self._stage, self._tools[chat.id])
        tally.lost += finding.lost
        tally.doubled += finding.doubled
        tally.labelled += finding.labelled
        if finding.trouble:
            self._violated(tally, point, f"{finding.trouble}\n{chat}")

    def _violated(self, tally: Tally, point: Point, what: str) -> None:
        again = f"--seed {self._options.seed} --second-kill " if self._options.second_kill else ""
        replay = f"{Path(sys.executable).name} -m tests.crash.sweep {again}--at {point}"
        tally.violations.append(what)
        say(f"VIOLATION at {point}: {what}\n  replay: {replay}")

    async def _strike(self, point: Point, chat: Chat, text: str) -> bool:
        """Send the message and have the gateway killed at the point; whether that happened."""
        if point.role == "failpoint":
            await self._stage.gateway.kill()
            gateway = await self._fresh(f"{point.syscall}:{point.nth}")
            return await self._exchange(gateway, chat, text, None)
        gateway = self._stage.gateway
        tracer = await arm(gateway.pid, point)
        return tracer is not None and await self._exchange(gateway, chat, text, tracer)

    async def _exchange(self, gateway: Gateway, chat: Chat, text: str, tracer: Tracer | None) -> bool:
        chat.say(text)
        ended = asyncio.ensure_future(gateway.exited())
        answered = asyncio.ensure_future(self._answered(chat, text))
        await within(
            asyncio.wait({ended, answered}, return_when=asyncio.FIRST_COMPLETED), "an end or an answer"
        )
        if tracer is not None:
            await tracer.detach()
        killed = ended.done() or gateway.is_gone
        if killed:
            await gateway.killed()
        for task in (ended, answered):
            task.cancel()
        await asyncio.gather(ended, answered, return_exceptions=True)
        if not killed:
            gateway.accounted_for = False
        return killed

    async def _answered(self, chat: Chat, text: str) -> None:
        await chat.answered(text)
        await self._stage.ledger.until(lambda ledger: ledger.owes_nothing)

    async def _kill_again(self, chat: Chat, text: str) -> bool:
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
        ended = asyncio.ensure_future(gateway.exited())
        answered = asyncio.ensure_future(self._answered(chat, text))
        await within(
            asyncio.wait({ended, answered}, return_when=asyncio.FIRST_COMPLETED), "an end or an answer"
        )
        for task in (ended, answered):
            task.cancel()
        await asyncio.gather(ended, answered, return_exceptions=True)
        if tracer is not None:
            await tracer.detach()
        killed = gateway.is_gone
        await gateway.kill()
        return killed

    def _read_all_again(self) -> None:
        """What was right when its point was done must still be right: no start may disturb an old chat."""
        tally = self.tallies.setdefault("all chats at the end", Tally())
        for chat in self._stage.chats:
            finding = Finding.of(chat, self._stage, self._tools[chat.id])
            if finding.trouble:
                tally.violations.append(finding.trouble)


def say(text: str) -> None:
    """A line for people."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def report(tallies: dict[str, Tally], seconds: float) -> int:
    """The table; the exit code."""
    heads = ("points", "killed", "again", "lost", "doubled", "labelled", "wrong", "seconds")
    say(f"\n{'where':32}" + "".join(f"{head:>9}" for head in heads))
    total = Tally()
    others = 0
    for name, tally in sorted(tallies.items()):
        other = len(tally.violations)
        others += other
        say(_row(name, tally, other))
        total.points += tally.points
        total.killed += tally.killed
        total.again += tally.again
        total.lost += tally.lost
        total.doubled += tally.doubled
        total.labelled += tally.labelled
    total.seconds = seconds
    say(_row("total", total, others))
    return 1 if others or not total.points else 0


def _row(name: str, tally: Tally, violations: int) -> str:
    numbers = (tally.points, tally.killed, tally.again, tally.lost, tally.doubled, tally.labelled, violations)
    return f"{name:32}" + "".join(f"{number:9}" for number in numbers) + f"{tally.seconds:9.1f}"


async def sweep(options: argparse.Namespace) -> int:
    """Run it; the exit code."""
    began = time.monotonic()
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="carryon-sweep-")))
        stage = await stack.enter_async_context(open_stage(folder))
        run = Sweep(stage, options)
        if options.at:
            points = [Point.parse(options.at)]
        elif available() and not options.failpoints:
            points = points_of(await run.count(), options.syscall)
            await stage.gateway.kill()
        else:
            points = [Point("failpoint", name, nth) for name in FAILPOINTS for nth in (1, 2)]
        say(f"{len(points)} points; visiting {min(len(points), options.points or len(points))}")
        await run.run(evenly(points, options.points or len(points)))
        return report(run.tallies, time.monotonic() - began)


def main() -> int:
    """Read the options and run."""
    parser = argparse.ArgumentParser(prog="python -m tests.crash.sweep", description=__doc__)
    parser.add_argument("--points", type=int, help="visit so many, evenly spread; all by default")
    parser.add_argument("--syscall", help="only this system call, every occurrence")
    parser.add_argument("--at", help="only this point, thread:syscall:n or failpoint:name:n")
    parser.add_argument("--failpoints", action="store_true", help="named failpoints instead of system calls")
    parser.add_argument("--second-kill", action="store_true", help="kill the recovery too, at a random point")
    parser.add_argument("--seed", type=int, default=1, help="of what is random")
    return asyncio.run(sweep(parser.parse_args()))


if __name__ == "__main__":
    sys.exit(main())
