"""One prompt in flight: sent, watched, interrupted, drained, and turned into an outcome.

An interruption (the user's stop, or silence) asks the agent to stop and then waits, bounded, for the prompt
to return. What returns completed is kept: the agent's history has that turn, so the ledger must have it too.
Otherwise the session is quarantined: what the agent holds of it is not trusted any more.
"""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto

from gateway import log
from gateway.agents.enclosures import Block
from gateway.agents.ladder import refusal
from gateway.agents.offers import CommandsChanged, ModeChanged, OptionsChanged
from gateway.agents.outcomes import (
    INTERNAL_ERROR,
    RESOURCE_NOT_FOUND,
    AgentGoneError,
    AgentRefusedError,
    Finished,
    one_line,
)
from gateway.agents.process import AgentProcess, Spawn
from gateway.agents.spec import PermissionPolicy
from gateway.agents.updates import Heard, UserSaid
from gateway.agents.usage import merged
from gateway.model.agent import (
    AgentFailed,
    CancelledPrompt,
    Ended,
    FileChunk,
    PromptEnd,
    TextChunk,
    ToolUpdate,
    UpdateSink,
    UsageReport,
)
from gateway.model.permission import Asker, OptionKind, PermissionRequest
from gateway.model.turn import StepStatus
from gateway.model.usage import Usage
from gateway.ports import Clock

_log = log.get()

_CHOICES = {
    PermissionPolicy.ALLOW: (OptionKind.ALLOW_ONCE, OptionKind.ALLOW_ALWAYS),
    PermissionPolicy.DENY: (OptionKind.REJECT_ONCE, OptionKind.REJECT_ALWAYS),
}

_NO_SESSION = re.compile(r"session\b.{0,60}\bnot found|(unknown|no such) session", re.IGNORECASE)
"""How agents without a code for it say that they do not know the conversation."""

_HOPELESS = re.compile(
    r"auth|api.?key|credential|log.?in|permission|billing|credit|quota|not.found|unknown|unsupported",
    re.IGNORECASE,
)
"""What an internal error speaks of that does not pass by itself: trying again only makes a person wait."""


class _Interrupted(Enum):
    """Why a turn is being interrupted."""

    STOPPED = auto()
    SILENT = auto()


@dataclass(frozen=True, slots=True)
class TurnOutcome:
    """How a prompt ended and what that says about the agent's session.

    `quarantine`: do not prompt it again before it was loaded anew. `forgotten`: the agent does not know the
    session any more, loading it again is useless.
    """

    end: PromptEnd
    quarantine: bool = False
    forgotten: bool = False


_Answer = Finished | AgentRefusedError | AgentGoneError | None


