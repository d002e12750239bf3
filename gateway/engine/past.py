"""What the ledger remembers of one account, for its adapter to find what was missed."""

from collections.abc import Mapping

from gateway.ports import Clock, Inbox


class LedgerPast:
    """The `Past` port. `freshness` is the age in seconds beyond which nothing is answered any more."""

    def __init__(self, inbox: Inbox, account: str, clock: Clock, freshness: float) -> None:
        self._inbox = inbox
        self._account = account
        self._clock = clock
        self._freshness = freshness

    async def cursors(self) -> Mapping[str, str]:
        return await self._inbox.cursors(self._account)

    def horizon(self) -> float:
        return self._clock.now() - self._freshness
