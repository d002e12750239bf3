"""A platform with one person on it, and an adapter that comes and goes: SDK, HTTP and sockets are real.

What the contract suite of adapters and the tests of single platforms have in common.
"""

import asyncio
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass

from adapters.emulators.faults import Fault, FaultKind, When
from adapters.emulators.playground import Playground, replies
from adapters.emulators.registry import Emulator
from gateway.model.address import Route
from gateway.model.delivery import Delivery, DeliveryKind, DeliveryState
from gateway.model.message import Inbound
from gateway.ports import ChatAdapter, Clock
from tests.contract.adapters.sink import Recorder
from tests.harness.waiting import within


class LeapingClock:
    """The time of day, while sleeping takes no time and is written down: it leaps `ahead`."""

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


class Hearing(Recorder):
    """A sink that goes by what people said, each event once, and by the bare sentences of losses."""

    @property
    def items(self) -> list[Inbound]:
        return self.heard

    @property
    def losses(self) -> list[str]:
        return [what.removeprefix("lost: ") for what in super().losses]


@dataclass
class Surroundings:
    """A running emulator, `ann`, who is a person, and `direct`, her chat with the bot."""

    emulator: Emulator
    ann: str
    direct: str
    sink: Recorder
    clock: Clock

    @property
    def play(self) -> Playground:
        return self.emulator.playground

    @asynccontextmanager
    async def running(self, adapter: ChatAdapter, sink: Recorder | None = None):
        """The adapter receives until the block ends; yields its task."""
        sink = sink or self.sink
        task = asyncio.create_task(adapter.run(sink, sink.past))
        try:
            yield task
        finally:
            task.cancel()
            (ended,) = await within(asyncio.gather(task, return_exceptions=True), "the end of run")
            if isinstance(ended, Exception):
                raise ended

    def say(self, text: str, chat: str = "", **more) -> str:
        return self.play.say(self.ann, chat or self.direct, text, **more)

    def channel(self) -> str:
        return self.play.channel(self.ann)

    def thread(self, chat: str) -> str:
        return self.play.thread(self.ann, chat)

    def said(self, chat: str = "", thread: str | None = None) -> list[str]:
        """What the bot's messages read."""
        return [one.text for one in replies(self.play, chat or self.direct, thread)]

    def fault(self, kind: str, method: str = "", when: When = When.BEFORE, **more) -> int:
        return self.play.faults.add(Fault(FaultKind(kind), method or self.play.methods.send, when, **more))

    def calls(self, method: str):
        return self.play.calls.since(method=method)

    def count(self, method: str = "") -> int:
        return self.play.calls.counts.get(method or self.play.methods.send, 0)


@dataclass
class AdapterAlone(Surroundings):
    """With one adapter."""

    adapter: ChatAdapter

    def running(self, adapter: ChatAdapter | None = None, sink: Recorder | None = None):
        return super().running(adapter or self.adapter, sink)


def owed(route: Route, body: str, *, kind: DeliveryKind = DeliveryKind.REPLY, key: str, **more) -> Delivery:
    """A delivery that is being sent."""
    return Delivery(1, route, kind, body, DeliveryState.SENDING, key, **more)
