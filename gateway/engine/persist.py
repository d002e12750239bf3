"""Ledger steps that have to happen: they are repeated until the disk takes them.

Work that is done must not be forgotten because the disk was full for a minute: what was produced stays in
memory, nobody is told that it is safe, and it goes on when space returns.
"""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from gateway.ports import Clock, LedgerUnavailableError
from gateway.rules.retry import backoff

T = TypeVar("T")


async def until_written(clock: Clock, step: Callable[[], Awaitable[T]]) -> T:
    """Run `step` until it does not raise `LedgerUnavailableError`; its result."""
    attempt = 0
    while True:
        try:
            return await step()
        except LedgerUnavailableError:
            attempt += 1
            await clock.sleep(backoff(attempt, first=0.25, cap=5.0))
