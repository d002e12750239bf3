"""Counts what happens. It is called in passing, several times for each message, so it looks up and adds.

Accounts and reasons that the config and this version do not know are counted as `other`.
"""

from collections import OrderedDict
from collections.abc import Collection
from typing import assert_never

from prometheus_client import Counter, Histogram

from gateway.console.metrics import Meters
from gateway.model.delivery import DeliveryKind
from gateway.model.happening import (
    Committed,
    DeliverySettled,
    Drained,
    Happening,
    Received,
    Reception,
    Sending,
    SessionOpened,
    Started,
    TurnBegan,
    TurnEnded,
)
from gateway.model.overview import BootEnd
from gateway.model.session import Reason, ResumeMode
from gateway.model.turn import TurnState

OTHER = "other"

UNANSWERED = 10_000
"""Turns whose first words are waited for at once; the oldest is forgotten first."""

MOST_AGENTS = 50
"""Agents that are counted by their names: those of the config, and those that a reload brings."""

_ANSWERS = frozenset({DeliveryKind.REPLY, DeliveryKind.STREAM, DeliveryKind.FILE})
_ARRIVED = frozenset({Sending.SENT, Sending.FOUND})


class Census:
    """The witness behind /metrics."""

    def __init__(self, meters: Meters, accounts: Collection[str], agents: Collection[str]) -> None:
        self.drained: Drained | None = None
        self._unanswered: OrderedDict[int, float] = OrderedDict()
        self._meters = meters
        self._of_accounts(accounts)
        self._of_agents(meters)
        for agent in agents:
            self._add_agent(agent)
        self._boots = {
            end: meters.counter("carryon_boots_total", end.value)
            for end in BootEnd
            if end is not BootEnd.RUNNING
        }
        self._waits = meters.histogram("carryon_queue_wait_seconds")
        self._commits = meters.histogram("carryon_commit_duration_seconds")
        self._starts = meters.histogram("carryon_restart_duration_seconds")
        self._drains = meters.histogram("carryon_drain_duration_seconds")

    def _of_accounts(self, accounts: Collection[str]) -> None:
        self._received: dict[tuple[str, Reception], Counter] = {}
        self._found: dict[tuple[str, Reception], Counter] = {}
        self._settled: dict[tuple[str, DeliveryKind, Sending], Counter] = {}
        self._replies: dict[str, Histogram] = {}
        self._sends: dict[str, Histogram] = {}
        for account in accounts:
            self._add_account(account)

    def _add_account(self, account: str) -> None:
        meters = self._meters
        for outcome in (Reception.ACCEPTED, Reception.DUPLICATE, Reception.REFUSED, Reception.LIMITED):
            counter = meters.counter("carryon_messages_received_total", account, outcome.value)
            self._received[account, outcome] = counter
        for outcome, word in ((Reception.ACCEPTED, "answered"), (Reception.TOO_OLD, "too_old")):
            self._found[account, outcome] = meters.counter("carryon_messages_found_total", account, word)
        for kind in DeliveryKind:
            for sent in Sending:
                counter = meters.counter("carryon_deliveries_settled_total", account, kind.value, sent.value)
                self._settled[account, kind, sent] = counter
        self._replies[account] = meters.histogram("carryon_first_reply_seconds", account)
        self._sends[account] = meters.histogram("carryon_delivery_duration_seconds", account)

    def _account(self, name: str) -> str:
        """The label of an account."""
        if name in self._replies:
            return name
        if OTHER not in self._replies:
            self._add_account(OTHER)
        return OTHER

    def _of_agents(self, meters: Meters) -> None:
        self._turns: dict[tuple[str, TurnState, bool], Counter] = {}
        self._durations: dict[str, Histogram] = {}
        self._opened = {mode: meters.counter("carryon_sessions_opened_total", mode) for mode in ResumeMode}
        self._reasons = frozenset(reason.value for reason in Reason)
        self._resumes = {
            (mode, reason): meters.counter("carryon_resumes_total", mode.value, reason)
            for mode in ResumeMode
            for reason in (*self._reasons, OTHER)
        }

    def _add_agent(self, agent: str) -> None:
        for state in (state for state in TurnState if state.terminal):
            for resumed, word in ((False, "false"), (True, "true")):
                counter = self._meters.counter("carryon_turns_total", agent, state.value, word)
                self._turns[agent, state, resumed] = counter
        self._durations[agent] = self._meters.histogram("carryon_turn_duration_seconds", agent)

    def _agent(self, name: str) -> str:
        """The label of an agent: a name that the config has, or had when its conversation was begun."""
        if name in self._durations:
            return name
        known = name if name and len(self._durations) < MOST_AGENTS else OTHER
        if known not in self._durations:
            self._add_agent(known)
        return known

    def __call__(self, happening: Happening) -> None:
        """Count one thing."""
        match happening:
            case Committed():
                self._commits.observe(happening.seconds)
            case DeliverySettled():
                self._count_delivery(happening)
            case Received():
                self._count_reception(happening)
            case TurnBegan():
                self._waits.observe(max(0.0, happening.at - happening.received_at))
                self._unanswered[happening.turn_id] = happening.received_at
                if len(self._unanswered) > UNANSWERED:
                    self._unanswered.popitem(last=False)
            case SessionOpened():
                self._opened[happening.mode].inc()
                if happening.resumes is not None:
                    known = happening.resumes in self._reasons
                    self._resumes[happening.mode, happening.resumes if known else OTHER].inc()
            case TurnEnded():
                agent = self._agent(happening.agent)
                self._turns[agent, happening.state, happening.resumed].inc()
                self._durations[agent].observe(max(0.0, happening.at - happening.began_at))
            case Started():
                self._starts.observe(happening.seconds)
            case Drained():
                self.drained = happening
            case _:
                assert_never(happening)

    def count_boot(self, end: BootEnd) -> None:
        """How the run before this one ended."""
        self._boots[end].inc()

    def count_cut(self, agent: str, *, resumed: bool) -> None:
        """A turn that the death of an earlier process interrupted."""
        self._turns[self._agent(agent), TurnState.INTERRUPTED, resumed].inc()

    def count_drain(self, seconds: float) -> None:
        """How long the stop before this start took."""
        self._drains.observe(seconds)

    def _count_reception(self, came: Received) -> None:
        account = self._account(came.account)
        if came.outcome is not Reception.TOO_OLD:
            self._received[account, came.outcome].inc()
        if (came.found or came.outcome is Reception.TOO_OLD) and (account, came.outcome) in self._found:
            self._found[account, came.outcome].inc()

    def _count_delivery(self, done: DeliverySettled) -> None:
        account = self._account(done.account)
        self._settled[account, done.kind, done.outcome].inc()
        if done.outcome not in _ARRIVED:
            return
        if done.claimed_at is not None:
            self._sends[account].observe(max(0.0, done.at - done.claimed_at))
        if done.turn_id in self._unanswered and done.kind in _ANSWERS:
            received_at = self._unanswered.pop(done.turn_id)
            self._replies[account].observe(max(0.0, done.at - received_at))
