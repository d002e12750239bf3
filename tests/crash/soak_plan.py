"""What happens in a soak, chosen by its seed: who writes what and when, and how gateways end.

Everything is drawn before it is needed and for each life apart, so that one seed means one plan however fast
the machine is. When in its work a kill meets the gateway still depends on the machine. What goes wrong with
the platforms is in `soak_troubles`.
"""

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from adapters.emulators.playground import Methods
from tests.crash.soak_files import made
from tests.crash.soak_verdict import opening, word

_REACH = re.compile(r"\breach\(\"([\w.]+)\"\)")
_GATEWAY = Path(__file__).resolve().parents[2] / "gateway"

WORDS = ("apples", "the old bridge", "täglich", "3 < 4 & 5 > 2", "*stars* and _lines_", "плюс", "🍐🍎")
BURSTS = (1, 1, 1, 1, 2, 2, 3, 5)
"""How many messages somebody writes in a row."""


def failpoints() -> tuple[str, ...]:
    """The names of all places at which a gateway can be made to kill itself."""
    sources = (path.read_text(encoding="utf-8") for path in sorted(_GATEWAY.rglob("*.py")))
    return tuple(sorted({name for source in sources for name in _REACH.findall(source)}))


# Messages.


class Timing(StrEnum):
    """When something is done, seen from the gateway's life."""

    DOWN = "down"
    STARTING = "starting"
    UP = "up"


class Where(StrEnum):
    """Where in a room something is written; in direct chats it is all one, but for Slack's threads."""

    OPENLY = "openly"
    THREAD = "in a thread"
    ASIDE = "not to the bot"


@dataclass(frozen=True, slots=True)
class Message:
    """Somebody in a room, by number, writes something, so many seconds after the timing's beginning.

    `dice`, from 0 to 1, chooses the author and the thread among those that there are by then. A `swapped`
    message reaches the bot after one that is said after it, of another room.
    """

    room: int
    text: str
    timing: Timing = Timing.DOWN
    delay: float = 0
    where: Where = Where.OPENLY
    dice: float = 0
    swapped: bool = False


def text(number: int, rng: random.Random) -> str:
    """A message with words of its own; most of them keep the agent busy, some long enough to see it write.

    With what is to be seen a file comes along.
    """
    plain, end = f"{opening(number)} count {rng.choice(WORDS)}", word(number)
    short, tool = rng.choice((100, 200, 300)), rng.choice((100, 300, 500))
    scripts = {
        f"{plain} {end}": 16,
        f"{plain} [[sleep {short}ms]] {end}": 20,
        f"{plain} [[tool {end} {tool}ms]] please": 20,
        f"{plain} [[sleep 1500ms]] and then {end}": 10,
        f"{plain} [[sleep 1100ms]] slowly [[sleep 1500ms]] and then {end}": 5,
        f"{plain} one [[sleep 700ms]] two [[tool {end} 900ms]] please": 5,
        f"[[tool {end} 1300ms]] {plain} in the end": 5,
        f"{plain} [[file {made(number)}]] {end}": 6,
        f"{plain} one [[sleep 1200ms]] two [[file {made(number)}]] {end}": 3,
        f"{plain} [[see]] {end}": 7,
        f"{plain} [[see]] one [[sleep 1500ms]] and then {end}": 3,
    }
    return rng.choices(tuple(scripts), tuple(scripts.values()))[0]


def aside(number: int) -> str:
    """What people say to each other: nobody is to answer it."""
    return f"by the way, aside{number}x"


