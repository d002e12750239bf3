"""Ledgers of any size, written through the gateway's own schema while no gateway runs.

Each stored session has one message, one finished turn and one reply that was sent. A session that is owed
something has a second message besides, whose turn was running when the gateway died.
"""

import json
import secrets
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

from bench.processes import ACCOUNT
from gateway.agents.demo_store import SessionFiles
from gateway.store.migrate import migrate

FIRST_CHAT = 5_000_001
"""The chat of the first stored session; the others follow."""

QUESTION = "note {}: which way leads to the harbour?"
"""What an owed message asks; the number is its chat."""

_ANSWER = "You said: what is the time at the other end of the line?"
_MESSAGE = "account, event_id, session_id, kind, state, text, origin, received_at, turn_id"
_STATE = "agent, agent_session_id, cwd, last_mode, origin, title, created_at, updated_at"


def fill(ledger: Path, sessions: int) -> None:
    """A new ledger with so many sessions, all at rest."""
    ledger.parent.mkdir(parents=True, exist_ok=True)
    raw = sqlite3.connect(ledger, isolation_level=None)
    migrate(raw)
    raw.execute("PRAGMA synchronous = OFF")
    now = time.time() - 600
    raw.execute("BEGIN")
    raw.execute(
        "INSERT INTO boots (id, replica, pid, state, started_at, seen_at, stopped_at) "
        "VALUES (1, 'bench', 1, 'stopped', ?, ?, ?)",
        (now, now, now),
    )
    raw.executemany(
        f"INSERT INTO sessions (id, account, chat, thread, person, generation, state, {_STATE}) "
        f"VALUES (?, '{ACCOUNT}', ?, '', ?, 1, 'active', 'demo', ?, ?, 'live', ?, 'the time', ?, ?)",
        _sessions(ledger.parent, sessions, now),
    )
    raw.executemany(
        "INSERT INTO turns (id, session_id, boot_id, state, started_at, ended_at, resume_mode, stop_reason, "
        "text) VALUES (?, ?, 1, 'completed', ?, ?, 'live', 'end_turn', ?)",
        ((i, i, now, now, _ANSWER) for i in range(1, sessions + 1)),
    )
    raw.executemany(
        f"INSERT INTO messages ({_MESSAGE}) "
        f"VALUES ('{ACCOUNT}', ?, ?, 'user', 'taken', 'what is the time?', ?, ?, ?)",
        ((f"stored:{i}", i, _origin(i), now, i) for i in range(1, sessions + 1)),
    )
    raw.executemany(
        "INSERT INTO deliveries (account, chat, thread, session_id, turn_id, kind, body, state, attempt, "
        "key, platform_message_id, created_at, settled_at) "
        f"VALUES ('{ACCOUNT}', ?, '', ?, ?, 'reply', ?, 'sent', 1, ?, ?, ?, ?)",
        (
            (_chat(i), i, i, _ANSWER, secrets.token_urlsafe(15), str(i), now, now)
            for i in range(1, sessions + 1)
        ),
    )
    raw.execute("COMMIT")
    _close(raw)


def interrupt(ledger: Path, demo_home: Path, count: int) -> list[int]:
    """A gateway died a second ago while it worked for `count` of the stored sessions; their chats.

    They are spread over all of them, and the demo agent remembers them.
    """
    raw = sqlite3.connect(ledger, isolation_level=None)
    files = SessionFiles(demo_home)
    (total,) = raw.execute("SELECT count(*) FROM sessions").fetchone()
    now = time.time() - 1
    raw.execute("BEGIN")
    raw.execute(
        "INSERT INTO boots (id, replica, pid, state, started_at, seen_at) "
        "VALUES (2, 'bench', 1, 'serving', ?, ?)",
        (now - 60, now),
    )
    chosen = range(1, total + 1, total // count)[:count]
    for session in chosen:
        chat = FIRST_CHAT + session - 1
        question = QUESTION.format(chat)
        agent_session, cwd = raw.execute(
            "SELECT agent_session_id, cwd FROM sessions WHERE id = ?", (session,)
        ).fetchone()
        (turn,) = raw.execute(
            "INSERT INTO turns (session_id, boot_id, state, started_at, resume_mode) "
            "VALUES (?, 2, 'running', ?, 'live') RETURNING id",
            (session, now - 1),
        ).fetchone()
        raw.execute(
            f"INSERT INTO messages ({_MESSAGE}) VALUES ('{ACCOUNT}', ?, ?, 'user', 'taken', ?, ?, ?, ?)",
            (f"owed:{session}", session, question, _origin(session), now - 1, turn),
        )
        files.append(agent_session, {"role": "session", "cwd": cwd})
        files.append(agent_session, {"role": "user", "blocks": ["what is the time?"]})
        files.append(agent_session, {"role": "assistant", "text": _ANSWER})
        files.append(agent_session, {"role": "user", "blocks": [question]})
    raw.execute("COMMIT")
    _close(raw)
    return [FIRST_CHAT + session - 1 for session in chosen]


def _sessions(state: Path, count: int, now: float) -> Iterator[tuple[object, ...]]:
    for i in range(1, count + 1):
        cwd = state / "workspaces" / str(i)
        yield i, _chat(i), "", secrets.token_hex(16), str(cwd), _origin(i), now, now


def _chat(session: int) -> str:
    return str(FIRST_CHAT + session - 1)


def _origin(session: int) -> str:
    chat = _chat(session)
    return json.dumps(["direct", chat, f"User {chat}", "1"])


def _close(raw: sqlite3.Connection) -> None:
    raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    raw.close()
