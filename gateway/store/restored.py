"""What a ledger is told when it comes back from a backup.

If nothing happened since, it goes on exactly where it was. Else an earlier run has gone on that this ledger
knows nothing of: it has answered what waits here, sent what is owed here and given out ids that would be
given out again. So nothing of what was under way is done unasked. It is kept and shown, and a person decides.
"""

import math
import sqlite3
from dataclasses import dataclass

from gateway.model.address import Address
from gateway.store import restore_statements as sql

IDS_PER_SECOND = 1000
"""More than a gateway gives out of any kind."""

IDS_AT_LEAST = 100_000

HELD = "held: it was owed when the backup was taken, and may have been sent since"
DROPPED = "the ledger was restored from a backup; it may have been sent"

Stand = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Suspended:
    """A conversation that had something under way."""

    session_id: int
    address: Address


@dataclass(frozen=True, slots=True)
class Settled:
    """What was done to a restored ledger. `answer_since`: see `BootOpening`; None when nothing was done.

    `held` deliveries wait for a person; `orders` were commands and presses of buttons that had not been
    carried out; `granted` people are let in as they were when the backup was taken.
    """

    answer_since: float | None = None
    suspended: tuple[Suspended, ...] = ()
    held: int = 0
    orders: int = 0
    granted: int = 0


def stand(raw: sqlite3.Connection) -> Stand:
    """Where a ledger stands. Two copies of one ledger are equal in this if it was not used in between."""
    boot = raw.execute(sql.LAST_BOOT).fetchone()
    return (boot, *raw.execute(sql.SEQUENCES).fetchall(), *raw.execute(sql.STATES).fetchall())


def counts(raw: sqlite3.Connection) -> dict[str, int]:
    """What a ledger holds, in numbers."""
    return dict(raw.execute(sql.COUNTS).fetchall())


def last_sign(raw: sqlite3.Connection) -> float:
    """When a gateway was last seen alive on a ledger, in seconds since the epoch."""
    return float(raw.execute(sql.LAST_SIGN).fetchone()[0])


def go_on(tx: sqlite3.Connection, taken_at: float, now: float) -> Settled:
    """Nothing happened since the backup was taken."""
    tx.execute(sql.PUT_RESTORE, (taken_at, now, None, 0, 0))
    return Settled()


def set_aside(tx: sqlite3.Connection, taken_at: float, now: float, answer_since: float) -> Settled:
    """The gateway went on after the backup was taken: nothing of what was under way then is done unasked."""
    found = tx.execute(sql.SUSPEND_UNDER_WAY).fetchall()
    suspended = tuple(Suspended(ident, Address(*place)) for ident, *place in sorted(found))
    orders = tx.execute(sql.WITHDRAW_ORDERS).rowcount
    tx.execute(sql.DROP_QUESTIONS, (now,))
    tx.execute(sql.VOID_QUESTIONS, (now,))
    tx.execute(sql.LEAVE_STREAMS)
    tx.execute(sql.DROP_SIGNS, (DROPPED, now))
    held = tx.execute(sql.HOLD_OWED, (HELD,)).rowcount
    tx.execute(sql.FORGET_WHO_ASKED)
    tx.execute(sql.VOID_CODES)
    tx.execute(sql.BEGIN_COUNTING)
    tx.execute(sql.SKIP_IDS, (IDS_AT_LEAST + IDS_PER_SECOND * math.ceil(max(0.0, now - taken_at)),))
    tx.execute(sql.PUT_RESTORE, (taken_at, now, answer_since, len(suspended), held))
    (granted,) = tx.execute(sql.COUNT_GRANTS).fetchone()
    return Settled(answer_since, suspended, held, orders, granted)
