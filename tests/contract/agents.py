"""What the suites of the agents' port share: pools of real processes, and ways to wait for what they do."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from gateway.agents.pool import AgentPool
from gateway.agents.process import AgentProcess
from gateway.agents.spec import AgentSpec, ProcessPolicy
from gateway.model.agent import (
    AgentUpdate,
    Ended,
    Opened,
    OpenFailed,
    OpenRequest,
    Prompt,
    PromptEnd,
    TextChunk,
)
from gateway.model.turn import HistoryTurn

BOUND = 30.0
"""Seconds after which waiting for an event counts as failing."""

HOSTILE = Path(__file__).parent / "agent_fixtures" / "hostile.py"


class RealClock:
    """Time as it passes."""

    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class Chat:
    """One conversation with an agent of a pool, as the engine would have it."""

    def __init__(self, pool: AgentPool, number: int = 1, agent: str = "demo") -> None:
        self.pool = pool
        self.number = number
        self.agent = agent
        self.agent_session_id: str | None = None
        self.cwd: str | None = None
        self.preamble = ""
        self.history: tuple[HistoryTurn, ...] = ()
        self.ended_turns = 0
        self.updates: list[AgentUpdate] = []
        self._news = asyncio.Event()

    async def try_open(self) -> Opened | OpenFailed:
        async def history() -> tuple[HistoryTurn, ...]:
            return self.history

        request = OpenRequest(
            self.number, self.agent, self.agent_session_id, self.cwd, self.ended_turns, history
        )
        opened = await self.pool.open(request)
        if isinstance(opened, Opened):
            self.agent_session_id, self.cwd = opened.agent_session_id, opened.cwd
            self.preamble = opened.preamble
        return opened

    async def open(self) -> Opened:
        opened = await self.try_open()
        assert isinstance(opened, Opened), opened
        return opened

    async def prompt(self, text: str, note: str = "") -> PromptEnd:
        self.updates = []
        end = await self.pool.prompt(self.number, Prompt(self.preamble, note, text), self._sink)
        if isinstance(end, Ended):
            self.ended_turns += 1
        return end

    async def ask(self, text: str, note: str = "") -> str:
        """Open, prompt, and return the answer of a turn that ends well."""
        await self.open()
        end = await self.prompt(text, note)
        assert end == Ended("end_turn"), end
        return self.said

    @property
    def said(self) -> str:
        return "".join(update.text for update in self.updates if isinstance(update, TextChunk))

    async def heard(self, matches: Callable[[AgentUpdate], bool]) -> None:
        """Wait for an update."""
        async with asyncio.timeout(BOUND):
            while not any(matches(update) for update in self.updates):
                self._news.clear()
                await self._news.wait()

    def _sink(self, update: AgentUpdate) -> None:
        self.updates.append(update)
        self._news.set()


def demo_spec(tmp_path: Path, processes: str = "per_session", **settings: Any) -> AgentSpec:
    command = (str(Path(sys.executable).parent / "carryon-demo-agent"),)
    return AgentSpec(
        "demo", command, home=tmp_path / "home", log_dir=tmp_path / "agents",
        processes=ProcessPolicy(processes), **settings,
    )  # fmt: skip


def hostile_spec(tmp_path: Path, way: str, arguments: Sequence[str] = (), **settings: Any) -> AgentSpec:
    command = (sys.executable, "-S", "-E", str(HOSTILE), way, *arguments)
    return AgentSpec("odd", command, home=tmp_path / "home", log_dir=tmp_path / "agents", **settings)


def pool_of(*specs: AgentSpec) -> AgentPool:
    return AgentPool({spec.name: spec for spec in specs}, RealClock())


def processes(pool: AgentPool) -> list[AgentProcess]:
    return sorted(pool._roster, key=lambda process: process.pid)


async def killed(process: AgentProcess) -> None:
    """Kill a process of the pool's, and wait until the pool can know."""
    os.kill(process.pid, signal.SIGKILL)
    await ended(process)


async def ended(process: AgentProcess) -> None:
    async with asyncio.timeout(BOUND):
        await process._exited.wait()
