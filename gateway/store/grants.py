"""Who was let in by a person, and the codes by which strangers ask for it."""

import secrets
import sqlite3

from gateway.model.address import Route
from gateway.model.delivery import DeliveryKind, Draft
from gateway.model.grant import Grant, Pairing, Role
from gateway.model.message import Refusal
from gateway.model.text import storable
from gateway.rules import pairing as rules
from gateway.store import people_statements as people
from gateway.store import statements as sql
from gateway.store.owing import owe
from gateway.store.rows import origin_of


def ask(tx: sqlite3.Connection, refusal: Refusal, now: float) -> Pairing | None:
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


def _code(tx: sqlite3.Connection) -> str:
    while True:
        code = "".join(secrets.choice(rules.ALPHABET) for _ in range(rules.CODE_LENGTH))
        if not tx.execute(people.IS_CODE, (code,)).fetchone():
            return code


def code_text(pairing: Pairing) -> str:
    """What a stranger is told."""
    return rules.code_text(pairing)


def grants(tx: sqlite3.Connection) -> tuple[Grant, ...]:
    """Everybody who was let in."""
    rows = tx.execute(people.GRANTS)
    return tuple(Grant(account, one, name, Role(role), by, at) for account, one, name, role, by, at in rows)


def pairings(tx: sqlite3.Connection, now: float) -> tuple[Pairing, ...]:
    """The codes that are valid, oldest first."""
    return tuple(
        Pairing(code, account, person, name, Route(account, chat, thread), created, expires)
        for code, account, person, name, chat, thread, created, expires in tx.execute(people.PAIRINGS, (now,))
    )


def grant(tx: sqlite3.Connection, given: Grant) -> None:
    """Let somebody in, or change their role. Whoever asked by a code is told, where it was given."""
    values = (given.account, given.person, storable(given.name), given.role, given.by, given.at)
    tx.execute(people.PUT_GRANT, values)
    asked = tx.execute(people.USE_PAIRING, (given.account, given.person)).fetchone()
    tx.execute(people.FORGET_PAIRING, (given.account, given.person))
    if asked:
        draft = Draft(DeliveryKind.NOTICE, rules.welcome_text(given))
        owe(tx, Route(given.account, *asked), draft, given.at, key=rules.welcome_key(given))


def refuse_pairing(tx: sqlite3.Connection, account: str, person: str) -> bool:
    """Make a code void. It stays known for a day, in which its owner is given no other."""
    return tx.execute(people.REFUSE_PAIRING, (rules.REFUSED_SECONDS, account, person)).rowcount > 0


def revoke(tx: sqlite3.Connection, account: str, person: str) -> bool:
    """Take a grant back; false when there was none."""
    return tx.execute(people.REVOKE, (account, person)).rowcount > 0


def withdraw_of(tx: sqlite3.Connection, account: str, person: str) -> tuple[int, ...]:
    """Take back everything that somebody has waiting, of whatever kind; the sessions in which that was."""
    sessions: dict[int, None] = {}
    for message_id, session_id, origin in tx.execute(people.WAITING_ORIGINS, (account,)).fetchall():
        if origin_of(origin).author_id == person:
            tx.execute(sql.WITHDRAW_MESSAGE, (message_id,))
            sessions[session_id] = None
    return tuple(sessions)
