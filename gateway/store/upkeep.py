"""What time does to the ledger: idle conversations end, stale resumes lapse, old ones are forgotten.

Each sweep takes a bounded bite, so that no message ever waits for a long one.
"""

from gateway.store import generations
from gateway.store import statements as sql
from gateway.store.tx import Tx


def reset_idle(tx: Tx, now: float, limit: int) -> tuple[int, ...]:
    """Replace sessions whose time has come by new ones; the ids of the old ones."""
    due = [row[0] for row in tx.execute(sql.IDLE_SESSIONS, (now, limit))]
    for session_id in due:
        tx.execute(sql.SET_IDLE, (None, session_id))
        generations.next_generation(tx, session_id, now)
    return tuple(due)


def expire_resumes(tx: Tx, marked_before: float) -> int:
    """Withdraw resume events of interruptions that have become too old; the sessions keep their marker."""
    return tx.execute(sql.STALE_RESUMES, (marked_before,)).rowcount


def forget(tx: Tx, used_before: float, after_id: int, span: int) -> tuple[int, int | None]:
    """Of `span` ids above `after_id`, delete the sessions that nobody used since and that are owed nothing.

    How many were deleted, and the id to go on from; None at the end. By ids and not by matches, so that a
    bite is as short among a million sessions that stay as among those that go. Ids that were skipped, as
    after a restore, cost nothing.
    """
    last = after_id + span
    old = tx.execute(sql.OLD_SESSIONS, (used_before, after_id, last, used_before)).fetchall()
    for (session_id,) in old:
        for statement in sql.FORGET_SESSION:
            tx.execute(statement, (session_id,))
    (following,) = tx.execute(sql.NEXT_SESSION, (last,)).fetchone()
    return len(old), following - 1 if following is not None else None
