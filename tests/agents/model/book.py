"""Every request that the model got, and how to wait for one."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from tests.agents.model.mind import Asked, Reply

T = TypeVar("T")


class BadRequestError(Exception):
    """The provider would not have taken this request. `status` is the HTTP status of the refusal."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


@dataclass(slots=True)
class Entry:
    """A request and its answer; `held` says that the answer has stopped halfway."""

    wire: str
    asked: Asked
    reply: Reply
    held: bool = False


@dataclass(slots=True)
class Book:
    """What was asked, oldest first; `refused` are requests that a provider would not have taken."""

    entries: list[Entry] = field(default_factory=list[Entry])
    refused: list[str] = field(default_factory=list[str])
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    def stir(self) -> None:
        """Have those who wait look again."""
        self._news.set()

    def add(self, entry: Entry) -> None:
        """Write a request down."""
        self.entries.append(entry)
        self.stir()

    async def until(self, probe: Callable[["Book"], T | None]) -> T:
        """Wait until the book says so."""
        while True:
            self._news.clear()
            found = probe(self)
            if found is not None and found is not False:
                return found
            await self._news.wait()

    @property
    def work(self) -> list[Entry]:
        """The requests of conversations; those without tools are for titles and the like."""
        return [entry for entry in self.entries if entry.asked.tools]

    def last(self, words: str) -> Asked:
        """The latest request of a conversation whose last message of the user has these words."""
        return next(one.asked for one in reversed(self.work) if words in one.asked.last)

    def holds(self, words: str) -> bool:
        """Whether an answer to these words has stopped halfway."""
        return any(entry.held and words in entry.asked.last for entry in self.entries)
