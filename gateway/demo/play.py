"""The play: people ask, the gateway is killed in the middle of turns, people go on asking, it starts again.

Nothing is timed. Every next step waits for something that was seen: in the chats, or in the ledger. A gateway
that ends without having been told to ends the play.
"""

import asyncio
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import cast

from gateway.demo import ledger
from gateway.demo.cast import Cast, Line, casts
from gateway.demo.count import Question, Reply, tally
from gateway.demo.narrator import Narrator
from gateway.demo.premises import Premises, ending
from gateway.demo.screen import Screen, Tone
from gateway.demo.stage import SPOKEN, Stage
from gateway.demo.verdict import Act, Outcome

_POLL = 0.05  # seconds between two looks at the ledger or at a process
_QUIET = 1.0  # seconds without a word after which nothing more is expected


class DemoFailedError(Exception):
    """The play could not be brought to its end; the message says why."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """In seconds: how long everything together, and the answers after the restart, may take."""

    everything: float = 90.0
    answers: float = 30.0


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a person writes. In a channel the bot has to be mentioned."""

    platform: str
    person: str
    chat: str
    in_channel: bool


class Play:
    """One performance."""

    def __init__(self, stage: Stage, premises: Premises, screen: Screen, group: asyncio.TaskGroup) -> None:
        self._stage = stage
        self._premises = premises
        self._group = group
        self._narrator = Narrator(stage, screen)
        self._tell = self._narrator.tell
        self._casts = casts(stage.platforms)
        self._places: dict[str, _Place] = {}
        self._questions: list[Question] = []
        self._leaving: set[int] = set()  # processes that may end
        self._restarted_at = 0.0
        self.awaited = "the emulators"

    async def perform(self, bounds: Bounds) -> Outcome:
        """All of it. Raises `DemoFailedError`."""
        self._stage.follow(self._group)
        narrating = self._group.create_task(self._narrator.run(), name="narrator")
        for cast_ in self._casts:
            self._enter(cast_)

        gateway = await self._start("starts, on an empty state directory")
        for cast_ in self._casts:
            self._ask(cast_.earlier)
        await self._answers("the first questions to be answered")
        slow = [self._ask(cast_.slow) for cast_ in self._casts]
        await self._work_on(slow)
        await self._end(gateway, signal.SIGKILL)
        whose = listed([question.who for question in slow])
        self._tell("you", f"kill -9 {gateway.pid}, in the middle of the turns of {whose}", Tone.ALARM)
        for cast_ in self._casts:
            self._ask(cast_.later)
            self._ask(cast_.newcomer)

        gateway = await self._start("starts again, on the same state directory")
        watchers = [
            self._group.create_task(self._tell_resumed(question), name=f"resumed-{question.who}")
            for question in slow
        ]
        try:
            async with asyncio.timeout(bounds.answers):
                await self._answers("everybody to be answered")
        except TimeoutError:
            self._tell("you", f"no further answer within {bounds.answers:g} s", Tone.ALARM)
        await self._silence()
        for watcher in watchers:
            watcher.cancel()
        code = await self._end(gateway, signal.SIGTERM)
        self._tell("gateway", "stopped", Tone.GATEWAY)
        narrating.cancel()
        self._stage.leave()
        return Outcome(tuple(self._act(question) for question in slow), code)

    def _act(self, slow: Question) -> Act:
        """What became of one platform."""
        return Act(
            slow.platform,
            tuple(question for question in self._questions if question.platform == slow.platform),
            tuple(reply for reply in self._replies() if reply.platform == slow.platform),
            slow,
            self._restarted_at,
            ledger.continuation(self._premises.ledger, slow.platform, slow.chat),
        )

    # People.

    def _enter(self, given: Cast) -> None:
        """The people of a platform, each in a chat of their own."""
        playground = self._stage[given.platform]
        for line in (given.earlier, given.slow, given.newcomer):
            person = playground.person(line.who)
            in_channel = given.in_channel and line is given.newcomer
            chat = playground.channel(person) if in_channel else playground.direct(person)
            self._places[line.who] = _Place(given.platform, person, chat, in_channel)
            self._narrator.know(given.platform, chat, line.who)

    def _ask(self, line: Line) -> Question:
        at = self._places[line.who]
        aside = " (in a channel, by mention)" if at.in_channel else ""
        self._tell(f"{line.who} -> bot", line.text + aside, Tone.PERSON, at.platform)
        said = self._stage[at.platform].say(at.person, at.chat, line.text, mention=at.in_channel)
        when = self._stage.said(at.platform, at.chat, said).at
        question = Question(at.platform, at.chat, line.who, line.text, line.word, when)
        self._questions.append(question)
        self._narrator.asked(at.platform, at.chat)
        return question

    def _replies(self) -> list[Reply]:
        """The bot's side of the chats."""
        return [
            reply
            for place in self._places.values()
            for reply in self._stage.replies(place.platform, place.chat)
        ]

    async def _answers(self, awaited: str) -> None:
        self.awaited = awaited
        await self._stage.events.until(lambda: not tally(self._questions, self._replies()).lost)

    async def _silence(self) -> None:
        """Nobody says anything any more: what comes twice has come twice by now."""
        self.awaited = "the chats to become silent"
        events = self._stage.events
        while True:
            heard = events.seq
            try:
                async with asyncio.timeout(_QUIET):
                    await events.until(lambda after=heard: events.since(after, SPOKEN) or None)
            except TimeoutError:
                return

    # The gateway.

    async def _start(self, what: str) -> subprocess.Popen[bytes]:
        self._restarted_at = time.monotonic()
        gateway = self._premises.launch()
        self._tell("gateway", f"{what} (pid {gateway.pid})", Tone.GATEWAY)
        self._tell("demo", f"waits until it has connected to {listed(self._stage.platforms)}")
        self._group.create_task(self._watch(gateway), name=f"gateway-{gateway.pid}")
        missing = list(self._stage.platforms)
        while missing:
            self.awaited = f"the gateway to connect to {listed(missing)}"
            here = await self._stage.events.until(lambda: self._arrived(missing) or None)
            for platform in here:
                missing.remove(platform)
                self._tell("gateway", "connected", Tone.GATEWAY, platform)
        return gateway

    def _arrived(self, missing: Iterable[str]) -> list[str]:
        connected = self._stage.connected()
        return [platform for platform in missing if platform in connected]

    async def _watch(self, gateway: subprocess.Popen[bytes]) -> None:
        """A gateway that ends by itself ends the play."""
        await _until(lambda: gateway.poll() is not None)
        if gateway.pid not in self._leaving:
            words = self._premises.last_words()
            raise DemoFailedError(
                f"the gateway ended by itself ({ending(gateway.returncode)}) while the demo waited for "
                f"{self.awaited}; {f'its last line: {words}' if words else 'it said nothing'}"
            )

    async def _end(self, gateway: subprocess.Popen[bytes], number: signal.Signals) -> int:
        self.awaited = f"the gateway to end after {number.name}"
        self._leaving.add(gateway.pid)
        gateway.send_signal(number)
        await _until(lambda: gateway.poll() is not None)
        # Else its connections, which the emulators have not yet seen end, would pass for the next one's.
        self.awaited = "the emulators to notice that the gateway has ended"
        await _until(lambda: not self._stage.connected())
        return gateway.returncode

    async def _work_on(self, questions: Sequence[Question]) -> None:
        """Wait until the chats show the beginnings of answers, and the ledger that the agent's tools run."""
        whose = listed([question.who for question in questions])
        self.awaited = f"the agent to begin with the requests of {whose}"
        await self._stage.events.until(lambda: all(map(self._has_begun, questions)))
        await _until(
            lambda: all(
                ledger.half_answered(self._premises.ledger, one.platform, one.chat) for one in questions
            )
        )
        self._tell("agent", f"is at work for {whose}, and its tools are running", Tone.GATEWAY)

    def _has_begun(self, question: Question) -> bool:
        said = self._stage.replies(question.platform, question.chat)
        return any(reply.at >= question.at for reply in said)

    async def _tell_resumed(self, question: Question) -> None:
        """Say so when the interrupted turn is taken up."""
        while True:
            found = ledger.continuation(self._premises.ledger, question.platform, question.chat)
            if found is not None and found.mode is not None:
                what = f"resumed {question.who}'s turn: {found.mode}; {found.why}"
                self._tell("gateway", what, Tone.GATEWAY, question.platform)
                return
            await asyncio.sleep(_POLL)


