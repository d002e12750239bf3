"""Which session is the present one at an address: that of the highest generation.

`/new` starts the next generation and keeps the old ones; one that is brought back becomes the highest.
"""

from gateway.model.address import Address
from gateway.model.choices import Chosen
from gateway.model.session import SessionState
from gateway.store import marks
from gateway.store import queue_statements as own
from gateway.store import statements as sql
from gateway.store.rows import chosen_values, session_of, session_state
from gateway.store.tx import Tx


def session_at(tx: Tx, address: Address, now: float) -> tuple[int, SessionState]:
    """The current generation at an address; the first is made when there is none."""
    found = tx.execute(sql.SESSION_AT, _place(address)).fetchone()
    if found:
        return int(found[0]), session_state(found[1])
    return _insert(tx, address, 1, now), SessionState.ACTIVE


def next_generation(tx: Tx, session_id: int, now: float) -> int:
    """A new conversation at the same address, and nothing left to go on with in the old one.

    What a person chose for the old one holds for it too. Repeated after a crash, it finds the new one and
    makes no third.
    """
    session = session_of(tx.execute(sql.SESSION_BY_ID, (session_id,)).fetchone())
    tx.execute(sql.WITHDRAW_WAITING, (session_id,))
    marks.activate(tx, session_id, now)
    newest, _ = tx.execute(sql.SESSION_AT, _place(session.address)).fetchone()
    if newest != session_id:
        return int(newest)
    following = _insert(tx, session.address, session.generation + 1, now)
    choose(tx, following, session.chosen)
    return following


def bring_back(tx: Tx, session_id: int, now: float) -> bool:
    """Make an earlier conversation the present one at its address; false when it is that already.

    What waits in the one that it replaces is withdrawn, unless it was written after the command that brings
    the other back: it goes along. Neither of them goes on by itself with what was cut short in it.
    """
    present, generation = tx.execute(own.NEWEST_AT, (session_id,)).fetchone()
    if present == session_id:
        return False
    tx.execute(own.WRITTEN_SINCE, (session_id, present, present))
    tx.execute(sql.WITHDRAW_WAITING, (present,))
    tx.execute(own.GIVE_UP, (present,))
    tx.execute(own.RENEW, (generation + 1, now, session_id))
    return True


def choose(tx: Tx, session_id: int, chosen: Chosen) -> None:
    """What a person chose for a conversation."""
    tx.execute(sql.CHOOSE, (*chosen_values(chosen), session_id))


def _insert(tx: Tx, address: Address, generation: int, now: float) -> int:
    values = (*_place(address), generation, SessionState.ACTIVE, now, now)
    (session_id,) = tx.execute(sql.INSERT_SESSION, values).fetchone()
    return int(session_id)


def _place(address: Address) -> tuple[str, str, str, str]:
    return address.account, address.chat, address.thread, address.user
