"""What the demo reads in the gateway's ledger: when half an answer is there, and how a turn was continued."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

from gateway.demo.verdict import Continuation
from gateway.model.turn import StepKind, StepStatus, TurnRecord, TurnState
from gateway.store import library
from gateway.store import statements as sql
from gateway.store.offline import reading
from gateway.store.rows import step_of

_BEGUN = "SELECT 1 FROM deliveries WHERE turn_id = ? AND kind = 'stream' AND state = 'sent'"
_SESSIONS = 100  # far more than the demo's people have


def half_answered(ledger: Path, account: str, chat: str) -> bool:
    """Whether the chat shows the beginning of an answer while the agent uses a tool for the rest of it."""
    with reading(ledger) as raw:
        return any(
            turn.state is TurnState.RUNNING and _uses_tool(raw, turn.id) and _has_begun(raw, turn.id)
            for turn in _turns(raw, account, chat)
        )


def continuation(ledger: Path, account: str, chat: str) -> Continuation | None:
    """How the chat's interrupted turn went on; None when it has no such turn."""
    with reading(ledger) as raw:
        turns = list(_turns(raw, account, chat))
    for cut in turns:
        if cut.state is TurnState.INTERRUPTED:
            for turn in turns:
                if turn.resumes_turn_id == cut.id:
                    return Continuation(cut.state, turn.state, turn.resume_mode, turn.mode_reason or "")
            return Continuation(cut.state)
    return None


def _turns(raw: sqlite3.Connection, account: str, chat: str) -> Iterator[TurnRecord]:
    for session in library.sessions(raw, _SESSIONS):
        if (session.address.account, session.address.chat) == (account, chat):
            yield from library.turns(raw, session.id)


def _uses_tool(raw: sqlite3.Connection, turn: int) -> bool:
    steps = map(step_of, raw.execute(sql.STEPS_OF, (turn,)))
    return any(step.kind is StepKind.TOOL and step.status is StepStatus.RUNNING for step in steps)


def _has_begun(raw: sqlite3.Connection, turn: int) -> bool:
    return raw.execute(_BEGUN, (turn,)).fetchone() is not None
