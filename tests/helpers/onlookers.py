"""What people see: chats as they read on the platform, through as many boots as a test needs."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from gateway.model.agent import TextChunk, UpdateSink
from gateway.model.delivery import Absent, Delivered, Delivery, Reconciled, Rejected, SendOutcome, Unknown
from gateway.ports import LedgerUnavailableError, Store
from tests.helpers.clock import ManualClock
from tests.helpers.fakes import Answer, ScriptedAgents, ScriptedChat
from tests.helpers.house import House, house
from tests.helpers.ledgers import Ledger, opened

LABEL = "(maybe a repeat) "
PATIENCE = 200
"""Quarters of a second of the test's own time."""


class Arrived(Unknown):
    """Nobody knows, but people see it."""


@dataclass
class ShownChat(ScriptedChat):
    """A platform that keeps what it was sent. `knows`: it can be asked whether a message arrived."""

    knows: bool = False
    rooms: dict[str, dict[str, str]] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    stuck: dict[str, asyncio.Event] = field(default_factory=dict)
    """Sends to these chats have their effect, and are then not answered."""
    amending: asyncio.Event | None = None
    editing: asyncio.Event | None = None

    def reads(self, chat: str = "1001") -> list[str]:
        """The bot's messages in a chat, as they read now."""
        return list(self.rooms.get(chat, {}).values())

    def delete(self, text: str, chat: str = "1001") -> None:
        """A person deletes a message."""
        (found,) = (key for key, body in self.rooms[chat].items() if body == text)
        del self.rooms[chat][found]

    async def send(self, delivery: Delivery) -> SendOutcome:
        chat = delivery.route.chat
        if self.script[chat] and isinstance(self.script[chat][0], Arrived):
            self._show(delivery, f"m{len(self.tried) + 1}")
        outcome = await super().send(delivery)
        if isinstance(outcome, Delivered):
            self._show(delivery, outcome.message_id)
        if chat in self.stuck:
            await self.stuck[chat].wait()
        return outcome

    def _show(self, delivery: Delivery, message_id: str) -> None:
        body = LABEL + delivery.body if delivery.doubtful else delivery.body
        self.rooms.setdefault(delivery.route.chat, {})[message_id] = body
        self.keys[delivery.key] = message_id

    async def reconcile(self, delivery: Delivery, after: str | None) -> Reconciled:
        if self.answers or not self.knows:
            return await super().reconcile(delivery, after)
        self.asked.append((delivery, after))
        found = self.keys.get(delivery.key)
        return Absent() if found is None else Delivered(found)

    async def edit(self, delivery: Delivery, message_id: str) -> SendOutcome:
        arrives = not self.edits or isinstance(self.edits[0], Arrived | Delivered)
        room = self.rooms.get(delivery.route.chat, {})
        if message_id not in room:
            self.tried.append(delivery)
            return Rejected("there is no such message")
        if arrives:
            room[message_id] = delivery.body
        outcome = await super().edit(delivery, message_id)
        if self.editing is not None:
            await self.editing.wait()
        return outcome

    async def amend(self, route, message_id: str, text: str, progress: str = "") -> SendOutcome:
        if self.amending is not None:
            await self.amending.wait()
        room = self.rooms.get(route.chat, {})
        if message_id not in room:
            return Rejected("there is no such message")
        outcome = await super().amend(route, message_id, text, progress)
        if isinstance(outcome, Delivered):
            room[message_id] = text
        return outcome


@dataclass
class TalkingAgents(ScriptedAgents):
    """Agents that say something when a test says so."""

    sinks: dict[int, UpdateSink] = field(default_factory=dict)

    async def prompt(self, session_id, prompt, sink, ask):
        self.sinks[session_id] = sink
        return await super().prompt(session_id, prompt, sink, ask)

    def say(self, text: str) -> None:
        """The agent that was prompted last says more."""
        self.sinks[self.prompts[-1][0]](TextChunk(text))

    def talk(self, text: str = "", **more) -> asyncio.Event:
        """The next prompt is answered with this much, and more later; the event ends it."""
        return self.hold(updates=(TextChunk(text),) if text else (), **more)

    def say_at_once(self, text: str) -> None:
        """The next prompt is answered in one piece."""
        self.answers.append(Answer((TextChunk(text),)))


class Balky:
    """A `Store` whose methods fail as often as a test says, or wait before or after their work."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.full: Counter[str] = Counter()
        self.refused: list[str] = []
        self.before: dict[str, asyncio.Event] = {}
        self.after: dict[str, asyncio.Event] = {}
        self.reached: Counter[str] = Counter()

    def __getattr__(self, name: str):
        method = getattr(self.store, name)

        async def call(*args, **kwargs):
            self.reached[name] += 1
            if self.full[name]:
                self.full[name] -= 1
                self.refused.append(name)
                raise LedgerUnavailableError(name)
            if name in self.before:
                await self.before[name].wait()
            result = await method(*args, **kwargs)
            if name in self.after:
                await self.after[name].wait()
            return result

        return call


@dataclass
class Scene:
    """One chat platform and one ledger; the gateway comes and goes."""

    ledger: Ledger
    chat: ShownChat
    clock: ManualClock
    store: Balky
    lives: int = 0

    @asynccontextmanager
    async def life(self, *, ready: bool = True, **more) -> AsyncGenerator[House]:
        """One boot; leaving it is a kill, and the next one comes a little later."""
        if self.lives:
            self.clock.advance(5.0)
            self.ledger.now = self.clock.now()
            await self.ledger.start()
        self.lives += 1
        options = {"streaming": True, "agents": TalkingAgents(), **more}
        async with house(self.ledger, clock=self.clock, chat=self.chat, **options) as it:
            if ready:
                await it.ready()
            yield it


@asynccontextmanager
async def scene(folder: Path, **more) -> AsyncGenerator[Scene]:
    """An empty ledger, an empty chat, and no gateway yet."""
    async with opened("sqlite", folder) as ledger:
        balky = ledger.store = Balky(ledger.store)
        yield Scene(ledger, ShownChat(**more), ManualClock(ledger.now), balky)


async def pass_time(it: House, seconds: float) -> None:
    """Let time pass in small steps, and everything happen that it brings."""
    for _ in range(round(seconds / 0.25)):
        it.clock.advance(0.25)
        await it.quiet()


async def seen(it: House, *texts: str, chat: str = "1001") -> None:
    """Let time pass until the chat reads like this."""
    for _ in range(PATIENCE):
        if it.chat.reads(chat) == list(texts):
            return
        it.clock.advance(0.25)
        await it.quiet()
    assert it.chat.reads(chat) == list(texts)


async def done(it: House) -> None:
    """Let time pass until nothing is left to do. The test's own timeout ends a wait in vain."""
    while len(it.lanes) or len(it.outbox):
        it.clock.advance(0.25)
        await it.quiet()
