"""One soak: people who write, gateways that end, and the notes that a verdict needs."""

import asyncio
import contextlib
import random
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from adapters.emulators.telegram import TelegramEmulator
from gateway.engine.commands import DRAINING
from gateway.engine.drain import CUT_NOTICE
from gateway.engine.turns import INTERNAL_ERROR
from tests.crash import soak_plan as plan
from tests.crash.soak_lives import Gateways, Heard, pause
from tests.crash.soak_plan import Kill, Message, Timing, Way
from tests.crash.soak_verdict import Known, Post, Transcript, Verdict, Violation, judge
from tests.harness.gateway import Gateway

KNOWN = Known(frozenset({DRAINING, *CUT_NOTICE.values()}), ("⚠", INTERNAL_ERROR))

STUCK = 60.0
"""Seconds without a single new answer, at the end, after which what is missing is taken for lost."""


@dataclass(frozen=True, slots=True)
class Options:
    """How large a soak is."""

    messages: int
    chats: int
    kills: int
    seed: int
    faults: bool

    @property
    def idle(self) -> int:
        """How many people write once before the first kill, once after the last, and not in between."""
        return min(max(self.chats // 6, 1), self.messages // 4, self.chats - 1)


class Soak:
    """One run on one state directory."""

    def __init__(self, options: Options, folder: Path, emulator: TelegramEmulator) -> None:
        self.options = options
        self._folder = folder
        self._emulator = emulator
        self._names = plan.failpoints()
        self._silence: tuple[float, float] | None = None
        self.heard = Heard()
        self.gateways = Gateways(folder, emulator, self.heard)
        self.said = 0
        self.chats = [emulator.world.add_user(f"User {n}").id for n in range(options.chats)]
        for chat in self.chats:
            emulator.world.open_private(chat)
        self.idle, self.busy = self.chats[: options.idle], self.chats[options.idle :]

    # The three acts.

    async def begin(self) -> None:
        """People who will be idle write once; when they have been answered, their silence begins."""
        gateway = await self.gateways.start(Kill(Way.STOP, 0))
        self._say_all(Message(chat, plan.text(n, _rng(n))) for n, chat in enumerate(self.idle))
        await self._all_answered(gateway)
        await self.gateways.stop(gateway)
        self._silence = (time.monotonic(), float("inf"))

    async def live(self, number: int, messages: list[Message]) -> None:
        """One life: what is said in it, and how it ends."""
        ending = plan.kill(self.options.seed, number, self._names)
        fault = plan.fault(self.options.seed, number) if self.options.faults else None
        if fault is not None:
            self._emulator.faults.add(fault)
        self._say_all(message for message in messages if message.timing is Timing.DOWN)
        later = [message for message in messages if message.timing is not Timing.DOWN]
        gateway = await self.gateways.start(ending)
        talking = asyncio.ensure_future(self._talk(gateway, later))
        try:
            await self.gateways.end(gateway, ending)
        finally:
            talking.cancel()
            await asyncio.gather(talking, return_exceptions=True)
        self._say_all(later)
        self.heard.listen(self._emulator)

    async def finish(self) -> None:
        """Everything is answered, nothing is owed, and a start with nothing to do does nothing."""
        self._emulator.faults.remove()
        assert self._silence is not None
        self._silence = (self._silence[0], time.monotonic())
        first = self.options.messages - len(self.idle)
        self._say_all(Message(chat, plan.text(first + n, _rng(n))) for n, chat in enumerate(self.idle))
        gateway = await self.gateways.start(Kill(Way.STOP, 0))
        await self._all_answered(gateway)
        await self.gateways.stop(gateway)
        gateway = await self.gateways.start(Kill(Way.STOP, 0))
        await gateway.ready()
        await self.gateways.stop(gateway)

    # People.

    def _say_all(self, messages: Iterable[Message]) -> None:
        for message in messages:
            self._emulator.people.send(message.chat, message.text)
            self.said += 1

    async def _talk(self, gateway: Gateway, messages: list[Message]) -> None:
        """Say things at their time and take them from the list; the rest is said when the gateway is down."""
        for timing in (Timing.STARTING, Timing.UP):
            if timing is Timing.UP:
                await gateway.log.until("account.ready")
            since = time.monotonic()
            for message in sorted((m for m in messages if m.timing is timing), key=lambda m: m.delay):
                await pause(since + message.delay - time.monotonic())
                messages.remove(message)
                self._say_all([message])

    async def _all_answered(self, gateway: Gateway) -> None:
        """Wait as long as answers come."""
        while left := self.heard.listen(self._emulator):
            news = self._emulator.events.until(lambda left=left: self.heard.listen(self._emulator) != left)
            try:
                await gateway.until(news, f"the next of {left} answers", STUCK)
            except AssertionError as error:
                self.gateways.troubles.append(str(error))
                return
        try:
            owes_nothing = self.gateways.ledger.until(lambda ledger: ledger.owes_nothing)
            await gateway.until(owes_nothing, "a ledger that owes nothing", STUCK)
        except AssertionError as error:
            self.gateways.troubles.append(str(error))

    # What came of it.

    def transcripts(self) -> list[Transcript]:
        """Every chat as it stands."""
        return [
            Transcript(
                chat,
                tuple(
                    Post(message.at, message.author.is_bot, message.text)
                    for message in self._emulator.world.chat(chat).messages.values()
                    if not message.deleted
                ),
                self._silence if chat in self.idle else None,
            )
            for chat in self.chats
        ]

    def verdict(self) -> Verdict:
        """What the chats show."""
        return judge(self.transcripts(), KNOWN)

    def where(self, violation: Violation) -> str:
        """Which gateway a violation belongs to."""
        if violation.at is None:
            return ""
        at = self.gateways.clock(violation.at)
        near = [life.log for life in self.gateways.lives if life.began <= at][-2:]
        return f" (at {at:.3f} s, {' or '.join(near)})"

    def dump(self) -> Path:
        """Write transcripts and lives for people; the folder."""
        with contextlib.ExitStack() as files:
            chats = files.enter_context((self._folder / "transcripts.txt").open("w", encoding="utf-8"))
            for transcript in self.transcripts():
                chats.write(f"chat {transcript.chat}\n")
                for post in transcript.posts:
                    who = "bot " if post.from_bot else "user"
                    chats.write(
                        f"  {self.gateways.clock(post.at):10.3f} {who} | {' '.join(post.text.split())}\n"
                    )
            lives = files.enter_context((self._folder / "lives.txt").open("w", encoding="utf-8"))
            lives.writelines(f"{life}\n" for life in self.gateways.lives)
        return self._folder


def _rng(number: int) -> random.Random:
    return random.Random(number)
