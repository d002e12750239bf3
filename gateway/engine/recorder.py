"""Collects what an agent says in one turn: the answer's text, and the steps worth keeping.

Updates arrive in a callback that must not wait, so they are only noted here; a single flush at a time takes
what is noteworthy to the ledger. Short answers without tools leave no steps: their text is in the turn.
"""

import asyncio
from dataclasses import dataclass, field, replace

from gateway.model.agent import AgentUpdate, FileChunk, TextChunk, ThoughtChunk, ToolUpdate, UsageReport
from gateway.model.text import storable
from gateway.model.turn import Step, StepKind, StepStatus
from gateway.model.usage import Usage
from gateway.ports import Clock, LedgerUnavailableError, TurnLog

FILE_BYTES = 40 * 1024 * 1024
"""Bytes of files that one answer may hold in memory; what comes after them is left out."""

FLUSH_SECONDS = 2.0
"""How much streamed text a crash may cost the transcript, in seconds of the agent's talking."""


@dataclass(slots=True)
class _Segment:
    """A run of text or thought between tool calls."""

    seq: int
    kind: StepKind
    parts: list[str] = field(default_factory=list[str])

    def step(self, status: StepStatus) -> Step:
        return Step(self.seq, self.kind, status, text=self.text)

    @property
    def text(self) -> str:
        # A character may be cut in two between chunks; only the halves that stay alone are unstorable.
        joined = "".join(self.parts).encode("utf-16-le", "surrogatepass")
        return storable(joined.decode("utf-16-le", "replace"))


class Recorder:
    """The record of one running turn. Call it with each update."""

    def __init__(self, turn_id: int, turns: TurnLog, clock: Clock, group: asyncio.TaskGroup) -> None:
        self._turn_id = turn_id
        self._turns = turns
        self._clock = clock
        self._group = group
        self._segments: list[_Segment] = []
        self._tools: dict[str, Step] = {}
        self._dirty: dict[int, Step] = {}
        self._flushing = False
        self._next_flush = clock.monotonic() + FLUSH_SECONDS
        self._stored_segments = False
        self._last_tool = -1
        self._over = False
        self._file_bytes = 0
        self.files: list[FileChunk] = []
        self.usage: Usage | None = None

    def __call__(self, update: AgentUpdate) -> None:
        """Note one update."""
        match update:
            case TextChunk(text):
                self._append(StepKind.TEXT, text)
            case ThoughtChunk(text):
                self._append(StepKind.THOUGHT, text)
            case ToolUpdate():
                self._tool(update)
            case FileChunk(data=data):
                # They are held until the turn ends: no agent may fill the memory with them.
                self._file_bytes += len(data)
                if self._file_bytes <= FILE_BYTES:
                    self.files.append(update)
            case UsageReport(usage):
                self.usage = usage

    @property
    def steps(self) -> tuple[Step, ...]:
        """The tool calls so far, in the order in which they began."""
        return tuple(self._tools.values())

    @property
    def text(self) -> str:
        """The answer so far. Segments on both sides of a tool call stay apart."""
        segments = (s.text for s in self._segments if s.kind is StepKind.TEXT)
        return "\n\n".join(text.strip() for text in segments if text.strip())

    @property
    def open_tools(self) -> bool:
        """Whether a tool call has begun and not ended."""
        return any(step.status is StepStatus.RUNNING for step in self._tools.values())

    def rest(self, status: StepStatus) -> tuple[Step, ...]:
        """Steps that are not in the ledger yet, for the transaction that ends the turn."""
        self._over = True  # a flush that is under way must not write again, behind the turn's end
        # All tools again, also those of a flush that is under way: it may still fail.
        for step in self._tools.values():
            self._dirty[step.seq] = step
        if self._stored_segments or self._tools:
            for segment in self._segments:
                self._dirty[segment.seq] = segment.step(status)
        return tuple(self._dirty.values())

    def _append(self, kind: StepKind, text: str) -> None:
        if not self._segments or self._segments[-1].kind is not kind or self._tool_since():
            self._segments.append(_Segment(self._next_seq(), kind))
        self._segments[-1].parts.append(text)
        if self._clock.monotonic() >= self._next_flush:
            self._next_flush = self._clock.monotonic() + FLUSH_SECONDS
            self._stored_segments = True
            segment = self._segments[-1]
            self._note(segment.step(StepStatus.RUNNING))

    def _tool_since(self) -> bool:
        """Whether a tool call began after the last segment did."""
        return self._last_tool > self._segments[-1].seq

    def _tool(self, update: ToolUpdate) -> None:
        call_id = storable(update.tool_call_id)
        before = self._tools.get(call_id)
        if before is None:
            if self._segments:
                # What was said before a tool is in the ledger before the tool: it may run for long.
                self._stored_segments = True
                last = self._segments[-1]
                self._dirty[last.seq] = last.step(StepStatus.RUNNING)
            before = Step(self._next_seq(), StepKind.TOOL, StepStatus.RUNNING, tool_call_id=call_id)
            self._last_tool = before.seq
        after = replace(
            before,
            status=update.status or before.status,
            title=storable(update.title) or before.title,
            tool_kind=storable(update.tool_kind) or before.tool_kind,
            text=storable(update.text) or before.text,
        )
        self._tools[call_id] = after
        if after != before or after.seq not in self._dirty:
            self._note(after)

    def _next_seq(self) -> int:
        return len(self._segments) + len(self._tools)

    def _note(self, step: Step) -> None:
        self._dirty[step.seq] = step
        if not self._flushing:
            self._flushing = True
            self._group.create_task(self._flush(), name=f"steps-{self._turn_id}")

    async def _flush(self) -> None:
        """Write what is noted. What cannot be written now goes with the end of the turn."""
        try:
            while self._dirty and not self._over:
                steps = tuple(self._dirty.values())
                self._dirty.clear()
                try:
                    await self._turns.record_steps(self._turn_id, steps)
                except LedgerUnavailableError:
                    self._dirty = {step.seq: step for step in steps} | self._dirty
                    return
        finally:
            self._flushing = False
