"""Runs one turn: the ledger says what to do, an agent does it, the ledger learns how it ended.

There is one path. A turn that continues an interrupted one differs from any other by the note in its prompt.
"""

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from gateway import log
from gateway.engine.approvals import Approvals
from gateway.engine.endings import INTERNAL_ERROR, KEPT, Cut, Ending, ending, failed
from gateway.engine.lanes import Next
from gateway.engine.media import Media
from gateway.engine.openings import Openings, unless
from gateway.engine.outbox import Outbox
from gateway.engine.persist import until_written
from gateway.engine.recorder import Recorder
from gateway.engine.replies import Answer, Replies, plain_drafts, quote
from gateway.engine.streams import CONTINUED, STOPPED, Stream, Streams, ended_early
from gateway.engine.typist import Typist
from gateway.failpoints import reach
from gateway.model.agent import AgentFailed, CancelledPrompt, Opened, OpenFailed, Prompt
from gateway.model.delivery import Delivery, DeliveryKind, Draft
from gateway.model.happening import SessionOpened, TurnBegan, TurnEnded, Witness, unseen
from gateway.model.session import ResumeMode
from gateway.model.text import storable
from gateway.model.turn import TurnEnd, TurnStart, TurnState
from gateway.ports import Agents, ChatAdapter, Clock, Store
from gateway.rules.note import NotePolicy, compose, knows_files

_log = log.get()


@dataclass(slots=True)
class _Running:
    start: TurnStart
    started_at: float
    cut: Cut | None = None
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    cutting: asyncio.Event = field(default_factory=asyncio.Event)
    mode: ResumeMode | None = None
    cwd: str | None = None


@dataclass(frozen=True, slots=True)
class TurnParts:
    """What turns are run with."""

    store: Store
    agents: Agents
    adapters: Mapping[str, ChatAdapter]
    outbox: Outbox
    typist: Typist
    streams: Streams
    approvals: Approvals
    media: Media
    replies: Replies
    openings: Openings
    clock: Clock
    group: asyncio.TaskGroup
    saw: Witness = unseen


@dataclass(frozen=True, slots=True)
class TurnPolicy:
    """How turns begin and end.

    `idle_reset` is how many seconds after its last turn a conversation ends, None is never. `collect`: what
    waits in a conversation becomes one turn. `receipts`: a sign at each message tells what became of it.
    """

    note: NotePolicy
    idle_reset: float | None = None
    collect: bool = False
    receipts: bool = False


