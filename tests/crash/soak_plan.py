"""What happens in a soak, chosen by its seed: who writes what and when, how gateways end, what goes wrong.

Everything is drawn before it is needed and for each life apart, so that one seed means one plan however fast
the machine is. When in its work a kill meets the gateway still depends on the machine.
"""

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from adapters.emulators.faults import Fault, FaultKind, When
from tests.crash.soak_verdict import word

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
    """When something is written, seen from the gateway's life."""

    DOWN = "down"
    STARTING = "starting"
    UP = "up"


@dataclass(frozen=True, slots=True)
class Message:
    """Somebody, by number, writes something, so many seconds after the timing's beginning."""

    chat: int
    text: str
    timing: Timing = Timing.DOWN
    delay: float = 0


def text(number: int, rng: random.Random) -> str:
    """A message with a word of its own; about half of them keep the agent busy for a while."""
    dice = rng.random()
    plain = f"count {rng.choice(WORDS)} {word(number)}"
    if dice < 0.25:
        return f"{plain} [[sleep {rng.choice((100, 200, 300))}ms]]"
    if dice < 0.5:
        return f"{plain} [[tool step{number} {rng.choice((100, 300, 500))}ms]] please"
    return plain


def traffic(seed: int, numbers: range, chats: Sequence[int], lives: int) -> list[list[Message]]:
    """The messages of every life: bursts of random people, spread evenly."""
    rng = random.Random(f"{seed} traffic")
    writers: list[int] = []
    while len(writers) < len(numbers):
        writers += [rng.choice(chats)] * rng.choice(BURSTS)
    said: list[list[Message]] = [[] for _ in range(lives)]
    for index, number in enumerate(numbers):
        timing = rng.choices((Timing.DOWN, Timing.STARTING, Timing.UP), (25, 15, 60))[0]
        message = Message(writers[index], text(number, rng), timing, rng.uniform(0, 0.4))
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
    Way.START: 12,
    Way.RECOVERY: 14,
    Way.EVENT: 28,
    Way.FAILPOINT: 22,
    Way.MOMENT: 12,
    Way.IDLE: 4,
    Way.STOP: 4,
    Way.CUT_STOP: 4,
}
LINES = ("boot.started", "agent.started", "account.ready", "session.resume_scheduled", "session.opened")
EVENTS = (
    ("answered", {"method": "getUpdates"}),
    ("call", {"method": "getUpdates"}),
    ("call", {"method": "sendMessage"}),
    ("answered", {"method": "sendMessage"}),
    ("message", {"from_bot": True}),
    ("message", {"from_bot": False}),
    ("confirmed", {}),
)


@dataclass(frozen=True, slots=True)
class Kill:
    """How one gateway ends. `delay` is in seconds after what `way` waits for."""

    way: Way
    delay: float
    line: str = ""
    event: tuple[str, dict[str, object]] = ("", {})
    nth: int = 1
    failpoint: str = ""
    drain: str = "5s"

    @property
    def stops(self) -> bool:
        """Whether SIGTERM is sent: some failpoints are only reached by stopping."""
        return self.way in (Way.STOP, Way.CUT_STOP) or self.failpoint.startswith("drain.")

    def __str__(self) -> str:
        about = self.line or " ".join(filter(None, (self.event[0], str(self.event[1].get("method", "")))))
        return f"{self.way} {self.failpoint or about} :{self.nth} +{self.delay * 1000:.0f} ms".replace(
            "  ", " "
        )


def kill(seed: int, life: int, names: Sequence[str]) -> Kill:
    """How the gateway of this life ends."""
    rng = random.Random(f"{seed} kill {life}")
    way = rng.choices(tuple(_WEIGHTS), tuple(_WEIGHTS.values()))[0]
    drain = rng.choice(("0s", "100ms", "2s"))
    match way:
        case Way.START:
            return Kill(way, rng.uniform(0, 1.0))
        case Way.RECOVERY:
            return Kill(way, rng.choice((0, rng.uniform(0, 0.15))), line=rng.choice(LINES))
        case Way.EVENT:
            delay = rng.choice((0, rng.uniform(0, 0.02)))
            return Kill(way, delay, event=rng.choice(EVENTS), nth=rng.choice((1, 1, 2, 3, 5)))
        case Way.FAILPOINT:
            nth = rng.choice((1, 1, 2, 3))
            return Kill(way, rng.uniform(0, 0.4), failpoint=rng.choice(names), nth=nth, drain=drain)
        case Way.CUT_STOP:
            return Kill(way, rng.uniform(0, 0.3), nth=rng.choice((1, 2)), drain=drain)
        case _:
            return Kill(way, rng.uniform(0, 0.7), drain=drain)


# Faults of the platform.

_FAULTS = (
    Fault(FaultKind.TOO_MANY, "sendMessage"),
    Fault(FaultKind.SERVER_ERROR, "sendMessage", When.BEFORE),
    Fault(FaultKind.SERVER_ERROR, "sendMessage", When.AFTER),
    Fault(FaultKind.DROP, "sendMessage", When.BEFORE),
    Fault(FaultKind.DROP, "sendMessage", When.AFTER),
    Fault(FaultKind.DROP, "getUpdates", When.BEFORE),
    Fault(FaultKind.DROP, "getUpdates", When.AFTER),
    Fault(FaultKind.BAD_GATEWAY, "getUpdates", When.AFTER),
    Fault(FaultKind.DUPLICATE, "getUpdates", When.AFTER),
    Fault(FaultKind.DUPLICATE, "getUpdates", When.AFTER),
    Fault(FaultKind.DELAY, "sendMessage", When.BEFORE, seconds=0.2),
    Fault(FaultKind.DELAY, "sendMessage", When.AFTER, seconds=0.2),
)
SHARE = 0.35
"""Of the lives, those in which the platform fails once."""


def fault(seed: int, life: int) -> Fault | None:
    """What the platform does wrong in this life."""
    rng = random.Random(f"{seed} fault {life}")
    return rng.choice(_FAULTS) if rng.random() < SHARE else None
