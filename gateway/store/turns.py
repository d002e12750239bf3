"""Turns in the ledger: begun on the earliest waiting message, ended together with what is owed for them."""

import itertools
from collections.abc import Sequence
from dataclasses import replace

from gateway.model.attachment import StoredAttachment
from gateway.model.delivery import Delivery, DeliveryKind, Draft, Receipt
from gateway.model.message import Message, MessageKind
from gateway.model.session import ResumeMode, Session, SessionState, is_given_up
from gateway.model.turn import (
    TURN_TRANSITIONS,
    HistoryTurn,
    Interruption,
    Step,
    StepStatus,
    TurnEnd,
    TurnStart,
    TurnState,
)
from gateway.rules.files import with_mentions
from gateway.store import approvals, files
from gateway.store import statements as sql
from gateway.store.marks import clear_mark, mark_interrupted
from gateway.store.owing import owe_all
from gateway.store.rows import (
    message_of,
    origin_of,
    origin_text,
    session_of,
    step_of,
    turn_of,
    usage_text,
)
from gateway.store.streams import end_with, growing
from gateway.store.tx import Tx

TITLE_LENGTH = 80
CHAIN_LIMIT = 1000
"""How many interruptions in a row a note looks back through. The loop breaker stops far earlier, unless its
limit was set high."""

HISTORY_LIMIT = 500
"""Past turns that are read for a transcript; its own limit on characters is reached far earlier."""


def begin_turn(tx: Tx, session_id: int, boot_id: int, now: float, *, collect: bool) -> TurnStart | None:
    """Start a turn on the earliest waiting message of a session that may work, or on all that people said."""
    session = session_of(tx.execute(sql.SESSION_BY_ID, (session_id,)).fetchone())
    if session.state is SessionState.SUSPENDED:
        return None
    marked = session.state is SessionState.RESUME_PENDING
    if not marked:
        tx.execute(sql.WITHDRAW_RESUMES, (session_id,))  # there is nothing to go on with
    row = tx.execute(sql.NEXT_WAITING, (session_id,)).fetchone()
    if row is None:
        return None
    messages = (message_of(row),)
    if collect and messages[0].kind is MessageKind.USER:
        messages = _together([message_of(one) for one in tx.execute(sql.WAITING_FROM_PEOPLE, (session_id,))])
    messages = tuple(files.with_attachments(tx, one) for one in messages)
    interruption = _interruption(tx, session) if marked else None
    # What was given up is told of once, and is no part of what this turn is about, should it be cut short:
    # unless no agent ever heard of it.
    given_up = is_given_up(session.reason) and _reached_an_agent(tx, session.resume_turn_id)
    resumes = session.resume_turn_id if marked and not given_up else None
    (turn_id,) = tx.execute(sql.INSERT_TURN, (session_id, boot_id, now, resumes)).fetchone()
    for taken in messages:
        tx.execute(sql.TAKE_MESSAGE, (turn_id, taken.id))
    message = _joined(messages)
    if marked:
        # The note goes with this message, so nothing is left for a resume event to say.
        tx.execute(sql.WITHDRAW_RESUMES, (session_id,))
    title = message.text.strip()[:TITLE_LENGTH]
    tx.execute(sql.BEGIN_ON_SESSION, (origin_text(message.origin), title, int(marked), now, session_id))
    (ended,) = tx.execute(sql.HAS_COMPLETED, (session_id,)).fetchone()
    (more,) = tx.execute(sql.MORE_WAITING, (session_id,)).fetchone()
    streams = growing(tx, session_id)
    return TurnStart(turn_id, session, message, interruption, ended, bool(more), streams)


def _together(waiting: Sequence[Message]) -> tuple[Message, ...]:
    """The first ones that can be one message: a slash command is one by itself alone."""
    if waiting[0].text.startswith("/"):
        return (waiting[0],)
    return tuple(itertools.takewhile(lambda one: not one.text.startswith("/"), waiting))


def _joined(messages: Sequence[Message]) -> Message:
    """Several messages as the earliest of them; who is answered is who spoke last."""
    if len(messages) == 1:
        return messages[0]
    text = "\n\n".join(one.text for one in messages if one.text)
    attached = tuple(file for one in messages for file in one.attachments)
    return replace(messages[0], text=text, origin=messages[-1].origin, attachments=attached)


def _reached_an_agent(tx: Tx, turn_id: int | None) -> bool:
    found = tx.execute(sql.TURN_MODE, (turn_id,)).fetchone()
    return found is None or found[0] is not None


def _interruption(tx: Tx, session: Session) -> Interruption | None:
    """The interrupted turn, and those before it that it was itself continuing."""
    if session.resume_turn_id is None or session.resume_marked_at is None or session.reason is None:
        return None
    requests: list[str] = []
    answers: list[str] = []
    steps: list[Step] = []
    sent: list[StoredAttachment] = []
    turn_id: int | None = session.resume_turn_id
    for _ in range(CHAIN_LIMIT):
        if turn_id is None:
            break
        found = tx.execute(sql.TURN_FOR_NOTE, (turn_id,)).fetchone()
        if found is None:
            break
        text, earlier = found
        asked = tx.execute(sql.REQUEST_OF, (turn_id,)).fetchall()
        attached = [files.attached_to(tx, message_id) for message_id, _, _ in asked]
        sent[:0] = [file for of_one in attached for file in of_one]
        spoken = (with_mentions(text, of_one) for (_, text, _), of_one in zip(asked, attached, strict=True))
        requests[:0] = [text for text in spoken if text]
        answers[:0] = [text] if text else []
        steps[:0] = [step_of(row) for row in tx.execute(sql.STEPS_OF, (turn_id,))]
        turn_id = earlier
    return Interruption(
        session.resume_turn_id,
        session.reason,
        session.resume_marked_at,
        "\n\n".join(requests),
        "".join(answers),
        tuple(steps),
        tuple(sent),
        session.resume_attempts,
    )


