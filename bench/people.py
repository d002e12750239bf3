"""The people who write to the bots, and the count of what they were answered.

Times are the emulator's own: a message counts as injected when the emulator has queued it for the bot, and as
answered when the emulator has taken the bot's message. What this process needs to hear of it is not counted.
Every message carries a number, and a right answer repeats it, so a message that is lost or answered twice is
found in the transcripts however busy everything was.
"""

import asyncio
import contextlib
import itertools
import random
import re
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, field
from typing import cast

from adapters.emulators.telegram_client import TelegramControl

TEXT = "note {}: what is there to see in the old town on a rainy day?"
_NUMBER = re.compile(r"note (\d+):")
_LONGEST_WAIT = 60.0
_SENDERS = 4
"""Requests of the load generator at a time; each carries all messages that are due."""

_numbers = itertools.count(1)


@dataclass(slots=True)
class Letter:
    """One message and what became of it. Times are the emulator's `time.monotonic()`."""

    number: int
    chat: int
    more: str = ""
    injected_at: float | None = None
    answered_at: float | None = None
    answered: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def latency(self) -> float | None:
        """Seconds from injection to answer."""
        if self.injected_at is None or self.answered_at is None:
            return None
        return self.answered_at - self.injected_at


@dataclass(slots=True)
class Audit:
    """What the transcripts say."""

    sent: int = 0
    lost: int = 0
    doubled: int = 0
    strange: int = 0
    """Messages of the bot that answer nothing, such as an error's notice."""
    examples: list[str] = field(default_factory=list[str])

    def add(self, other: "Audit") -> None:
        self.sent += other.sent
        self.lost += other.lost
        self.doubled += other.doubled
        self.strange += other.strange
        self.examples += other.examples

    @property
    def clean(self) -> bool:
        return not (self.lost or self.doubled or self.strange)


class Crowd:
    """People of one bot. Use within `crowd`."""

    def __init__(self, control: TelegramControl, bot: int) -> None:
        self._control = control
        self._bot = bot
        self._letters: dict[int, Letter] = {}
        self._due: list[Letter] = []
        self._work = asyncio.Event()

    async def follow(self, after: int) -> None:
        """Note what the emulator tells."""
        async for event in self._control.stream(after, ("message",)):
            found = _NUMBER.search(cast("str", event["text"]))
            letter = self._letters.get(int(found[1])) if found else None
            if letter is None:
                continue
            at = cast("float", event["at"])
            if not event["from_bot"]:
                letter.injected_at = at
            elif letter.answered_at is None:
                letter.answered_at = at
                letter.answered.set()

    async def deliver(self) -> None:
        """Send what is due, many messages in one request."""
        while True:
            await self._work.wait()
            self._work.clear()
            due, self._due = self._due, []
            if due:
                messages: list[dict[str, object]] = [
                    {"user": letter.chat, "text": TEXT.format(letter.number) + letter.more, "bot": self._bot}
                    for letter in due
                ]
                await self._control.send_many(messages)

    def write(self, chat: int, more: str = "") -> Letter:
        """A person writes, as soon as can be; `more` follows the usual text."""
        letter = Letter(next(_numbers), chat, more)
        self._letters[letter.number] = letter
        self._due.append(letter)
        self._work.set()
        return letter

    async def ask(self, chat: int) -> Letter:
        """Write and wait for the answer; one that does not come is found by the audit."""
        letter = self.write(chat)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LONGEST_WAIT):
                await letter.answered.wait()
        return letter

    async def one_by_one(self, chats: Sequence[int], count: int, pause: float) -> list[Letter]:
        """Ask again and again, each time when the last answer is there and `pause` seconds are over."""
        letters: list[Letter] = []
        for _, chat in zip(range(count), itertools.cycle(chats), strict=False):
            letters.append(await self.ask(chat))
            await asyncio.sleep(pause)
        return letters

    async def at_once(self, chats: Sequence[int], more: str = "") -> list[Letter]:
        """Everybody writes in the same request."""
        letters = [self.write(chat, more) for chat in chats]
        await answered(letters)
        return letters

    async def open_loop(self, chats: Sequence[int], rate: float, seconds: float) -> list[Letter]:
        """`rate` messages a second at random moments, whether or not anybody is answered."""
        moments = random.Random(1)
        loop = asyncio.get_running_loop()
        begin, due = loop.time(), 0.0
        letters: list[Letter] = []
        for chat in itertools.cycle(chats):
            due += moments.expovariate(rate)
            if due > seconds:
                break
            await asyncio.sleep(begin + due - loop.time())
            letters.append(self.write(chat))
        await answered(letters)
        return letters

    async def closed_loop(self, chats: Sequence[int], seconds: float) -> list[Letter]:
        """Each person writes as soon as the last message is answered, until the time is over."""
        letters: list[Letter] = []
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds

        async def person(chat: int) -> None:
            while loop.time() < end:
                letter = await self.ask(chat)
                letters.append(letter)
                if letter.answered_at is None:
                    return

        async with asyncio.TaskGroup() as group:
            for chat in chats:
                group.create_task(person(chat))
        return letters

    async def audit(self, spare: Iterable[int] = ()) -> Audit:
        """Compare what was written with the transcripts. Chats in `spare` are left out."""
        found = Audit()
        wanted: dict[int, set[int]] = {}
        for letter in self._letters.values():
            wanted.setdefault(letter.chat, set()).add(letter.number)
        for chat in wanted.keys() - set(spare):
            transcript = await self._control.transcript(chat, bot=self._bot)
            found.add(_compare(chat, wanted[chat], [str(m["text"]) for m in transcript if m["from_bot"]]))
        return found


def _compare(chat: int, wanted: set[int], answers: list[str]) -> Audit:
    audit = Audit(sent=len(wanted))
    seen: set[int] = set()
    for text in answers:
        match = _NUMBER.search(text)
        number = int(match[1]) if match else None
        if number is None or number not in wanted:
            audit.strange += 1
            audit.examples.append(f"chat {chat}: {text[:160]!r}")
        elif number in seen:
            audit.doubled += 1
            audit.examples.append(f"chat {chat}: message {number} was answered twice")
        else:
            seen.add(number)
    audit.lost = len(wanted - seen)
    if audit.lost:
        audit.examples.append(f"chat {chat}: no answer to {sorted(wanted - seen)[:5]}")
    return audit


async def answered(letters: Sequence[Letter]) -> None:
    """Wait for the answers, or for too long."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_LONGEST_WAIT):
            for letter in letters:
                await letter.answered.wait()


@contextlib.asynccontextmanager
async def crowd(control: TelegramControl, bot: int) -> AsyncIterator[Crowd]:
    """People of a bot, followed from now on."""
    people = Crowd(control, bot)
    after = await control.seq()
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(people.follow(after))]
        tasks += [group.create_task(people.deliver()) for _ in range(_SENDERS)]
        yield people
        for task in tasks:
            task.cancel()
