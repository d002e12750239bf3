"""What people can do on every emulated platform, in the same words.

Each emulator has a world of its own, as rich as its platform. This is the part that they have in common:
enough to hold conversations, to press buttons and to cut the bot off, and what the demo, the contract suite
of adapters, the crash tests and the soak are written against. All ids are the platform's own, as text.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from adapters.emulators.calls import CallLog
from adapters.emulators.control import Args, ControlTable
from adapters.emulators.events import EventLog, JsonObject
from adapters.emulators.faults import FaultBook
from adapters.emulators.server import EmulatorServer


@dataclass(frozen=True, slots=True)
class Shown:
    """One message as it stands in a chat now.

    `thread` is empty outside threads. `at` is `time.monotonic()` of when it came to read so. `labels` are
    those of its buttons, of which none can be pressed once they are gone.
    """

    id: str
    chat: str
    thread: str
    author: str
    from_bot: bool
    text: str
    at: float
    edits: int = 0
    labels: tuple[str, ...] = ()

    def as_json(self) -> JsonObject:
        return {
            "id": self.id,
            "chat": self.chat,
            "thread": self.thread,
            "author": self.author,
            "from_bot": self.from_bot,
            "text": self.text,
            "at": self.at,
            "edits": self.edits,
            "labels": list(self.labels),
        }


@dataclass(frozen=True, slots=True)
class Methods:
    """What the platform calls the calls that faults are aimed at, as they stand in the log of calls.

    `receive` is what the bot is told of messages by (a poll, or the opening of its socket), `history` what
    reads a chat back.
    """

    send: str
    edit: str
    typing: str
    receive: str
    history: str = ""


@dataclass(frozen=True, slots=True)
class Sign:
    """By what one sees that something happened: the kind of an event of the log, and data that it holds."""

    kind: str
    match: Mapping[str, object] = field(default_factory=dict[str, object])


@dataclass(frozen=True, slots=True)
class Acknowledgements:
    """How one sees that the bot told the platform what it received: a message, the press of a button.

    `message` is None where the platform wants to hear nothing of messages.
    """

    press: Sign
    message: Sign | None = None


class Playground(ABC):
    """One emulator as its people know it. Methods raise ControlError for what nobody could do.

    Events of the log, on every platform: `message` and `edit` with `chat`, `thread`, `message_id`, `from_bot`
    and `text`; `action` with `chat` when the bot shows that it is at work.
    """

    platform: ClassVar[str]
    """The name that configs use."""

    methods: ClassVar[Methods]
    """What to aim faults at."""

    acknowledgements: ClassVar[Acknowledgements]
    """What to look for in the log of events."""

    def __init__(self, server: EmulatorServer) -> None:
        self.events: EventLog = server.events
        """What happened."""
        self.calls: CallLog = server.calls
        """What the bot asked for."""
        self.faults: FaultBook = server.faults
        """What goes wrong."""

    @abstractmethod
    def settings(self) -> Mapping[str, object]:
        """The section of a config file for an account on this emulator, without waits for rate limits."""

    @abstractmethod
    def disown(self) -> Mapping[str, object]:
        """Make the bot one that the platform does not know; the `settings` to find that out with.

        They hold credentials of valid shape, either others or the same ones, refused from now on.
        """

    @abstractmethod
    def person(self, name: str = "") -> str:
        """A new user's id."""

    @abstractmethod
    def direct(self, person: str) -> str:
        """The direct chat of a user with the bot, opened when need be."""

    @abstractmethod
    def channel(self, *people: str) -> str:
        """A new group or channel with these users and the bot."""

    @abstractmethod
    def thread(self, person: str, chat: str) -> str:
        """A user opens a thread in a group or channel; its id. The bot is not mentioned."""

    @abstractmethod
    def say(
        self,
        person: str,
        chat: str,
        text: str,
        *,
        thread: str = "",
        mention: bool = False,
        reply_to: str = "",
    ) -> str:
        """A user writes; the message's id. `mention` puts the bot's name before the text."""

    @abstractmethod
    def press(self, person: str, chat: str, message: str, label: str) -> None:
        """A user presses the button with this label."""

    def shown(self, chat: str, thread: str | None = None) -> list[Shown]:
        """The messages of a chat in order, without deleted ones; of one thread, or all."""
        return [one for one in self._standing(chat) if thread is None or one.thread == thread]

    @abstractmethod
    def _standing(self, chat: str) -> Iterable[Shown]:
        """The messages of a chat in order, without deleted ones; none where there is no such chat."""

    @abstractmethod
    def connected(self) -> bool:
        """Whether a bot is there to be told of messages at this moment."""

    @abstractmethod
    def disconnect(self) -> None:
        """Cut the connections that messages arrive by, as an outage does. The bot may come back at once."""

    @abstractmethod
    def redeliver(self, chat: str, message: str) -> None:
        """Tell the bot of a user's message once more, as platforms do."""

    @abstractmethod
    def shut_out(self, chat: str) -> None:
        """Make the chat one that the bot cannot write to any more: blocked, removed or archived."""


