"""An adapter on the emulator: slack_bolt, slack_sdk and HTTP are real, sink and clock belong to the test."""

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from adapters.emulators.slack import SlackEmulator, SlackOptions
from adapters.emulators.slack_api import Limits
from adapters.emulators.slack_deliveries import Patience
from adapters.slack.adapter import connect
from adapters.slack.manifest import SlackAccount
from gateway.model.address import Route
from gateway.model.delivery import Delivery
from gateway.ports import Batch
from tests.contract.adapters.sink import Remembered, texts
from tests.contract.surroundings import AdapterAlone, Hearing, LeapingClock, owed
from tests.harness.waiting import within

ACCOUNT = "slack"
BOT_TOKEN = "xoxb-11-22-averysecrettoken"
APP_TOKEN = "xapp-1-A1-33-anothersecrettoken"
QUICK = Patience(ack=0.3, retries=(0.05, 0.1, 0.1))


@dataclass
class RecordingSink(Hearing):
    """`gate` is waited for before each commit, or before those that hold the text `gated`."""

    account: str = ACCOUNT
    gate: asyncio.Event | None = None
    gated: str = ""
    past: Remembered = field(default_factory=Remembered)

    async def accept(self, batch: Batch) -> None:
        self._offer(batch)
        if self.gate is not None and (not self.gated or self.gated in texts(batch)):
            await self.gate.wait()
        self.batches.append(batch)
        self.past.known.update(batch.cursors)
        self._stir()


@dataclass
class Setting(AdapterAlone):
    """`config` is the adapter's."""

    config: SlackAccount

    texts = AdapterAlone.said

    @asynccontextmanager
    async def another(self):
        """A second adapter of the same account, as a new process would have."""
        adapter = connect(ACCOUNT, self.config, self.clock)
        try:
            yield adapter
        finally:
            await adapter.close()

    def counts(self, *methods):
        return [self.emulator.calls.counts.get(method, 0) for method in methods]

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
        direct = emulator.playground.direct(ann)
        made = Setting(emulator, ann, direct, RecordingSink(), clock, adapter, config)
        try:
            yield made
        finally:
            await adapter.close()


def delivery(body="answer", chat="", thread="", key="key-1", **more) -> Delivery:
    """`kind` may be given, and whatever a delivery has beside."""
    return owed(Route(ACCOUNT, chat, thread), body, key=key, **more)
