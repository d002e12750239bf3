"""Runs one turn: the ledger says what to do, an agent does it, the ledger learns how it ended.

There is one path. A turn that continues an interrupted one differs from any other by the note in its prompt.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import assert_never

from gateway import log
from gateway.engine.outbox import Outbox
from gateway.engine.persist import until_written
from gateway.engine.recorder import Recorder
from gateway.engine.streams import CONTINUED, STOPPED, Stream, Streams, ended_early
from gateway.engine.typist import Typist
from gateway.failpoints import reach
from gateway.model.address import ChatKind
from gateway.model.agent import (
    AgentFailed,
    CancelledPrompt,
    Ended,
    Opened,
    OpenFailed,
    OpenRequest,
    PromptEnd,
)
from gateway.model.delivery import Delivery, DeliveryKind, Draft
from gateway.model.session import Reason, ResumeMode
from gateway.model.text import storable
from gateway.model.turn import StepStatus, TurnEnd, TurnStart, TurnState
from gateway.ports import Agents, ChatAdapter, Clock, Store
from gateway.rules.chunking import chunk
from gateway.rules.note import NotePolicy, compose

_log = log.get()

INTERNAL_ERROR = (
    "Something went wrong inside the gateway while it worked on this; it was logged. "
    "The conversation can go on: please send the message again."
)
SAID_NOTHING = "(The agent finished without saying anything.)"
REFUSED = "(The agent declined to answer this.)"
MOST_PIECES = 50
"""Messages of one reply. Beyond that nobody reads on, and the chat would be blocked for minutes."""

TOO_LONG = "(The answer goes on: it has {} characters in all. Ask for a part of it.)"
GAVE_UP = "⚠ The agent stopped before it had finished."


class Cut(StrEnum):
    """Why somebody stopped a running turn."""

    USER = "user"
    OPERATOR = "operator"
    DRAIN = "drain"


@dataclass(slots=True)
class _Running:
    start: TurnStart
    started_at: float
    cut: Cut | None = None
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    cutting: asyncio.Event = field(default_factory=asyncio.Event)
    mode: ResumeMode | None = None


@dataclass(frozen=True, slots=True)
class TurnParts:
    """What turns are run with."""

    store: Store
    agents: Agents
    adapters: Mapping[str, ChatAdapter]
    outbox: Outbox
    typist: Typist
    streams: Streams
    clock: Clock
    group: asyncio.TaskGroup


class Turns:
    """Runs turns, and knows which are running."""

    def __init__(
        self,
        parts: TurnParts,
        boot_id: int,
        default_agent: str,
        note: NotePolicy,
        idle_reset: float | None = None,
    ) -> None:
        self._parts = parts
        self._boot_id = boot_id
        self._default_agent = default_agent
        self._note = note
        self._idle_reset = idle_reset
        self._running: dict[int, _Running] = {}
        self._draining = False

    @property
    def running(self) -> tuple[int, ...]:
        """The ids of the turns that run right now."""
        return tuple(running.start.turn_id for running in self._running.values())

    def at_work(self) -> tuple[tuple[int, int, float], ...]:
        """Turn, session and starting time of everything that runs."""
        return tuple((r.start.turn_id, session_id, r.started_at) for session_id, r in self._running.items())

    async def run_next(self, session_id: int) -> bool:
        """Run the next turn of a session; whether another one may follow.

        What arrives while it runs wakes the lane again, so only what waited when it began counts here.
        """
        parts = self._parts
        store, clock = parts.store, parts.clock
        start = await until_written(clock, lambda: store.begin_turn(session_id, self._boot_id, clock.now()))
        if start is None:
            return False
        reach("turn.begun")
        running = self._running[session_id] = _Running(
            start, clock.now(), Cut.DRAIN if self._draining else None
        )
        recorder = Recorder(start.turn_id, store, clock, parts.group)
        try:
            stream = await self._stream(start, recorder)
            with parts.typist.at_work(start.session.address.route):
                end = await self._supervised(running, recorder)
            reach("turn.worked")
            await parts.streams.stop(stream)
            idle_at = None if self._idle_reset is None else clock.now() + self._idle_reset
            end = replace(end, idle_at=idle_at, mode=running.mode)
            if stream.opening is not None:
                end = self._end_stream(start, end)
            owed = await self._end_in_ledger(start, end)
        finally:
            del self._running[session_id]
            running.ended.set()
        reach("turn.committed")
        self._log_end(start, end)
        await parts.streams.settled(stream)
        parts.outbox.push(owed)
        return start.more

    async def _stream(self, start: TurnStart, recorder: Recorder) -> Stream:
        """Where the answer grows: in the message of the turn that it continues, while it is the last one."""
        adopted = None
        for growing in start.streams:
            if start.interruption is not None and growing.last and growing is start.streams[-1]:
                adopted = growing
            else:
                await self._parts.streams.close(growing, CONTINUED)
        route, quote = start.session.address.route, _quote(start)
        return self._parts.streams.begin(start.turn_id, route, quote, recorder, adopted)

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
            return await self._work(running, recorder)
        except Exception:  # noqa: BLE001  supervisor: whatever it was, the turn has to end in the ledger
            _log.exception("turn.error", turn=running.start.turn_id)
            return _failed(running.start, recorder, INTERNAL_ERROR, None, self._limit(running.start))

    async def _work(self, running: _Running, recorder: Recorder) -> TurnEnd:
        start = running.start
        limit = self._limit(start)
        if running.cut:
            return _end(running, CancelledPrompt(), recorder, limit)
        live = self._parts.agents.holds(start.session.id)
        opened = await self._open(start) if live else await self._open_unless_cut(running)
        if opened is None or running.cut:
            return _end(running, CancelledPrompt(), recorder, limit)
        if isinstance(opened, OpenFailed):
            _log.warning("agent.unavailable", turn=start.turn_id, detail=opened.detail)
            return _failed(start, recorder, f"⚠ {storable(opened.message)}", None, limit)
        running.mode = opened.mode
        now = self._parts.clock.now()
        prompt = compose(start.message.text, opened, start.interruption, self._note, now)
        if not prompt.note and not prompt.text:
            # A resume event that came too late: its interruption is too old by now to be gone on with.
            return TurnEnd(TurnState.SUPERSEDED)
        reach("turn.opened")
        end = await self._parts.agents.prompt(start.session.id, prompt, recorder)
        if isinstance(end, AgentFailed):
            _log.warning("agent.failed", turn=start.turn_id, lost=end.lost, detail=end.detail)
        return _end(running, end, recorder, limit)

    async def _open_unless_cut(self, running: _Running) -> Opened | OpenFailed | None:
        """Open the conversation, which may take long; None when somebody stopped the turn meanwhile."""
        opening = asyncio.ensure_future(self._open(running.start))
        cutting = asyncio.ensure_future(running.cutting.wait())
        try:
            await asyncio.wait({opening, cutting}, return_when=asyncio.FIRST_COMPLETED)
            return opening.result() if opening.done() else None
        finally:
            cutting.cancel()
            if not opening.done():
                opening.cancel()
                await asyncio.wait({opening})

    async def _open(self, start: TurnStart) -> Opened | OpenFailed:
        store, session = self._parts.store, start.session
        agent = self._default_agent
        same = session.agent == agent
        opened = await self._parts.agents.open(
            OpenRequest(
                session.id,
                agent,
                session.agent_session_id if same else None,
                session.cwd if same else None,
                start.ended_turns,
                lambda: store.history(session.id, start.turn_id),
            )
        )
        if isinstance(opened, Opened) and opened.mode is not ResumeMode.LIVE:
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
        return opened

    def _limit(self, start: TurnStart) -> int:
        return self._parts.adapters[start.session.address.account].text_limit

    def _log_end(self, start: TurnStart, end: TurnEnd) -> None:
        _log.info(
            "turn.ended",
            session=start.session.id,
            turn=start.turn_id,
            state=end.state,
            reason=end.reason,
            resumed=start.interruption is not None,
        )


def _end(running: _Running, end: PromptEnd, recorder: Recorder, limit: int) -> TurnEnd:
    """How a turn ends, from how its prompt did and who cut it."""
    start = running.start
    match end:
        case Ended(stop_reason) if stop_reason != "cancelled":
            # Kept even if it was cut meanwhile: the agent's history holds a finished turn, and so must ours.
            text = recorder.text or (REFUSED if stop_reason == "refusal" else SAID_NOTHING)
            return TurnEnd(
                TurnState.COMPLETED,
                stop_reason=stop_reason,
                text=text,
                steps=recorder.rest(StepStatus.COMPLETED),
                drafts=_drafts(start, text, limit),
            )
        case _ if running.cut is Cut.DRAIN:
            return _cut_short(recorder, TurnState.INTERRUPTED, Reason.DRAIN_TIMEOUT)
        case _ if running.cut is Cut.OPERATOR:
            return _cut_short(recorder, TurnState.INTERRUPTED, Reason.MANUAL)
        case _ if running.cut is Cut.USER:
            return _cut_short(recorder, TurnState.CANCELLED, None)
        case AgentFailed(message, _, lost):
            return _failed(
                start, recorder, f"⚠ {storable(message)}", Reason.AGENT_LOST if lost else None, limit
            )
        case Ended() | CancelledPrompt():
            return _failed(start, recorder, GAVE_UP, None, limit)
        case _:
            assert_never(end)


def _cut_short(recorder: Recorder, state: TurnState, reason: Reason | None) -> TurnEnd:
    return TurnEnd(state, reason, text=recorder.text, steps=recorder.rest(StepStatus.INTERRUPTED))


def _failed(start: TurnStart, recorder: Recorder, line: str, reason: Reason | None, limit: int) -> TurnEnd:
    """What was said so far is not thrown away; one line says what happened."""
    text = recorder.text
    return TurnEnd(
        TurnState.FAILED,
        reason,
        text=text,
        steps=recorder.rest(StepStatus.INTERRUPTED),
        drafts=_drafts(start, f"{text}\n\n{line}" if text else line, limit),
    )


def _drafts(start: TurnStart, text: str, limit: int) -> tuple[Draft, ...]:
    """The reply in pieces. In groups the first one quotes the message that it answers."""
    quote = _quote(start)
    pieces = chunk(text, limit)
    if len(pieces) > MOST_PIECES:
        pieces = (*pieces[:MOST_PIECES], TOO_LONG.format(len(text)))
    return tuple(
        Draft(DeliveryKind.REPLY, piece, "" if index else quote) for index, piece in enumerate(pieces)
    )


def _quote(start: TurnStart) -> str:
    """The message that an answer quotes: in groups, the one that it answers."""
    origin = start.message.origin
    return origin.message_ref if origin.chat_kind is ChatKind.GROUP else ""
