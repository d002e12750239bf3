"""One soak: people who write, gateways that end, and the notes that a verdict needs."""

import asyncio
import contextlib
import json
import random
import signal
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from adapters.emulators.telegram import TelegramEmulator
from gateway.engine.commands import DRAINING
from gateway.engine.drain import CUT_NOTICE
from gateway.engine.turns import INTERNAL_ERROR
from tests.crash import soak_plan as plan
from tests.crash.soak_plan import Kill, Message, Timing, Way
from tests.crash.soak_verdict import Known, Post, Transcript, Verdict, Violation, judge, words
from tests.harness.gateway import Gateway
from tests.harness.ledger import Ledger
from tests.harness.settings import merged, settings, write
from tests.harness.waiting import PATIENCE, within

KNOWN = Known(frozenset({DRAINING, *CUT_NOTICE.values()}), ("⚠", INTERNAL_ERROR))
CHANGES = {
    "resume": {"max_attempts": 1_000_000, "freshness": "30d", "breaker": {"boots": 1_000_000}},
    "sessions": {"max_queued": 1_000_000},
    "log": {"level": "info"},
}
"""A soak is a crash loop by design: none of the guards against one may stop it."""

LONG_ENOUGH = 1.0
"""Seconds of readiness after which a gateway is killed although what its kill waits for has not happened."""

LONGER = 4.0
"""The same where the kill waits until there is nothing to do."""

STUCK = 60.0
"""Seconds without a single new answer, at the end, after which what is missing is taken for lost."""

AT_DEATH = (
    "SELECT (SELECT count(*) FROM deliveries WHERE state = 'sending'), "
    "(SELECT count(*) FROM turns WHERE state = 'running' AND resumes_turn_id IS NOT NULL), "
    "(SELECT count(*) FROM turns WHERE state = 'running'), "
    "(SELECT count(*) FROM deliveries WHERE state IN ('pending', 'unknown'))"
)


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


@dataclass(frozen=True, slots=True)
class Life:
    """One gateway, for people who look for a cause."""

    number: int
    ending: str
    phase: str
    began: float
    ended: float
    log: str

    def __str__(self) -> str:
        return f"{self.began:10.3f} {self.ended:10.3f}  {self.log}  {self.phase:10} {self.ending}"


@dataclass(slots=True)
class Heard:
    """Follows the platform's events: which questions are still open, and how many faults struck."""

    open: set[str] = field(default_factory=set[str])
    cursor: int = 0
    struck: Counter[str] = field(default_factory=Counter[str])

    def listen(self, emulator: TelegramEmulator) -> int:
        """Read what is new; how many questions are open."""
        for event in emulator.events.since(self.cursor, frozenset({"message", "edit", "fault"})):
            if event.kind == "fault":
                self.struck[f"{event.data['fault_kind']} {event.data['method']}"] += 1
            elif event.data["from_bot"]:
                self.open.difference_update(words(str(event.data["text"])))
            else:
                self.open.update(words(str(event.data["text"])))
        self.cursor = emulator.events.seq
        return len(self.open)


