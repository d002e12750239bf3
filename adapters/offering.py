"""Handing events to the gateway, and waiting between attempts: the same on every platform."""

import random

from gateway import log
from gateway.ports import Batch, Clock, InboundSink, LedgerUnavailableError

_log = log.get()

FIRST_WAIT = 0.2
LONGEST_WAIT = 30.0


class Backoff:
    """Waits that double, each shortened at random by up to a half: many clients must not return in step."""

    def __init__(self, first: float = FIRST_WAIT, longest: float = LONGEST_WAIT) -> None:
        self._first = first
        self._longest = longest
        self._tries = 0

    def next(self) -> float:
        """The next wait, in seconds."""
        wait = min(self._longest, self._first * 2.0 ** min(self._tries, 16))
        self._tries += 1
        return wait * random.uniform(0.5, 1)  # noqa: S311  (no secret)

    def reset(self) -> None:
        """Begin anew: it worked."""
        self._tries = 0


async def commit(sink: InboundSink, batch: Batch, clock: Clock) -> None:
    """Offer a batch until it is in the ledger. Whatever would acknowledge it has to wait for this."""
    backoff = Backoff()
    failing = False
    while True:
        try:
            await sink.accept(batch)
        except LedgerUnavailableError as error:
            if not failing:
                failing = True
                why = str(error)
                _log.error("account.accept_failed", account=batch.account, items=len(batch.items), why=why)
            await clock.sleep(backoff.next())
        else:
            break
    if failing:
        _log.info("account.accept_recovered", account=batch.account)
