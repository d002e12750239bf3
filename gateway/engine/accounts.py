"""Which accounts are connected right now, and if not, why."""

from collections.abc import Iterable
from dataclasses import replace

from gateway.model.operation import CONNECTING, AccountStatus


class Accounts:
    """The connection state of every configured account, for people to look at."""

    def __init__(self, names: Iterable[str]) -> None:
        self._since: dict[str, float] = {}
        self._states = {name: AccountStatus(name, connected=False, why=CONNECTING) for name in names}

    def connected(self, name: str, now: float) -> None:
        """It is connected and has caught up."""
        self._states[name] = replace(self._states[name], connected=True, why="")
        self._since[name] = now

    def listened(self, name: str, at: float) -> bool:
        """Whether it was connected then, so that what was sent at that time was not missed."""
        return self._states[name].connected and at >= self._since[name]

    def lost(self, name: str, why: str) -> None:
        """It lost its connection."""
        self._states[name] = replace(self._states[name], connected=False, why=why)

    def caught_up(self, name: str, found: int, too_old: int) -> None:
        """So many messages were read back that had not been seen before."""
        state = self._states[name]
        self._states[name] = replace(state, found=state.found + found, too_old=state.too_old + too_old)

    def all(self) -> tuple[AccountStatus, ...]:
        """In the config's order."""
        return tuple(self._states.values())
