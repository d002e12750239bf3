"""An adapter on the emulator: the websocket and HTTP are real, the sink and the clock belong to the test."""

import asyncio
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from adapters.discord.adapter import connect
from adapters.discord.manifest import DiscordAccount
from adapters.emulators.discord import DiscordEmulator, DiscordOptions
from adapters.emulators.discord_limits import Limits
from adapters.emulators.discord_world import token_of
from gateway.model.address import Route
from gateway.model.delivery import Delivery
from gateway.ports import Batch, ChatAdapter
from tests.contract.adapters.sink import Remembered
from tests.contract.surroundings import AdapterAlone, Hearing, owed

ACCOUNT = "discord"


class QuickClock:
    """Sleeping takes no time and is written down. It begins at the time of day, as ids hold that."""

    def __init__(self) -> None:
        self.slept: list[float] = []
        self.time = time.time()

    def now(self) -> float:
        return self.time

    def monotonic(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += seconds
        await asyncio.sleep(0)


@dataclass
class RecordingSink(Hearing, Remembered):
    """It is a `Past` as well: what was committed to it is what the ledger remembers."""

    account: str = ACCOUNT
    before_commit: asyncio.Event | None = None

    async def accept(self, batch: Batch) -> None:
        self._offer(batch)
        if self.before_commit is not None:
            await self.before_commit.wait()
        self.batches.append(batch)
        self.known |= batch.cursors
        self._tell(f"accept {len(batch.items)}")

    @property
    def past(self) -> Remembered:
        return self

    @property
    def kept(self) -> dict[str, str]:
        return self.known


@dataclass
class Setting(AdapterAlone):
    """`gone` are the adapters that came before."""

    gone: list[ChatAdapter] = field(default_factory=list)

    shown = AdapterAlone.said

    async def visit(self) -> None:
        """Connect once and leave: from now on there are cursors."""
        async with self.running():
            await self.sink.until_ready()

    def again(self, **more):
        """A new process on the same ledger: its adapter."""
        self.gone.append(self.adapter)
        self.adapter = connect(ACCOUNT, account(self.emulator, **more), self.clock)
        self.sink.told.clear()
        return self.adapter


def account(emulator, **more) -> DiscordAccount:
    return DiscordAccount.model_validate({**emulator.playground.settings(), **more})


@asynccontextmanager
async def setting(token=None, rate_limits="off", threads="auto", api_url=None, gateway_url=None, **options):
    options.setdefault("limits", Limits(enabled=False))
    async with DiscordEmulator(DiscordOptions(**options)) as emulator:
        ann = emulator.playground.person("Ann")
        clock = QuickClock()
        given = {
            "token": token or token_of(emulator.world.bot.id),
            "rate_limits": rate_limits,
            "threads": threads,
            "api_url": api_url or emulator.api_url,
            "gateway_url": gateway_url or emulator.gateway_url,
        }
        adapter = connect(ACCOUNT, account(emulator, **given), clock)
        direct = emulator.playground.direct(ann)
        made = Setting(emulator, ann, direct, RecordingSink(), clock, adapter)
        try:
            yield made
        finally:
            for one in (*made.gone, made.adapter):
                await one.close()


def delivery(chat, body="answer", thread="", key="key", **more) -> Delivery:
    return owed(Route(ACCOUNT, str(chat), thread), body, key=key, **more)
