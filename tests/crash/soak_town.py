"""One platform of a soak: its rooms, who writes in them, and what goes wrong on command."""

import itertools
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from adapters.emulators.control import ControlError
from adapters.emulators.discord import DiscordEmulator
from adapters.emulators.playground import Shown
from adapters.emulators.registry import Emulator, emulator
from adapters.emulators.slack import SlackEmulator
from adapters.emulators.telegram import TelegramEmulator
from tests.contract.particulars import SentFile, particulars
from tests.crash.soak_files import Belongings, content, given
from tests.crash.soak_plan import Message, Where, aside
from tests.crash.soak_troubles import Trouble, What
from tests.crash.soak_verdict import Transcript, ended
from tests.harness.memory import Memory

CROWD = 3
"""People in a channel."""

TOPICS = 2
"""Threads that a channel has from the beginning, where people open them beforehand."""

PATIENCE = 5
"""Unanswered messages of a chat after which people wait."""

LIVELY = 4
"""How many of a room's threads, the newest ones, people write in."""


@dataclass(slots=True)
class Room:
    """A chat and the people in it."""

    town: "Town"
    chat: str
    people: tuple[str, ...]
    direct: bool
    topics: tuple[str, ...] = ()
    openings: list[str] = field(default_factory=list[str])
    said: dict[int, str] = field(default_factory=dict[int, str])
    """The ids of the questions, by their numbers."""
    unsaid: deque[Message] = field(default_factory=deque[Message])
    """What people keep to themselves while too much is unanswered here."""

    @property
    def patient(self) -> bool:
        """Whether people wait for answers before they write more.

        An answer to many interrupted requests at once takes longer than a life of the gateway: people who
        went on writing would see it interrupted for ever.
        """
        return list(self.town.heard.open.values()).count(self.chat) >= PATIENCE

    def say(self, message: Message) -> str:
        """Somebody writes; the message's id."""
        playground = self.town.playground
        person = _one_of(self.people, message.dice)
        # The author came from the first digits of the dice, so that the thread comes from the next ones.
        dice = message.dice * len(self.people) % 1
        if message.where is Where.ASIDE and not self.direct:
            return playground.say(person, self.chat, aside(next(self.town.asides)))
        thread = self._thread(dice) if message.where is Where.THREAD else ""
        mention = not self.direct and (not thread or self.town.platform == "telegram" or dice < 0.5)
        said = self._send(person, message.text, thread, mention=mention)
        self.said.update(dict.fromkeys(ended(message.text), said))
        if not thread:
            self.openings.append(said)
        return said

    def _send(self, person: str, text: str, thread: str, *, mention: bool) -> str:
        if "[[see]]" not in text:
            return self.town.playground.say(person, self.chat, text, thread=thread, mention=mention)
        (number,) = ended(text)
        file = SentFile(given(number), "text/csv", content(number))
        return self.town.special.give(person, self.chat, [file], text, thread=thread, mention=mention)

    def _thread(self, dice: float) -> str:
        """One of the threads that there are; none where nobody has opened any yet."""
        match self.town.platform:
            case "telegram":
                return _one_of(self.topics, dice)
            case "slack":  # people may reply to anything at once; in direct chats they seldom do
                found = self.openings if not self.direct or dice < 0.3 else []
            case _:
                shown = [] if self.direct else self.town.playground.shown(self.chat)
                found = list(dict.fromkeys(one.thread for one in shown if one.thread))
        return _one_of(found[-LIVELY:], dice * 7 % 1)


def _one_of(found: Sequence[str], dice: float) -> str:
    return found[int(dice * len(found))] if found else ""


@dataclass(slots=True)
class Heard:
    """Follows the platform's events: which questions are still open, and what went wrong how often.

    `news` counts what could be seen in the chats.
    """

    news: int = 0
    open: dict[int, str] = field(default_factory=dict[int, str])
    """By their numbers, in which chats."""
    cursor: int = 0
    struck: Counter[str] = field(default_factory=Counter[str])


