"""The play: people ask, the gateway is killed in the middle of a turn, people go on asking, it starts again.

Nothing is timed. Every next step waits for something that was seen: in the chats, or in the ledger. A gateway
that ends without having been told to ends the play.
"""

import asyncio
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from adapters.emulators.events import Event, EventLog
from adapters.emulators.telegram import TelegramEmulator
from gateway.demo import ledger
from gateway.demo.count import Question, Reply, tally
from gateway.demo.premises import Premises
from gateway.demo.screen import Screen, Tone
from gateway.demo.verdict import Outcome

THINKING = 2.0
"""Seconds that the agent needs for the interrupted request when it does not repeat the tool."""

_POLL = 0.05  # seconds between two looks at the ledger or at a process
_QUIET = 1.0  # seconds without a word after which nothing more is expected
_SPOKEN = frozenset({"message", "edit"})
_SHOWN = frozenset({*_SPOKEN, "action"})


class DemoFailedError(Exception):
    """The play could not be brought to its end; the message says why."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """In seconds: how long everything together, and the answers after the restart, may take."""

    everything: float = 60.0
    answers: float = 25.0


class Play:
    """One performance."""

    def __init__(
        self, emulator: TelegramEmulator, premises: Premises, screen: Screen, group: asyncio.TaskGroup
    ) -> None:
        self._emulator = emulator
        self._events: EventLog = emulator.events
        self._premises = premises
        self._screen = screen
        self._group = group
        self._people: dict[str, int] = {}
        self._questions: list[Question] = []
        self._told = 0  # events up to this one are on the screen
        self._typing: set[int] = set()  # chats in which that was said already
        self._leaving: set[int] = set()  # processes that may end
        self.awaited = "the emulator"

    async def perform(self, bounds: Bounds) -> Outcome:
        """All of it. Raises `DemoFailedError`."""
        narrator = self._group.create_task(self._narrate(), name="narrator")
        for name in ("Ann", "Bob", "Cleo"):
            person = self._emulator.world.add_user(name)
            self._emulator.world.open_private(person.id)
            self._people[name] = person.id

        gateway = await self._start("starts, on an empty state directory")
        self._ask("Bob", "Which host runs Wren?", "Wren")
        await self._answers("Bob to be answered")
        slow = self._ask(
            "Ann",
            f"Please build the release [[tool build 2s]] [[sleep {THINKING:g}s]] and name it Falcon.",
            "Falcon",
        )
        await self._work_on(slow)
        await self._end(gateway, signal.SIGKILL)
        self._tell("you", f"kill -9 {gateway.pid}, in the middle of Ann's turn", Tone.ALARM)
        self._ask("Ann", "Tell the Heron team about it.", "Heron")
        self._ask("Cleo", "Is Kestrel still on call?", "Kestrel")

        gateway = await self._start("starts again, on the same state directory")
        restarted_at = self._started_at
        watcher = self._group.create_task(self._tell_resumed(slow.chat), name="resumed")
        try:
            async with asyncio.timeout(bounds.answers):
                await self._answers("everybody to be answered")
        except TimeoutError:
            self._tell("you", f"no further answer within {bounds.answers:g} s", Tone.ALARM)
        await self._silence()
        watcher.cancel()
        code = await self._end(gateway, signal.SIGTERM)
        self._tell("gateway", "stopped", Tone.GATEWAY)
        narrator.cancel()
        found = ledger.continuation(self._premises.ledger, slow.chat)
        return Outcome(tuple(self._questions), tuple(self._replies()), slow, restarted_at, found, code)

    # People.

    def _ask(self, who: str, text: str, word: str) -> Question:
        chat = self._people[who]
        self._tell(f"{who} -> bot", text, Tone.PERSON)
        message = self._emulator.people.send(chat, text)
        question = Question(chat, who, text, word, message.at)
        self._questions.append(question)
        self._typing.discard(chat)
        return question

    def _replies(self) -> list[Reply]:
        """The bot's side of the transcripts."""
        return [
            Reply(chat, message.edits[-1].at if message.edits else message.at, message.text)
            for chat in self._people.values()
            for message in self._emulator.world.chat(chat).messages.values()
            if message.author.is_bot and not message.deleted
        ]

    async def _answers(self, awaited: str) -> None:
        self.awaited = awaited
        await self._events.until(lambda: not tally(self._questions, self._replies()).lost)

    async def _silence(self) -> None:
        """Nobody says anything any more: what comes twice has come twice by now."""
        self.awaited = "the chats to become silent"
        while True:
            heard = self._events.seq
            try:
                async with asyncio.timeout(_QUIET):
                    await self._events.until(lambda after=heard: self._events.since(after, _SPOKEN) or None)
            except TimeoutError:
                return

    # The gateway.

    async def _start(self, what: str) -> subprocess.Popen[bytes]:
        self.awaited = "the gateway to connect"
        before = self._events.seq
        self._started_at = time.monotonic()
        gateway = self._premises.launch()
        self._tell("gateway", f"{what} (pid {gateway.pid})", Tone.GATEWAY)
        self._group.create_task(self._watch(gateway), name=f"gateway-{gateway.pid}")
        await self._events.until(lambda: self._events.since(before, frozenset({"polling"})) or None)
        self._tell("gateway", "connected", Tone.GATEWAY)
        return gateway

    async def _watch(self, gateway: subprocess.Popen[bytes]) -> None:
        """A gateway that ends by itself ends the play."""
        await _until(lambda: gateway.poll() is not None)
        if gateway.pid not in self._leaving:
            words = self._premises.last_words()
            raise DemoFailedError(
                f"the gateway ended by itself ({_ending(gateway.returncode)}) while the demo waited for "
                f"{self.awaited}; {f'its last line: {words}' if words else 'it said nothing'}"
            )

    async def _end(self, gateway: subprocess.Popen[bytes], number: signal.Signals) -> int:
        self.awaited = f"the gateway to end after {number.name}"
        self._leaving.add(gateway.pid)
        gateway.send_signal(number)
        await _until(lambda: gateway.poll() is not None)
        return gateway.returncode

    async def _work_on(self, question: Question) -> None:
        """Wait until the chat shows that the bot is at work, and the ledger that the agent's tool is."""
        self.awaited = f"the agent to begin with {question.who}'s request"
        asked = self._events.seq
        await self._events.until(lambda: any(self._is_sign(e, question) for e in self._since(asked)))
        await _until(lambda: ledger.tool_at_work(self._premises.ledger, question.chat))
        self._tell("agent", "is at work on it, and its tool is running", Tone.GATEWAY)

    def _since(self, seq: int) -> list[Event]:
        return self._events.since(seq, _SHOWN)

    def _is_sign(self, event: Event, question: Question) -> bool:
        """Whether this shows the chat that the bot is at work."""
        return event.data["chat"] == question.chat and (
            event.kind == "action" or bool(event.data["from_bot"])
        )

    async def _tell_resumed(self, chat: int) -> None:
        """Say so when the interrupted turn is taken up."""
        while True:
            found = ledger.continuation(self._premises.ledger, chat)
            if found is not None and found.mode is not None:
                self._tell("gateway", f"resumed Ann's turn: {found.mode}; {found.why}", Tone.GATEWAY)
                return
            await asyncio.sleep(_POLL)

    # The screen.

    def _tell(self, who: str, what: str, tone: Tone = Tone.PLAIN) -> None:
        """What was said before comes before."""
        self._catch_up()
        self._screen.tell(who, what, tone)

    async def _narrate(self) -> None:
        while True:
            self._catch_up()
            await self._events.changed()

    def _catch_up(self) -> None:
        new = self._since(self._told)
        self._told = self._events.seq
        for event in new:
            self._show(event)

    def _show(self, event: Event) -> None:
        chat = cast("int", event.data["chat"])
        to = "bot -> " + next(name for name, known in self._people.items() if known == chat)
        if event.kind == "action":
            if chat not in self._typing:
                self._typing.add(chat)
                self._screen.tell(to, "(is typing)")
        elif event.data["from_bot"]:
            self._typing.discard(chat)
            edited = "(now reads) " if event.kind == "edit" else ""
            self._screen.tell(to, f"{edited}{event.data['text']}", Tone.BOT)


