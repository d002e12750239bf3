"""Bounded waits that say what they waited for."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")

PATIENCE = 30.0
"""Seconds that anything may take. Generous: it is only ever used up by a failure."""

GLANCE = 0.02
"""Seconds between two looks at a file. Files announce nothing."""


async def within(work: Awaitable[T], what: str, seconds: float = PATIENCE) -> T:
    """The result of `work`, or a failure that names it."""
    try:
        async with asyncio.timeout(seconds):
            return await work
    except TimeoutError:
        raise AssertionError(f"not within {seconds:g} s: {what}") from None


async def glance(look: Callable[[], T | None]) -> T:
    """Look at something that announces nothing, until there is an answer other than None or False."""
    while True:
        answer = look()
        if answer is not None and answer is not False:
            return answer
        await asyncio.sleep(GLANCE)