class Soak:
    """One run on one state directory."""

    def __init__(self, options: Options, folder: Path, emulator: TelegramEmulator) -> None:
        self.options = options
        self._folder = folder
        self._emulator = emulator
        self._ledger = Ledger(folder / "state")
        self._settings = merged(settings(folder, emulator.base_url), CHANGES)
        self._names = plan.failpoints()
        self._began = time.monotonic()
        self._number = 0
        self._gateway: Gateway | None = None
        self._silence: tuple[float, float] | None = None
        self._life_began = self._began
        self.heard = Heard()
        self.said = 0
        self.phases: Counter[str] = Counter()
        self.ways: Counter[str] = Counter()
        self.troubles: list[str] = []
        self.lives: list[Life] = []
        self.chats = [emulator.world.add_user(f"User {n}").id for n in range(options.chats)]
        for chat in self.chats:
            emulator.world.open_private(chat)
        self.idle, self.busy = self.chats[: options.idle], self.chats[options.idle :]

    # The three acts.

    async def begin(self) -> None:
        """People who will be idle write once; when they have been answered, their silence begins."""
        gateway = await self._start(Kill(Way.STOP, 0))
        self._say_all(Message(chat, plan.text(n, _rng(n))) for n, chat in enumerate(self.idle))
        await self._all_answered(gateway)
        await self._stop(gateway)
        self._silence = (time.monotonic(), float("inf"))

    async def live(self, number: int, messages: list[Message]) -> None:
        """One life: what is said in it, and how it ends."""
        ending = plan.kill(self.options.seed, number, self._names)
        fault = plan.fault(self.options.seed, number) if self.options.faults else None
        if fault is not None:
            self._emulator.faults.add(fault)
        self._say_all(message for message in messages if message.timing is Timing.DOWN)
        later = [message for message in messages if message.timing is not Timing.DOWN]
        gateway = await self._start(ending)
        talking = asyncio.ensure_future(self._talk(gateway, later))
        try:
            await self._end(gateway, ending)
        finally:
            talking.cancel()
            await asyncio.gather(talking, return_exceptions=True)
        self._say_all(later)
        self.ways[ending.way] += 1
        self.heard.listen(self._emulator)

    async def finish(self) -> None:
        """Everything is answered, nothing is owed, and a start with nothing to do does nothing."""
        self._emulator.faults.remove()
        assert self._silence is not None
        self._silence = (self._silence[0], time.monotonic())
        first = self.options.messages - len(self.idle)
        self._say_all(Message(chat, plan.text(first + n, _rng(n))) for n, chat in enumerate(self.idle))
        gateway = await self._start(Kill(Way.STOP, 0))
        await self._all_answered(gateway)
        await self._stop(gateway)
        gateway = await self._start(Kill(Way.STOP, 0))
        await gateway.ready()
        await self._stop(gateway)

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
                await asyncio.sleep(since + message.delay - time.monotonic())
                messages.remove(message)
                self._say_all([message])

    async def _all_answered(self, gateway: Gateway) -> None:
        """Wait as long as answers come."""
        while left := self.heard.listen(self._emulator):
            news = self._emulator.events.until(lambda left=left: self.heard.listen(self._emulator) != left)
            try:
                await gateway.until(news, f"the next of {left} answers", STUCK)
            except AssertionError as error:
                self.troubles.append(str(error))
                return
        try:
            owes_nothing = self._ledger.until(lambda ledger: ledger.owes_nothing)
            await gateway.until(owes_nothing, "a ledger that owes nothing", STUCK)
        except AssertionError as error:
            self.troubles.append(str(error))

    # Gateways.

    async def _start(self, ending: Kill) -> Gateway:
        self._number += 1
        self._life_began = time.monotonic()
        changed = merged(self._settings, {"shutdown": {"drain_timeout": ending.drain}})
        config = write(self._folder / "gateway.yaml", changed)
        log = self._folder / "logs" / f"gateway-{self._number:04}.log"
        env = {"CARRYON_FAILPOINT": f"{ending.failpoint}:{ending.nth}"} if ending.failpoint else {}
        self._gateway = await Gateway.start(config, log, env)
        return self._gateway

    async def _end(self, gateway: Gateway, ending: Kill) -> None:
        """Wait for the moment, kill, and note what the gateway was doing."""
        ended = asyncio.ensure_future(gateway.exited())
        moment = asyncio.ensure_future(self._moment(gateway, ending))
        overdue = asyncio.ensure_future(self._overdue(gateway, ending))
        await asyncio.wait(
            {ended, moment, overdue}, timeout=PATIENCE / 2, return_when=asyncio.FIRST_COMPLETED
        )
        by_itself = ended.done()
        for waiting in (moment, overdue):
            waiting.cancel()
        await asyncio.gather(moment, overdue, return_exceptions=True)
        if not by_itself and ending.way is not Way.STOP:
            gateway.send(signal.SIGKILL)
        elif not by_itself:
            gateway.terminate()
        code = await ended
        told = ending.stops and gateway.log.find("drain.started") is not None
        self._note_end(gateway, ending, code, surprising=by_itself and not ending.failpoint and not told)
        self._note_life(str(ending), self._phase(gateway, stopping=told))

    async def _moment(self, gateway: Gateway, ending: Kill) -> None:
        """Return when the gateway is to be killed; a failpoint does that by itself."""
        match ending.way:
            case Way.START:
                pass
            case Way.RECOVERY:
                await gateway.log.until(ending.line)
            case Way.EVENT:
                kind, data = ending.event
                seq = self._emulator.events.seq
                for _ in range(ending.nth):
                    seq = (await self._emulator.events.event(kind, data, after=seq)).seq
            case Way.IDLE:
                await gateway.log.until("account.ready")
                await self._emulator.events.until(lambda: not self.heard.listen(self._emulator))
                await self._ledger.until(lambda ledger: ledger.owes_nothing)
            case _:
                await gateway.log.until("account.ready")
        await asyncio.sleep(ending.delay)
        if ending.way is Way.CUT_STOP or (ending.way is Way.FAILPOINT and ending.stops):
            gateway.terminate()
            await gateway.log.until("drain.started")
        if ending.way is Way.CUT_STOP:
            await asyncio.sleep(ending.delay / ending.nth)
        elif ending.way is Way.FAILPOINT:
            await asyncio.Event().wait()

    async def _overdue(self, gateway: Gateway, ending: Kill) -> None:
        await gateway.log.until("account.ready")
        await asyncio.sleep(LONGER if ending.way is Way.IDLE else LONG_ENOUGH)

    async def _stop(self, gateway: Gateway) -> None:
        gateway.terminate()
        code = await gateway.exited()
        self._note_end(gateway, Kill(Way.STOP, 0), code, surprising=False)
        self._note_life("stopped", "idle")

    def _note_end(self, gateway: Gateway, ending: Kill, code: int, *, surprising: bool) -> None:
        """A gateway ends by the kill meant for it or, told to stop, with 0; and it logs no bug."""
        allowed = {-signal.SIGKILL, 0} if ending.stops else {-signal.SIGKILL}
        if ending.way is Way.STOP:
            # A signal that comes before its handler is a kill like any other.
            allowed = {0} if gateway.log.find("drain.started") else {0, -signal.SIGTERM}
        if surprising or code not in allowed:
            self.troubles.append(
                f"gateway {self._number} ({ending}) ended with {code}:\n{gateway.log.tail()}"
            )
        self.troubles += [
            f"gateway {self._number} ({ending}) logged: {json.dumps(bug)}" for bug in gateway.log.bugs()
        ]

    def _note_life(self, ending: str, phase: str) -> None:
        if ending != "stopped":
            self.phases[phase] += 1
        now = time.monotonic()
        log = f"gateway-{self._number:04}.log"
        self.lives.append(
            Life(self._number, ending, phase, self.clock(self._life_began), self.clock(now), log)
        )
        self._gateway = None

    def _phase(self, gateway: Gateway, *, stopping: bool) -> str:
        """What the gateway was doing when it ended, from its log and its ledger."""
        if stopping:
            return "stopping"
        if gateway.log.find("account.ready") is None:
            return "starting"
        ((sending, resuming, running, owed),) = self._ledger.rows(AT_DEATH)
        if sending:
            return "delivering"
        if resuming or gateway.log.count("session.resume_scheduled") > _resumed(gateway):
            return "recovering"
        if running:
            return "in turn"
        return "delivering" if owed else "idle"

    async def close(self) -> None:
        """End the gateway that still runs."""
        if self._gateway is not None:
            await within(self._gateway.kill(), "the end of the last gateway", PATIENCE)

    # What came of it.

    def clock(self, at: float) -> float:
        """Seconds since this began."""
        return at - self._began

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
        at = self.clock(violation.at)
        near = [life.log for life in self.lives if life.began <= at][-2:]
        return f" (at {at:.3f} s, {' or '.join(near)})"

    def dump(self) -> Path:
        """Write transcripts and lives for people; the folder."""
        with contextlib.ExitStack() as files:
            chats = files.enter_context((self._folder / "transcripts.txt").open("w", encoding="utf-8"))
            for transcript in self.transcripts():
                chats.write(f"chat {transcript.chat}\n")
                for post in transcript.posts:
                    who = "bot " if post.from_bot else "user"
                    chats.write(f"  {self.clock(post.at):10.3f} {who} | {' '.join(post.text.split())}\n")
            lives = files.enter_context((self._folder / "lives.txt").open("w", encoding="utf-8"))
            lives.writelines(f"{life}\n" for life in self.lives)
        return self._folder


def _resumed(gateway: Gateway) -> int:
    return gateway.log.count("turn.ended", resumed=True)


def _rng(number: int) -> random.Random:
    return random.Random(number)