class Town:
    """An emulator with its rooms. `asides` numbers what people say to each other, over all platforms."""

    def __init__(self, platform: str, asides: "itertools.count[int]") -> None:
        self.platform = platform
        self.asides = asides
        self.emulator: Emulator = emulator(platform)
        self.playground = self.emulator.playground
        self.special = particulars(self.emulator)
        self.rooms: list[Room] = []
        self.heard = Heard()
        self.down = False
        self._said: list[tuple[str, str]] = []

    # Rooms.

    def open_rooms(self, number: int, idle: int) -> None:
        """Direct chats and channels in turn; the first ones, which are to be idle, are all direct."""
        for index in range(number):
            direct = index < idle or index % 2 == 0
            people = tuple(
                self.playground.person(f"User {index} {letter}") for letter in "abc"[: 1 if direct else CROWD]
            )
            chat = self.playground.direct(people[0]) if direct else self.playground.channel(*people)
            topics: tuple[str, ...] = ()
            if isinstance(self.emulator, TelegramEmulator) and not direct:
                world = self.emulator.world
                topics = tuple(str(world.add_topic(int(chat))) for _ in range(TOPICS))
            self.rooms.append(Room(self, chat, people, direct, topics))

    def say(self, room: Room, message: Message) -> None:
        """Somebody writes."""
        self._said.append((room.chat, room.say(message)))

    def swap(self) -> None:
        """What is said next reaches the bot after what is said then."""
        if isinstance(self.emulator, DiscordEmulator):
            self.emulator.sessions.swap_next()
        elif isinstance(self.emulator, SlackEmulator):
            self.emulator.socket.deliveries.swap_next_two()

    # What people see.

    def listen(self) -> int:
        """Read what is new; how many questions are open."""
        heard, events = self.heard, self.emulator.events
        for event in events.since(heard.cursor, frozenset({"message", "edit", "fault"})):
            if event.kind == "fault":
                heard.struck[f"{event.data['fault_kind']} {event.data['method']}"] += 1
                continue
            heard.news += 1
            numbers = ended(str(event.data["text"]))
            if event.data["from_bot"]:
                for number in numbers:
                    heard.open.pop(number, None)
            else:
                heard.open.update(dict.fromkeys(numbers, str(event.data["chat"])))
        heard.cursor = events.seq
        return len(heard.open)

    def transcripts(self, silence: tuple[float, float] | None, idle: Sequence[Room]) -> list[Transcript]:
        """Every chat as it stands, without the bot's files."""
        return [
            Transcript(
                room.chat,
                self._words(room),
                not room.direct and self.platform != "telegram",
                silence if room in idle else None,
            )
            for room in self.rooms
        ]

    def _words(self, room: Room) -> tuple[Shown, ...]:
        files = {file.message for file in self.special.files(room.chat)}
        return tuple(post for post in self.playground.shown(room.chat) if post.id not in files)

    def belongings(self, memory: Memory) -> list[Belongings]:
        """The files and signs of every chat as they stand, and what the agent was given."""
        handed, told, named = memory.all_given, memory.all_told(), memory.all_told(transcripts=True)
        return [
            Belongings(
                room.chat,
                tuple(self.playground.shown(room.chat)),
                tuple(self.special.files(room.chat)),
                {number: tuple(self.special.signs(room.chat, said)) for number, said in room.said.items()},
                {number: tuple(handed.get(given(number), ())) for number in room.said},
                {number: (told[given(number)], named[given(number)]) for number in room.said},
            )
            for room in self.rooms
        ]

    # What goes wrong.

    def suffer(self, trouble: Trouble) -> None:
        """Let it happen."""
        match trouble.what:
            case What.FAULT:
                assert trouble.fault is not None
                self.emulator.faults.add(trouble.fault)
                return
            case What.OUTAGE:
                pass  # that takes its time
            case What.DISCONNECT:
                self.playground.disconnect()
            case What.REPEAT:
                self._repeat(trouble.dice)
            case What.HURRY:
                if isinstance(self.emulator, SlackEmulator):
                    self.emulator.socket.deliveries.hurry()
            case What.REFRESH:
                if isinstance(self.emulator, SlackEmulator):
                    self.emulator.socket.disconnect("refresh_requested", close=True)
                elif isinstance(self.emulator, DiscordEmulator):
                    self.emulator.sessions.ask_to_reconnect()
        self.heard.struck[str(trouble)] += 1

    def _repeat(self, dice: float) -> None:
        """Tell the bot of a message once more, of a recent one rather than of an old one."""
        if not self._said:
            return
        chat, message = self._said[-1 - int(len(self._said) * dice**3)]
        try:
            self.playground.redeliver(chat, message)
        except ControlError:
            return  # confirmed too long ago

    async def go_down(self) -> None:
        """An outage begins. A session of Discord's does not outlive it, so nothing is told afterwards."""
        self.down = True
        await self.emulator.stop()
        if isinstance(self.emulator, DiscordEmulator):
            self.emulator.sessions.forget_all()

    async def come_up(self) -> None:
        """It is over."""
        await self.emulator.start()
        self.down = False

    def release(self) -> None:
        """What hung breaks off."""
        self.emulator.faults.release()