class Turn:
    """One prompt to one agent session. `after_load` marks the first prompt after loading the session."""

    def __init__(
        self,
        process: AgentProcess,
        agent_session_id: str,
        sink: UpdateSink,
        ask: Asker,
        clock: Clock,
        *,
        after_load: bool,
    ) -> None:
        self._process = process
        self._agent_session_id = agent_session_id
        self._sink: UpdateSink | None = sink
        self._ask = ask
        self._clock = clock
        self._after_load = after_load
        self._stop: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._questions = 0
        self._last_sign = clock.monotonic()
        self._open_tools: set[str] = set()
        self._not_allowed: set[str] = set()
        self._doubtful: dict[str, StepStatus] | None = None  # how steps ended after the turn was to stop
        self._usage: Usage | None = None
        self.spoke = False
        self._acted = False  # something that must not happen twice, or that was shown

    def heard(self, update: Heard) -> None:
        """Pass an update on, and note that the agent is alive."""
        self._last_sign = self._clock.monotonic()
        if isinstance(update, UserSaid | ModeChanged | OptionsChanged | CommandsChanged):
            return
        if isinstance(update, UsageReport):
            self._usage = merged(self._usage, update.usage) or update.usage
            update = UsageReport(self._usage)
        else:
            self.spoke = True
        self._acted = self._acted or isinstance(update, ToolUpdate | TextChunk | FileChunk)
        if isinstance(update, ToolUpdate):
            status = update.status
            if self._doubtful is not None and status is not None and status is not StepStatus.RUNNING:
                # Several agents call a step completed that they have cut off: only the turn's end tells.
                self._doubtful[update.tool_call_id] = status
                update = replace(update, status=None)
            if update.status is StepStatus.RUNNING:
                self._open_tools.add(update.tool_call_id)
            elif update.status is not None:
                self._open_tools.discard(update.tool_call_id)
        if self._sink is not None:
            self._sink(update)

    async def asked(self, request: PermissionRequest) -> str | None:
        """Answer a request for permission by the kind of its options; ids are each agent's own."""
        self.heard(request.tool)
        if self._stop.done() or self._over.done():
            return None
        spec = self._process.spec
        if spec.permissions is PermissionPolicy.ASK:
            chosen = await self._ask_people(request)
        else:
            option = request.of_kind(*_CHOICES[spec.permissions])
            chosen = option.id if option else None
        answer = next((str(option.kind) for option in request.options if option.id == chosen), "cancelled")
        _log.info("agent.permission", agent=spec.name, title=one_line(request.tool.title, 80), answer=answer)
        allowed = answer.startswith("allow")
        (self._not_allowed.discard if allowed else self._not_allowed.add)(request.tool.tool_call_id)
        return chosen

    async def _ask_people(self, request: PermissionRequest) -> str | None:
        """Wait for people, who may take their time; a turn that stops or ends withdraws the question."""
        asking = asyncio.ensure_future(self._ask(request))
        self._questions += 1
        try:
            await asyncio.wait({asking, self._stop, self._over}, return_when=asyncio.FIRST_COMPLETED)
            return asking.result() if asking.done() else None
        finally:
            self._questions -= 1
            self._last_sign = self._clock.monotonic()
            if not asking.done():
                asking.cancel()
                await asyncio.wait({asking})

    def stop(self) -> None:
        """Have the prompt interrupted."""
        if not self._stop.done():
            self._stop.set_result(None)

    def detach(self) -> None:
        """Tell nobody any more what the agent says, and ask nobody."""
        self._sink = None
        self._end_questions()

    def _end_questions(self) -> None:
        if not self._over.done():
            self._over.set_result(None)

    async def run(self, blocks: Sequence[Block], spawn: Spawn) -> TurnOutcome:
        """Send the prompt and see it through to an outcome."""
        try:
            for wait in (*self._process.spec.retry_waits, None):
                outcome, answer = await self._attempt(blocks, spawn)
                if wait is None or outcome.quarantine or not self._may_retry(answer):
                    return outcome
                _log.warning("agent.retry", agent=self._process.spec.name, seconds=wait, why=str(answer))
                await self._pause(wait)
                if self._stop.done():
                    return TurnOutcome(CancelledPrompt())
                self._last_sign = self._clock.monotonic()
            raise AssertionError
        finally:
            self._end_questions()

    async def _pause(self, seconds: float) -> None:
        """Wait before another attempt, unless the turn is stopped or the process ends."""
        ended = asyncio.ensure_future(self._process.ended())
        try:
            await asyncio.wait({self._stop, ended}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            ended.cancel()

    async def _attempt(self, blocks: Sequence[Block], spawn: Spawn) -> "tuple[TurnOutcome, _Answer]":
        request = spawn(self._request(blocks))
        interrupted = await self._wait(request)
        if interrupted is not None:
            await self._interrupt(request)
        if not request.done():
            request.cancel()
            self.detach()
            return await self._broken_off(interrupted, None), None
        answer = request.result()
        outcome = await self._conclude(interrupted, answer)
        self._close_tools(outcome.end)
        return outcome, answer

    def _may_retry(self, answer: "_Answer") -> bool:
        """Whether a prompt failed inside the agent, before it did or said a thing, in a way that may pass."""
        if not isinstance(answer, AgentRefusedError) or answer.code != INTERNAL_ERROR:
            return False
        return not self._acted and not _HOPELESS.search(answer.said)

    async def _request(self, blocks: Sequence[Block]) -> _Answer:
        """The prompt, with its failures as values: this runs as a task of its own."""
        try:
            return await self._process.connection.prompt(self._agent_session_id, blocks)
        except (AgentRefusedError, AgentGoneError) as error:
            return error

    async def _wait(self, request: "asyncio.Task[_Answer]") -> _Interrupted | None:
        """Wait for the prompt, a stop, or too long a silence. Every sign of life starts the silence anew."""
        limit = self._process.spec.turn_idle_timeout
        while True:
            left = self._last_sign + limit - self._clock.monotonic()
            if self._questions:
                left = limit  # it is people who are silent
            elif left <= 0:
                return _Interrupted.SILENT
            await asyncio.wait({request, self._stop}, timeout=left, return_when=asyncio.FIRST_COMPLETED)
            if request.done():
                return None
            if self._stop.done():
                return _Interrupted.STOPPED

    async def _interrupt(self, request: "asyncio.Task[_Answer]") -> None:
        spec = self._process.spec
        self._doubtful = {}
        try:
            async with asyncio.timeout(spec.cancel_timeout):
                await self._process.connection.cancel(self._agent_session_id)
        except (TimeoutError, AgentGoneError, AgentRefusedError):
            return
        await asyncio.wait({request}, timeout=spec.drain_timeout)

    async def _conclude(self, interrupted: _Interrupted | None, answer: _Answer) -> TurnOutcome:
        match answer:
            case Finished(stop_reason, usage) if stop_reason != "cancelled":
                if stop_reason == "refusal" and self._after_load and not self.spoke:
                    return self._lost_session("the first prompt after loading was refused without a word")
                return TurnOutcome(Ended(stop_reason, merged(self._usage, usage)))
            case Finished() if interrupted is None:
                return TurnOutcome(CancelledPrompt())
            case AgentRefusedError() if answer.code == RESOURCE_NOT_FOUND or _NO_SESSION.search(answer.said):
                return self._lost_session(str(answer))
            case AgentRefusedError() if interrupted is None:
                message = refusal(self._process.spec.name, "could not answer", answer)
                return TurnOutcome(AgentFailed(message, str(answer), lost=False))
            case _:
                return await self._broken_off(interrupted, answer)

    async def _broken_off(self, interrupted: _Interrupted | None, answer: _Answer) -> TurnOutcome:
        """The prompt has no result: it was stopped, went silent, or the process is gone."""
        if interrupted is _Interrupted.STOPPED:
            return TurnOutcome(CancelledPrompt(), quarantine=True)
        if interrupted is _Interrupted.SILENT:
            limit = f"{self._process.spec.turn_idle_timeout:g}"
            return TurnOutcome(
                AgentFailed(
                    f"The agent did nothing for {limit} seconds and was stopped. "
                    "Send your message again to have it retried.",
                    f"silent for {limit} s; after the cancellation: {answer or 'no answer'}",
                    lost=True,
                ),
                quarantine=True,
            )
        return TurnOutcome(
            AgentFailed(
                "The agent stopped unexpectedly while working on this. "
                "Send any message to have it go on from where it was.",
                f"{answer or 'an internal error'}; {await self._process.describe_end()}",
                lost=True,
            ),
            quarantine=True,
        )

    def _lost_session(self, detail: str) -> TurnOutcome:
        message = (
            "The agent has lost this conversation. The next message gives it a transcript to go on from."
        )
        failed = AgentFailed(message, detail, lost=True, forgotten=not self.spoke)
        return TurnOutcome(failed, quarantine=True, forgotten=True)

    def _close_tools(self, end: PromptEnd) -> None:
        """End the tool calls that the agent left open, after its last update.

        Those of an agent that was lost or stopped stay open: nobody knows their outcome, and a recovery note
        will say so.
        """
        unknown = isinstance(end, CancelledPrompt) or (isinstance(end, AgentFailed) and end.lost)
        if self._sink is None or unknown:
            return
        for tool_call_id in self._open_tools:
            done = isinstance(end, Ended) and tool_call_id not in self._not_allowed
            status = StepStatus.COMPLETED if done else StepStatus.FAILED
            status = (self._doubtful or {}).get(tool_call_id, status)
            self._sink(ToolUpdate(tool_call_id, status=status))