async def perform(platforms: Sequence[str], premises: Premises, screen: Screen, bounds: Bounds) -> Outcome:
    """Put the stage up, perform, take it down. Raises `DemoFailedError`, and `OSError` for the machine's."""
    try:
        async with Stage(platforms) as stage:
            premises.write_config(stage.accounts())
            return await _bounded(stage, premises, screen, bounds)
    except ExceptionGroup as failures:
        raise first_of(failures) from None


async def _bounded(stage: Stage, premises: Premises, screen: Screen, bounds: Bounds) -> Outcome:
    play: Play | None = None
    try:
        async with asyncio.timeout(bounds.everything), asyncio.TaskGroup() as group:
            play = Play(stage, premises, screen, group)
            return await play.perform(bounds)
    except TimeoutError:
        awaited = play.awaited if play else "nothing"
        raise DemoFailedError(f"gave up after {bounds.everything:g} s, while waiting for {awaited}") from None


def first_of(failures: ExceptionGroup[Exception]) -> Exception:
    """What went wrong first; the others are its consequences."""
    first = failures.exceptions[0]
    return first_of(cast("ExceptionGroup[Exception]", first)) if isinstance(first, ExceptionGroup) else first


async def _until(probe: Callable[[], object]) -> None:
    """Look again and again: neither the ledger nor a process says by itself that it has changed."""
    while not probe():  # noqa: ASYNC110
        await asyncio.sleep(_POLL)


def listed(names: Sequence[str]) -> str:
    """Names as one writes them."""
    return " and ".join(part for part in (", ".join(names[:-1]), names[-1]) if part)