class Turns:
    """Runs turns, and knows which are running."""

    def __init__(self, parts: TurnParts, boot_id: int, policy: TurnPolicy) -> None:
        self._parts = parts
        self._boot_id = boot_id
        self._policy = policy
        self._running: dict[int, _Running] = {}
        self._continued: Counter[str] = Counter()
        self._draining = False

    def reconfigure(self, policy: TurnPolicy) -> None:
        """What counts for turns that begin from now on, and for the end of those that run."""
        self._policy = policy

    @property
    def running(self) -> tuple[int, ...]:
        """The ids of the turns that run right now."""
        return tuple(running.start.turn_id for running in self._running.values())

    @property
    def continued(self) -> dict[str, int]:
        """How many turns of this boot found their agent session live, native, bootstrapped or fresh."""
        return {mode.value: self._continued[mode] for mode in ResumeMode if self._continued[mode]}

    def at_work(self) -> tuple[tuple[int, int, float], ...]:
        """Turn, session and starting time of everything that runs."""
        return tuple((r.start.turn_id, session_id, r.started_at) for session_id, r in self._running.items())

    async def run_next(self, session_id: int) -> Next:
        """Run the next turn of a session; whether another one may follow.

        What arrives while it runs wakes the lane again, so only what waited when it began counts here. After
        an error nothing follows: what waits is kept until a person says that it is worth another try.
        """
        parts = self._parts
        store, clock = parts.store, parts.clock
        boot, collect = self._boot_id, self._policy.collect
        start = await until_written(
            clock, lambda: store.begin_turn(session_id, boot, clock.now(), collect=collect)
        )
        if start is None:
            return Next.IDLE
        reach("turn.begun")
        running = self._running[session_id] = _Running(
            start, clock.now(), Cut.DRAIN if self._draining else None
        )
        self._saw_begin(running)
        recorder = Recorder(start.turn_id, store, clock, parts.group)
        try:
            stream = await self._stream(start, recorder)
            with parts.typist.at_work(start.session.address.route):
                end = await self._supervised(running, recorder)
            reach("turn.worked")
            await parts.streams.stop(stream)
            policy = self._policy
            idle_at = None if policy.idle_reset is None else clock.now() + policy.idle_reset
            end = replace(end, idle_at=idle_at, mode=running.mode, receipts=policy.receipts)
            if stream.opening is not None:
                end = self._end_stream(start, end)
            owed = await self._end_in_ledger(start, end)
        finally:
            del self._running[session_id]
            running.ended.set()
        reach("turn.committed")
        self._tell_end(running, end)
        await parts.streams.settled(stream)
        unanswered = end.state is TurnState.FAILED
        # Counted before anybody can see that it failed: who writes after that wants it to be tried.
        behind = await store.waiting(session_id) if unanswered else 0
        parts.outbox.push(owed)
        if behind:
            await self._tell(session_id, KEPT.format(behind))
            return Next.HALT
        return Next.GO if start.more and not unanswered else Next.IDLE

    async def _stream(self, start: TurnStart, recorder: Recorder) -> Stream:
        """Where the answer grows: in the message of the turn that it continues, while it is the last one."""
        adopted = None
        for growing in start.streams:
            if start.interruption is not None and growing.last and growing is start.streams[-1]:
                adopted = growing
            else:
                await self._parts.streams.close(growing, CONTINUED)
        route = start.session.address.route
        return self._parts.streams.begin(start.turn_id, route, quote(start), recorder, adopted)

    def _end_stream(self, start: TurnStart, end: TurnEnd) -> TurnEnd:
        """A turn without a reply leaves no half answer behind; one that will go on may continue it."""
        if end.drafts or end.state is TurnState.INTERRUPTED:
            return end
        # Cut before it said anything, it leaves standing what it was about to go on with.
        before = start.streams[-1].text if start.streams else ""
        text = ended_early(end.text or before, STOPPED, self._limit(start))
        return replace(end, drafts=(Draft(DeliveryKind.REPLY, text),))

    async def _end_in_ledger(self, start: TurnStart, end: TurnEnd) -> tuple[Delivery, ...]:
        """End the turn, in plainer words if these cannot be stored: left running it would block its chat."""
        store, clock = self._parts.store, self._parts.clock
        try:
            return await until_written(clock, lambda: store.end_turn(start.turn_id, end, clock.now()))
        except Exception:  # noqa: BLE001  supervisor: whatever it was, the turn has to end in the ledger
            _log.exception("turn.unstorable", turn=start.turn_id)
        plain = TurnEnd(TurnState.FAILED, drafts=(Draft(DeliveryKind.REPLY, INTERNAL_ERROR),))
        return await until_written(clock, lambda: store.end_turn(start.turn_id, plain, clock.now()))

    async def cut_all(self) -> None:
        """Stop every running turn for a drain; one that is just being begun does not get to its agent."""
        self._draining = True
        await asyncio.gather(*(self.cut(session_id, Cut.DRAIN) for session_id in tuple(self._running)))

    def supersede(self, session_id: int, message_id: int, author_id: str) -> None:
        """The author of the request that is worked on has written something newer, which counts instead."""
        running = self._running.get(session_id)
        if running is None:
            return
        request = running.start.message
        if request.id < message_id and request.origin.author_id == author_id:
            self._parts.group.create_task(self.cut(session_id, Cut.NEWER), name=f"supersede-{session_id}")

    async def cut(self, session_id: int, why: Cut) -> bool:
        """Stop a session's running turn and wait until it has ended; false when none runs."""
        running = self._running.get(session_id)
        if running is None:
            return False
        running.cut = running.cut or why
        running.cutting.set()
        await self._parts.agents.cancel(session_id)
        await running.ended.wait()
        return True

    async def _supervised(self, running: _Running, recorder: Recorder) -> TurnEnd:
        try:
            ending = await self._work(running, recorder)
        except Exception:  # noqa: BLE001  supervisor: whatever it was, the turn has to end in the ledger
            _log.exception("turn.error", turn=running.start.turn_id)
            ending = failed(recorder, INTERNAL_ERROR, None)
        if ending.reply is None:
            return ending.end
        answer = Answer(ending.reply, tuple(recorder.files), running.cwd)
        try:
            drafts = await self._parts.replies.drafts(running.start, answer)
        except Exception:  # noqa: BLE001  supervisor: whatever it was, the answer has to be owed
            _log.exception("turn.unsayable", turn=running.start.turn_id)
            drafts = plain_drafts(running.start, ending.reply, self._limit(running.start))
        return replace(ending.end, drafts=drafts)

    async def _work(self, running: _Running, recorder: Recorder) -> Ending:
        start = running.start
        for again in (False, True):
            asked_at = self._parts.clock.monotonic()
            opened = None if running.cut else await self._open(running)
            if opened is None or running.cut:
                return ending(CancelledPrompt(), running.cut, recorder)
            if isinstance(opened, OpenFailed):
                _log.warning("agent.unavailable", turn=start.turn_id, detail=opened.detail)
                unavailable = AgentFailed(opened.message, opened.detail, lost=False)
                return ending(unavailable, running.cut, recorder)
            running.mode, running.cwd = opened.mode, opened.cwd
            self._continued[opened.mode] += 1
            self._saw_opening(start, opened, asked_at)
            prompt = await self._prompt(running, opened)
            if prompt is None or running.cut:
                return ending(CancelledPrompt(), running.cut, recorder)
            if not prompt.note and not prompt.text:
                # A resume event that came too late: its interruption is too old to be gone on with.
                return Ending(TurnEnd(TurnState.SUPERSEDED))
            reach("turn.opened")
            ask = self._parts.approvals.asker(start.turn_id, start.session.id)
            end = await self._parts.agents.prompt(start.session.id, prompt, recorder, ask)
            if isinstance(end, AgentFailed):
                _log.warning("agent.failed", turn=start.turn_id, lost=end.lost, detail=end.detail)
            if again or not (isinstance(end, AgentFailed) and end.forgotten):
                break
            # It had loaded nothing and did nothing: the next opening gives it the transcript.
        return ending(end, running.cut, recorder)

    async def _open(self, running: _Running) -> Opened | OpenFailed | None:
        """Have an agent hold the conversation; None when somebody stopped the turn meanwhile."""
        opening = self._parts.openings.open(running.start)
        if self._parts.agents.holds(running.start.session.id):
            return await opening
        return await unless(running.cutting, opening)

    async def _prompt(self, running: _Running, opened: Opened) -> Prompt | None:
        """What the agent is given, with its files in place; None when somebody stopped the turn meanwhile."""
        start, earlier = running.start, ()
        note, now = self._policy.note, self._parts.clock.now()
        prompt = compose(start.message.text, opened, start.interruption, note, now)
        if prompt.note and start.interruption is not None and not knows_files(opened, start.interruption):
            earlier = start.interruption.attachments
        attached = (*earlier, *start.message.attachments)
        if not attached:
            return prompt
        ready = await unless(running.cutting, self._parts.media.ready(attached, opened.cwd))
        if ready is None:
            return None
        files, problems = ready
        return replace(prompt, text="\n".join([prompt.text, *problems]).strip(), files=files)

    def _limit(self, start: TurnStart) -> int:
        return self._parts.adapters[start.session.address.account].text_limit

    async def _tell(self, session_id: int, text: str) -> None:
        parts, drafts = self._parts, (Draft(DeliveryKind.NOTICE, storable(text)),)
        now = parts.clock.now()
        parts.outbox.push(
            await until_written(parts.clock, lambda: parts.store.notify(session_id, drafts, now))
        )

    def _saw_begin(self, running: _Running) -> None:
        start = running.start
        message, account = start.message, start.session.address.account
        resumes = start.interruption.reason if start.interruption else None
        self._parts.saw(
            TurnBegan(
                start.turn_id,
                start.session.id,
                account,
                message.id,
                message.received_at,
                running.started_at,
                resumes,
            )
        )

    def _saw_opening(self, start: TurnStart, opened: Opened, asked_at: float) -> None:
        clock, agent = self._parts.clock, self._parts.openings.agent_of(start.session)
        took = clock.monotonic() - asked_at
        resumes = start.interruption.reason if start.interruption else None
        self._parts.saw(
            SessionOpened(start.turn_id, agent, opened.mode, opened.reason, clock.now(), took, resumes)
        )

    def _tell_end(self, running: _Running, end: TurnEnd) -> None:
        start, session = running.start, running.start.session
        self._parts.saw(
            TurnEnded(
                start.turn_id,
                session.id,
                session.address.account,
                self._parts.openings.agent_of(session),
                end.state,
                end.reason,
                running.started_at,
                self._parts.clock.now(),
                start.interruption is not None,
            )
        )
        _log.info(
            "turn.ended",
            session=start.session.id,
            turn=start.turn_id,
            state=end.state,
            reason=end.reason,
            resumed=start.interruption is not None,
        )
