"""What waits in a session, for people who look at it, take something back, or ask once more."""

import sqlite3
from collections.abc import Sequence

from gateway.model.message import Message


def queue(tx: sqlite3.Connection, session_id: int) -> tuple[Message, ...]:
    """The messages of people that wait, the next one first."""
    del tx, session_id
    raise NotImplementedError


def withdraw(tx: sqlite3.Connection, session_id: int, message_ids: Sequence[int]) -> int:
    """Take waiting messages of a session back; how many still waited."""
    del tx, session_id, message_ids
    raise NotImplementedError


def ask_again(tx: sqlite3.Connection, session_id: int, event_id: str, now: float) -> bool:
    """Queue what people last asked once more, files and all; false when nothing was ever asked."""
    del tx, session_id, event_id, now
    raise NotImplementedError
