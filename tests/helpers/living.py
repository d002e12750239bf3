"""A gateway put together from a config file that changes while it runs; platform and agents are scripted."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from gateway import composition
from gateway.agents.pool import AgentPool
from gateway.config.file import load
from gateway.model.address import ChatKind
from gateway.model.message import Inbound
from gateway.model.operation import Done, OperationOutcome
from gateway.policies import agent_specs
from gateway.ports import Batch
from gateway.reloading.effects import effects
from gateway.reloading.reloader import Reloader
from gateway.supervisor import Supervisor
from tests.harness.settings import Settings, merged, write
from tests.harness.waiting import within
from tests.helpers.clock import ManualClock
from tests.helpers.fakes import ScriptedAgents, ScriptedChat
from tests.helpers.groups import killed_group
from tests.helpers.ledgers import ACCOUNT, Ledger, opened

ANN, BOB, EVE = "1001", "1002", "1003"
"""An administrator, somebody whom the config lets in, and a stranger."""

BASE: Settings = {
    "accounts": {ACCOUNT: {"platform": "telegram", "token": "4242:a-token-of-valid-shape"}},
    "agents": {"demo": {"command": ["never-started"]}},
    "default_agent": "demo",
    "access": {"allow": [f"{ACCOUNT}:{BOB}"], "admins": [f"{ACCOUNT}:{ANN}"]},
    "delivery": {"stream": "off"},
    "limits": {"messages_per_user": "off"},
    "media": {"retention": "off"},
}


@dataclass
class Living:
    """One boot, and the file that it was started with."""

    file: Path
    values: Settings
    ledger: Ledger
    clock: ManualClock
    chat: ScriptedChat
    agents: ScriptedAgents
    gateway: composition.Gateway
    pool: AgentPool
    reloader: Reloader
    notices: list[str] = field(default_factory=list)
    """What its supervisor was told."""

    def write(self, **changes: object) -> None:
        """Change the file in its place."""
        self.values = merged(self.values, changes)
        write(self.file, self.values)

    async def reload(self) -> OperationOutcome:
        """As `carryon reload` has it."""
        return await within(self.gateway.operations.reload(), "a reload")

    async def change(self, **changes: object) -> str:
        """Change the file and have it count; what is said about it."""
        self.write(**changes)
        outcome = await self.reload()
        assert isinstance(outcome, Done), outcome
        return outcome.text

    def inbound(self, who: str, text: str = "", **more: Any) -> Inbound:
        """Something that somebody does in the direct chat with the bot."""
        fields = {
            "event_id": f"e{next(self.ledger.events)}",
            "chat": who,
            "chat_kind": ChatKind.DIRECT,
            "author_id": who,
            "author_name": f"P{who}",
            "text": text,
            "sent_at": self.clock.now(),
            "to_bot": True,
        }
        return Inbound(**(fields | more))

    async def hear(self, who: str, text: str = "", **more: Any) -> None:
        """Somebody writes."""
        inbound = self.inbound(who, text, **more)
        await self.gateway.intake.accept(Batch(ACCOUNT, (inbound,), {"": inbound.event_id}))

    async def ready(self) -> None:
        """The account is connected."""
        await self.gateway.intake.ready(ACCOUNT)

    async def idle(self) -> None:
        """Wait until nothing is at work and nothing is to be sent."""
        await within(self.gateway.lanes.all_idle(), "idle lanes")
        await within(self.gateway.outbox.empty(), "an empty outbox")

    async def ask(self, who: str, text: str, **more: Any) -> list[str]:
        """Somebody writes; all that the agents were asked by then."""
        await self.hear(who, text, **more)
        await self.idle()
        return self.agents.texts()

    async def pass_time(self, seconds: float) -> None:
        """Let time pass, and what it does happen."""
        self.clock.advance(seconds)
        await self.quiet()

    async def quiet_without_writing(self) -> None:
        """Let everything happen that can without time passing and without the ledger being written."""
        for _ in range(10):
            for _ in range(25):
                await asyncio.sleep(0)
            await self.ledger.store.session(1)

    async def quiet(self) -> None:
        """Let everything that can happen without time passing happen."""
        for _ in range(5):
            for _ in range(25):
                await asyncio.sleep(0)
            await self.ledger.store.beat(self.ledger.boot, self.clock.now())
            await self.ledger.store.session(1)


class _Ear(Supervisor):
    """A supervisor's notifications, noted down."""

    def __init__(self, notices: list[str]) -> None:
        super().__init__()
        self._notices = notices

    def reloading(self) -> None:
        self._notices.append("reloading")

    def ready(self) -> None:
        self._notices.append("ready")


@asynccontextmanager
async def life(ledger: Ledger, *, ready: bool = True, **settings: object) -> AsyncGenerator[Living]:
    """One boot on this ledger. Leaving it is a kill."""
    values = merged(merged(BASE, {"state_dir": str(ledger.folder)}), settings)
    file = write(ledger.folder / "gateway.yaml", values)
    config = load(file, {})
    clock, chat, agents = ManualClock(ledger.now), ScriptedChat(), ScriptedAgents(cwd=str(ledger.folder))
    notices: list[str] = []
    assert ledger.opening is not None
    async with killed_group() as group, AgentPool(agent_specs(config), clock) as pool:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(composition, "connector", lambda _platform: lambda *_: chat)
            ground = composition.Ground(config, ledger.store, agents, clock, group, ledger.opening)
            gateway = composition.compose(ground)
        reloader = Reloader(file, config, effects(gateway, pool, _Ear(notices)), clock, group)
        gateway.operations.let_reload(reloader)
        group.create_task(gateway.streams.run())
        await gateway.outbox.load(ACCOUNT)
        made = Living(file, values, ledger, clock, chat, agents, gateway, pool, reloader, notices)
        if ready:
            await made.ready()
        yield made


@asynccontextmanager
async def new_life(folder: Path, **settings: object) -> AsyncGenerator[Living]:
    """A first boot on an empty ledger, connected."""
    async with opened("sqlite", folder) as ledger, life(ledger, **settings) as made:
        yield made
