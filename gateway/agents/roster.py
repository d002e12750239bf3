"""The agent processes that are alive: started when they are needed, few at a time, closed when idle.

An agent with a process per conversation has at most `max_processes` of them. When one more is needed, the one
that was used least recently is closed, never one with a prompt in flight; when all are at work, the newcomer
waits. A shared agent has one process, which is started once however many ask for it at the same time.
"""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator

from gateway.agents import tree
from gateway.agents.environment import working_directory
from gateway.agents.outcomes import AgentStartError
from gateway.agents.process import AgentProcess, Spawn
from gateway.agents.spec import AgentSpec
from gateway.ports import Clock

CLAIM = 10.0
"""Seconds for which a process that was opened for a prompt is kept for it."""


class Roster:
    """Every live process. `on_end` is told of each that ended."""

    def __init__(self, clock: Clock, spawn: Spawn, on_end: Callable[[AgentProcess], None]) -> None:
        self._clock = clock
        self._spawn = spawn
        self._on_end = on_end
        self._processes: dict[str, set[AgentProcess]] = defaultdict(set)
        self._starting: dict[str, set[AgentProcess]] = defaultdict(set)
        self._shared_start: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._freed = asyncio.Event()
        self._closed = False

    def __iter__(self) -> Iterator[AgentProcess]:
        return iter([process for group in self._processes.values() for process in group])

    async def acquire(self, spec: AgentSpec, cwd: str, *, claim: bool = True) -> AgentProcess:
        """A usable process for a conversation, claimed if there is one already. Raises `AgentStartError`."""
        process = await (self._shared(spec) if spec.shared else self._own(spec, cwd))
        self.touch(process)
        if claim:
            process.claimed_until = self._clock.monotonic() + CLAIM
        return process

    def begin(self, process: AgentProcess) -> None:
        """A prompt is in flight."""
        process.in_use += 1
        process.claimed_until = 0.0

    def finish(self, process: AgentProcess) -> None:
        """A prompt has ended."""
        process.in_use -= 1
        self.touch(process)
        self._freed.set()

    def touch(self, process: AgentProcess) -> None:
        """The process was used now."""
        process.last_used = self._clock.monotonic()

    def is_free(self, process: AgentProcess) -> bool:
        """Whether nobody would miss the process."""
        return process.in_use == 0 and process.claimed_until <= self._clock.monotonic()

    async def close_idle(self, specs: Collection[AgentSpec]) -> None:
        """End the processes that nobody used for their agent's `idle_timeout`, and those of other `specs`.

        One of an agent that was changed or removed is kept for as long as it is at work.
        """
        now, current = self._clock.monotonic(), {id(spec) for spec in specs}
        idle = [
            process
            for process in self
            if self.is_free(process)
            and (id(process.spec) not in current or now - process.last_used >= process.spec.idle_timeout)
        ]
        await asyncio.gather(*(process.end() for process in idle))

    async def close(self) -> None:
        """End every process. Their trees are ended together, with one look at the process table."""
        self._closed = True
        self._freed.set()
        while starting := [process for group in self._starting.values() for process in group]:
            self._freed.clear()
            await asyncio.gather(*(process.give_up() for process in starting))
            if any(self._starting.values()):
                await self._freed.wait()
        processes = list(self)
        roots = [process.root for process in processes if process.root is not None]
        if roots:
            await asyncio.to_thread(tree.end_trees, roots)
        await asyncio.gather(*(process.end(swept=True) for process in processes))

    async def _shared(self, spec: AgentSpec) -> AgentProcess:
        async with self._shared_start[spec.name]:
            for process in self._processes[spec.name]:
                if process.usable and process.spec is spec:
                    return process
            return await self._start(spec, working_directory(spec, None))

    async def _own(self, spec: AgentSpec, cwd: str) -> AgentProcess:
        while len(self._processes[spec.name]) + len(self._starting[spec.name]) >= spec.max_processes:
            free = [p for p in self._processes[spec.name] if p.usable and self.is_free(p)]
            if free:
                await min(free, key=lambda process: process.last_used).end()
                continue
            self._check_open()
            self._freed.clear()
            with contextlib.suppress(TimeoutError):  # a claim runs out without a word
                async with asyncio.timeout(CLAIM):
                    await self._freed.wait()
        return await self._start(spec, cwd)

    async def _start(self, spec: AgentSpec, cwd: str) -> AgentProcess:
        self._check_open()
        process = AgentProcess(spec, self._spawn, self._ended)
        self._starting[spec.name].add(process)
        try:
            await process.start(cwd)
            self._processes[spec.name].add(process)
        finally:
            self._starting[spec.name].discard(process)
            self._freed.set()
        if not process.usable:  # it ended between its first answer and now
            await process.end()
            self._processes[spec.name].discard(process)
        return process

    def _check_open(self) -> None:
        if self._closed:
            raise AgentStartError("The gateway is stopping.", "the roster is closed", retry=False)

    def _ended(self, process: AgentProcess) -> None:
        self._processes[process.spec.name].discard(process)
        self._freed.set()
        self._on_end(process)
