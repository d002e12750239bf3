"""What goes on right now."""

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.console.page.concerns import Concern, concerns, headline
from gateway.console.page.parts import PageParts
from gateway.model.browsing import LedgerUnreadableError, Owed, Unsent
from gateway.model.delivery import DeliveryState
from gateway.model.operation import GatewayStatus, RunningTurn
from gateway.model.overview import BootEnd, Overview, Pending, Restart
from gateway.model.recovery import Decision, Verdict
from gateway.model.session import Reason, Session, SessionState
from gateway.rules.words import counted

SHOWN = 30
"""Rows of each kind."""

YOUNG = 3600.0
"""Seconds after a crash in which the first page tells of it."""

_WHY_SUSPENDED = {
    Reason.MANUAL.value: "A person suspended it.",
    Reason.RESUME_LOOP.value: "It was resumed too often without an answer.",
}
_STAYS = "It stays so until somebody presses Resume, or sends /resume or /new in the chat."


@dataclass(frozen=True, slots=True)
class Interrupted:
    """A session that does not go on by itself right now, and what happens next, in words."""

    pending: Pending
    outlook: str
    at_work: bool


@dataclass(frozen=True, slots=True)
class AtWork:
    """A running turn and whose it is."""

    turn: RunningTurn
    session: Session | None


@dataclass(frozen=True, slots=True)
class Look:
    """One look at a gateway. Without what the ledger holds where that cannot be read."""

    status: GatewayStatus
    now: float
    found: tuple[Concern, ...]
    overview: Overview | None = None
    unsent: Unsent | None = None

    @property
    def headline(self) -> Concern:
        """The one sentence."""
        return headline(self.status, self.found)


async def look(parts: PageParts) -> Look:
    """Look at the gateway."""
    status, now = parts.operations.status(), parts.clock.now()
    try:
        overview, unsent = await parts.shelf.overview(), await parts.shelf.unsent()
    except LedgerUnreadableError as error:
        return Look(status, now, concerns(status, None, None, now, str(error)))
    return Look(status, now, concerns(status, overview, unsent, now), overview, unsent)


async def now_values(parts: PageParts, seen: Look) -> Mapping[str, object]:
    """What the first page shows."""
    if seen.overview is None or seen.unsent is None:
        return {"readable": False, "crash": None}
    overview = seen.overview
    running = seen.status.running[:SHOWN]
    sessions = await parts.shelf.sessions([turn.session_id for turn in running])
    return {
        "readable": True,
        "crash": await _crash(parts, seen),
        "overview": overview,
        "running": [AtWork(turn, sessions.get(turn.session_id)) for turn in running],
        "queues": overview.queues[:SHOWN],
        "interrupted": await _interrupted(parts, seen, overview),
        "pending": overview.suspended + overview.interrupted,
        "undecided": seen.unsent.undecided,
        "owed": seen.unsent.owed,
        "shown": SHOWN,
        "may_retry": may_retry,
        "may_drop": may_drop,
    }


async def _crash(parts: PageParts, seen: Look) -> Restart | None:
    """The boot before this one, if it crashed and this one is young."""
    this, *before = await parts.shelf.restarts(2)
    if seen.now - this.boot.started_at > YOUNG or not before or before[0].end is not BootEnd.CRASHED:
        return None
    return before[0]


async def _interrupted(parts: PageParts, seen: Look, overview: Overview) -> list[Interrupted]:
    suspended = [one for one in overview.pending if one.state is SessionState.SUSPENDED]
    marked = [one for one in overview.pending if one.state is not SessionState.SUSPENDED]
    shown = (*suspended[:SHOWN], *marked[:SHOWN])
    found = await parts.shelf.candidates([one.session_id for one in shown])
    known = {one.session.id: (one.waiting, one.scheduled, parts.recover(one)) for one in found}
    connected = {one.name for one in seen.status.accounts if one.connected}
    at_work = {turn.session_id: turn.turn_id for turn in seen.status.running}
    made: list[Interrupted] = []
    for one in shown:
        if one.session_id in known:  # else it was deleted since
            waiting, scheduled, decision = known[one.session_id]
            words = outlook(
                one, decision, waiting, scheduled=scheduled, turn=at_work.get(one.session_id), up=connected
            )
            made.append(Interrupted(one, words, one.session_id in at_work))
    return made


def outlook(
    one: Pending, decision: Decision, waiting: int, *, scheduled: bool, turn: int | None, up: set[str]
) -> str:
    """What happens next to a session, in words. `turn` is at work in it; `up` are connected accounts."""
    if one.state is SessionState.SUSPENDED:
        words = f"{_WHY_SUSPENDED.get(one.reason or '', '')} {_STAYS}".lstrip()
        return words + (f" {counted(waiting, 'message')} waiting for that." if waiting else "")
    if turn is not None:
        return f"It is being gone on with now, by turn {turn}."
    account = one.address.account
    soon = "when a place is free" if account in up else f"once {account} is connected"
    match decision.verdict:
        case Verdict.RESUME if scheduled or account not in up:
            return f"It goes on by itself {soon}."
        case Verdict.RESUME:
            return f"It goes on by itself when {account} connects next, or now if you press Resume."
        case Verdict.ANSWER:
            return f"It goes on with its next waiting message, {soon}."
        case Verdict.ASK:
            return "The chat was asked whether to go on, and its answer decides. Resume decides for it."
        case Verdict.SUSPEND:
            return f"It will be suspended at the next start: {decision.why}."
        case Verdict.SKIP:
            return f"It waits for the next message there, or for Resume: {decision.why}."


def may_retry(owed: Owed) -> bool:
    """Whether a person can have it sent."""
    return owed.delivery.state in (DeliveryState.HELD, DeliveryState.REJECTED)


def may_drop(owed: Owed) -> bool:
    """Whether a person can give it up."""
    return owed.delivery.state in (
        DeliveryState.HELD, DeliveryState.UNKNOWN, DeliveryState.PENDING, DeliveryState.REJECTED
    )  # fmt: skip
