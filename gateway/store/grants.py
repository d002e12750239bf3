"""Who was let in by a person, and the codes by which strangers ask for it."""

import sqlite3

from gateway.model.grant import Grant, Pairing
from gateway.model.message import Refusal


def ask(tx: sqlite3.Connection, refusal: Refusal, now: float) -> Pairing | None:
    """A code for a stranger; None where they have a valid one already, or too many were given."""
    del tx, refusal, now
    raise NotImplementedError


def code_text(pairing: Pairing) -> str:
    """What a stranger is told."""
    del pairing
    raise NotImplementedError


def grants(tx: sqlite3.Connection) -> tuple[Grant, ...]:
    del tx
    return ()


def pairings(tx: sqlite3.Connection, now: float) -> tuple[Pairing, ...]:
    del tx, now
    raise NotImplementedError


def grant(tx: sqlite3.Connection, given: Grant) -> None:
    del tx, given
    raise NotImplementedError


def refuse_pairing(tx: sqlite3.Connection, account: str, person: str) -> bool:
    del tx, account, person
    raise NotImplementedError


def revoke(tx: sqlite3.Connection, account: str, person: str) -> bool:
    del tx, account, person
    raise NotImplementedError


def withdraw_of(tx: sqlite3.Connection, account: str, person: str) -> tuple[int, ...]:
    del tx, account, person
    raise NotImplementedError
