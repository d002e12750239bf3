"""What goes wrong with the platforms of a soak, chosen by its seed, for each life and platform apart."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from adapters.emulators.faults import Fault, FaultKind, When
from adapters.emulators.playground import Methods
from tests.crash.soak_plan import Timing

SHARE = 0.4
"""Of the lives, those in which a platform fails once, platform by platform."""


class What(StrEnum):
    """What happens. A late repeat is one of something that was said long ago."""

    FAULT = "fault"
    DISCONNECT = "disconnect"
    REPEAT = "repeat"
    HURRY = "retries at once"
    REFRESH = "a new connection asked for"
    OUTAGE = "outage"


_WEIGHTS = {
    What.FAULT: 62,
    What.DISCONNECT: 9,
    What.REPEAT: 12,
    What.HURRY: 5,
    What.REFRESH: 4,
    What.OUTAGE: 8,
}


@dataclass(frozen=True, slots=True)
class Trouble:
    """One thing that goes wrong, `delay` seconds after the timing's beginning. An outage lasts `seconds`."""

    platform: str
    what: What
    timing: Timing
    delay: float
    fault: Fault | None = None
    seconds: float = 0
    dice: float = 0

    def __str__(self) -> str:
        """For counting."""
        if self.fault is None:
            return f"{self.what} {self.platform}"
        return f"{self.fault.kind} {self.fault.method}"


def troubles(seed: int, life: int, platforms: dict[str, Methods]) -> list[Trouble]:
    """What goes wrong in this life."""
    return [
        found
        for platform, methods in platforms.items()
        if (found := _trouble(random.Random(f"{seed} trouble {life} {platform}"), platform, methods))
    ]


def _trouble(rng: random.Random, platform: str, methods: Methods) -> Trouble | None:
    if rng.random() >= SHARE:
        return None
    what = rng.choices(tuple(_WEIGHTS), tuple(_WEIGHTS.values()))[0]
    if platform == "telegram" and what in (What.HURRY, What.REFRESH):
        what = What.DISCONNECT  # what a poll knows of it
    if platform == "discord" and what is What.HURRY:
        what = What.REFRESH
    timing = rng.choices((Timing.DOWN, Timing.STARTING, Timing.UP), (30, 20, 50))[0]
    delay, dice = rng.uniform(0, 0.8), rng.random()
    match what:
        case What.FAULT:
            fault = rng.choice(tuple(_faults(platform, methods)))
            return Trouble(platform, what, timing, delay, fault)
        case What.OUTAGE:
            return Trouble(platform, what, timing, delay, seconds=rng.uniform(0.2, 5.0))
        case _:
            return Trouble(platform, what, Timing.UP, delay, dice=dice)


_SIGNS_AND_FILES = {
    "telegram": ("sendDocument", "setMessageReaction"),
    "discord": ("createReaction",),  # a file goes with a message
    "slack": ("files.completeUploadExternal", "upload_url", "reactions.add"),
}
_DOWNLOADS = {"telegram": "downloadFile", "discord": "getAttachment", "slack": "url_private"}
_STREAM = ("chat.startStream", "chat.appendStream", "chat.stopStream")


def _faults(platform: str, methods: Methods) -> Iterator[Fault]:
    writing = [methods.send, methods.send, methods.edit]
    writing += _STREAM if platform == "slack" else ()
    writing += ["startThread"] if platform == "discord" else []
    writing += _SIGNS_AND_FILES[platform]
    for method in writing:
        yield Fault(FaultKind.TOO_MANY, method)
        for when in (When.BEFORE, When.AFTER, When.AFTER):  # after the effect is what is hard
            yield Fault(FaultKind.SERVER_ERROR, method, when)
            yield Fault(FaultKind.BAD_GATEWAY, method, when)
            yield Fault(FaultKind.DROP, method, when)
            yield Fault(FaultKind.HANG, method, when)
            yield Fault(FaultKind.DELAY, method, when, seconds=0.3)
    for method in (methods.receive, methods.history, _DOWNLOADS[platform]):
        if method:
            yield Fault(FaultKind.TOO_MANY, method)
            yield Fault(FaultKind.BAD_GATEWAY, method)
            yield Fault(FaultKind.DROP, method)
            yield Fault(FaultKind.HANG, method)
            yield Fault(FaultKind.DROP, method, When.AFTER)
    told = {"telegram": methods.receive, "discord": "dispatch", "slack": "envelope"}[platform]
    for _ in range(4):
        yield Fault(FaultKind.DUPLICATE, told, When.AFTER)
