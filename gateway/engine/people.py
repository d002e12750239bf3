"""Who may do what, as commands ask for it: at the moment of use, because it may change at any time."""

from dataclasses import dataclass
from typing import Protocol

from gateway.rules.access import AccessPolicy, is_admin, permits


class People(Protocol):
    """Who may use the bot, and who may give it orders, at this moment."""

    def permits(self, account: str, person: str) -> bool:
        """Whether this person may use the bot."""
        ...

    def is_admin(self, account: str, person: str) -> bool:
        """Whether this person may give orders to the gateway itself."""
        ...


@dataclass(frozen=True, slots=True)
class ByPolicy:
    """What the config says, and nothing else."""

    policy: AccessPolicy

    def permits(self, account: str, person: str) -> bool:
        return permits(self.policy, account, person)

    def is_admin(self, account: str, person: str) -> bool:
        return is_admin(self.policy, account, person)


def people(access: People | AccessPolicy) -> People:
    """A bare policy asks nobody else."""
    return ByPolicy(access) if isinstance(access, AccessPolicy) else access
