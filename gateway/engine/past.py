"""What the ledger remembers of one account, for its adapter to find what was missed."""

from collections.abc import Mapping

from gateway.ports import Clock, Inbox


class LedgerPast:
    """The `Past` port. `freshness` is the age in seconds beyond which nothing is answered any more.

    Nor is anything that was written before `not_before`, in seconds since the epoch.
    """

    def __init__(
        self, inbox: Inbox, account: str, clock: Clock, freshness: float, not_before: float = 0.0
    ) -> None:
        self._inbox = inbox
        self._account = account
        self._clock = clock
        self._freshness = freshness
        self._not_before = not_before

    def reconfigure(self, freshness: float) -> None:
        """From now on this age counts."""
        self._freshness = freshness

    async def cursors(self) -> Mapping[str, str]:
        return await self._inbox.cursors(self._account)

    def horizon(self) -> float:
        return max(self._clock.now() - self._freshness, self._not_before)
