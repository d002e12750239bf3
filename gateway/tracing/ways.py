"""Makes spans of what happens: one trace for each message, from its commit to its answer.

Everything about a turn is sent when it has ended. What the death of a process cut short is told, from the
ledger, by the one that goes on with it: under the same ids, so that each trace is whole and tells nothing
twice. The root is sent when nothing more comes, for nobody says which delivery of an answer is the last.
Nothing in a span was written by a person or an agent.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from gateway.model.delivery import DeliveryKind
from gateway.model.happening import DeliverySettled, Received, Sending, SessionOpened, TurnBegan, TurnEnded
from gateway.model.session import Reason
from gateway.model.turn import TurnRecord, TurnState
from gateway.tracing.history import Past, answered, unseen
from gateway.tracing.spans import Ids, Place, Span, Value

T = TypeVar("T")

QUIET = 5.0
"""Seconds without news after which an answer is whole."""

STALE = 900.0
"""Seconds after which nobody waits any longer for what may still be sent."""

REMEMBERED = 10_000
"""Messages and turns that are remembered at once; the oldest is forgotten first."""

_ANSWERS = frozenset({DeliveryKind.REPLY, DeliveryKind.FILE})
_WORDS = _ANSWERS | {DeliveryKind.STREAM}
_OPEN = frozenset({Sending.DELAYED, Sending.UNKNOWN, Sending.REPEATED})
_ARRIVED = frozenset({Sending.SENT, Sending.FOUND})
_REASONS = frozenset(reason.value for reason in Reason)
_WITHOUT_ANSWER = frozenset({TurnState.CANCELLED, TurnState.SUPERSEDED})


@dataclass(slots=True)
class _Turn:
    """A turn that runs, or whose answer is on its way. `root` is its message's span.

    `owned`: that span is not sent yet, and nobody else will. `waiting` are deliveries that are tried again.
    """

    turn_id: int
    root: Place
    account: str
    message_id: int
    received_at: float
    owned: bool
    attributes: dict[str, Value]
    began_at: float
    last: float
    state: TurnState = TurnState.RUNNING
    past: Past | None = None
    resumes: str | None = None
    mode: str = ""
    spoke: bool = False
    answered: bool = False
    waiting: set[int] = field(default_factory=set[int])
    tries: dict[int, tuple[int, float]] = field(default_factory=dict[int, tuple[int, float]])
    held: list[Span] = field(default_factory=list[Span])

    @property
    def whole(self) -> bool:
        """Whether, as far as one can see, nothing more comes."""
        return not self.waiting and (self.answered or not self.owned or self.state in _WITHOUT_ANSWER)


class Ways:
    """The messages that are under way in this process."""

    def __init__(self, ids: Ids, send: Callable[[Span], None]) -> None:
        self._ids = ids
        self._send = send
        self._came: OrderedDict[int, Received] = OrderedDict()
        self._turns: OrderedDict[int, _Turn] = OrderedDict()
        self._gone: OrderedDict[int, _Turn] = OrderedDict()

    def knows(self, turn_id: int) -> bool:
        """Whether what is delivered for this turn has a place without asking the ledger."""
        return turn_id in self._turns or turn_id in self._gone

    def received(self, came: Received) -> None:
        """A message came; what the ledger does not keep of that is remembered."""
        if came.message_id is not None:
            _remember(self._came, came.message_id, came)

    def began(self, began: TurnBegan, past: Past | None) -> None:
        """A turn began. `past` is that of one that goes on with another."""
        message_id, received_at = began.message_id, began.received_at
        if past is not None:
            message_id, received_at = past.message.id, past.message.received_at
        turn = self._turn(began.turn_id, began.account, message_id, received_at, began.at)
        turn.past, turn.resumes = past, began.resumes
        turn.owned = past is None or not answered(past.turns[1:])
        if past is None or len(past.turns) == 1:
            place = self._ids.within(turn.root, "queue", began.turn_id)
            turn.held.append(Span("queue wait", place, began.received_at, began.at, turn.root))

    def opened(self, opened: SessionOpened) -> None:
        """An agent holds the conversation."""
        turn = self._turns.get(opened.turn_id)
        if turn is None:
            return
        turn.mode = opened.mode.value
        about: dict[str, Value] = {"carryon.agent": opened.agent, "carryon.resume.mode": opened.mode.value}
        place = self._ids.within(turn.root, "opening", opened.turn_id, len(turn.held))
        parent = self._of_turn(turn.root, opened.turn_id)
        turn.held.append(Span("opening", place, opened.at - opened.seconds, opened.at, parent, about))

    def ended(self, ended: TurnEnded) -> None:
        """A turn ended: it is told, with all that it had gone on with and that nobody had told yet."""
        turn = self._turns.get(ended.turn_id)
        if turn is None:
            return
        turn.state, turn.last = ended.state, ended.at
        turn.attributes["carryon.turn.state"] = ended.state.value
        if turn.past is not None:
            self._tell_past(turn, turn.past)
        about: dict[str, Value] = {
            "carryon.agent": ended.agent,
            "carryon.session": ended.session_id,
            "carryon.turn": ended.turn_id,
            "carryon.turn.state": ended.state.value,
        }
        if turn.mode:
            about["carryon.resume.mode"] = turn.mode
        if turn.resumes is not None:
            about["carryon.resume.reason"] = _known(turn.resumes)
        bad = ended.state in (TurnState.FAILED, TurnState.INTERRUPTED)
        self._send(
            Span(
                "turn",
                self._of_turn(turn.root, ended.turn_id),
                ended.began_at,
                ended.at,
                turn.root,
                about,
                self._goes_on_with(turn),
                _known(ended.reason or ended.state.value) if bad else "",
            )
        )
        for span in turn.held:
            self._send(span)
        turn.held.clear()
        turn.owned = turn.owned and ended.state is not TurnState.INTERRUPTED

    def delivered(self, done: DeliverySettled, past: Past | None) -> None:
        """An attempt to send something of a turn. `past` is that of a turn that this process did not run."""
        turn_id = done.turn_id
        if turn_id is None:
            return
        turn = self._turns.get(turn_id) or self._gone.get(turn_id)
        if turn is None and past is not None:
            message, record = past.message, past.turns[0]
            turn = self._turn(turn_id, done.account, message.id, message.received_at, record.started_at)
            turn.state, turn.spoke = record.state, True
            turn.owned = record.state is not TurnState.INTERRUPTED and not answered(past.turns[1:])
            turn.attributes["carryon.turn.state"] = record.state.value
        if turn is not None:
            self._tell_delivery(turn, done)

    def _tell_delivery(self, turn: _Turn, done: DeliverySettled) -> None:
        number, since = turn.tries.get(done.delivery_id, (0, done.claimed_at or done.at))
        turn.tries[done.delivery_id] = number + 1, done.at
        about: dict[str, Value] = {
            "carryon.delivery": done.delivery_id,
            "carryon.delivery.attempt": number + 1,
            "carryon.delivery.kind": done.kind.value,
            "carryon.delivery.outcome": done.outcome.value,
        }
        # One that was cut by a crash was tried by another process before, which may have told of it.
        place = self._ids.within(turn.root, f"delivery:{done.at!r}", done.delivery_id, number)
        error = "" if done.outcome in _ARRIVED else done.outcome.value
        self._tell(turn, Span("delivery", place, since, done.at, turn.root, about, error=error))
        turn.last = max(turn.last, done.at)
        if done.outcome in _OPEN:
            turn.waiting.add(done.delivery_id)
        else:
            turn.waiting.discard(done.delivery_id)
            turn.answered = turn.answered or done.kind in _ANSWERS
        if done.outcome in _ARRIVED and done.kind in _WORDS and not turn.spoke:
            turn.spoke = True
            place = self._ids.within(turn.root, "words", turn.turn_id)
            parent = self._of_turn(turn.root, turn.turn_id)
            self._tell(turn, Span("first words", place, turn.began_at, done.at, parent))

    def settle(self, now: float) -> None:
        """Send the roots of messages of which nothing has been heard for a while."""
        for turn in tuple(self._turns.values()):
            silent = now - turn.last
            if turn.state is not TurnState.RUNNING and ((turn.whole and silent >= QUIET) or silent >= STALE):
                self._close(turn)

    def close(self) -> None:
        """Nothing more comes. What is not answered yet is told by the process that answers it."""
        for turn in tuple(self._turns.values()):
            if turn.state is not TurnState.RUNNING and turn.whole:
                self._close(turn)

    def _turn(
        self, turn_id: int, account: str, message_id: int, received_at: float, began_at: float
    ) -> _Turn:
        about: dict[str, Value] = {"carryon.account": account, "carryon.message": message_id}
        came = self._came.pop(message_id, None)
        if came is not None:
            about["carryon.found"] = came.found
            if came.sent_at is not None:
                about["carryon.sent_at"] = came.sent_at
        root = self._ids.root(message_id)
        turn = _Turn(
            turn_id,
            root,
            account,
            message_id,
            received_at,
            True,
            about,
            began_at,
            began_at,
        )
        _remember(self._turns, turn_id, turn)
        return turn

    def _tell(self, turn: _Turn, span: Span) -> None:
        if turn.state is TurnState.RUNNING:
            turn.held.append(span)
        else:
            self._send(span)

    def _tell_past(self, turn: _Turn, past: Past) -> None:
        """The turns that a dead process left, and the end of a message that another one took over."""
        self._tell_unseen(turn.root, past, past.turns[1:])
        earlier = past.earlier
        if earlier is None:
            return
        root, message = self._ids.root(earlier.message.id), earlier.message
        self._tell_unseen(root, earlier, earlier.turns)
        if not answered(earlier.turns):
            about: dict[str, Value] = {
                "carryon.account": turn.account,
                "carryon.message": message.id,
                "carryon.turn.state": TurnState.INTERRUPTED.value,
                "carryon.taken_over_by": turn.message_id,
            }
            by = (self._of_turn(turn.root, turn.turn_id),)
            self._send(Span("message", root, message.received_at, turn.began_at, None, about, by))

    def _tell_unseen(self, root: Place, past: Past, turns: tuple[TurnRecord, ...]) -> None:
        for record in unseen(turns):
            if record.id == past.turns[-1].id:
                place = self._ids.within(root, "queue", record.id)
                asked_at = past.message.received_at
                self._send(Span("queue wait", place, asked_at, max(asked_at, record.started_at), root))
            about: dict[str, Value] = {
                "carryon.session": record.session_id,
                "carryon.turn": record.id,
                "carryon.turn.state": record.state.value,
            }
            if record.resume_mode is not None:
                about["carryon.resume.mode"] = record.resume_mode.value
            before = record.resumes_turn_id
            here = before is not None and record.id != past.turns[-1].id
            links = (self._of_turn(root, before),) if here and before is not None else ()
            place, end = self._of_turn(root, record.id), record.ended_at or record.started_at
            why = _known(record.reason or "")
            self._send(Span("turn", place, record.started_at, end, root, about, links, why))

    def _goes_on_with(self, turn: _Turn) -> tuple[Place, ...]:
        """The turn before it, in its own trace or in that of an earlier message."""
        past = turn.past
        if past is None:
            return ()
        if len(past.turns) > 1:
            return (self._of_turn(turn.root, past.turns[1].id),)
        if past.earlier is None:
            return ()
        return (self._of_turn(self._ids.root(past.earlier.message.id), past.earlier.turns[0].id),)

    def _of_turn(self, root: Place, turn_id: int) -> Place:
        return self._ids.within(root, "turn", turn_id)

    def _close(self, turn: _Turn) -> None:
        del self._turns[turn.turn_id]
        _remember(self._gone, turn.turn_id, turn)
        if turn.owned:
            failed = "failed" if turn.state is TurnState.FAILED else ""
            span = Span(
                "message", turn.root, turn.received_at, turn.last, None, turn.attributes, error=failed
            )
            self._send(span)


def _remember(store: OrderedDict[int, T], number: int, value: T) -> None:
    store[number] = value
    if len(store) > REMEMBERED:
        store.popitem(last=False)


def _known(reason: str) -> str:
    """A reason of the ledger, if it is a word of this version."""
    return reason if reason in _REASONS or reason in set(TurnState) else "other"