def traffic(seed: int, numbers: range, rooms: Sequence[int], lives: int) -> list[list[Message]]:
    """The messages of every life: bursts in random rooms, spread evenly."""
    rng = random.Random(f"{seed} traffic")
    places: list[int] = []
    while len(places) < len(numbers):
        places += [rng.choice(rooms)] * rng.choice(BURSTS)
    said: list[list[Message]] = [[] for _ in range(lives)]
    for index, number in enumerate(numbers):
        timing = rng.choices((Timing.DOWN, Timing.STARTING, Timing.UP), (25, 15, 60))[0]
        where = rng.choices((Where.OPENLY, Where.THREAD, Where.ASIDE), (45, 50, 5))[0]
        delay, dice, swapped = rng.uniform(0, 0.8), rng.random(), rng.random() < 0.03
        message = Message(places[index], text(number, rng), timing, delay, where, dice, swapped)
        said[index * lives // len(numbers)].append(message)
    return said


# Kills.


class Way(StrEnum):
    """What decides when a gateway ends."""

    START = "time after start"
    RECOVERY = "a line of its start"
    EVENT = "platform event"
    FAILPOINT = "failpoint"
    MOMENT = "time after ready"
    IDLE = "nothing to do"
    STOP = "SIGTERM"
    CUT_STOP = "SIGTERM, then SIGKILL"


_WEIGHTS = {
    Way.START: 9,
    Way.RECOVERY: 14,
    Way.EVENT: 27,
    Way.FAILPOINT: 20,
    Way.MOMENT: 10,
    Way.IDLE: 10,
    Way.STOP: 5,
    Way.CUT_STOP: 5,
}
LINES = ("boot.started", "agent.started", "account.ready", "session.resume_scheduled", "session.opened")
_STREAM = ("chat.startStream", "chat.appendStream", "chat.stopStream")

Event = tuple[str, dict[str, object]]


def _events(platform: str, methods: Methods) -> tuple[Event, ...]:
    calls = [methods.receive, methods.send, methods.send, methods.edit, methods.edit]
    calls += [methods.history] if methods.history else []
    calls += _STREAM if platform == "slack" else ()
    return (
        *((kind, {"method": method}) for method in calls for kind in ("call", "answered")),
        *(("message", {"from_bot": from_bot}) for from_bot in (True, True, False, False)),
        ("edit", {"from_bot": True}),
        *((("confirmed", {}),) if platform == "telegram" else ()),
        *((("acked", {}), ("envelope", {})) if platform == "slack" else ()),
    )


@dataclass(frozen=True, slots=True)
class Kill:
    """How one gateway ends. `delay` is in seconds after what `way` waits for.

    `patience` is how many seconds of readiness it is given if that does not happen.
    """

    way: Way
    delay: float
    platform: str = ""
    line: str = ""
    event: Event = ("", {})
    nth: int = 1
    failpoint: str = ""
    drain: str = "5s"
    patience: float = 1.0

    @property
    def stops(self) -> bool:
        """Whether SIGTERM is sent: some failpoints are only reached by stopping."""
        return self.way in (Way.STOP, Way.CUT_STOP) or self.failpoint.startswith("drain.")

    def __str__(self) -> str:
        about = self.line or " ".join(
            filter(
                None, (self.event[0] and self.platform, self.event[0], str(self.event[1].get("method", "")))
            )
        )
        return f"{self.way} {self.failpoint or about} :{self.nth} +{self.delay * 1000:.0f} ms".replace(
            "  ", " "
        )


def kill(seed: int, life: int, names: Sequence[str], platforms: Mapping[str, Methods]) -> Kill:
    """How the gateway of this life ends."""
    rng = random.Random(f"{seed} kill {life}")
    way = rng.choices(tuple(_WEIGHTS), tuple(_WEIGHTS.values()))[0]
    drain, patience = rng.choice(("0s", "100ms", "2s")), rng.choice((0.5, 1.0, 1.0, 2.0, 4.0))
    platform = rng.choice(tuple(platforms))
    match way:
        case Way.START:
            return Kill(way, rng.uniform(0, 2.5))
        case Way.RECOVERY:
            delay = rng.choice((0, rng.uniform(0, 0.3)))
            return Kill(way, delay, platform, line=rng.choice(LINES), patience=patience)
        case Way.EVENT:
            delay, nth = rng.choice((0, rng.uniform(0, 0.02))), rng.choice((1, 1, 2, 3, 5))
            event = rng.choice(_events(platform, platforms[platform]))
            return Kill(way, delay, platform, event=event, nth=nth, patience=patience)
        case Way.FAILPOINT:
            delay, nth = rng.uniform(0, 0.4), rng.choice((1, 1, 2, 3))
            sending = [name for name in names if name.startswith(("outbox.", "stream."))]
            failpoint = rng.choice(rng.choice((names, sending)))
            return Kill(way, delay, failpoint=failpoint, nth=nth, drain=drain, patience=patience)
        case Way.CUT_STOP:
            return Kill(way, rng.uniform(0, 0.3), nth=rng.choice((1, 2)), drain=drain)
        case Way.IDLE:
            return Kill(way, rng.uniform(0, 0.7), patience=12.0)
        case _:
            return Kill(way, rng.uniform(0, 1.5), drain=drain, patience=patience)
