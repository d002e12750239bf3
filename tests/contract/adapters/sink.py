"""What an adapter hands its events to, in tests: a small ledger that writes down what it is told."""

import asyncio
from dataclasses import dataclass, field

from gateway.model.address import ChatKind
from gateway.model.message import Inbound
from gateway.ports import Batch, LedgerUnavailableError
from tests.harness.waiting import within


@dataclass
class Remembered:
    """A `Past`: what the ledger knows of an account."""

    known: dict[str, str] = field(default_factory=dict)
    oldest: float = 0.0

    async def cursors(self) -> dict[str, str]:
        return dict(self.known)

    def horizon(self) -> float:
        return self.oldest


@dataclass
class Recorder:
    """An `InboundSink` but for `accept`. `refuse` makes the next so many commits fail."""

    refuse: int = 0
    account: str = ""
    told: list[str] = field(default_factory=list)
    batches: list[Batch] = field(default_factory=list)
    offered: list[Batch] = field(default_factory=list)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def ready(self, account: str) -> None:
        assert self.account in {"", account}
        self._tell("ready")

    def lost(self, account: str, why: str) -> None:
        assert self.account in {"", account}
        self._tell(f"lost: {why}")

    def _offer(self, batch: Batch) -> None:
        """The beginning of every `accept`."""
        assert self.account in {"", batch.account}
        self.offered.append(batch)
        self._stir()
        if self.refuse:
            self.refuse -= 1
            raise LedgerUnavailableError("disk full")

    def _tell(self, what: str) -> None:
        self.told.append(what)
        self._stir()

    def _stir(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    async def until(self, condition) -> None:
        """Wait until `condition(self)` holds."""

        async def changing() -> None:
            while not condition(self):
                await self._changed.wait()

        try:
            await within(changing(), "what the sink waits for")
        except AssertionError:
            raise AssertionError(f"waited in vain; told {self.told}, heard {self.texts}") from None

    async def until_ready(self, times: int = 1) -> None:
        await self.until(lambda sink: sink.told.count("ready") >= times)

    async def until_texts(self, *texts: str) -> None:
        await self.until(lambda sink: sink.texts == list(texts))

    async def until_heard(self, text: str) -> Inbound:
        """Wait for what a person says; it."""
        await self.until(lambda sink: text in [item.text for item in sink.heard])
        return next(item for item in self.heard if item.text == text)

    @property
    def items(self) -> list[Inbound]:
        """All that was committed, however often."""
        return [item for batch in self.batches for item in batch.items]

    @property
    def texts(self) -> list[str]:
        return [item.text for item in self.items]

    @property
    def heard(self) -> list[Inbound]:
        """What people said, each event once, as the ledger keeps it."""
        found: dict[str, Inbound] = {}
        for batch in self.batches:
            for item in batch.items:
                if not item.from_bot:
                    found.setdefault(item.event_id, item)
        return list(found.values())

    @property
    def losses(self) -> list[str]:
        return [what for what in self.told if what.startswith("lost")]

    @property
    def meant(self) -> list[Inbound]:
        """The same without what people say to each other."""
        return [item for item in self.heard if item.to_bot or item.chat_kind is ChatKind.DIRECT]

    def heard_in(self, chat: str) -> list[str]:
        """What was said to the bot in a chat, in the order in which it was committed."""
        return [item.text for item in self.meant if item.chat == chat]


@dataclass
class RecordingSink(Recorder):
    """An `InboundSink` that outlives adapters, as the ledger does; `past` is what they find there.

    `before_commit` is waited for before each commit, or before those that hold the text `held`;
    `after_commit` is waited for when one is done, but has not been told.
    """

    before_commit: asyncio.Event | None = None
    after_commit: asyncio.Event | None = None
    held: str = ""
    past: Remembered = field(default_factory=Remembered)

    async def accept(self, batch: Batch) -> None:
        self._offer(batch)
        if self.before_commit is not None and (not self.held or self.held in texts(batch)):
            await self.before_commit.wait()
        self.batches.append(batch)
        if not batch.lazy or any(not item.from_bot for item in batch.items):
            self.past.known.update(batch.cursors)
        self._tell(f"accept {len(batch.items)}")
        if self.after_commit is not None:
            await self.after_commit.wait()


def texts(batch: Batch) -> list[str]:
    return [item.text for item in batch.items]
