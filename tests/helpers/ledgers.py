"""Ledgers for tests: every implementation of the `Store` port, and short ways to say things to one.

A new implementation is one more line in `LEDGERS`; every contract test then runs on it too.
"""

import itertools
import sqlite3
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from gateway.model.address import Address, ChatKind
from gateway.model.boot import BootOpening
from gateway.model.delivery import Delivery, DeliveryKind, Draft
from gateway.model.intake import Accepted
from gateway.model.message import Entry, MessageKind, Origin
from gateway.model.recovery import Candidate
from gateway.model.session import ResumeMode, Session
from gateway.model.turn import Step, StepKind, StepStatus, TurnEnd, TurnStart, TurnState
from gateway.ports import Store
from gateway.store.sqlite import LEDGER_FILE, open_sqlite

ACCOUNT = "telegram"
ANN = Origin(ChatKind.DIRECT, "1001", "Ann", "7")

Opener = Callable[[Path], AbstractAsyncContextManager[Store]]


def on_postgres(folder: Path) -> AbstractAsyncContextManager[Store]:
    from tests.helpers.postgres import open_database  # noqa: PLC0415  most tests need neither it nor its library

    return open_database(folder)


LEDGERS: dict[str, Opener] = {
    "sqlite": lambda folder: open_sqlite(folder / LEDGER_FILE),
    "postgres": on_postgres,
}


def entry(
    text: str,
    event: str,
    chat: str = "1001",
    *,
    account: str = ACCOUNT,
    kind: MessageKind = MessageKind.USER,
    command: str = "",
    thread: str = "",
    origin: Origin = ANN,
    max_queued: int = 50,
) -> Entry:
    return Entry(event, Address(account, chat, thread), origin, kind, text, command, max_queued)


def notice(text: str) -> tuple[Draft, ...]:
    return (Draft(DeliveryKind.NOTICE, text),)


def tool(seq: int, title: str, status: StepStatus = StepStatus.RUNNING) -> Step:
    return Step(seq, StepKind.TOOL, status, title, f"call-{seq}", "execute")


@dataclass
class Ledger:
    """A store, a boot that uses it, and a clock that moves a second at each thing that is said."""

    store: Store
    folder: Path
    kind: str = "sqlite"
    now: float = 1_000.0
    boot: int = 0
    opening: BootOpening | None = None
    events: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def tick(self, seconds: float = 1.0) -> float:
        self.now += seconds
        return self.now

    async def start(self, store: Store | None = None) -> BootOpening:
        """A new boot, as after a crash unless the one before was stopped."""
        self.store = store or self.store
        self.opening = await self.store.open_boot("replica", 4242, self.tick())
        self.boot = self.opening.boot_id
        return self.opening

    async def say(self, text: str, chat: str = "1001", **more) -> Accepted:
        event = more.pop("event", None) or f"e{next(self.events)}"
        account = more.get("account", ACCOUNT)
        result = await self.store.accept(account, [entry(text, event, chat, **more)], [], {}, self.tick())
        return result.accepted[0]

    async def command(self, name: str, chat: str = "1001", **more) -> Accepted:
        return await self.say("", chat, kind=MessageKind.COMMAND, command=name, **more)

    async def begin(self, session_id: int) -> TurnStart:
        start = await self.store.begin_turn(session_id, self.boot, self.tick())
        assert start is not None
        return start

    async def idle(self, session_id: int) -> bool:
        """Whether there is no turn to begin."""
        return await self.store.begin_turn(session_id, self.boot, self.tick()) is None

    async def end(
        self,
        turn_id: int,
        state: TurnState = TurnState.COMPLETED,
        *replies: str,
        reason: str | None = None,
        steps: tuple[Step, ...] = (),
        text: str = "",
        mode: ResumeMode | None = None,
    ) -> tuple[Delivery, ...]:
        drafts = tuple(Draft(DeliveryKind.REPLY, reply) for reply in replies)
        end = TurnEnd(state, reason, text=text or "\n".join(replies), steps=steps, drafts=drafts, mode=mode)
        return await self.store.end_turn(turn_id, end, self.tick())

    async def session(self, session_id: int) -> Session:
        session = await self.store.session(session_id)
        assert session is not None
        return session

    async def candidate(self, session_id: int) -> Candidate | None:
        found = await self.store.candidates()
        return next((candidate for candidate in found if candidate.session.id == session_id), None)

    async def interrupted(self, text: str = "work", chat: str = "1001") -> TurnStart:
        """A turn that was cut by a crash; the next boot has begun."""
        said = await self.say(text, chat)
        start = await self.begin(said.session_id)
        await self.start()
        return start

    def count(self, table: str) -> int:
        """How many rows a table has, seen from beside the store."""
        beside = sqlite3.connect(self.folder / LEDGER_FILE) if self.kind == "sqlite" else self._database()
        with closing(beside) as raw:
            return raw.execute(f"SELECT count(*) FROM {table}").fetchone()[0]

    def _database(self):
        from tests.helpers.postgres import database_of  # noqa: PLC0415  as above

        return database_of(self.folder).connect()

    async def texts(self, session_id: int) -> list[tuple[str, str]]:
        """The session's messages: text and state."""
        return [(message.text, message.state.value) for message in await self.store.messages(session_id)]


@asynccontextmanager
async def opened(name: str, folder: Path) -> AsyncGenerator[Ledger]:
    """A ledger of the named kind with a first boot."""
    async with LEDGERS[name](folder) as store:
        ledger = Ledger(store, folder, name)
        await ledger.start()
        yield ledger


def ledger_fixture():
    """The fixture of the contract suite: a fresh ledger of each kind."""

    @pytest.fixture(params=tuple(LEDGERS), name="ledger")
    async def ledger(request, tmp_path):
        async with opened(request.param, tmp_path) as fresh:
            yield fresh

    return ledger
