"""Who may talk to the bot.

A person is named `account:id` in the config. Patterns may end in a star: `telegram:*`, `*`. People who were
let in by a person are named exactly: whatever their ids are made of, it is no pattern.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from gateway.model.grant import Grant, Role


@dataclass(frozen=True, slots=True)
class AccessPolicy:
    """The `access` section and who was let in besides: `open_to_all` is `default: allow`.

    `granted` and `granted_admins` are people as `account:id`; an admin need not be in both. `pairing` is
    `default: pair`: strangers are given a code.
    """

    open_to_all: bool = False
    allow: tuple[str, ...] = ()
    admins: tuple[str, ...] = ()
    granted: frozenset[str] = frozenset()
    granted_admins: frozenset[str] = frozenset()
    pairing: bool = False


def permits(policy: AccessPolicy, account: str, person: str) -> bool:
    """Whether this person may use the bot today. Admins always may."""
    if policy.open_to_all or f"{account}:{person}" in policy.granted:
        return True
    return _named(policy.allow, account, person) or is_admin(policy, account, person)


def is_admin(policy: AccessPolicy, account: str, person: str) -> bool:
    """Whether this person may give orders to the gateway itself."""
    return f"{account}:{person}" in policy.granted_admins or _named(policy.admins, account, person)


def with_grants(policy: AccessPolicy, grants: Iterable[Grant]) -> AccessPolicy:
    """The same policy, and exactly these people let in besides."""
    people = {f"{grant.account}:{grant.person}": grant.role for grant in grants}
    admins = frozenset(name for name, role in people.items() if role is Role.ADMIN)
    return replace(policy, granted=frozenset(people), granted_admins=admins)


def _named(patterns: Iterable[str], account: str, person: str) -> bool:
    name = f"{account}:{person}"
    return any(fnmatchcase(name, pattern) for pattern in patterns)
