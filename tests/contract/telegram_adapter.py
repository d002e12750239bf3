"""An adapter on the emulator: aiogram and HTTP are real, the sink and the clock belong to the test."""

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass

from adapters.emulators.faults import Fault, FaultKind, When
from adapters.emulators.telegram import TelegramEmulator, TelegramOptions
from adapters.emulators.telegram_api import Limits
from adapters.telegram.adapter import connect
from adapters.telegram.manifest import TelegramAccount
from gateway.model.address import Route
from gateway.model.delivery import Delivery, DeliveryKind, DeliveryState
from gateway.ports import ChatAdapter
from tests.contract.adapters.sink import RecordingSink, Remembered

__all__ = ["RecordingSink", "Remembered", "Setting", "delivery", "setting"]

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
        past = Remembered({"": cursor} if cursor else {})
        task = asyncio.create_task(self.adapter.run(sink or self.sink, past))
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
