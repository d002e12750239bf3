"""Codes by which strangers ask to be let in, and the words and buttons that go with them.

What a stranger is called is chosen by the stranger and shown to administrators: it is no place for links,
markup, or characters that turn round what follows.
"""

import unicodedata

from gateway.model.delivery import Button
from gateway.model.grant import Grant, Pairing, Role

ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
"""Nothing that is read as something else: neither 0 nor O, neither 1 nor I."""

CODE_LENGTH = 8
VALID_SECONDS = 3600.0
REFUSED_SECONDS = 86400.0
"""How long somebody whom a person has refused is given no new code."""

MOST_CODES = 20
"""Codes of one account that are valid at once. Beyond that strangers are not answered: nobody can flood."""

PAIR = "pair"
_ASKS = "pairing"
_YES, _NO = "y", "n"
_NAME_LENGTH = 60
_BETWEEN = " -\u2010\u2011\u2012\u2013\u2014\u2212_\t\r\n\u00a0"

ADMINS_ONLY = "Only administrators may let people in."
NO_SUCH_CODE = "there is no such code: it was used, refused or mistyped, or is more than an hour old"
TOO_LATE = "This is no longer open: the code was used or refused, or is more than an hour old."
TOO_MANY = "Too many wrong codes. Please try again later, or use `carryon pair approve`."


def normalized(typed: str) -> str | None:
    """A code as it is stored, from what somebody typed; None for what can be none."""
    code = typed.upper().translate({ord(one): None for one in _BETWEEN})
    return code if len(code) == CODE_LENGTH and set(code) <= set(ALPHABET) else None


def spelled(code: str) -> str:
    """A code as people read it."""
    half = CODE_LENGTH // 2
    return f"{code[:half]}-{code[half:]}"


def called(person: str, name: str) -> str:
    """A stranger, for administrators: letters and digits of the name, and the id that cannot be chosen."""
    kept = "".join(one if _is_plain(one) else " " for one in name[: 4 * _NAME_LENGTH])
    plain = " ".join(kept.split())
    shown = plain if len(plain) <= _NAME_LENGTH else f"{plain[: _NAME_LENGTH - 1]}…"
    return f"{shown} ({person})" if shown else person


def _is_plain(one: str) -> bool:
    return one in "'-" or unicodedata.category(one)[0] in "LMN"


def code_text(pairing: Pairing) -> str:
    """What a stranger is told."""
    code = spelled(pairing.code)
    return (
        f"This bot answers only people it knows. Your code to be let in: {code}\n"
        "An administrator of this bot has to approve it within an hour, with the command "
        f"`carryon pair approve {code}`. You will be told here."
    )


def welcome_text(grant: Grant) -> str:
    """What somebody is told who was let in."""
    if grant.role is Role.ADMIN:
        return (
            "You were let in, as an administrator: this bot now answers you. Write /help to see what it can."
        )
    return "You were let in: this bot now answers you. Just write."


def welcome_key(grant: Grant) -> str:
    """The idempotency key of that message: it is told once."""
    return f"let-in:{grant.account}:{grant.person}:{grant.at:.3f}"


def let_in_text(grant: Grant) -> str:
    """What became of a code by which somebody was let in, for whoever decided and for administrators."""
    role = ", as an administrator" if grant.role is Role.ADMIN else ""
    return f"{called(grant.person, grant.name)} was let in{role}"


def refused_text(person: str, name: str) -> str:
    """The same of somebody who was not."""
    return f"{called(person, name)} was refused"


def asks_key(pairing: Pairing, session_id: int) -> str:
    """The idempotency key of a notice to the administrator whose direct chat is this session."""
    return f"{_ASKS}:{pairing.code}:{session_id}"


def asks_keys(code: str) -> tuple[str, str]:
    """Where the keys of all notices about a code begin, and where they end: the sign after a colon."""
    return f"{_ASKS}:{code}:", f"{_ASKS}:{code};"


def asks_text(pairing: Pairing) -> str:
    """What administrators are told of a stranger."""
    return f"{called(pairing.person, pairing.name)} asks to use this bot."


def asks_buttons(pairing: Pairing) -> tuple[Button, ...]:
    """How they answer. The code is one that they could give themselves."""
    return (
        Button("Let in", f"{PAIR}:{_YES}:{pairing.code}"),
        Button("Refuse", f"{PAIR}:{_NO}:{pairing.code}"),
    )


def answer_of(about: str) -> tuple[bool, str] | None:
    """Yes or no and the code, from what follows `pair:` in a button's data; None for anything else."""
    verdict, _, code = about.partition(":")
    known = normalized(code)
    if verdict not in (_YES, _NO) or known is None:
        return None
    return verdict == _YES, known
