"""An adapter on the emulator: aiogram and HTTP are real, the sink and the clock belong to the test."""

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from adapters.emulators.faults import Fault, FaultKind, When
from adapters.emulators.telegram import TelegramEmulator, TelegramOptions
from adapters.emulators.telegram_api import Limits
from adapters.telegram.adapter import connect
from adapters.telegram.manifest import TelegramAccount
from gateway.model.address import Route
from gateway.model.delivery import Delivery, DeliveryKind, DeliveryState
from gateway.model.message import Inbound
from gateway.ports import Batch, ChatAdapter, LedgerUnavailableError

ACCOUNT = "telegram"
TOKEN = "4242:a-token-of-valid-shape"
ANN = 1001


class QuickClock:
    """Sleeping takes no time and is written down."""

    def __init__(self) -> None:
        self.slept: list[float] = []
        self.time = 1_000.0

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
    """An `InboundSink` that writes down what it is told; `refuse` makes the next so many commits fail."""

    refuse: int = 0
    told: list[str] = field(default_factory=list)
    batches: list[Batch] = field(default_factory=list)
    offered: list[Batch] = field(default_factory=list)
    before_commit: asyncio.Event | None = None
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
        self._tell(f"accept {len(batch.items)}")

    async def ready(self, account: str) -> None:
        assert account == ACCOUNT
        self._tell("ready")

    def lost(self, account: str, why: str) -> None:
        assert account == ACCOUNT
        self._tell(f"lost: {why}")

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
        return [item for batch in self.batches for item in batch.items]

    @property
    def texts(self) -> list[str]:
        return [item.text for item in self.items]

    @property
    def losses(self) -> list[str]:
        return [what for what in self.told if what.startswith("lost")]


@dataclass
class Setting:
    """A running emulator, an adapter for it, and their surroundings."""

    emulator: TelegramEmulator
    adapter: ChatAdapter
    sink: RecordingSink
    clock: QuickClock
    token: str

    @asynccontextmanager
    async def running(self, cursor=None, sink=None):
        """The adapter receives until the block ends; yields its task."""
        task = asyncio.create_task(self.adapter.run(sink or self.sink, cursor))
        try:
            yield task
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def fault(self, kind, method="sendMessage", when=When.BEFORE, **more):
        self.emulator.faults.add(Fault(FaultKind(kind), method=method, when=when, **more))

    def offsets(self):
        return [call.params.get("offset") for call in self.emulator.calls.since(method="getUpdates")]

    async def polling(self, after=0):
        """Wait until a long poll is open."""
        await self.emulator.events.event("polling", after=after)

    def texts(self, chat=ANN):
        """What the bot wrote in a chat."""
        messages = self.emulator.world.chat(chat).messages.values()
        return [message.text for message in messages if message.author.is_bot]


@asynccontextmanager
async def setting(token=TOKEN, rate_limits="off", api_url=None, **options):
    async with TelegramEmulator(TelegramOptions(limits=Limits(enabled=False), **options)) as emulator:
        emulator.people.send(ANN, "hello")
        clock = QuickClock()
        config = TelegramAccount(
            platform="telegram", token=token, api_url=api_url or emulator.base_url, rate_limits=rate_limits
        )
        adapter = connect(ACCOUNT, config, clock)
        try:
            yield Setting(emulator, adapter, RecordingSink(), clock, token)
        finally:
            await adapter.close()


def delivery(body="answer", chat=ANN, **more) -> Delivery:
    route = Route(ACCOUNT, str(chat), more.pop("thread", ""))
    return Delivery(1, route, DeliveryKind.REPLY, body, DeliveryState.SENDING, "key", **more)