async def perform(premises: Premises, screen: Screen, bounds: Bounds) -> Outcome:
    """Put the stage up, perform, take it down. Raises `DemoFailedError`, and `OSError` for the machine's."""
    try:
        async with TelegramEmulator() as emulator:
            premises.write_config(emulator.base_url)
            return await _bounded(emulator, premises, screen, bounds)
    except ExceptionGroup as failures:
        raise _first(failures) from None


async def _bounded(emulator: TelegramEmulator, premises: Premises, screen: Screen, bounds: Bounds) -> Outcome:
    play: Play | None = None
    try:
        async with asyncio.timeout(bounds.everything), asyncio.TaskGroup() as group:
            play = Play(emulator, premises, screen, group)
            return await play.perform(bounds)
    except TimeoutError:
        awaited = play.awaited if play else "nothing"
        raise DemoFailedError(f"gave up after {bounds.everything:g} s, while waiting for {awaited}") from None


def _first(failures: ExceptionGroup[Exception]) -> Exception:
    """What went wrong first; the others are its consequences."""
    first = failures.exceptions[0]
    return _first(cast("ExceptionGroup[Exception]", first)) if isinstance(first, ExceptionGroup) else first


async def _until(probe: Callable[[], object]) -> None:
    """Look again and again: neither the ledger nor a process says by itself that it has changed."""
    while not probe():  # noqa: ASYNC110
        await asyncio.sleep(_POLL)


def _ending(code: int) -> str:
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
