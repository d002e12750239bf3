"""What the gateway does, read in its ledger: turns as they begin, break off and go on, and deliveries."""

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from gateway.errors import CarryonError
from gateway.model.delivery import Delivery, DeliveryKind, DeliveryState
from gateway.model.turn import TurnRecord, TurnState
from gateway.store.offline import reading
from gateway.store.rows import DELIVERY, TURN, delivery_of, turn_of

# ruff: noqa: S608  what is interpolated are column lists of the ledger's own

_TURNS = (
    "SELECT {turn}, s.account FROM turns JOIN sessions s ON s.id = turns.session_id ORDER BY turns.id"
).format(turn=", ".join(f"turns.{column.strip()}" for column in TURN.split(",")))
_DELIVERIES = f"SELECT {DELIVERY} FROM deliveries ORDER BY id"
_OWING = (
    "SELECT s.account, s.chat FROM messages m JOIN sessions s ON s.id = m.session_id "
    "WHERE m.state = 'waiting' AND m.kind <> 'command' "
    "UNION SELECT s.account, s.chat FROM turns t JOIN sessions s ON s.id = t.session_id "
    "WHERE t.state = 'running' "
    "UNION SELECT account, chat FROM sessions WHERE state <> 'active' "
    "UNION SELECT account, chat FROM deliveries WHERE state IN ('pending', 'sending', 'unknown', 'held')"
)


@dataclass(frozen=True, slots=True)
class Doing:
    """One thing that the gateway has written down. Of the same `about`, the latest is what counts.

    The tone is `alarm` for what went wrong, `good` for what was mended.
    """

    platform: str
    text: str
    tone: str = ""
    about: str = ""


class Doings:
    """Follows a ledger. What was told once is not told again."""

    def __init__(self, ledger: Path) -> None:
        self._ledger = ledger
        self._turns: dict[int, tuple[TurnState, str]] = {}
        self._deliveries: dict[int, DeliveryState] = {}
        self.owing: frozenset[tuple[str, str]] = frozenset()

    def look(self) -> list[Doing]:
        """What is new. A ledger that is not there yet, or cannot be read just now, has nothing new."""
        try:
            with reading(self._ledger) as raw:
                turns = [(turn_of(row[:-1]), str(row[-1])) for row in raw.execute(_TURNS)]
                deliveries = [delivery_of(row) for row in raw.execute(_DELIVERIES)]
                self.owing = _places(raw)
        except CarryonError:
            return []
        return [*self._of_turns(turns), *self._of_deliveries(deliveries)]

    def _of_turns(self, turns: list[tuple[TurnRecord, str]]) -> Iterator[Doing]:
        for turn, account in turns:
            before, mode = self._turns.get(turn.id, (None, ""))
            now = turn.resume_mode or ""
            self._turns[turn.id] = (turn.state, now)
            if before is None:
                whose = f", which goes on with turn {turn.resumes_turn_id}" if turn.resumes_turn_id else ""
                yield Doing(account, f"turn {turn.id} begins{whose}")
            if now and now != mode and turn.resumes_turn_id:
                yield Doing(account, f"resumed: {now} ({turn.mode_reason or ''})", "good")
            if turn.state is not before and turn.state is not TurnState.RUNNING:
                alarm = turn.state in (TurnState.INTERRUPTED, TurnState.FAILED)
                yield Doing(account, f"turn {turn.id} {turn.state}", "alarm" if alarm else "")

    def _of_deliveries(self, deliveries: list[Delivery]) -> Iterator[Doing]:
        for one in deliveries:
            before, self._deliveries[one.id] = self._deliveries.get(one.id), one.state
            if one.state is before or one.state is DeliveryState.SENDING:
                continue
            what, platform, about = f"{_kind(one)} {one.id}", one.route.account, f"delivery {one.id}"
            if one.state is DeliveryState.PENDING:
                yield Doing(platform, f"{what} is owed", "", about)
            elif one.state is DeliveryState.SENT:
                yield Doing(platform, f"{what} {'shown' if one.edits else 'sent'}", "", about)
            else:
                why = one.error or "no reason given"
                yield Doing(platform, f"{what} {one.state}: {why}", "alarm", about)


def _kind(delivery: Delivery) -> str:
    return "beginning" if delivery.kind is DeliveryKind.STREAM else str(delivery.kind)


def _places(raw: sqlite3.Connection) -> frozenset[tuple[str, str]]:
    return frozenset((str(account), str(chat)) for account, chat in raw.execute(_OWING))
