"""Faults on command.

A fault strikes the next calls of a method, before or after their effect. "Before" is a call that the platform
never carried out; "after" is one that it did carry out, whose client learns something else. A held call stays
open until it is released or its client leaves, and says that it has arrived, so a crash test can kill the
client exactly between the effect and the response.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from adapters.emulators.calls import Call
from adapters.emulators.events import EventLog, JsonObject


class FaultKind(StrEnum):
    """What goes wrong.

    `hold` goes on normally when released; `hang` is closed without an answer when released. `delay` is a slow
    platform: the effect happens even if the client has left. `duplicate` repeats what the platform delivers.
    """

    TOO_MANY = "429"
    SERVER_ERROR = "500"
    BAD_GATEWAY = "502"
    DROP = "drop"
    HANG = "hang"
    HOLD = "hold"
    DELAY = "delay"
    DUPLICATE = "duplicate"
    RUBBISH = "rubbish"


class When(StrEnum):
    BEFORE = "before"
    AFTER = "after"


@dataclass(frozen=True, slots=True)
class Fault:
    """One order: spare the first `skip` matching calls, strike the next `times`.

    `method` is a method name in any letter case or `*`; `chat` and `text`, when set, must equal the call's
    chat and occur in its text. `seconds` is a delay's length, `retry_after` the seconds announced by a 429.
    """

    kind: FaultKind
    method: str = "*"
    when: When = When.BEFORE
    times: int = 1
    skip: int = 0
    chat: str | None = None
    text: str | None = None
    seconds: float = 0
    retry_after: int = 1

    def matches(self, call: Call) -> bool:
        return (
            (self.method == "*" or self.method.lower() == call.method.lower())
            and (self.chat is None or self.chat == call.chat)
            and (self.text is None or self.text in call.text)
        )


@dataclass(slots=True)
class _Armed:
    number: int
    fault: Fault
    spare: int
    left: int

    def as_json(self) -> JsonObject:
        fault = self.fault
        return {
            "fault": self.number,
            "kind": fault.kind.value,
            "method": fault.method,
            "when": fault.when.value,
            "chat": fault.chat,
            "text": fault.text,
            "spare": self.spare,
            "left": self.left,
        }


@dataclass(frozen=True, slots=True)
class Struck:
    """A fault that has met its call."""

    number: int
    fault: Fault


@dataclass(slots=True)
class _Held:
    number: int
    call: Call
    when: When
    released: asyncio.Event = field(default_factory=asyncio.Event)


class FaultBook:
    """The faults in force, in the order given, and the calls they hold."""

    def __init__(self, events: EventLog) -> None:
        self._events = events
        self._armed: list[_Armed] = []
        self._held: dict[int, _Held] = {}
        self._numbers = 0

    def add(self, fault: Fault) -> int:
        """Arm a fault; its number identifies it in events and for `release` and `remove`."""
        self._numbers += 1
        self._armed.append(_Armed(self._numbers, fault, fault.skip, fault.times))
        return self._numbers

    def take(self, call: Call, when: When, *, kinds: Iterable[FaultKind] | None = None) -> Struck | None:
        """The first fault in force for this call at this moment; taking it uses it up once.

        Duplicates are only taken by a caller that asks for their kind.
        """
        if not self._armed:  # the usual case, on the path of every message
            return None
        for armed in self._armed:
            fault = armed.fault
            if kinds is None:
                fitting = fault.when is when and fault.kind is not FaultKind.DUPLICATE
            else:
                fitting = fault.kind in kinds
            if not fitting or not fault.matches(call):
                continue
            if armed.spare > 0:
                armed.spare -= 1
                continue
            armed.left -= 1
            if armed.left <= 0:
                self._armed.remove(armed)
            self._events.emit(
                "fault",
                {"fault": armed.number, "fault_kind": fault.kind.value, "when": when.value, **_place(call)},
            )
            return Struck(armed.number, fault)
        return None

    async def hold(self, struck: Struck, call: Call) -> None:
        """Return when the call is released; the `held` event says that it is here."""
        held = _Held(struck.number, call, struck.fault.when)
        self._held[call.seq] = held
        self._events.emit("held", _held_json(held))
        try:
            await held.released.wait()
        finally:
            del self._held[call.seq]

    def release(self, *, fault: int | None = None, call: int | None = None) -> int:
        """Let held calls go: those of one fault, one call, or all. Returns how many."""
        chosen = [
            held
            for held in self._held.values()
            if (fault is None or held.number == fault) and (call is None or held.call.seq == call)
        ]
        for held in chosen:
            held.released.set()
        return len(chosen)

    def remove(self, fault: int | None = None) -> int:
        """Disarm one fault or all, and release what they hold. Returns how many were disarmed."""
        before = len(self._armed)
        self._armed = [armed for armed in self._armed if fault is not None and armed.number != fault]
        self.release(fault=fault)
        return before - len(self._armed)

    def armed(self) -> list[JsonObject]:
        return [armed.as_json() for armed in self._armed]

    def held(self) -> list[JsonObject]:
        return [_held_json(held) for held in self._held.values()]


def _place(call: Call) -> JsonObject:
    return {"call": call.seq, "account": call.account, "method": call.method, "chat": call.chat}


def _held_json(held: _Held) -> JsonObject:
    return {"fault": held.number, "when": held.when.value, **_place(held.call)}
