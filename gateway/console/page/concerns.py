"""What there is to say about a gateway: the worst first, each with what can be done about it."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import assert_never
from urllib.parse import urlencode

from gateway.model.browsing import Owed, Unsent
from gateway.model.delivery import GIVEN_UP, DeliveryState
from gateway.model.operation import ConfigStatus, GatewayStatus, Intent, Phase
from gateway.model.overview import Overview, Pending
from gateway.model.session import Reason, SessionState
from gateway.rules.words import DAY, counted, lasting

OLD = 60.0
"""Seconds that a message may wait, or an answer be owed, before it is worth a word."""


class Level(IntEnum):
    """How much it matters: `wrong` is for being woken up, `look` is for a person, `note` is to be known."""

    FINE = 0
    NOTE = 1
    LOOK = 2
    WRONG = 3


@dataclass(frozen=True, slots=True)
class Press:
    """Something to press: its label, and where it leads."""

    label: str
    href: str


@dataclass(frozen=True, slots=True)
class Concern:
    """One thing to know, in a sentence; `then` says what it means and what to do about it."""

    level: Level
    text: str
    then: str = ""
    presses: tuple[Press, ...] = ()
    key: str = ""


def do(verb: str, **about: object) -> str:
    """The address at which something is asked to be confirmed."""
    return f"/do/{verb}" + (f"?{urlencode(about)}" if about else "")


UNDRAIN = Press("Keep serving", do("undrain"))
RESTART = Press("Restart", do("restart"))
RELOAD = Press("Reload config", do("reload"))


def concerns(
    status: GatewayStatus, overview: Overview | None, unsent: Unsent | None, now: float, why: str = ""
) -> tuple[Concern, ...]:
    """Everything, the worst first. Of a ledger that cannot be read: only that, and why."""
    found = [*_of_process(status)]
    if overview is None or unsent is None:
        then = f"It says: {why}. What waits and what is owed cannot be shown: `carryon doctor` looks into it."
        found.append(Concern(Level.WRONG, "The ledger cannot be read", then, key="unreadable"))
    else:
        found += (*_of_deliveries(overview, unsent, now), *_of_sessions(overview, now))
    if status.config is not None:
        found += _of_config(status.config)
    return tuple(sorted(found, key=lambda one: -one.level))


def headline(status: GatewayStatus, found: Sequence[Concern]) -> Concern:
    """The one sentence about a gateway: what is wrong, else whether it serves, and what to look at."""
    if found and found[0].level is Level.WRONG:
        return found[0]
    if stopping := next((one for one in found if one.key == "phase"), None):
        return stopping
    look = [one for one in found if one.level is Level.LOOK]
    if look:
        first = look[0].text[0].lower() + look[0].text[1:]
        more = f", and {counted(len(look) - 1, 'more thing')}" if len(look) > 1 else ""
        return Concern(Level.LOOK, f"Serving, but {first}{more}", key="look")
    at_work = f"; {counted(len(status.running), 'turn')} at work" if status.running else ""
    return Concern(Level.FINE, f"Serving{at_work}", key="serving")


def _of_process(status: GatewayStatus) -> Iterator[Concern]:
    if not status.ledger_writable:
        yield Concern(
            Level.WRONG,
            "The ledger cannot be written",
            "Nothing new is accepted or answered until it can; nothing accepted is lost. "
            "Free space on the disk of state_dir, or make it writable: the gateway then goes on by itself.",
            key="ledger",
        )
    if status.ledger_damaged:
        yield Concern(
            Level.WRONG,
            "The ledger is damaged",
            "Parts of it cannot be read, and more may be lost with each write. Stop the gateway: `carryon "
            "doctor` then looks into it, and `carryon restore` brings back a backup.",
            key="damage",
        )
    yield from _of_phase(status)
    yield from _of_accounts(status)
    if status.breaker_open:
        yield Concern(
            Level.LOOK,
            "The loop breaker is open: the gateway crashed too often lately",
            "Interrupted conversations are not resumed by themselves in this boot. Each goes on with its "
            "next message, or when you press Resume. Restarts shows what each crash cut.",
            (Press("Restarts", "/restarts"),),
            key="breaker",
        )


def _of_phase(status: GatewayStatus) -> Iterator[Concern]:
    doing = "Restarting" if status.intent is Intent.RESTART else "Stopping"
    match status.phase:
        case Phase.SERVING:
            return
        case Phase.WAITING:
            turns = counted(len(status.running), "running turn")
            longest = f", {lasting(status.deadline)} at most" if status.deadline is not None else ""
            then = "New messages are kept, and answered after the next start. Stop again to wait no longer."
            text = f"{doing}: waits for {turns}{longest}"
            yield Concern(Level.LOOK, text, then, (UNDRAIN,), key="phase")
        case Phase.CUTTING:
            then = "What still runs is marked, then interrupted. It is gone on with after the next start."
            yield Concern(Level.LOOK, f"{doing}: ends what still runs", then, key="phase")
        case Phase.FLUSHING:
            yield Concern(Level.LOOK, f"{doing}: sends the last answers", key="phase")
        case Phase.STOPPED:
            yield Concern(Level.LOOK, f"{doing}: everything is written", key="phase")
        case _:
            assert_never(status.phase)


def _of_accounts(status: GatewayStatus) -> Iterator[Concern]:
    out = [one for one in status.accounts if not one.connected]
    if not out:
        return
    if len(out) == len(status.accounts):
        text = "No account is connected" if len(out) > 1 else f"The account {out[0].name} is not connected"
        level = Level.WRONG
    else:
        verb = "is" if len(out) == 1 else "are"
        text = f"{counted(len(out), 'account')} of {len(status.accounts)} {verb} not connected"
        level = Level.LOOK
    whys = "; ".join(f"{one.name}: {one.why or 'no reason is known'}" for one in out)
    then = f"{whys}. It is tried again by itself; what is written meanwhile is found later."
    yield Concern(level, text, then, key="accounts")


def _of_config(config: ConfigStatus) -> Iterator[Concern]:
    if config.problems:
        yield Concern(
            Level.LOOK,
            f"The config file has {counted(len(config.problems), 'problem')}",
            f"What was read before still counts. {config.problems[0]}",
            (RELOAD,),
            key="config",
        )
    if config.needs_restart:
        keys = ", ".join(config.needs_restart)
        yield Concern(
            Level.NOTE, "The config needs a restart", f"Changed: {keys}.", (RESTART,), key="restart"
        )


def _of_deliveries(overview: Overview, unsent: Unsent, now: float) -> Iterator[Concern]:
    held = [one for one in unsent.undecided if one.delivery.state is DeliveryState.HELD]
    waiting = overview.deliveries.get(DeliveryState.HELD, len(held))  # all of them, also those not listed
    if waiting:
        then = "It may have arrived. Retry sends it, perhaps for a second time; Drop gives it up."
        text = _so_many(waiting, "wait for your decision")
        yield Concern(Level.LOOK, text, then, _decide(held, waiting), "held")
    rejected = [one for one in unsent.undecided if _is_refused(one, now)]
    if rejected:
        text = _so_many(len(rejected), "were refused by the platform lately")
        yield Concern(Level.NOTE, text, "Retry sends once more.", _see("undecided"), "rejected")
    old = min((one.since for one in unsent.owed), default=now)
    if now - old > OLD:
        then = "They are sent by themselves as soon as their account and its limits allow it."
        text = f"Answers have been waiting to be sent for {lasting(now - old)}"
        yield Concern(Level.LOOK, text, then, _see("owed"), "owed")


def _decide(held: Sequence[Owed], waiting: int) -> tuple[Press, ...]:
    """A single one can be decided at once."""
    if waiting != 1 or not held:
        return _see("undecided")
    ident = held[0].delivery.id
    return Press("Retry", do("retry", delivery=ident)), Press("Drop", do("drop", delivery=ident))


def _is_refused(one: Owed, now: float) -> bool:
    refused = one.delivery.state is DeliveryState.REJECTED and one.delivery.error != GIVEN_UP
    return refused and now - one.since < DAY


def _so_many(number: int, what: str) -> str:
    words = what.replace("wait ", "waits ").replace("were ", "was ") if number == 1 else what
    return f"{counted(number, 'answer')} {words}"


def _see(part: str) -> tuple[Press, ...]:
    return (Press("Show", f"/#{part}"),)


def _of_sessions(overview: Overview, now: float) -> Iterator[Concern]:
    loops = _suspended(overview.pending, loop=True)
    if loops:
        text = f"{counted(len(loops), 'conversation')} kept failing and {_is(loops)} suspended"
        then = "Each resume ended without an answer. Look at its last turns before you resume it."
        yield Concern(Level.LOOK, text, then, _first(loops), "loops")
    manual = _suspended(overview.pending, loop=False)
    if manual:
        text = f"{counted(len(manual), 'conversation')} {_is(manual)} suspended"
        yield Concern(Level.NOTE, text, "By a person; Resume lets it go on.", _see("pending"), "suspended")
    pending = overview.interrupted
    if pending:
        text = f"{counted(pending, 'conversation')} {'was' if pending == 1 else 'were'} interrupted"
        then = "What happens next is said below for each."
        yield Concern(Level.NOTE, text, then, _see("pending"), "interrupted")
    if overview.waiting_since is not None and now - overview.waiting_since > OLD:
        since = lasting(now - overview.waiting_since)
        text = f"{counted(overview.waiting, 'message')} waiting, the first for {since}"
        yield Concern(Level.NOTE, text, "", _see("queues"), "waiting")


def _suspended(pending: Iterable[Pending], *, loop: bool) -> list[Pending]:
    return [
        one
        for one in pending
        if one.state is SessionState.SUSPENDED and (one.reason == Reason.RESUME_LOOP) is loop
    ]


def _first(some: Sequence[Pending]) -> tuple[Press, ...]:
    if len(some) == 1:
        return (Press("Look", f"/sessions/{some[0].session_id}"),)
    return _see("pending")


def _is(some: Sequence[object]) -> str:
    return "is" if len(some) == 1 else "are"
