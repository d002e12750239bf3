"""Asking whether something is to be done, and doing it: with a question first, once, and logged."""

from collections.abc import Mapping
from dataclasses import dataclass

from aiohttp import web

from gateway import log
from gateway.console.control import UNWRITABLE
from gateway.console.page.parts import PageParts
from gateway.console.page.tickets import Tickets
from gateway.console.page.verbs import VERBS, OddError, Verb, checked
from gateway.model.browsing import LedgerUnreadableError, Owed
from gateway.model.operation import Done, OperationOutcome, Refused
from gateway.model.session import Session
from gateway.ports import LedgerUnavailableError

_log = log.get()

TICKET = "ticket"
"""The name of the field, and of what the next page is told."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked before something is done."""

    name: str
    verb: Verb
    about: Mapping[str, str]
    ticket: str
    session: Session | None = None
    owed: Owed | None = None
    again: str = ""

    @property
    def text(self) -> str:
        """The question itself."""
        return self.verb.ask.format(**self.about)

    @property
    def back(self) -> str:
        """Where to go if the answer is no."""
        return self.verb.back.format(**self.about)


class Deeds:
    """What is pressed on the page of one process."""

    def __init__(self, parts: PageParts) -> None:
        self._parts = parts
        self._tickets = Tickets()

    async def ask(self, name: str, given: Mapping[str, str], again: str = "") -> Question:
        """The question for a verb. Raises `web.HTTPException` for what cannot be asked."""
        verb = _verb(name)
        about = _checked(verb, given)
        ticket = self._tickets.give(name, *(about[key] for key in verb.about))
        try:
            session, owed = await self._looked_up(about)
        except LedgerUnreadableError:
            session = owed = None
        return Question(name, verb, about, ticket, session, owed, again)

    async def do(self, name: str, given: Mapping[str, str]) -> OperationOutcome | None:
        """What came of it; None where the question has to be asked again."""
        verb = _verb(name)
        about = _checked(verb, given)
        key = (name, *(about[one] for one in verb.about))
        return await self._tickets.use(given.get(TICKET, ""), key, lambda: self._act(name, verb, about))

    def back(self, name: str, given: Mapping[str, str]) -> str:
        """Where the page goes afterwards."""
        verb = _verb(name)
        return verb.back.format(**_checked(verb, given))

    def outcome(self, ticket: str) -> OperationOutcome | None:
        """What came of what was pressed on the page before."""
        return self._tickets.outcome(ticket)

    async def _act(self, name: str, verb: Verb, about: Mapping[str, str]) -> OperationOutcome:
        try:
            outcome = await verb.act(self._parts, about)
        except LedgerUnavailableError as error:
            outcome = Refused(UNWRITABLE.format(error))
        done = isinstance(outcome, Done)
        _log.info("page.acted", verb=name, about=dict(about), done=done, outcome=outcome.text)
        return outcome

    async def _looked_up(self, about: Mapping[str, str]) -> tuple[Session | None, Owed | None]:
        shelf = self._parts.shelf
        owed = await shelf.delivery(int(about["delivery"])) if "delivery" in about else None
        ident = int(about["session"]) if "session" in about else owed and owed.delivery.session_id
        return (await shelf.sessions([ident])).get(ident) if ident else None, owed


def _verb(name: str) -> Verb:
    verb = VERBS.get(name)
    if verb is None:
        raise web.HTTPNotFound(text="There is no such button.")
    return verb


def _checked(verb: Verb, given: Mapping[str, str]) -> dict[str, str]:
    try:
        return checked(verb, given)
    except OddError as error:
        raise web.HTTPBadRequest(text=f"This cannot be asked for: {error}.") from None
