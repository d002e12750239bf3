"""Who was let in by a person, and the codes by which strangers ask for it.

Whatever becomes of a code, the notices that told administrators of it say so from then on, and their buttons
go: that is owed in the same transaction. What only expires keeps them; a press then says that it is too late.
"""

import secrets

from gateway.model.address import Route
from gateway.model.delivery import Delivery, DeliveryKind, DeliveryState, Draft
from gateway.model.grant import Grant, Pairing, Role
from gateway.model.message import Refusal
from gateway.model.text import storable
from gateway.rules import pairing as rules
from gateway.store import people_statements as people
from gateway.store import statements as sql
from gateway.store.owing import owe
from gateway.store.rows import delivery_of, origin_of
from gateway.store.streams import edit_of
from gateway.store.tx import Tx

NEVER_TOLD = "it was decided before it was sent"
_UNSEEN = (DeliveryState.PENDING, DeliveryState.HELD)
"""States of a notice that is given up instead of being changed."""


def ask(tx: Tx, refusal: Refusal, now: float) -> Pairing | None:
    """A code for a stranger; None where they have one, valid or refused, or too many of others are valid."""
    account, person = refusal.address.account, refusal.person
    tx.execute(people.FORGET_PAIRINGS, (now,))
    if tx.execute(people.HAS_PAIRING, (account, person)).fetchone():
        return None
    if tx.execute(people.IS_GRANTED, (account, person)).fetchone():
        return None  # let in while this was on its way
    (valid,) = tx.execute(people.COUNT_PAIRINGS, (account,)).fetchone()
    if valid >= rules.MOST_CODES:
        return None
    route = refusal.address.route
    given = Pairing(_code(tx), account, person, storable(refusal.name), route, now, now + rules.VALID_SECONDS)
    values = (given.code, account, person, given.name, route.chat, route.thread, now, given.expires_at)
    tx.execute(people.PUT_PAIRING, values)
    return given


def _code(tx: Tx) -> str:
    while True:
        code = "".join(secrets.choice(rules.ALPHABET) for _ in range(rules.CODE_LENGTH))
        if not tx.execute(people.IS_CODE, (code,)).fetchone():
            return code


def code_text(pairing: Pairing) -> str:
    """What a stranger is told."""
    return rules.code_text(pairing)


def grants(tx: Tx) -> tuple[Grant, ...]:
    """Everybody who was let in."""
    rows = tx.execute(people.GRANTS)
    return tuple(Grant(account, one, name, Role(role), by, at) for account, one, name, role, by, at in rows)


def pairings(tx: Tx, now: float) -> tuple[Pairing, ...]:
    """The codes that are valid, oldest first."""
    return tuple(
        Pairing(code, account, person, name, Route(account, chat, thread), created, expires)
        for code, account, person, name, chat, thread, created, expires in tx.execute(people.PAIRINGS, (now,))
    )


def grant(tx: Tx, given: Grant) -> tuple[Delivery, ...]:
    """Let somebody in, or change their role. Whoever asked by a code is told, where it was given."""
    values = (given.account, given.person, storable(given.name), given.role, given.by, given.at)
    tx.execute(people.PUT_GRANT, values)
    asked = tx.execute(people.USE_PAIRING, (given.account, given.person)).fetchone()
    tx.execute(people.FORGET_PAIRING, (given.account, given.person))
    if asked is None:
        return ()
    code, chat, thread = asked
    draft = Draft(DeliveryKind.NOTICE, rules.welcome_text(given))
    route = Route(given.account, chat, thread)
    welcome = owe(tx, route, draft, given.at, key=rules.welcome_key(given))
    edits = _take_buttons_away(tx, code, f"{rules.let_in_text(given)}.", given.at)
    return (welcome, *edits) if welcome else edits


def refuse_pairing(tx: Tx, account: str, person: str, now: float) -> tuple[Delivery, ...] | None:
    """Make a code void. It stays known for a day, in which its owner is given no other."""
    asked = tx.execute(people.REFUSE_PAIRING, (rules.REFUSED_SECONDS, account, person)).fetchone()
    if asked is None:
        return None
    code, name = asked
    return _take_buttons_away(tx, code, f"{rules.refused_text(person, name)}.", now)


def _take_buttons_away(tx: Tx, code: str, text: str, now: float) -> tuple[Delivery, ...]:
    """Owe the edits of the notices about a code. One that was never sent is dropped instead."""
    owed: list[Delivery] = []
    for row in tx.execute(people.ASKING, rules.asks_keys(code)).fetchall():
        notice = delivery_of(row)
        if notice.state in _UNSEEN:
            tx.execute(sql.SETTLE_REJECTED, (NEVER_TOLD, now, notice.id))
        if notice.state in _UNSEEN or notice.state is DeliveryState.REJECTED:
            continue
        draft = Draft(DeliveryKind.NOTICE, text)
        edit = owe(tx, notice.route, draft, now, session_id=notice.session_id)
        if edit is not None:
            owed.append(edit_of(tx, edit, notice))
    return tuple(owed)


def revoke(tx: Tx, account: str, person: str, now: float) -> bool:
    """Take a grant back; false when there was none. As one who was refused, they get no code for a day."""
    if not tx.execute(people.REVOKE, (account, person)).rowcount:
        return False
    tx.execute(people.PUT_REFUSED, (_code(tx), account, person, now, now + rules.REFUSED_SECONDS))
    return True


def withdraw_of(tx: Tx, account: str, person: str) -> tuple[int, ...]:
    """Take back everything that somebody has waiting, of whatever kind; the sessions in which that was."""
    sessions: dict[int, None] = {}
    for message_id, session_id, origin in tx.execute(people.WAITING_ORIGINS, (account,)).fetchall():
        if origin_of(origin).author_id == person:
            tx.execute(sql.WITHDRAW_MESSAGE, (message_id,))
            sessions[session_id] = None
    return tuple(sessions)
