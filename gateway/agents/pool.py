"""The configured agents and the conversations that they hold: the `Agents` port.

Which process holds which conversation is known here and nowhere else. A held conversation is `live` as long
as its process is usable and nothing happened that makes the agent's view of it doubtful.
"""

import asyncio
import contextlib
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from gateway import log
from gateway.agents import transcript
from gateway.agents.enclosures import enclose
from gateway.agents.environment import working_directory
from gateway.agents.ladder import Ladder
from gateway.agents.leftovers import end_leftovers
from gateway.agents.outcomes import AgentGoneError, AgentRefusedError, AgentStartError
from gateway.agents.process import AgentProcess
from gateway.agents.roster import CLAIM, Roster
from gateway.agents.settings import set_mode, set_option
from gateway.agents.spec import AgentSpec, ResumePolicy
from gateway.agents.turn import Turn, TurnOutcome
from gateway.agents.workarounds import before_load
from gateway.model.agent import AgentFailed, Opened, OpenFailed, OpenRequest, Prompt, PromptEnd, UpdateSink
from gateway.model.attachment import PromptFile
from gateway.model.choices import AgentOffer
from gateway.model.permission import Asker
from gateway.model.session import ResumeMode
from gateway.ports import Clock

T = TypeVar("T")

_log = log.get()

_DISTRUSTED = 10_000
"""Agent session ids that are remembered as not loadable."""


SWEEP_SECONDS = 30.0
"""How often idle processes are looked for, at least."""

_NOT_RUNNING = "The agent is not at work here at the moment."


class PromptInFlightError(Exception):
    """A second prompt was sent to a conversation that is still at work on one: a bug of the caller."""


@dataclass(slots=True)
class _Held:
    """A conversation and the process that holds it."""

    process: AgentProcess
    agent_session_id: str
    cwd: str
    last_used: float
    unproven: bool  # loaded, and not prompted since
    owes_transcript: bool  # opened with a transcript that the agent has not been given yet
    quarantined: bool = False
    turn: Turn | None = None
    running: "asyncio.Task[TurnOutcome | None] | None" = None

    @property
    def live(self) -> bool:
        """Whether the next prompt can go straight to it."""
        return self.process.usable and not self.quarantined


