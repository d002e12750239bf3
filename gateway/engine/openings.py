"""Has an agent hold a conversation before it is prompted, and writes down how that was done."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, replace
from typing import TypeVar

from gateway import log
from gateway.engine.choices import set_meanwhile
from gateway.engine.outbox import Outbox
from gateway.engine.persist import until_written
from gateway.model.agent import Opened, OpenFailed, OpenRequest
from gateway.model.choices import Settings
from gateway.model.delivery import DeliveryKind, Draft
from gateway.model.session import ResumeMode, Session
from gateway.model.text import storable
from gateway.model.turn import TurnStart
from gateway.ports import Agents, Clock, Store

T = TypeVar("T")

_log = log.get()


@dataclass(frozen=True, slots=True)
class OpeningParts:
    """What conversations are opened with."""

    store: Store
    agents: Agents
    outbox: Outbox
    clock: Clock


class Openings:
    """Opens conversations."""

    def __init__(self, parts: OpeningParts, default_agent: str) -> None:
        self._parts = parts
        self._default_agent = default_agent

    def reconfigure(self, default_agent: str) -> None:
        """Who answers from now on where nobody else was chosen."""
        self._default_agent = default_agent

    async def open(self, start: TurnStart) -> Opened | OpenFailed:
        """The best rung of the resume ladder that works, or why none does."""
        store, session = self._parts.store, start.session
        agent = self.agent_of(session)
        same = session.agent == agent
        opened = await self._parts.agents.open(
            OpenRequest(
                session.id,
                agent,
                session.agent_session_id if same else None,
                session.cwd if same else None,
                start.ended_turns,
                lambda: store.history(session.id, start.turn_id),
                session.chosen.settings,
            )
        )
        if isinstance(opened, Opened) and opened.mode is not ResumeMode.LIVE:
            await self._record(start, agent, opened)
        return opened

    def agent_of(self, session: Session) -> str:
        """The agent that answers in a conversation."""
        return session.chosen.agent or self._default_agent

    async def _record(self, start: TurnStart, agent: str, opened: Opened) -> None:
        store, session = self._parts.store, start.session
        await until_written(
            self._parts.clock,
            lambda: store.record_opening(
                start.turn_id, agent, opened.agent_session_id, opened.cwd, opened.mode, opened.reason
            ),
        )
        _log.info(
            "session.opened",
            session=session.id,
            turn=start.turn_id,
            mode=opened.mode,
            why=opened.reason,
            resumes=start.interruption is not None,
        )
        late = await set_meanwhile(store, self._parts.agents, session)
        if opened.refused and opened.wishes is not None:
            await self._drop_wishes(session, opened.wishes)
        if refused := (*opened.refused, *late):
            await self._tell(session.id, "\n".join(refused))

    async def _drop_wishes(self, session: Session, left: Settings) -> None:
        """What the agent does not take is told once, and not wished for with every new start."""
        store = self._parts.store
        now = await store.session(session.id)
        if now is not None and now.chosen == session.chosen:  # else a person chose something else meanwhile
            chosen = replace(session.chosen, settings=left)
            await until_written(self._parts.clock, lambda: store.choose(session.id, chosen))

    async def _tell(self, session_id: int, text: str) -> None:
        parts, drafts = self._parts, (Draft(DeliveryKind.NOTICE, storable(text)),)
        now = parts.clock.now()
        parts.outbox.push(
            await until_written(parts.clock, lambda: parts.store.notify(session_id, drafts, now))
        )


async def unless(cutting: asyncio.Event, work: Coroutine[None, None, T]) -> T | None:
    """Do what may take long; None when somebody stops the turn meanwhile."""
    doing = asyncio.ensure_future(work)
    stopping = asyncio.ensure_future(cutting.wait())
    try:
        await asyncio.wait({doing, stopping}, return_when=asyncio.FIRST_COMPLETED)
        return doing.result() if doing.done() else None
    finally:
        stopping.cancel()
        if not doing.done():
            doing.cancel()
            await asyncio.wait({doing})
