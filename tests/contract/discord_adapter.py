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
from adapters.emulators.faults import Fault, FaultKind, When
from gateway.model.address import Route
from gateway.model.delivery import Delivery, DeliveryKind, DeliveryState
from gateway.model.message import Inbound
from gateway.ports import Batch, ChatAdapter, LedgerUnavailableError

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
class RecordingSink:
    """An `InboundSink` that writes down what it is told; `refuse` makes the next so many commits fail.

    It is a `Past` as well: what was committed to it is what the ledger remembers.
    """

    refuse: int = 0
    told: list[str] = field(default_factory=list)
    batches: list[Batch] = field(default_factory=list)
    offered: list[Batch] = field(default_factory=list)
    before_commit: asyncio.Event | None = None
    kept: dict[str, str] = field(default_factory=dict)
    oldest: float = 0.0
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def accept(self, batch: Batch) -> None:
        self.offered.append(batch)
        self._changed.set()
        if self.refuse:
            self.refuse -= 1
            raise LedgerUnavailableError("disk full")
        if self.before_commit is not None:
            await self.before_commit.wait()
        self.batches.append(batch)
        self.kept |= batch.cursors
        self._tell(f"accept {len(batch.items)}")

    async def ready(self, account: str) -> None:
        assert account == ACCOUNT
        self._tell("ready")

    def lost(self, account: str, why: str) -> None:
        assert account == ACCOUNT
        self._tell(f"lost: {why}")

    async def cursors(self) -> dict[str, str]:
        return dict(self.kept)

    def horizon(self) -> float:
        return self.oldest

    def _tell(self, what: str) -> None:
        self.told.append(what)
        self._changed.set()

    async def until(self, condition) -> None:
        """Wait until `condition(self)` holds; one waiter at a time."""
        while not condition(self):
            self._changed.clear()
            await self._changed.wait()

    async def until_ready(self, times: int = 1) -> None:
        await self.until(lambda sink: sink.told.count("ready") >= times)

    async def until_texts(self, *texts: str) -> None:
        await self.until(lambda sink: sink.texts == list(texts))

    @property
    def items(self) -> list[Inbound]:
        """What people said, each event once, as a ledger has it."""
        found: dict[str, Inbound] = {}
        for batch in self.batches:
            for item in batch.items:
                if not item.from_bot:
                    found.setdefault(item.event_id, item)
        return list(found.values())

    @property
    def texts(self) -> list[str]:
        return [item.text for item in self.items]

    @property
    def losses(self) -> list[str]:
        return [what.removeprefix("lost: ") for what in self.told if what.startswith("lost")]


@dataclass
class Setting:
    """A running emulator with one person, an adapter for it, and their surroundings."""

    emulator: DiscordEmulator
    adapter: ChatAdapter
    sink: RecordingSink
    clock: QuickClock
    ann: str
    direct: str
    gone: list[ChatAdapter] = field(default_factory=list)

    @asynccontextmanager
    async def running(self, sink=None, adapter=None):
        """The adapter receives until the block ends; yields its task."""
        sink = sink or self.sink
        task = asyncio.create_task((adapter or self.adapter).run(sink, sink))
        try:
            yield task
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

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

    def say(self, text, chat=None, **more) -> str:
        return self.emulator.playground.say(self.ann, chat or self.direct, text, **more)

    def channel(self) -> str:
        return self.emulator.playground.channel(self.ann)

    def fault(self, kind, method="createMessage", when=When.BEFORE, **more) -> int:
        return self.emulator.faults.add(Fault(FaultKind(kind), method=method, when=when, **more))

    def calls(self, method):
        return self.emulator.calls.since(method=method)

    def shown(self, chat=None, thread=None):
        """What the bot wrote."""
        shown = self.emulator.playground.shown(chat or self.direct, thread)
        return [message.text for message in shown if message.from_bot]


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
        made = Setting(emulator, adapter, RecordingSink(), clock, ann, emulator.playground.direct(ann))
        try:
            yield made
        finally:
            for one in (*made.gone, made.adapter):
                await one.close()


def delivery(chat, body="answer", thread="", **more) -> Delivery:
    return Delivery(
        1,
        Route(ACCOUNT, str(chat), thread),
        DeliveryKind.REPLY,
        body,
        DeliveryState.SENDING,
        more.pop("key", "key"),
        **more,
    )