def replies(playground: Playground, chat: str, thread: str | None = None) -> list[Shown]:
    """What the bot said in a chat."""
    return [one for one in playground.shown(chat, thread) if one.from_bot]


def add_playground_routes(table: ControlTable, playground: Playground) -> None:
    """The control routes that all emulators have, beside the common ones of `control`.

    POST   person {[name]}                                           -> {id}
    POST   direct {person}                                           -> {id}
    POST   channel {people: [...]}                                   -> {id}
    POST   thread {person, chat}                                     -> {id}
    POST   say {person, chat, text, [thread], [mention], [reply_to]} -> {id}
    POST   click {person, chat, message, label}
    GET    shown?chat=ID&[thread=ID]                                 every message as it stands
    POST   disconnect
    POST   repeat {chat, message}
    POST   shut_out {chat}

    Conditions: `replies {chat, count}`, `reply_text {chat, text}` and `connected {}`.
    """
    _add_places(table, playground)
    _add_doings(table, playground)
    _add_conditions(table, playground)


def _add_places(table: ControlTable, playground: Playground) -> None:
    def channel(args: Args) -> object:
        return {"id": playground.channel(*(str(one) for one in args.listing("people")))}

    def thread(args: Args) -> object:
        return {"id": playground.thread(args.text("person"), args.text("chat"))}

    def shown(args: Args) -> object:
        return [one.as_json() for one in playground.shown(args.text("chat"), args.maybe_text("thread"))]

    table.add("POST", "person", lambda args: {"id": playground.person(args.text("name", ""))})
    table.add("POST", "direct", lambda args: {"id": playground.direct(args.text("person"))})
    table.add("POST", "channel", channel)
    table.add("POST", "thread", thread)
    table.add("GET", "shown", shown)


def _add_doings(table: ControlTable, playground: Playground) -> None:
    def say(args: Args) -> object:
        said = playground.say(
            args.text("person"),
            args.text("chat"),
            args.text("text"),
            thread=args.text("thread", ""),
            mention=args.flag("mention", default=False),
            reply_to=args.text("reply_to", ""),
        )
        return {"id": said}

    def click(args: Args) -> object:
        playground.press(args.text("person"), args.text("chat"), args.text("message"), args.text("label"))
        return True

    def disconnect(_: Args) -> object:
        playground.disconnect()
        return True

    def repeat(args: Args) -> object:
        playground.redeliver(args.text("chat"), args.text("message"))
        return True

    def shut_out(args: Args) -> object:
        playground.shut_out(args.text("chat"))
        return True

    table.add("POST", "say", say)
    table.add("POST", "click", click)
    table.add("POST", "disconnect", disconnect)
    table.add("POST", "repeat", repeat)
    table.add("POST", "shut_out", shut_out)


def _add_conditions(table: ControlTable, playground: Playground) -> None:
    async def enough(args: Args) -> object:
        chat, count = args.text("chat"), args.integer("count")

        def probe() -> int | None:
            have = len(replies(playground, chat))
            return have if have >= count else None

        return await playground.events.until(probe)

    async def text(args: Args) -> object:
        chat, wanted = args.text("chat"), args.text("text")

        def probe() -> JsonObject | None:
            found = [one for one in replies(playground, chat) if wanted in one.text]
            return found[-1].as_json() if found else None

        return await playground.events.until(probe)

    async def connected(_: Args) -> object:
        return await playground.events.until(lambda: playground.connected() or None)

    table.add_condition("replies", enough)
    table.add_condition("reply_text", text)
    table.add_condition("connected", connected)
