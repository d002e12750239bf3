"""What the ledger knows of a turn's past: with which turns it goes on, and for whose message all of it is."""

from dataclasses import dataclass
from typing import Protocol

from gateway.model.browsing import Conversation, Owed
from gateway.model.message import Message, MessageKind
from gateway.model.session import Reason
from gateway.model.turn import TurnRecord, TurnState

STRETCHES = 8
"""How many stretches of a conversation are looked through for the message that a chain of turns is about."""

_ASKED = frozenset({MessageKind.USER, MessageKind.BUTTON, MessageKind.COMMAND})


class Shelf(Protocol):
    """The ledger for those who leaf through it. Every method raises `LedgerUnreadableError`."""

    async def conversation(self, session_id: int, before: int | None = None) -> Conversation | None:
        """The latest turns of a session, or those before a turn."""
        ...

    async def delivery(self, delivery_id: int) -> Owed | None:
        """One delivery, sent or not."""
        ...


@dataclass(frozen=True, slots=True)
class Past:
    """The work on one person's message: its turns, the latest first, each the continuation of the next.

    `earlier` is the work that was cut short and that the same person's newer message, this one, goes on with.
    """

    message: Message
    turns: tuple[TurnRecord, ...]
    earlier: "Past | None" = None


def unseen(turns: tuple[TurnRecord, ...]) -> tuple[TurnRecord, ...]:
    """The latest turns whose end nobody saw: their process died, and no other has told of them since."""
    for number, turn in enumerate(turns):
        if turn.state is not TurnState.INTERRUPTED or turn.reason != Reason.RESTART_INTERRUPTED:
            return turns[:number]
    return turns


def answered(turns: tuple[TurnRecord, ...]) -> bool:
    """Whether one of them told the chat what became of it."""
    return any(turn.state not in (TurnState.INTERRUPTED, TurnState.RUNNING) for turn in turns)


async def past_of(shelf: Shelf, session_id: int, turn_id: int) -> Past | None:
    """The past of a turn; None where the ledger does not hold enough of it, or it is too long ago."""
    turns, messages = dict[int, TurnRecord](), list[Message]()
    before: int | None = turn_id + 1
    for _ in range(STRETCHES):
        found = await shelf.conversation(session_id, before)
        if found is None:
            return None
        turns |= {turn.id: turn for turn in found.turns}
        messages += found.messages
        past = _past(turns, messages, turn_id)
        before = found.older
        whole = past is None or past.turns[-1].resumes_turn_id is None or past.earlier is not None
        if (past is not None and whole) or before is None:
            return past
    return None


def _past(turns: dict[int, TurnRecord], messages: list[Message], turn_id: int | None) -> Past | None:
    """As much of it as is in these turns and messages."""
    chain: list[TurnRecord] = []
    at, latest = turn_id, True
    while at is not None and at in turns:
        turn = turns[at]
        chain.append(turn)
        at = turn.resumes_turn_id
        if message := _asked(messages, turn.id):
            own = latest and at is not None
            return Past(message, tuple(chain), _past(turns, messages, at) if own else None)
        latest = False
    return None


def _asked(messages: list[Message], turn_id: int) -> Message | None:
    """What a person had said that a turn is about, the first of it."""
    found = [one for one in messages if one.turn_id == turn_id and one.kind in _ASKED]
    return min(found, key=lambda one: one.id, default=None)
