"""One real agent, the model that it talks to, and the whole gateway between it and a chat."""

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import psutil

from tests.agents.model.server import ModelServer
from tests.agents.model.strangers import Strangers, refuse_strangers
from tests.agents.real import RealAgent
from tests.harness.chat import Chat, Line
from tests.harness.stage import Stage, open_stage
from tests.harness.waiting import glance

PATIENCE = 120.0
"""Seconds that anything may take: agents are large programs."""


class Turn(NamedTuple):
    """A turn of the ledger. `why` is the reason of its resume mode, `resumes` is 1 or 0."""

    state: str
    mode: str | None
    why: str | None
    resumes: int


class Scene:
    """A stage on which a real agent answers."""

    def __init__(self, stage: Stage, model: ModelServer, agent: RealAgent, strangers: Strangers) -> None:
        self.stage = stage
        self.model = model
        self.agent = agent
        self.strangers = strangers
        self.home = stage.folder / "home"
        self.chat: Chat = stage.chat("Ann")
        settings = agent.settle(self.home, model.url, strangers.port)
        # By this the stage finds what killed gateways and agents left behind.
        env = {**settings["env"], "CARRYON_DEMO_HOME": str(stage.folder / "demo")}
        stage.configure(agents={agent.name: {**settings, "env": env}}, default_agent=agent.name)

    def configure(self, **changes: object) -> None:
        """Change the agent's section of the config."""
        self.stage.configure(agents={self.agent.name: changes})

    async def shows(self, text: str, times: int = 1) -> Line:
        """Wait until the bot has said this so many times; the last of them."""

        def look() -> Line | None:
            found = [line for line in self.chat.replies if text in line.text]
            assert found or not any("could not answer" in line.text for line in self.chat.replies), (
                self.told()
            )
            return found[-1] if len(found) >= times else None

        events = self.stage.playground().events
        return await self.stage.until(events.until(look), f"{times} times the text {text!r}", PATIENCE)

    async def ask(self, text: str, answer: str, times: int = 1) -> Line:
        """Say something and wait for an answer that contains this, and for its end in the ledger."""
        self.chat.say(text)
        line = await self.shows(answer, times)
        await self.stage.settled()
        return line

    async def holds(self, words: str) -> None:
        """Wait until the model has stopped in the middle of its answer to this."""
        book = self.model.book
        await self.stage.until(
            book.until(lambda one: one.holds(words)), f"half an answer to {words!r}", PATIENCE
        )

    async def kill_gateway(self) -> None:
        """SIGKILL the gateway, which leaves the agent alone in the world; start it again."""
        await self.stage.gateway.kill()
        await self.stage.start()

    async def stop_gateway(self) -> None:
        """SIGTERM the gateway, and start it again."""
        assert await self.stage.gateway.stop() == 0
        await self.stage.start()

    async def kill_agent(self) -> None:
        """SIGKILL the agent's main process; wait until the gateway has missed it."""
        gateway = self.stage.gateway
        seen = len(gateway.log.entries)
        ((pid, _),) = self.processes()
        psutil.Process(pid).kill()
        await gateway.logged("agent.exited", after=seen, pid=pid)

    def processes(self) -> list[tuple[int, str]]:
        """The agent's processes by the gateway's notes: the id, and the token that all children carry."""
        notes = (self.stage.folder / "state" / "agents" / "processes").glob("*.json")
        return [(note["pid"], note["token"]) for note in (json.loads(path.read_text()) for path in notes)]

    async def at_tool(self) -> None:
        """Wait until a tool call is in the ledger as running."""
        query = "SELECT count(*) FROM steps WHERE kind = 'tool' AND status = 'running'"
        probe = self.stage.ledger.until(lambda ledger: ledger.one(query) > 0)
        await self.stage.until(probe, "a running tool", PATIENCE)

    async def written(self, path: Path) -> str:
        """Wait until somebody has written a line to this file; what it has then."""

        def look() -> str | None:
            text = path.read_text() if path.is_file() else ""
            return text if text.endswith("\n") else None

        return await self.stage.until(glance(look), f"a line in {path.name}", PATIENCE)

    @property
    def turns(self) -> list[Turn]:
        """Every turn, oldest first."""
        query = "SELECT state, resume_mode, mode_reason, resumes_turn_id IS NOT NULL FROM turns ORDER BY id"
        return [Turn._make(row) for row in self.stage.ledger.rows(query)]

    def told(self) -> str:
        """What happened, for the message of a failed assertion."""
        asked = [f"{one.wire} {one.asked.last[-200:]!r} -> {one.reply}" for one in self.model.book.work]
        refused = [f"refused: {text}" for text in self.model.book.refused]
        return "\n".join([str(self.chat), *map(str, self.turns), *asked, *refused])


@asynccontextmanager
async def open_scene(folder: Path, agent: RealAgent) -> AsyncGenerator[Scene]:
    """A stage with a Telegram, a model and an agent that is not started yet."""
    async with ModelServer() as model, refuse_strangers() as strangers, open_stage(folder) as stage:
        yield Scene(stage, model, agent, strangers)
