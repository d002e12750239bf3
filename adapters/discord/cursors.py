"""How far the account has read, channel by channel.

A cursor is the id of the newest message that was accepted or looked at; the empty scope holds the baseline,
before which nothing is ever read. Cursors only grow. Most messages are for nobody here and are not worth a
write, so what was merely looked at is written along with a later batch, every few minutes.
"""

from collections import OrderedDict
from collections.abc import Mapping

from adapters.discord.payloads import as_id
from adapters.discord.places import DIRECT_SCOPE

BASELINE = ""
WRITE_SECONDS = 300.0


class Cursors:
    """The cursors of one account, in memory; the ledger has what was written of them."""

    def __init__(self) -> None:
        self._values: OrderedDict[str, int] = OrderedDict()
        self._unwritten: dict[str, int] = {}
        self._written_at: float | None = None
        self.baseline = 0

    def load(self, stored: Mapping[str, str]) -> None:
        """What the ledger remembers."""
        self.baseline = as_id(stored.get(BASELINE))
        known = sorted((as_id(value), scope) for scope, value in stored.items() if scope != BASELINE)
        self._values.update((scope, value) for value, scope in known)

    def get(self, scope: str) -> int:
        """Where reading goes on; 0 for a scope that has no cursor."""
        return self._values.get(scope, 0)

    def advance(self, scope: str, message_id: int) -> int:
        """Something was looked at. The scope's cursor."""
        value = max(message_id, self._values.get(scope, 0))
        self._values[scope] = value
        self._values.move_to_end(scope)
        return value

    def directs(self, limit: int) -> list[int]:
        """The channels of the direct chats that were read last."""
        scopes = [scope for scope in reversed(self._values) if scope.startswith(DIRECT_SCOPE)]
        return [as_id(scope.removeprefix(DIRECT_SCOPE)) for scope in scopes[:limit]]

    def channels(self) -> list[tuple[int, int]]:
        """Channels and threads with their cursors, the one that was read last first."""
        found = ((as_id(scope), value) for scope, value in reversed(self._values.items()))
        return [(channel, value) for channel, value in found if channel]

    def looked_at(self, scope: str, value: int, now: float) -> dict[str, str]:
        """The cursors to write with a live event; more than its own when it is time to write them all."""
        self._unwritten[scope] = value
        if self._written_at is None:
            self._written_at = now
        if now - self._written_at < WRITE_SECONDS:
            return {scope: str(value)}
        self._written_at = now
        due, self._unwritten = self._unwritten, {}
        return {one: str(reached) for one, reached in due.items()}