def record_opening(
    tx: Tx,
    turn_id: int,
    agent: str,
    agent_session_id: str,
    cwd: str,
    mode: ResumeMode,
    why: str,
) -> None:
    """How the agent session was continued, on the turn and on the session."""
    session_id = _running(tx, turn_id)
    tx.execute(sql.SET_TURN_MODE, (mode, why, turn_id))
    tx.execute(sql.SET_AGENT_SESSION, (agent, agent_session_id, cwd, mode, session_id))


def record_steps(tx: Tx, turn_id: int, steps: Sequence[Step]) -> None:
    """Insert or update steps."""
    for step in steps:
        values = (step.seq, step.kind, step.status, step.title, step.tool_call_id, step.tool_kind, step.text)
        tx.execute(sql.PUT_STEP, (turn_id, *values))


def mark_pending(
    tx: Tx, turn_ids: Sequence[int], reason: str, now: float, notice: Draft | None
) -> tuple[Delivery, ...]:
    """Mark the sessions of turns that are about to be interrupted, but not of those that ended."""
    owed: list[Delivery] = []
    for turn_id in turn_ids:
        state, session_id = tx.execute(sql.TURN_STATE, (turn_id,)).fetchone()
        if state == TurnState.RUNNING:
            mark_interrupted(tx, session_id, turn_id, reason, now)
            owed += owe_all(tx, session_id, None, (notice,) if notice else (), now)
    return tuple(owed)


def end_turn(tx: Tx, turn_id: int, end: TurnEnd, now: float) -> tuple[Delivery, ...]:
    """End a turn; its reply is owed from the same moment, and what it asked is void."""
    session_id = _running(tx, turn_id, end.state)
    record_steps(tx, turn_id, end.steps)
    tx.execute(sql.CLOSE_STEPS, (_closing(end.state), turn_id))
    cost = usage_text(end.usage)
    tx.execute(sql.END_TURN, (end.state, end.reason, end.stop_reason, end.text, now, end.mode, cost, turn_id))
    if end.state.ended_well:
        clear_mark(tx, session_id, now)
    elif end.reason:
        mark_interrupted(tx, session_id, turn_id, end.reason, now)
    if end.idle_at is not None:
        tx.execute(sql.SET_IDLE, (end.idle_at, session_id))
    voided = approvals.void_of_turn(tx, turn_id, now)
    owed = end_with(tx, session_id, turn_id, end.drafts, now)
    return (*voided, *owed, *_receipts(tx, session_id, turn_id, end, now))


def _receipts(tx: Tx, session_id: int, turn_id: int, end: TurnEnd, now: float) -> tuple[Delivery, ...]:
    """Signs at the messages that a turn was about, also at those that it went on with."""
    if not end.receipts or end.state is TurnState.INTERRUPTED:
        return ()
    sign = Receipt.DONE if end.state.ended_well else Receipt.FAILED
    refs: list[str] = []
    following: int | None = turn_id
    for _ in range(CHAIN_LIMIT):
        found = tx.execute(sql.TURN_FOR_NOTE, (following,)).fetchone() if following else None
        if found is None:
            break
        asked = tx.execute(sql.REQUEST_OF, (following,))
        refs[:0] = [ref for _, _, origin in asked if (ref := origin_of(origin).message_ref)]
        following = found[1]
    drafts = [Draft(DeliveryKind.RECEIPT, sign, ref) for ref in dict.fromkeys(refs)]
    return owe_all(tx, session_id, turn_id, drafts, now)


def _closing(state: TurnState) -> StepStatus:
    """What becomes of steps that were open when their turn ended."""
    return StepStatus.COMPLETED if state.ended_well else StepStatus.INTERRUPTED


def _running(tx: Tx, turn_id: int, after: TurnState = TurnState.COMPLETED) -> int:
    state, session_id = tx.execute(sql.TURN_STATE, (turn_id,)).fetchone()
    TURN_TRANSITIONS.check(TurnState(state), after)
    return int(session_id)


def history(tx: Tx, session_id: int, before_turn: int) -> tuple[HistoryTurn, ...]:
    """What was said and done in a session before a turn, oldest first."""
    rows = tx.execute(sql.TURNS_BEFORE, (session_id, before_turn, HISTORY_LIMIT)).fetchall()
    past: list[HistoryTurn] = []
    for turn in map(turn_of, reversed(rows)):
        requests = tx.execute(sql.REQUEST_OF, (turn.id,)).fetchall()
        author = origin_of(requests[0][2]).author_name if requests else ""
        said = (with_mentions(text, files.attached_to(tx, message_id)) for message_id, text, _ in requests)
        request = "\n\n".join(text for text in said if text)
        steps = tuple(step_of(row) for row in tx.execute(sql.STEPS_OF, (turn.id,)))
        past.append(HistoryTurn(turn.id, turn.state, author, request, turn.text, steps))
    return tuple(past)
