"""A platform, one account on it, and adapters that come and go: SDK, HTTP and sockets are real.

Everything is said by way of the Playground and the port, so what is written here holds for every platform.
"""

import asyncio
import itertools
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import psutil
import pytest

from adapters import registry
from adapters.emulators.registry import Emulator, emulator
from gateway.model.address import Route
from gateway.model.delivery import Delivered, Delivery, DeliveryKind
from gateway.ports import ChatAdapter
from tests.contract.adapters.sink import RecordingSink
from tests.contract.particulars import Particulars, SentFile, particulars, png
from tests.contract.surroundings import LeapingClock, Surroundings, owed
from tests.harness.waiting import glance, within

PLACES = ["direct", "channel", "thread"]

TEXTS = [DeliveryKind.REPLY, DeliveryKind.NOTICE, DeliveryKind.STREAM]
"""The kinds of delivery that are a text."""

PICTURE = SentFile("sunrise.png", "image/png", png())
NOTES = SentFile("notes.txt", "text/plain", b"a line\nanother \xc3\xbc line\n")
BYTES = SentFile("data.bin", "application/octet-stream", bytes(range(256)) * 40)

LONG_AGO = 60.0
"""A send whose first attempt was so many seconds ago cannot take effect any more."""


class SteadyClock(LeapingClock):
    """It leaps for whoever measures; the time of day is the real one. `meanwhile` happens in a sleep."""

    def __init__(self) -> None:
        super().__init__()
        self.meanwhile: Callable[[], Awaitable[object]] | None = None
        self._slept = asyncio.Event()

    def now(self) -> float:
        return time.time()

    async def sleep(self, seconds: float) -> None:
        await super().sleep(seconds)
        self._slept.set()
        if self.meanwhile is not None:
            await self.meanwhile()

    async def leapt(self, times: int) -> None:
        """Wait until it has been slept so many times."""

        async def sleeping() -> None:
            while len(self.slept) < times:
                self._slept.clear()
                await self._slept.wait()

        await within(sleeping(), f"{times} sleeps; there were {self.slept}")


@dataclass
class Scene(Surroundings):
    """One account."""

    account: str
    special: Particulars
    _keys: Iterator[int] = field(default_factory=itertools.count)
    _made: list[ChatAdapter] = field(default_factory=list)

    @property
    def platform(self) -> str:
        return self.play.platform

    @property
    def manifest(self) -> registry.Manifest:
        return registry.manifest(self.platform)

    @property
    def reads_back(self) -> bool:
        """Whether a bot can read what was said; else the platform has to keep what the bot missed."""
        return self.manifest.readable

    def connect(self, settings=None) -> ChatAdapter:
        """A new adapter, as a new process makes one. Nothing has been sent yet."""
        config = self.manifest.account_model.model_validate(settings or self.play.settings())
        made = registry.connector(self.platform)(self.account, config, self.clock)
        self._made.append(made)
        return made

    @asynccontextmanager
    async def life(self, *, ready: bool = True, sink: RecordingSink | None = None):
        """One process's life, which ends like a kill: without warning, wherever it is. Yields its adapter."""
        sink = sink or self.sink
        before = sink.told.count("ready")
        adapter = self.connect()
        async with self.running(adapter, sink):
            if ready:
                await sink.until_ready(before + 1)
            yield adapter
        await adapter.close()

    async def close(self) -> None:
        for adapter in self._made:
            await adapter.close()

    def delivery(self, body: str = "answer", chat: str = "", thread: str = "", **more) -> Delivery:
        """`key`, `kind` and whatever a delivery has beside may be given."""
        route = Route(self.account, chat or self.direct, thread)
        key = more.pop("key", None) or f"delivery-{next(self._keys)}-of-a-ledger-with-a-long-name"
        return owed(route, body, key=key, **more)

    def give(self, *files: SentFile, text: str = "", chat: str = "", **more) -> str:
        """Ann sends files; the message's id."""
        return self.special.give(self.ann, chat or self.direct, files, text, **more)

    async def held(self, fault: int) -> None:
        await self.play.events.event("held", {"fault": fault})

    async def offline(self) -> None:
        """Wait until nobody is told of messages any more."""
        await within(glance(lambda: not self.play.connected()), "the end of the connection")


@asynccontextmanager
async def scene(platform: str, account: str = "work") -> AsyncGenerator[Scene]:
    """A fresh platform with one person on it."""
    async with emulator(platform) as server:
        ann = server.playground.person("Ann")
        direct = server.playground.direct(ann)
        made = Scene(
            server, ann, direct, RecordingSink(account=account), SteadyClock(), account, particulars(server)
        )
        try:
            yield made
        finally:
            await made.close()


@asynccontextmanager
async def quiet():
    """Whatever happens within leaves no task, no connection, and nothing for the loop to complain about."""
    loop = asyncio.get_running_loop()
    complaints: list[dict] = []
    loop.set_exception_handler(lambda _, context: complaints.append(context))
    before = asyncio.all_tasks()
    try:
        yield
    finally:
        known = {*before, asyncio.current_task()}  # a fixture ends in another task than it began in
        await within(glance(lambda: not asyncio.all_tasks() - known), "the end of every task", 10)
        loop.set_exception_handler(None)
    assert complaints == []


def place(at: Scene, where: str) -> tuple[str, str]:
    """One of `PLACES`: a chat and a thread."""
    if where == "direct":
        return at.direct, ""
    channel = at.channel()
    return channel, at.thread(channel) if where == "thread" else ""


async def send(adapter: ChatAdapter, delivery: Delivery) -> Delivered:
    """Send what nothing is in the way of."""
    sent = await adapter.send(delivery)
    assert isinstance(sent, Delivered)
    return sent


def secrets(at: Scene) -> list[str]:
    """What must be read nowhere: the tokens of the account."""
    return [str(one) for name, one in at.play.settings().items() if "token" in name]


def plain(at: Scene, reason: str) -> bool:
    """Words for people: one short line without code, addresses or secrets."""
    hidden = [str(one) for one in at.play.settings().values() if len(str(one)) > 12]
    odd = ("{", "Traceback", "<html", *hidden)
    return bool(reason) and len(reason) < 250 and "\n" not in reason and not any(one in reason for one in odd)


def connections(server: Emulator) -> int:
    """How many connections to an emulator this process has open, as a client."""
    found = psutil.Process().net_connections(kind="tcp")
    return sum(bool(one.raddr) and one.raddr.port == server.port for one in found)


def needs_history(at: Scene) -> None:
    """Skip where bots cannot read what was said, so that there is nothing to read back."""
    if not at.reads_back:
        pytest.skip(f"{at.platform} lets no bot read a chat back")
