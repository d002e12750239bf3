"""Who may talk to the bot.

A person is named `account:id` in the config. Patterns may end in a star: `telegram:*`, `*`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase


@dataclass(frozen=True, slots=True)
class AccessPolicy:
    """The `access` section: `open_to_all` is `default: allow`."""

    open_to_all: bool = False
    allow: tuple[str, ...] = ()
    admins: tuple[str, ...] = ()


def permits(policy: AccessPolicy, account: str, person: str) -> bool:
    """Whether this person may use the bot today. Admins always may."""
    return policy.open_to_all or _named((*policy.allow, *policy.admins), account, person)


def is_admin(policy: AccessPolicy, account: str, person: str) -> bool:
    """Whether this person may give orders to the gateway itself."""
    return _named(policy.admins, account, person)


def _named(patterns: Iterable[str], account: str, person: str) -> bool:
    name = f"{account}:{person}"
    return any(fnmatchcase(name, pattern) for pattern in patterns)
