"""One soak: people who write, gateways that end, and the notes that a verdict needs."""

import asyncio
import contextlib
import itertools
import random
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from gateway.engine.commands import DRAINING
from gateway.engine.drain import CUT_NOTICE
from gateway.engine.endings import INTERNAL_ERROR
from tests.crash import soak_plan as plan
from tests.crash.soak_files import Belongings
from tests.crash.soak_lives import Gateways, pause
from tests.crash.soak_plan import Kill, Message, Timing, Way
from tests.crash.soak_town import Room, Town
from tests.crash.soak_troubles import Trouble, What, troubles
from tests.crash.soak_verdict import Kind, Known, Verdict, Violation, judge
from tests.harness.gateway import Gateway
from tests.harness.memory import Memory

NOTICES = frozenset({DRAINING, *CUT_NOTICE.values()})
SIGNS = ("⚠", INTERNAL_ERROR, "could not be fetched: ")
CANNOT_BE_ASKED = frozenset({"telegram"})

STUCK = 60.0
"""Seconds without anything new, at the end, after which what is missing is taken for lost."""


@dataclass(frozen=True, slots=True)
class Options:
    """How large a soak is."""

    messages: int
    chats: int
    kills: int
    seed: int
    faults: bool
    platforms: tuple[str, ...]

    @property
    def idle(self) -> int:
        """How many people write once before the first kill, once after the last, and not in between."""
        fair = max(self.chats // len(self.platforms) // 6, 1) * len(self.platforms)
        return min(fair, self.messages // 4)


Deed = Message | Trouble


class Soak:
    """One run on one state directory."""

    def __init__(self, options: Options, folder: Path) -> None:
        self.options = options
        self._folder = folder
        self._names = plan.failpoints()
        self._silence: tuple[float, float] | None = None
        asides = itertools.count()
        self.towns = {platform: Town(platform, asides) for platform in options.platforms}
        self._methods = {platform: town.playground.methods for platform, town in self.towns.items()}
        self._outages: dict[str, asyncio.Task[None]] = {}
        self.said = 0
        self.gateways: Gateways

    async def open(self, stack: contextlib.AsyncExitStack) -> None:
        """Start the platforms and furnish them."""
        for town in self.towns.values():
            await stack.enter_async_context(town.emulator)
        share, rest = divmod(self.options.chats, len(self.towns))
        idle = self.options.idle // len(self.towns)
        for index, town in enumerate(self.towns.values()):
            town.open_rooms(share + (index < rest), idle)
        self.idle = [room for town in self.towns.values() for room in town.rooms[:idle]]
        self.rooms = [room for town in self.towns.values() for room in town.rooms]
        self.gateways = Gateways(self._folder, self.towns)

    @property
    def busy(self) -> list[int]:
        """The rooms in which people write all the time."""
        return [number for number, room in enumerate(self.rooms) if room not in self.idle]

    # The three acts.

    async def begin(self) -> None:
        """People who will be idle write once; when they have been answered, their silence begins."""
        gateway = await self.gateways.start(Kill(Way.STOP, 0))
        for platform in self.towns:  # what was said before the very first start is nobody's business
            await gateway.logged("account.ready", account=platform)
        self._say_to_idle(0)
        self._introduce()
        await self._all_answered(gateway)
        await self.gateways.stop(gateway)
        self._silence = (time.monotonic(), float("inf"))

    async def live(self, number: int, messages: list[Message]) -> None:
        """One life: what is said in it, what goes wrong, and how it ends."""
        ending = plan.kill(self.options.seed, number, self._names, self._methods)
        wrong = troubles(self.options.seed, number, self._methods) if self.options.faults else []
        deeds: list[Deed] = [*wrong, *messages]
        for room in self.rooms:
            self._speak_out(room)
        self._do_all([deed for deed in deeds if deed.timing is Timing.DOWN], deeds)
        gateway = await self.gateways.start(ending)
        talking = asyncio.ensure_future(self._talk(gateway, deeds))
        try:
            await self.gateways.end(gateway, ending)
        finally:
            talking.cancel()
            await asyncio.gather(talking, return_exceptions=True)
        self._do_all([deed for deed in deeds if isinstance(deed, Message)], deeds)
        for town in self.towns.values():
            town.listen()
            town.release()

    async def finish(self) -> None:
        """Everything is answered, nothing is owed, and a start with nothing to do does nothing."""
        await asyncio.gather(*self._outages.values())
        for town in self.towns.values():
            town.emulator.faults.remove()
        assert self._silence is not None
        self._silence = (self._silence[0], time.monotonic())
        self._say_to_idle(self.options.messages - len(self.idle))
        gateway = await self.gateways.start(Kill(Way.STOP, 0))
        await self._all_answered(gateway)
        await self.gateways.stop(gateway)
        gateway = await self.gateways.start(Kill(Way.STOP, 0))
        for platform in self.towns:
            await gateway.logged("account.ready", account=platform)
        await self.gateways.stop(gateway)

    async def close(self) -> None:
        """End what is left of it."""
        for outage in self._outages.values():
            outage.cancel()
        await asyncio.gather(*self._outages.values(), return_exceptions=True)
        await self.gateways.close()

    # People.

    def _say_to_idle(self, first: int) -> None:
        for number, room in enumerate(self.idle, first):
            self._say(room, Message(0, plan.text(number, random.Random(number))))

    def _introduce(self) -> None:
        """Discord tells bots of their direct chats by a message in them alone: not of one that it missed."""
        strangers = [room for room in self.rooms if room.direct and room.town.platform == "discord"]
        for number, room in enumerate(strangers, self.options.messages):
            if room not in self.idle:
                self._say(room, Message(0, plan.text(number, random.Random(number))))

    def _say(self, room: Room, message: Message) -> None:
        room.unsaid.append(message)
        room.town.listen()
        self._speak_out(room)

    def _speak_out(self, room: Room) -> None:
        while room.unsaid and not room.patient:
            room.town.say(room, room.unsaid.popleft())
            room.town.listen()
            self.said += 1

    def _do_all(self, chosen: Iterable[Deed], deeds: list[Deed]) -> None:
        """Do these and take them from the list."""
        for deed in chosen:
            if deed not in deeds:
                continue  # it was said along with another one
            deeds.remove(deed)
            if isinstance(deed, Trouble):
                self._suffer(deed)
                continue
            room = self.rooms[deed.room]
            other = self._partner(deed, deeds)
            if other is None:
                self._say(room, deed)
            else:
                deeds.remove(other)
                if not room.patient and not self.rooms[other.room].patient:
                    room.town.swap()
                self._say(room, deed)
                self._say(self.rooms[other.room], other)

    def _suffer(self, trouble: Trouble) -> None:
        town = self.towns[trouble.platform]
        if trouble.what is What.OUTAGE:
            if town.platform in self._outages and not self._outages[town.platform].done():
                return
            self._outages[town.platform] = asyncio.ensure_future(_outage(town, trouble.seconds))
        town.suffer(trouble)

    def _partner(self, message: Message, deeds: Sequence[Deed]) -> Message | None:
        """With whose message it is swapped: of another room, since each conversation keeps its order."""
        town = self.rooms[message.room].town
        if not message.swapped or town.down or not town.playground.connected():
            return None
        for deed in deeds:
            if isinstance(deed, Message) and deed.room != message.room:
                # A burst begins with its first message.
                first = next(one for one in deeds if isinstance(one, Message) and one.room == deed.room)
                if self.rooms[deed.room].town is town and first is deed:
                    return deed
        return None

    async def _talk(self, gateway: Gateway, deeds: list[Deed]) -> None:
        """Do things at their time and take them from the list; the rest is said when the gateway is down."""
        for timing in (Timing.STARTING, Timing.UP):
            if timing is Timing.UP:
                await self.gateways.ready(gateway)
            since = time.monotonic()
            for deed in sorted((one for one in deeds if one.timing is timing), key=lambda one: one.delay):
                await pause(since + deed.delay - time.monotonic())
                self._do_all([deed], deeds)

    async def _all_answered(self, gateway: Gateway) -> None:
        """Wait as long as anything happens."""
        last, since = -1, time.monotonic()
        while self._owed():
            for room in self.rooms:
                self._speak_out(room)
            left = sum(town.listen() for town in self.towns.values())
            news = sum(town.heard.news for town in self.towns.values())
            if news != last:
                last, since = news, time.monotonic()
            if time.monotonic() - since > STUCK or not gateway.running:
                fate = "still runs" if gateway.running else "has ended"
                self.gateways.troubles.append(
                    f"something is owed or unfinished, {left} answers are open, and nothing was said for "
                    f"{time.monotonic() - since:.0f} s; the gateway {fate}; "
                    f"its log ends:\n{gateway.log.tail()}"
                )
                return
            await pause(0.2)

    def _owed(self) -> bool:
        """Whether an answer is missing or unfinished, or the ledger owes something."""
        if any(town.listen() for town in self.towns.values()) or not self.gateways.owes_nothing:
            return True
        if any(room.unsaid for room in self.rooms):
            return True
        verdicts = self.verdicts().values()
        return any(verdict.count(kind) for verdict in verdicts for kind in (Kind.LOST, Kind.HALF))

    # What came of it.

    def verdicts(self) -> dict[str, Verdict]:
        """What the chats of each platform show."""
        return {
            platform: judge(
                town.transcripts(self._silence, self.idle),
                Known(NOTICES, SIGNS, labels=platform in CANNOT_BE_ASKED),
            )
            for platform, town in self.towns.items()
        }

    def belongings(self) -> dict[str, list[Belongings]]:
        """The files and signs of each platform, when all is over."""
        memory = Memory(self._folder / "demo")
        return {platform: town.belongings(memory) for platform, town in self.towns.items()}

    def where(self, violation: Violation) -> str:
        """Which gateway a violation belongs to."""
        if violation.at is None:
            return ""
        at = self.gateways.clock(violation.at)
        near = [life.log for life in self.gateways.lives if life.began <= at][-2:]
        return f" (at {at:.3f} s, {' or '.join(near)})"

    def dump(self) -> Path:
        """Write transcripts, calls and lives for people; the folder."""
        for platform, town in self.towns.items():
            with (self._folder / f"transcripts-{platform}.txt").open("w", encoding="utf-8") as file:
                self.show(town, file)
            with (self._folder / f"calls-{platform}.txt").open("w", encoding="utf-8") as file:
                for call in town.emulator.calls.since():
                    at, done = self.gateways.clock(call.at), self.gateways.clock(call.done_at or call.at)
                    said = " ".join(call.text.split())
                    file.write(f"{at:10.3f} {done:10.3f} {call.method} {call.chat} {call.outcome} {said}\n")
        with (self._folder / "lives.txt").open("w", encoding="utf-8") as file:
            file.writelines(f"{life}\n" for life in self.gateways.lives)
        return self._folder

    def show(self, town: Town, file: TextIO, only: frozenset[str] | None = None) -> None:
        """Write down a platform's chats, or some of them."""
        for transcript in town.transcripts(None, ()):
            if only is not None and transcript.chat not in only:
                continue
            file.write(f"{town.platform} chat {transcript.chat}\n")
            for post in transcript.posts:
                who = "bot " if post.from_bot else post.author
                at, said = self.gateways.clock(post.at), " ".join(post.text.split())
                file.write(f"  {at:10.3f} {post.thread:>20} {post.id} {who} | {said}\n")


async def _outage(town: Town, seconds: float) -> None:
    """Down, and up again, whatever ends the soak."""
    await town.go_down()
    try:
        await pause(seconds)
    finally:
        await town.come_up()
