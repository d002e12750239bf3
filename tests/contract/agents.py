"""What the suites of the agents' port share: pools of real processes, and ways to wait for what they do."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psutil

from gateway.agents.pool import AgentPool
from gateway.agents.process import AgentProcess
from gateway.agents.spec import AgentSpec, PermissionPolicy, ProcessPolicy
from gateway.model.agent import (
    AgentUpdate,
    Ended,
    Opened,
    OpenFailed,
    OpenRequest,
    Prompt,
    PromptEnd,
    TextChunk,
    ThoughtChunk,
    ToolUpdate,
)
from gateway.model.attachment import AttachmentKind, PromptFile
from gateway.model.choices import Settings
from gateway.model.permission import Asker, PermissionRequest
from gateway.model.turn import HistoryTurn, TurnState
from gateway.ports import Clock
from tests.contract.agent_fixtures.ways import WAYS
from tests.harness.waiting import glance, within

BOUND = 30.0
"""Seconds after which waiting for an event counts as failing."""

HOSTILE = Path(__file__).parent / "agent_fixtures" / "hostile.py"

HISTORY = (HistoryTurn(1, TurnState.COMPLETED, "", "first", "an old answer"),)
"""What the ledger knows of the conversation that the hostile agent replays."""

PATIENCE = {"quiet_time": 0.5, "replay_timeout": 1.0, "retry_waits": (0.01, 0.01)}
"""Waits for what an agent may never do: short, and long enough for a slow machine where it does it."""


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
        self.settings = Settings()
        self.updates: list[AgentUpdate] = []
        self.unexpected: list[PermissionRequest] = []
        self._news = asyncio.Event()

    def remember(self) -> "Chat":
        """As after a restart: the ledger knows an agent session with one ended turn."""
        self.agent_session_id, self.history, self.ended_turns = "s0", HISTORY, len(HISTORY)
        return self

    async def try_open(self) -> Opened | OpenFailed:
        async def history() -> tuple[HistoryTurn, ...]:
            return self.history

        request = OpenRequest(
            self.number, self.agent, self.agent_session_id, self.cwd, self.ended_turns, history, self.settings
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

    async def prompt(
        self, text: str, note: str = "", ask: Asker | None = None, files: Sequence[PromptFile] = ()
    ) -> PromptEnd:
        """Send a prompt. Without `ask`, a question to people fails the test."""
        self.updates = []
        prompt = Prompt(self.preamble, note, text, tuple(files))
        end = await self.pool.prompt(self.number, prompt, self._sink, ask or self._unexpected)
        assert not self.unexpected
        if isinstance(end, Ended):
            self.ended_turns += 1
        return end

    async def ask(self, text: str, note: str = "", files: Sequence[PromptFile] = ()) -> str:
        """Open, prompt, and return the answer of a turn that ends well."""
        await self.open()
        end = await self.prompt(text, note, files=files)
        assert ended_well(end), end
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

    async def _unexpected(self, request: PermissionRequest) -> str | None:
        self.unexpected.append(request)
        return None

    def _sink(self, update: AgentUpdate) -> None:
        self.updates.append(update)
        self._news.set()


def ended_well(end: PromptEnd) -> bool:
    """Whether a turn ended as it should, whatever it has used."""
    return isinstance(end, Ended) and end.stop_reason == "end_turn"


def prompt_file(path: Path, content: bytes, kind: AttachmentKind, mime: str = "") -> PromptFile:
    """A file that goes with a prompt."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return PromptFile(str(path), path.name, mime, kind)


def demo_spec(tmp_path: Path, processes: str = "per_session", **settings: Any) -> AgentSpec:
    command = (str(Path(sys.executable).parent / "carryon-demo-agent"),)
    return AgentSpec(
        "demo", command, home=tmp_path / "home", log_dir=tmp_path / "agents",
        processes=ProcessPolicy(processes), **PATIENCE | settings,
    )  # fmt: skip


def hostile_spec(tmp_path: Path, way: str, arguments: Sequence[str] = (), **settings: Any) -> AgentSpec:
    """An agent that misbehaves in one of the `WAYS`. People are asked, unless `settings` say otherwise."""
    assert way in WAYS
    command = (sys.executable, "-S", "-E", str(HOSTILE), way, *arguments)
    settings = {"permissions": PermissionPolicy.ASK} | PATIENCE | settings
    return AgentSpec("odd", command, home=tmp_path / "home", log_dir=tmp_path / "agents", **settings)


def pool_of(*specs: AgentSpec, clock: Clock | None = None) -> AgentPool:
    return AgentPool({spec.name: spec for spec in specs}, clock or RealClock())


@asynccontextmanager
async def odd_chat(tmp_path: Path, way: str, **settings: Any) -> AsyncIterator[Chat]:
    """A new conversation with an agent that misbehaves."""
    async with pool_of(hostile_spec(tmp_path, way, **settings)) as pool:
        yield Chat(pool, agent="odd")


def is_thought(update: object) -> bool:
    return isinstance(update, ThoughtChunk)


def is_tool(update: object) -> bool:
    return isinstance(update, ToolUpdate)


def is_over(pid: int) -> bool:
    """Whether a process has ended; a zombie that nobody reaps has."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


async def noticed() -> None:
    """Let everyone in this program notice what has just happened."""
    for _ in range(50):
        await asyncio.sleep(0)


async def becomes(look: Callable[[], object], what: str) -> None:
    """Wait until something is so that announces itself in no way."""
    await within(glance(lambda: bool(look())), what)


def processes(pool: AgentPool) -> list[AgentProcess]:
    return sorted(pool._roster, key=lambda process: process.pid)


async def killed(process: AgentProcess) -> None:
    """Kill a process of the pool's, and wait until the pool can know."""
    os.kill(process.pid, signal.SIGKILL)
    await ended(process)


async def ended(process: AgentProcess) -> None:
    async with asyncio.timeout(BOUND):
        await process.ended()
