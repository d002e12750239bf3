"""Which accounts are connected right now, and if not, why."""

from collections.abc import Iterable

from gateway.model.operation import AccountStatus


class Accounts:
    """The connection state of every configured account, for people to look at."""

    def __init__(self, names: Iterable[str]) -> None:
        self._states = {name: AccountStatus(name, connected=False, why="connecting") for name in names}

    def connected(self, name: str) -> None:
        """It is connected and has caught up."""
        self._states[name] = AccountStatus(name, connected=True)

    def lost(self, name: str, why: str) -> None:
        """It lost its connection."""
        self._states[name] = AccountStatus(name, connected=False, why=why)

    def all(self) -> tuple[AccountStatus, ...]:
        """In the config's order."""
        return tuple(self._states.values())
