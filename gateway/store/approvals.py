"""Permissions that agents ask for: the question, what became of it, and what was decided for good.

Whatever ends a question (a person, time, the end of its turn, the next boot) owes the edit of its message in
the same transaction: no button stays behind that looks as if it did something.
"""

from gateway.model.address import ChatKind
from gateway.model.delivery import Delivery, DeliveryKind, DeliveryState, Draft
from gateway.model.message import Origin
from gateway.model.permission import (
    APPROVAL_TRANSITIONS,
    Approval,
    ApprovalState,
    OptionKind,
    PermissionRequest,
)
from gateway.model.session import Session
from gateway.model.turn import TurnState
from gateway.rules.offers import question_buttons, question_text, restarted_text, settled_text
from gateway.store import queue_statements as own
from gateway.store import statements as sql
from gateway.store.owing import owe_all
from gateway.store.rows import approval_of, delivery_of, request_text, session_of
from gateway.store.streams import edit_of
from gateway.store.tx import Tx

NEVER_ASKED = "the question was over before it was sent"
_UNSEEN = (DeliveryState.PENDING, DeliveryState.HELD)
"""States of a question that nobody has to be told about: its message is given up instead."""


def open_approval(
    tx: Tx, turn_id: int, request: PermissionRequest, now: float
) -> tuple[Approval, tuple[Delivery, ...]] | None:
    """Owe a question to the chat of a running turn; None when the turn has ended."""
    state, session_id = tx.execute(sql.TURN_STATE, (turn_id,)).fetchone()
    if state != TurnState.RUNNING:
        return None
    values = (session_id, turn_id, request_text(request), ApprovalState.PENDING, now)
    (approval_id,) = tx.execute(sql.INSERT_APPROVAL, values).fetchone()
    session = session_of(tx.execute(sql.SESSION_BY_ID, (session_id,)).fetchone())
    text, buttons = question_text(session.agent or "", request), question_buttons(approval_id, request)
    draft = Draft(DeliveryKind.NOTICE, text, _quoted(session), buttons)
    owed = owe_all(tx, session_id, turn_id, (draft,), now)
    row = tx.execute(sql.SET_QUESTION, (owed[0].id, approval_id)).fetchone()
    return approval_of(row), owed


def _quoted(session: Session) -> str:
    """In groups, a question quotes the message that it is about: its author should see it."""
    origin = session.origin
    return origin.message_ref if origin is not None and origin.chat_kind is ChatKind.GROUP else ""


def settle_approval(
    tx: Tx,
    approval_id: int,
    state: ApprovalState,
    now: float,
    option_id: str,
    by: Origin | None,
) -> tuple[Approval, tuple[Delivery, ...]] | None:
    """End a pending question; None when it is over, or never was."""
    pending = approval(tx, approval_id)
    if pending is None or pending.state.terminal:
        return None
    APPROVAL_TRANSITIONS.check(pending.state, state)
    option = next((one for one in pending.request.options if one.id == option_id), None)
    lasts = by is not None and option is not None and option.kind.lasts
    # A step without a title is like every other one: to remember it would be to allow them all.
    if by is not None and lasts and pending.request.tool.title:
        _remember(tx, pending, state, by, now)
    text = settled_text(pending.request, state, by, lasts=lasts)
    return _end(tx, pending, state, text, now, option_id, by)


def void_of_turn(tx: Tx, turn_id: int, now: float) -> tuple[Delivery, ...]:
    """The turn is over, and nobody waits for an answer any more."""
    owed: list[Delivery] = []
    for row in tx.execute(sql.PENDING_OF_TURN, (turn_id,)).fetchall():
        pending = approval_of(row)
        text = settled_text(pending.request, ApprovalState.VOID, None)
        owed += _end(tx, pending, ApprovalState.VOID, text, now)[1]
    return tuple(owed)


def void_all(tx: Tx, now: float) -> None:
    """A new boot: whatever was asked before it was asked by a process that is gone."""
    for row in tx.execute(sql.PENDING_APPROVALS).fetchall():
        pending = approval_of(row)
        _end(tx, pending, ApprovalState.VOID, restarted_text(pending.request), now)


def approval(tx: Tx, approval_id: int) -> Approval | None:
    """One question."""
    row = tx.execute(sql.APPROVAL_BY_ID, (approval_id,)).fetchone()
    return approval_of(row) if row else None


def pending_of_session(tx: Tx, session_id: int) -> tuple[Approval, ...]:
    """The questions that are open in a session, oldest first."""
    return tuple(approval_of(row) for row in tx.execute(own.PENDING_OF_SESSION, (session_id,)))


def remembered(tx: Tx, session_id: int, request: PermissionRequest) -> OptionKind | None:
    """What a person decided in this conversation for steps of the same kind and title."""
    row = tx.execute(sql.REMEMBERED, (session_id, request.tool.tool_kind, request.tool.title)).fetchone()
    return OptionKind(row[0]) if row else None


def _remember(tx: Tx, pending: Approval, state: ApprovalState, by: Origin, now: float) -> None:
    tool = pending.request.tool
    allowed = state is ApprovalState.ALLOWED
    verdict = OptionKind.ALLOW_ALWAYS if allowed else OptionKind.REJECT_ALWAYS
    values = (pending.session_id, tool.tool_kind, tool.title, verdict, by.author_id, now)
    tx.execute(sql.REMEMBER, values)


def _end(
    tx: Tx,
    pending: Approval,
    state: ApprovalState,
    text: str,
    now: float,
    option_id: str = "",
    by: Origin | None = None,
) -> tuple[Approval, tuple[Delivery, ...]]:
    values = (state, option_id, by.author_id if by else "", now, pending.id)
    row = tx.execute(sql.SETTLE_APPROVAL, values).fetchone()
    return approval_of(row), _take_buttons_away(tx, pending, text, now)


def _take_buttons_away(tx: Tx, ended: Approval, text: str, now: float) -> tuple[Delivery, ...]:
    """Owe the edit of a question's message. One that was never sent is dropped instead."""
    question = delivery_of(tx.execute(sql.DELIVERY_BY_ID, (ended.delivery_id,)).fetchone())
    if question.state in _UNSEEN:
        tx.execute(sql.SETTLE_REJECTED, (NEVER_ASKED, now, question.id))
    if question.state in _UNSEEN or question.state is DeliveryState.REJECTED:
        return ()
    draft = Draft(DeliveryKind.NOTICE, text)
    (owed,) = owe_all(tx, ended.session_id, ended.turn_id, (draft,), now)
    return (edit_of(tx, owed, question),)
