"""Puts what is owed into the lanes when an account becomes ready: at startup, and after every reconnect.

It only schedules. The turns themselves run in the same lanes as everything else, and one interruption is
scheduled once however often this runs, because the event's id is the interrupted turn's.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from gateway import log
from gateway.engine.access import Access
from gateway.engine.commands import Commands
from gateway.engine.lanes import Lanes
from gateway.engine.outbox import Outbox
from gateway.engine.persist import until_written
from gateway.engine.slots import Slots
from gateway.engine.streams import STOPPED, Streams
from gateway.failpoints import reach
from gateway.model.delivery import DeliveryKind, Draft
from gateway.model.recovery import Candidate, Decision, Verdict
from gateway.model.session import Reason, Session, SessionState, is_given_up
from gateway.ports import Clock, Store
from gateway.rules.access import AccessPolicy, permits
from gateway.rules.offers import resume_buttons
from gateway.rules.recovery import ResumePolicy, breaker_open, is_outsider, recover, shared

_log = log.get()

SUSPENDED = (
    "I could not finish your last request: the gateway stopped each time I tried. "
    "I will not try again by myself. Send /resume to have it tried once more, or /new to start afresh."
)


ASK = "I was interrupted while I worked on this: {}\nShall I go on with it?"
NOTIFY = "I was interrupted while I worked on this and have not finished it: {}"

QUOTED = 200
"""Characters of a request that an offer to go on with it repeats at most."""


@dataclass(frozen=True, slots=True)
class ResumeParts:
    """What resuming acts on."""

    ledger: Store
    lanes: Lanes
    outbox: Outbox
    streams: Streams
    commands: Commands
    clock: Clock
    group: asyncio.TaskGroup


class Resumer:
    """Schedules the resumes of one boot."""

    def __init__(
        self,
        parts: ResumeParts,
        policy: ResumePolicy,
        access: Access,
        crashes: Sequence[float],
        concurrency: int,
        *,
        question: bool = True,
    ) -> None:
        self._parts = parts
        self._policy = policy
        self._access = access
        self._slots = Slots(concurrency)
        self._scheduling = asyncio.Lock()
        self._question = question
        self._ready: set[str] = set()
        self._crashes = crashes
        self._began = parts.clock.now()
        if self.tripped:
            _log.error("resume.breaker_open", crashes=len(crashes), window=policy.breaker_window)

    @property
    def tripped(self) -> bool:
        """Whether so many boots had died when this one began that nothing is resumed without being asked."""
        return breaker_open(self._crashes, self._policy, self._began)

    def reconfigure(self, policy: ResumePolicy, concurrency: int, *, question: bool) -> None:
        """What counts from now on. `reschedule` looks again at what was decided before."""
        self._policy, self._question = policy, question
        self._slots.resize(concurrency)

    async def on_ready(self, account: str) -> None:
        """Let the account's deliveries go, and put what it is owed into the lanes."""
        self._ready.add(account)
        self._parts.outbox.open(account)
        await self._parts.commands.catch_up(account)
        async with self._scheduling:
            await self._schedule(account)
        await self._parts.streams.close_stray(account)

    async def again(self) -> None:
        """A drain was undone: what came in meanwhile goes into its lanes."""
        self._parts.commands.drain_undone()
        await self.reschedule()

    async def reschedule(self) -> None:
        """Decide anew about everything that is owed."""
        async with self._scheduling:
            for account in tuple(self._ready):  # another one may become ready meanwhile
                await self._schedule(account)

    async def _schedule(self, account: str) -> None:
        parts = self._parts
        now = parts.clock.now()
        candidates = await self._screened(account)
        access = self._access.policy
        decisions = [
            recover(candidate, self._policy, access, now, tripped=self.tripped, screened=True)
            for candidate in candidates
            if not parts.lanes.busy(candidate.session.id)
        ]
        for decision in decisions:
            if decision.verdict is Verdict.SUSPEND:
                await self._suspend(decision)
            elif decision.verdict is Verdict.ASK:
                await self._ask(decision)
            elif decision.verdict is Verdict.SKIP:
                await self._skip(decision)
            elif decision.verdict is Verdict.ANSWER:
                parts.lanes.wake(decision.candidate.session.id)
        resume = [d.candidate.session.id for d in decisions if d.verdict is Verdict.RESUME]
        inserted = await until_written(parts.clock, lambda: parts.ledger.schedule_resumes(resume, now))
        reach("resume.scheduled")
        waiting = {d.candidate.session.id for d in decisions if d.candidate.scheduled}
        for session_id in resume:
            if session_id not in inserted and session_id not in waiting:
                continue
            _log.info("session.resume_scheduled", session=session_id)
            parts.group.create_task(self._resume(session_id), name=f"resume-{session_id}")

    async def _screened(self, account: str) -> tuple[Candidate, ...]:
        """The candidates, once nothing waits any more of people who may not use the bot today.

        They may, when they wrote it: the config was changed since, or a grant was revoked in the last moment.
        """
        parts = self._parts
        candidates = await parts.ledger.candidates(account)
        access = self._access.policy
        if access.open_to_all:
            return candidates
        outsiders: set[str] = set()
        for candidate in candidates:
            authors = await self._authors(candidate)
            outsiders.update(author for author in authors if not permits(access, account, author))
            await self._give_up(candidate.session, access)
        for author in sorted(outsiders):
            withdrawn = await self._withdraw_of(account, author)
            _log.warning("access.withdrawn", account=account, person=author, sessions=len(withdrawn))
        return await parts.ledger.candidates(account) if outsiders else candidates

    async def _authors(self, candidate: Candidate) -> set[str]:
        """Who has something waiting. Where nobody else may write it is who was answered last."""
        session = candidate.session
        if not candidate.waiting or session.origin is None:
            return set()
        if not shared(session):
            return {session.origin.author_id}
        return {message.origin.author_id for message in await self._parts.ledger.queue(session.id)}

    async def _give_up(self, session: Session, access: AccessPolicy) -> None:
        """Nobody goes on with an outsider's request, not even by writing in the same conversation."""
        pending = session.state is SessionState.RESUME_PENDING and not is_given_up(session.reason)
        if not (pending and shared(session) and is_outsider(session, access)):
            return
        parts = self._parts
        await until_written(parts.clock, lambda: parts.ledger.stop_resuming(session.id))
        await parts.streams.close_session(session.id, STOPPED)

    async def _withdraw_of(self, account: str, person: str) -> tuple[int, ...]:
        parts = self._parts
        return await until_written(parts.clock, lambda: parts.ledger.withdraw_of(account, person))

    async def _resume(self, session_id: int) -> None:
        """Run one session's lane within the limit on resumes; it needs no slot if a message came first."""
        async with self._slots:
            idle = self._parts.lanes.wake(session_id)
            if idle is not None:
                await idle.wait()

    async def _suspend(self, decision: Decision) -> None:
        parts, session = self._parts, decision.candidate.session
        drafts = (Draft(DeliveryKind.NOTICE, SUSPENDED),)
        owed = await until_written(
            parts.clock,
            lambda: parts.ledger.suspend(session.id, Reason.RESUME_LOOP, drafts, parts.clock.now()),
        )
        _log.error("session.suspended", session=session.id, why=decision.why)
        parts.outbox.push(owed)

    async def _ask(self, decision: Decision) -> None:
        """Offer to go on, once per interruption however often this runs."""
        parts, session = self._parts, decision.candidate.session
        # With `continue` it is a risky step that made it ask, and then it is a question.
        text = (ASK if self._question or self._policy.finish else NOTIFY).format(await self._request(session))
        drafts = (Draft(DeliveryKind.NOTICE, text, buttons=resume_buttons(session)),)
        key = f"offer:{session.resume_turn_id}"
        owed = await until_written(
            parts.clock,
            lambda: parts.ledger.notify(session.id, drafts, parts.clock.now(), key=key),
        )
        if owed:
            _log.info("session.resume_offered", session=session.id, why=decision.why)
        parts.outbox.push(owed)

    async def _request(self, session: Session) -> str:
        """The beginning of what the interrupted turn was asked for, itself or by the turns before it."""
        asked = [
            " ".join(message.text.split())
            for message in await self._parts.ledger.messages(session.id)
            if message.text
            and message.turn_id is not None
            and message.turn_id <= (session.resume_turn_id or 0)
        ]
        if not asked:
            return "your last request"
        return asked[-1] if len(asked[-1]) <= QUOTED else asked[-1][: QUOTED - 1] + "…"

    async def _skip(self, decision: Decision) -> None:
        parts, session = self._parts, decision.candidate.session
        _log.info("session.not_resumed", session=session.id, why=decision.why)
        if decision.candidate.scheduled:
            await until_written(parts.clock, lambda: parts.ledger.withdraw_resumes([session.id]))
