"""An adapter on the emulator: slack_bolt, slack_sdk and HTTP are real, sink and clock belong to the test."""

import asyncio
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from adapters.emulators.faults import Fault, FaultKind, When
from adapters.emulators.slack import SlackEmulator, SlackOptions
from adapters.emulators.slack_api import Limits
from adapters.emulators.slack_deliveries import Patience
from adapters.slack.adapter import connect
from adapters.slack.manifest import SlackAccount
from gateway.model.address import Route
from gateway.model.delivery import Delivery, DeliveryKind, DeliveryState
from gateway.model.message import Inbound
from gateway.ports import Batch, ChatAdapter, LedgerUnavailableError
from tests.harness.waiting import within

ACCOUNT = "slack"
BOT_TOKEN = "xoxb-11-22-averysecrettoken"
APP_TOKEN = "xapp-1-A1-33-anothersecrettoken"
QUICK = Patience(ack=0.3, retries=(0.05, 0.1, 0.1))


class LeapingClock:
    """The time of day, but sleeping takes no time and is written down: it leaps."""

    def __init__(self) -> None:
        self.slept: list[float] = []
        self.ahead = 0.0

    def now(self) -> float:
        return time.time() + self.ahead

    def monotonic(self) -> float:
        return time.monotonic() + self.ahead

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.ahead += seconds
        await asyncio.sleep(0)


@dataclass
class Remembered:
    """A `Past`: what a ledger would tell after the given batches."""

    known: dict[str, str] = field(default_factory=dict)
    oldest: float = 0.0

    async def cursors(self):
        return dict(self.known)

    def horizon(self) -> float:
        return self.oldest


@dataclass
class RecordingSink:
    """An `InboundSink` that writes down what it is told; `refuse` makes the next so many commits fail."""

    refuse: int = 0
    told: list[str] = field(default_factory=list)
    batches: list[Batch] = field(default_factory=list)
    offered: list[Batch] = field(default_factory=list)
    gate: asyncio.Event | None = None
    gated: str = ""
    past: Remembered = field(default_factory=Remembered)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def accept(self, batch: Batch) -> None:
        self.offered.append(batch)
        self._changed.set()
        if self.refuse:
            self.refuse -= 1
            raise LedgerUnavailableError("disk full")
        if self.gate is not None and (not self.gated or self.gated in [one.text for one in batch.items]):
            await self.gate.wait()
        self.batches.append(batch)
        self.past.known.update(batch.cursors)
        self._changed.set()

    async def ready(self, account: str) -> None:
        assert account == ACCOUNT
        self._tell("ready")

    def lost(self, account: str, why: str) -> None:
        assert account == ACCOUNT
        self._tell(f"lost: {why}")

    def _tell(self, what: str) -> None:
        self.told.append(what)
        self._changed.set()

    async def until(self, condition, what="the sink to hear of it") -> None:
        async def changing() -> None:
            while not condition(self):
                self._changed.clear()
                await self._changed.wait()

        await within(changing(), f"{what}; heard {self.told}, {self.texts}")

    async def until_ready(self, times: int = 1) -> None:
        await self.until(lambda sink: sink.told.count("ready") >= times, "ready")

    async def until_texts(self, *texts: str) -> None:
        await self.until(lambda sink: sink.texts == list(texts), f"{texts}")

    @property
    def items(self) -> list[Inbound]:
        """What people said, each event once, as a ledger would keep it."""
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
    """A running emulator, an adapter for it, and their surroundings."""

    emulator: SlackEmulator
    adapter: ChatAdapter
    sink: RecordingSink
    clock: LeapingClock
    config: SlackAccount
    ann: str
    direct: str

    @property
    def play(self):
        return self.emulator.playground

    @asynccontextmanager
    async def running(self, adapter=None, sink=None):
        """The adapter receives until the block ends; yields its task."""
        sink = sink or self.sink
        task = asyncio.create_task((adapter or self.adapter).run(sink, sink.past))
        try:
            yield task
        finally:
            task.cancel()
            (ended,) = await within(asyncio.gather(task, return_exceptions=True), "the adapter's end")
            if ended is not None and not isinstance(ended, asyncio.CancelledError):
                raise ended

    @asynccontextmanager
    async def another(self):
        """A second adapter of the same account, as a new process would have."""
        adapter = connect(ACCOUNT, self.config, self.clock)
        try:
            yield adapter
        finally:
            await adapter.close()

    def fault(self, kind, method="chat.postMessage", when=When.BEFORE, **more):
        self.emulator.faults.add(Fault(FaultKind(kind), method=method, when=when, **more))

    def calls(self, method):
        return self.emulator.calls.since(method=method)

    def counts(self, *methods):
        return [self.emulator.calls.counts.get(method, 0) for method in methods]

    def texts(self, chat=None, thread=None):
        """What the bot wrote in a chat."""
        return [one.text for one in self.play.shown(chat or self.direct, thread) if one.from_bot]

    async def acknowledged(self, **where):
        await within(self.emulator.events.event("acked", where), f"an acknowledgement {where}")


@asynccontextmanager
async def setting(rate_limits="off", api_url=None, **options):
    options.setdefault("limits", Limits(enabled=False))
    options.setdefault("patience", QUICK)
    async with SlackEmulator(SlackOptions(**options)) as emulator:
        clock = LeapingClock()
        config = SlackAccount(
            platform="slack",
            bot_token=BOT_TOKEN,
            app_token=APP_TOKEN,
            api_url=api_url or emulator.api_url,
            rate_limits=rate_limits,
        )
        adapter = connect(ACCOUNT, config, clock)
        ann = emulator.playground.person("Ann")
        made = Setting(
            emulator, adapter, RecordingSink(), clock, config, ann, emulator.playground.direct(ann)
        )
        try:
            yield made
        finally:
            await adapter.close()


def delivery(body="answer", chat="", **more) -> Delivery:
    """`thread`, `kind` and `key` may be given, and whatever a delivery has beside."""
    route = Route(ACCOUNT, chat, more.pop("thread", ""))
    kind = more.pop("kind", DeliveryKind.REPLY)
    key = more.pop("key", "key-1")
    return Delivery(1, route, kind, body, DeliveryState.SENDING, key, **more)
