"""What the operator page stands on."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from gateway.model.browsing import Conversation, Owed, People, SessionList, Unsent
from gateway.model.operation import OperationOutcome
from gateway.model.overview import Overview, Passage, Restart
from gateway.model.recovery import Candidate, Decision
from gateway.model.session import Session
from gateway.ports import Clock, Operations


class Shelf(Protocol):
    """The ledger for people who leaf through it: bounded, and apart from what the engine reads.

    Every method raises `LedgerUnreadableError`.
    """

    async def overview(self) -> Overview:
        """What waits, what is pending and what is owed."""
        ...

    async def restarts(self, limit: int) -> tuple[Restart, ...]:
        """The latest boots, newest first, with what each left unfinished."""
        ...

    async def passages(self, limit: int) -> tuple[Passage, ...]:
        """The way of the latest messages of people, oldest first."""
        ...

    async def unsent(self) -> Unsent:
        """What was not sent."""
        ...

    async def delivery(self, delivery_id: int) -> Owed | None:
        """One delivery, sent or not."""
        ...

    async def sessions(self, ids: Sequence[int]) -> Mapping[int, Session]:
        """Some sessions, by their ids; those that there are."""
        ...

    async def candidates(self, ids: Sequence[int]) -> tuple[Candidate, ...]:
        """What is known of some interrupted sessions."""
        ...

    async def recent(self, before: int | None = None) -> SessionList:
        """The sessions that were used last, from where an earlier list ended."""
        ...

    async def search(self, words: str) -> SessionList:
        """Sessions by their id, by the beginning of their chat's id, or by words of their title."""
        ...

    async def conversation(self, session_id: int, before: int | None = None) -> Conversation | None:
        """The latest turns of a session, or those before a turn."""
        ...

    async def people(self, now: float) -> People:
        """Who asks to be let in, and who was let in."""
        ...


@dataclass(frozen=True, slots=True)
class PageParts:
    """What the page shows and presses.

    `recover` is what a start would decide about an interrupted session, by the rules of now. `refuse` voids
    the code of somebody who asks to be let in.
    """

    shelf: Shelf
    operations: Operations
    clock: Clock
    version: str
    recover: Callable[[Candidate], Decision]
    refuse: Callable[[str], Awaitable[OperationOutcome]]
