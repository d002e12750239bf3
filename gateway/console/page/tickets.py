"""One ticket for each question: it is good for one deed, and a second press gets what came of the first.

A deed that was begun is brought to its end, whatever becomes of the browser that asked for it: a session must
not be suspended in the ledger and go on in its lane because somebody closed a page.
"""

import asyncio
import secrets
from collections import OrderedDict
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from gateway.model.operation import OperationOutcome

MOST = 500
"""Tickets that are kept, the latest; and as many of what came of them."""


@dataclass(slots=True)
class _Ticket:
    about: tuple[str, ...]
    work: "asyncio.Future[OperationOutcome] | None" = None


class Tickets:
    """Those of one process: a restart makes them void, and the question is asked again."""

    def __init__(self) -> None:
        self._tickets: OrderedDict[str, _Ticket] = OrderedDict()

    def give(self, *about: str) -> str:
        """A ticket for one deed and what it is done with."""
        ticket = secrets.token_urlsafe(18)
        self._tickets[ticket] = _Ticket(about)
        if len(self._tickets) > MOST:
            self._tickets.popitem(last=False)
        return ticket

    async def use(
        self, ticket: str, about: tuple[str, ...], deed: Callable[[], Coroutine[Any, Any, OperationOutcome]]
    ) -> OperationOutcome | None:
        """What came of it, done once however often it is asked for; None for a ticket that is none."""
        found = self._tickets.get(ticket)
        if found is None or found.about != about:
            return None
        if found.work is None:
            found.work = asyncio.ensure_future(deed())
        return await asyncio.shield(found.work)

    def outcome(self, ticket: str) -> OperationOutcome | None:
        """What came of a ticket, for the page that is shown next."""
        found = self._tickets.get(ticket)
        if found is None or found.work is None or not found.work.done() or found.work.cancelled():
            return None
        return None if found.work.exception() else found.work.result()
