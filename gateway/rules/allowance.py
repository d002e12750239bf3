"""How much one person, or one account, may write before it is asked to slow down.

Counted over a window that slides, by the platform's own time of each message: so what was read back after an
outage counts as it was written, and not all at once.
"""

import math
from bisect import bisect_right, insort
from collections import OrderedDict
from dataclasses import dataclass

from gateway.rules.words import counted

PEOPLE = 10_000
"""People whose messages are counted at once: those that wrote last."""

EVENTS = 20_000
"""Events that are known to have been counted: more than are ever delivered a second time."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """`count` messages in any `seconds`."""

    count: int
    seconds: float


class Window:
    """What was written lately by one of them: at most as many times as may be."""

    __slots__ = ("_times", "_told")

    def __init__(self) -> None:
        self._times: list[float] = []
        self._told: float | None = None

    def told(self, allowance: Allowance, at: float) -> float:
        """When they were told last that it is too much, which they are now unless that was just before."""
        if self._told is None or abs(at - self._told) >= allowance.seconds:
            self._told = at
        return self._told

    def wait(self, allowance: Allowance, at: float) -> float | None:
        """None if one more may be written at `at`, else in how many seconds it may. It is not counted.

        Chats are read back one after the other, so `at` may be earlier than what was counted before.
        """
        times = self._times
        first, end = bisect_right(times, at - allowance.seconds), bisect_right(times, at)
        if end - first < allowance.count:
            return None
        # Rounding may make it a little more than the whole window, which would be named as a second more.
        return min(allowance.seconds, max(0.0, times[end - allowance.count] + allowance.seconds - at))

    def count(self, allowance: Allowance, at: float) -> None:
        """One was written at `at`."""
        insort(self._times, at)
        del self._times[: max(0, len(self._times) - allowance.count)]

    def take(self, allowance: Allowance, at: float) -> float | None:
        """Count a message written at `at`; None if it may be, else in how many seconds the next one may.

        One that may not be is not counted: who goes on trying is not kept out for ever.
        """
        wait = self.wait(allowance, at)
        if wait is None:
            self.count(allowance, at)
        return wait


@dataclass(frozen=True, slots=True)
class Exceeded:
    """Too much was written: in how many seconds the next one may be. `whole`: by all of its account.

    `told` is when its author was told so, now or by an earlier message.
    """

    allowance: Allowance
    seconds: float
    told: float
    whole: bool = False


class Allowances:
    """The counts of one gateway. Bounded, whoever writes: who wrote least lately is forgotten first."""

    def __init__(self, person: Allowance | None, account: Allowance | None = None) -> None:
        self._person = person
        self._account = account
        self._people: OrderedDict[str, Window] = OrderedDict()
        self._accounts: dict[str, Window] = {}
        self._counted: OrderedDict[tuple[str, str], None] = OrderedDict()

    def reconfigure(self, person: Allowance | None, account: Allowance | None = None) -> None:
        """How much may be written from now on; what was counted stays counted."""
        self._person, self._account = person, account

    def take(self, account: str, person: str, event_id: str, at: float) -> Exceeded | None:
        """Count an event of a person, once however often it is delivered; None if it may be."""
        if self._person is None and self._account is None:
            return None
        if (account, event_id) in self._counted:
            return None
        own, whole = self._window(f"{account}:{person}"), self._accounts.setdefault(account, Window())
        if self._person and (wait := own.wait(self._person, at)) is not None:
            return Exceeded(self._person, wait, own.told(self._person, at))
        if self._account and (wait := whole.wait(self._account, at)) is not None:
            return Exceeded(self._account, wait, own.told(self._account, at), whole=True)
        if self._person:
            own.count(self._person, at)
        if self._account:
            whole.count(self._account, at)
        self._counted[account, event_id] = None
        if len(self._counted) > EVENTS:
            self._counted.popitem(last=False)
        return None

    def __len__(self) -> int:
        """How many people are counted."""
        return len(self._people)

    def _window(self, name: str) -> Window:
        found = self._people.pop(name, None) or Window()
        self._people[name] = found
        if len(self._people) > PEOPLE:
            self._people.popitem(last=False)
        return found


def exceeded_text(exceeded: Exceeded) -> str:
    """What the author of messages is told that are not taken: once, however many there are."""
    allowance = exceeded.allowance
    often = f"{counted(allowance.count, 'message')} in {_time(allowance.seconds)}"
    who = (
        "More is written to this bot than it answers"
        if exceeded.whole
        else "You write faster than this bot answers"
    )
    return (
        f"{who} ({often}). What is more than that is not taken: "
        f"please send it again in {_time(max(1.0, exceeded.seconds))}."
    )


def exceeded_key(exceeded: Exceeded, account: str, person: str) -> str:
    """The key under which it is told: once for each person and stretch of that length."""
    return f"limit:{account}:{person}:{exceeded.told:.3f}"


def _time(seconds: float) -> str:
    for size, word in ((3600, "hour"), (60, "minute")):
        if seconds >= 2 * size or seconds == size:
            number = math.ceil(seconds / size)
            return f"{number} {word}{'s' if number > 1 else ''}"
    number = math.ceil(seconds)
    return f"{number} second{'s' if number > 1 else ''}"
