"""What the demo reads in the gateway's ledger: when the agent is at work, and how a turn was continued."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

from gateway.demo.verdict import Continuation
from gateway.model.turn import StepKind, StepStatus, TurnRecord, TurnState
from gateway.store import library
from gateway.store import statements as sql
from gateway.store.offline import reading
from gateway.store.rows import step_of

_SESSIONS = 100  # far more than the demo's people have


def tool_at_work(ledger: Path, chat: int) -> str | None:
    """The tool that the chat's running turn is using at this moment."""
    with reading(ledger) as raw:
        for turn in _turns(raw, chat):
            if turn.state is TurnState.RUNNING:
                for step in map(step_of, raw.execute(sql.STEPS_OF, (turn.id,))):
                    if step.kind is StepKind.TOOL and step.status is StepStatus.RUNNING:
                        return step.title
    return None


def continuation(ledger: Path, chat: int) -> Continuation | None:
    """How the chat's interrupted turn went on; None when it has no such turn."""
    with reading(ledger) as raw:
        turns = list(_turns(raw, chat))
    for cut in turns:
        if cut.state is TurnState.INTERRUPTED:
            for turn in turns:
                if turn.resumes_turn_id == cut.id:
                    return Continuation(cut.state, turn.state, turn.resume_mode, turn.mode_reason or "")
            return Continuation(cut.state)
    return None


def _turns(raw: sqlite3.Connection, chat: int) -> Iterator[TurnRecord]:
    for session in library.sessions(raw, _SESSIONS):
        if session.address.chat == str(chat):
            yield from library.turns(raw, session.id)