class AgentPool:
    """Use it as an async context manager: it owns its background tasks and every process."""

    def __init__(self, specs: Mapping[str, AgentSpec], clock: Clock) -> None:
        self._specs = dict(specs)
        self._clock = clock
        self._held: dict[int, _Held] = {}
        self._distrusted: OrderedDict[str, str] = OrderedDict()
        self._roster = Roster(clock, self._spawn, self._process_ended)
        self._tasks = asyncio.TaskGroup()
        self._sweeper: asyncio.Task[None] | None = None
        self._closed = False

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        await self._end_leftovers()  # before anything else touches the sessions that they hold
        self._sweeper = self._spawn(self._sweep())
        return self

    async def __aexit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        try:
            await self.close()
        finally:
            # What went wrong in the body is not the group's: it would arrive wrapped in an exception group.
            await self._tasks.__aexit__(None, None, None)

    def reconfigure(self, specs: Mapping[str, AgentSpec]) -> None:
        """The agents that there are from now on.

        What runs is finished as it began. A process of an agent that was changed or removed is closed as soon
        as it has nothing to do; its conversations are continued like those of any process that has ended.
        """
        old = self._specs
        self._specs = {name: old[name] if old.get(name) == spec else spec for name, spec in specs.items()}
        if not self._closed and any(self._specs.get(name) is not spec for name, spec in old.items()):
            self._spawn(self._roster.close_idle(self._specs.values()))

    def holds(self, session_id: int) -> bool:
        """Whether a live process holds this conversation."""
        held = self._held.get(session_id)
        return held is not None and held.live

    async def warm(self, agent: str) -> None:
        """Start a shared agent ahead of its first use. Failing is left to the first use."""
        spec = self._specs.get(agent)
        if spec is not None and spec.shared and not self._closed:
            with contextlib.suppress(AgentStartError):
                await self._roster.acquire(spec, working_directory(spec, None), claim=False)

    async def open(self, request: OpenRequest) -> Opened | OpenFailed:
        """Make an agent hold the conversation, by the best rung of the resume ladder that works."""
        spec = self._specs.get(request.agent)
        if spec is None:
            gone = f"There is no agent named {request.agent} any more. Choose another with /agent."
            return OpenFailed(gone, "not configured")
        held = self._held.get(request.session_id)
        if held is not None and held.live and held.process.spec is spec:
            return await self._live(held, request)
        if held is not None:
            await self._let_go(request.session_id, held)
        cwd = working_directory(spec, request.session_id)
        first: OpenFailed | None = None
        for _ in range(2):  # a process that breaks is replaced once
            if self._closed:
                return OpenFailed("The gateway is stopping.", "the pool is closed")
            try:
                return await self._open(spec, request, cwd)
            except AgentStartError as error:
                first = first or OpenFailed(error.message, error.detail)
                if not error.retry:
                    break
            except AgentGoneError as error:
                if request.agent_session_id and spec.resume is not ResumePolicy.NATIVE_REQUIRED:
                    self._distrust(request.agent_session_id, "the agent stopped while it loaded the session")
                stopped = f"The agent {spec.name} stopped answering while it was opening this conversation."
                first = first or OpenFailed(stopped, str(error))
        assert first is not None
        _log.warning("agent.open_failed", agent=spec.name, detail=first.detail)
        return first

    async def prompt(self, session_id: int, prompt: Prompt, sink: UpdateSink, ask: Asker) -> PromptEnd:
        """Send one prompt and wait for its end. Raises `PromptInFlightError` while another one is."""
        held = self._held.get(session_id)
        if held is not None and held.running is not None:
            raise PromptInFlightError(f"session {session_id} is at work on another prompt")
        if held is None or not held.live:
            return AgentFailed(
                "The agent stopped before it was given this message.", "its process is gone", lost=True
            )
        texts = [text for text in (prompt.preamble, prompt.note, transcript.unwrapped(prompt.text)) if text]
        turn = held.turn = Turn(
            held.process, held.agent_session_id, sink, ask, self._clock, after_load=held.unproven
        )
        held.running = self._spawn(self._run(session_id, held, turn, texts, prompt.files))
        try:
            outcome = await asyncio.shield(held.running)
        except asyncio.CancelledError:
            turn.detach()
            raise
        if outcome is None:
            return AgentFailed("Something went wrong inside the gateway.", "see the log", lost=True)
        return outcome.end

    async def cancel(self, session_id: int) -> None:
        """Ask the agent to stop its prompt and wait, bounded, until it did or was given up."""
        held = self._held.get(session_id)
        if held is None or held.turn is None or held.running is None:
            return
        held.turn.stop()
        spec = held.process.spec
        await asyncio.wait({held.running}, timeout=spec.cancel_timeout + spec.drain_timeout + 1.0)

    def offer(self, session_id: int) -> AgentOffer | None:
        """What can be chosen in a conversation that a live process holds; None without one."""
        held = self._held.get(session_id)
        return held.process.offer(held.agent_session_id) if held is not None and held.live else None

    async def set_mode(self, session_id: int, mode: str) -> str:
        """Change a held conversation's mode; empty, or why not in one sentence."""
        return await self._set(session_id, lambda process, session: set_mode(process, session, mode))

    async def set_option(self, session_id: int, option: str, value: str) -> str:
        """Change a config option of a held conversation; empty, or why not in one sentence."""
        return await self._set(
            session_id, lambda process, session: set_option(process, session, option, value)
        )

    async def _set(self, session_id: int, change: Callable[[AgentProcess, str], Awaitable[str]]) -> str:
        held = self._held.get(session_id)
        if held is None or not held.live:
            return _NOT_RUNNING
        try:
            return await change(held.process, held.agent_session_id)
        except AgentGoneError:
            return _NOT_RUNNING

    async def forget(self, session_id: int) -> None:
        """Let go of the conversation, stopping what it is at work on."""
        await self.cancel(session_id)
        held = self._held.get(session_id)
        if held is not None:
            await self._let_go(session_id, held)

    async def close(self) -> None:
        """End every agent process and its descendants."""
        self._closed = True
        if self._sweeper is not None:
            self._sweeper.cancel()
        await self._roster.close()

    async def _live(self, held: _Held, request: OpenRequest) -> Opened:
        held.last_used = self._clock.monotonic()
        held.process.claimed_until = held.last_used + CLAIM
        preamble = transcript.render(await request.history()) if held.owes_transcript else ""
        if preamble:
            why = "a new session is still to be given the transcript"
            return Opened(ResumeMode.BOOTSTRAP, why, held.agent_session_id, held.cwd, preamble)
        why = "the agent process still holds the conversation"
        return Opened(ResumeMode.LIVE, why, held.agent_session_id, held.cwd)

    async def _open(self, spec: AgentSpec, request: OpenRequest, cwd: str) -> Opened | OpenFailed:
        try:
            await asyncio.to_thread(Path(cwd).mkdir, parents=True, exist_ok=True)
        except OSError as error:
            failed = f"The agent {spec.name} could not be started: its working directory cannot be made."
            raise AgentStartError(failed, str(error), retry=False) from None
        if spec.preset and request.agent_session_id:
            home = Path(spec.env.get("HOME") or spec.home or Path.home())
            await asyncio.to_thread(before_load, spec.preset, home, request.agent_session_id)
        process = await self._roster.acquire(spec, cwd)
        distrust = self._distrusted.get(request.agent_session_id or "", "")
        try:
            opened = await Ladder(process, request, cwd, distrust).climb()
        except AgentGoneError:
            await process.end()
            raise
        except asyncio.CancelledError:
            if not spec.shared:  # nobody else knows of it
                self._spawn(process.end())
            raise
        if isinstance(opened, OpenFailed):
            if not spec.shared:
                await process.end()
        else:
            self._held[request.session_id] = _Held(
                process,
                opened.agent_session_id,
                cwd,
                self._clock.monotonic(),
                unproven=opened.mode is ResumeMode.NATIVE,
                owes_transcript=bool(opened.preamble),
            )
        return opened

    async def _run(
        self, session_id: int, held: _Held, turn: Turn, texts: list[str], files: Sequence[PromptFile]
    ) -> TurnOutcome:
        process = held.process
        process.listen(held.agent_session_id, turn)
        self._roster.begin(process)
        try:
            enclosed = await asyncio.to_thread(enclose, files, process.abilities) if files else ()
            outcome = await turn.run((*texts, *enclosed), self._spawn)
        finally:
            self._roster.finish(process)
            process.ignore(held.agent_session_id, turn)
            held.turn = held.running = None
            held.last_used = self._clock.monotonic()
        if self._specs.get(process.spec.name) is not process.spec:  # it was changed meanwhile
            self._spawn(self._roster.close_idle(self._specs.values()))
        if turn.spoke or not isinstance(outcome.end, AgentFailed):
            held.unproven = held.owes_transcript = False
        held.quarantined = outcome.quarantine
        if outcome.quarantine:
            process.forget_offer(held.agent_session_id)
        if outcome.forgotten:
            self._distrust(held.agent_session_id, "the agent had lost the session")
        if self._held.get(session_id) is held and not process.usable:
            del self._held[session_id]
        return outcome

    async def _let_go(self, session_id: int, held: _Held) -> None:
        """Drop a conversation, and its process unless others are in it."""
        if self._held.get(session_id) is held:
            del self._held[session_id]
        process = held.process
        process.forget_offer(held.agent_session_id)
        if not process.spec.shared or not process.usable:
            await process.end()
        elif process.abilities.close:
            with contextlib.suppress(AgentGoneError, AgentRefusedError, TimeoutError):
                async with asyncio.timeout(process.spec.cancel_timeout):
                    await process.connection.close_session(held.agent_session_id)

    def _distrust(self, agent_session_id: str, why: str) -> None:
        self._distrusted[agent_session_id] = why
        if len(self._distrusted) > _DISTRUSTED:
            self._distrusted.popitem(last=False)

    def _process_ended(self, process: AgentProcess) -> None:
        stale = [key for key, held in self._held.items() if held.process is process and held.running is None]
        for session_id in stale:
            del self._held[session_id]

    async def _sweep(self) -> None:
        """Close what is idle, for ever."""
        while True:
            soonest = min((spec.idle_timeout for spec in self._specs.values()), default=SWEEP_SECONDS * 4)
            await self._clock.sleep(min(SWEEP_SECONDS, soonest / 4))
            now = self._clock.monotonic()
            for session_id, held in list(self._held.items()):
                spec = held.process.spec
                idle = held.running is None and now - held.last_used >= spec.idle_timeout
                if idle and spec.shared and held.process.claimed_until <= now:
                    await self._let_go(session_id, held)
            await self._roster.close_idle(self._specs.values())

    async def _end_leftovers(self) -> None:
        log_dirs = [spec.log_dir for spec in self._specs.values() if spec.log_dir is not None]
        if ended := await asyncio.to_thread(end_leftovers, log_dirs):
            _log.warning("agent.leftovers_ended", count=ended)

    def _spawn(self, work: Coroutine[Any, Any, T]) -> "asyncio.Task[T | None]":
        task = self._tasks.create_task(self._supervised(work))
        task.add_done_callback(lambda _: work.close())  # for a task that was cancelled before it began
        return task

    async def _supervised(self, work: Coroutine[Any, Any, T]) -> T | None:
        """The supervisor of background work: a bug in one task is logged and must not end the others."""
        try:
            return await work
        except Exception:  # noqa: BLE001  (this is the supervisor)
            _log.exception("agent.bug")
            return None
