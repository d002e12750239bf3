"""Who was let in by a person and not by the config: grants, and the codes by which people ask for one."""

from dataclasses import dataclass
from enum import StrEnum

from gateway.model.address import Route


class Role(StrEnum):
    """What somebody may do: use the bot, or give it orders as well."""

    USER = "user"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Grant:
    """Somebody who was let in. `by` is `account:person` of who did it, `operator` for the command line."""

    account: str
    person: str
    name: str
    role: Role
    by: str
    at: float


@dataclass(frozen=True, slots=True)
class Pairing:
    """Somebody who asks to be let in, by a code that is valid until `expires_at`.

    `route` is the direct chat in which they were given it, and are told what came of it.
    """

    code: str
    account: str
    person: str
    name: str
    route: Route
    created_at: float
    expires_at: float
