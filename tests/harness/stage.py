"""Everything that a test about restarts needs, in one folder: platform, people, gateways, ledger, agent."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

import psutil
import pytest

from adapters.emulators.faults import Fault, FaultKind, When
from adapters.emulators.telegram import TelegramEmulator, TelegramOptions
from adapters.emulators.telegram_api import Limits
from gateway.agents.demo_script import plain
from tests.harness.chat import Chat, Line
from tests.harness.gateway import Gateway
from tests.harness.ledger import Ledger
from tests.harness.memory import Memory
from tests.harness.settings import Settings, merged, settings, write
from tests.harness.waiting import PATIENCE, within

T = TypeVar("T")


class Stage:
    """One emulator and one state directory; gateways come and go."""

    def __init__(self, folder: Path, emulator: TelegramEmulator) -> None:
        self.folder = folder
        self.emulator = emulator
        self.values = settings(folder, emulator.base_url)
        self.ledger = Ledger(folder / "state")
        self.memory = Memory(folder / "demo")
        self.gateways: list[Gateway] = []
        self.tolerated: set[str] = set()
        self.chats: list[Chat] = []

    # People.

    def chat(self, name: str = "") -> Chat:
        """A new person with a private chat."""
        chat = Chat(self.emulator, name)
        self.chats.append(chat)
        return chat

    # Gateways.

    def configure(self, **changes: object) -> None:
        """Change the config of gateways that are started from now on."""
        self.values = merged(self.values, changes)

    async def start(
        self,
        *,
        failpoint: str = "",
        env: Settings | None = None,
        ready: bool = True,
        prefix: Sequence[str] = (),
    ) -> Gateway:
        """Start a gateway; one with a failpoint may die before it is ready, so nothing is waited for."""
        config = write(self.folder / "gateway.yaml", self.values)
        log = self.folder / f"gateway-{len(self.gateways) + 1}.log"
        extra = {**(env or {}), **({"CARRYON_FAILPOINT": failpoint} if failpoint else {})}
        gateway = await Gateway.start(config, log, extra, prefix)
        self.gateways.append(gateway)
        if ready and not failpoint:
            await gateway.ready()
        return gateway

    @property
    def gateway(self) -> Gateway:
        """The one that was started last."""
        return self.gateways[-1]

    async def until(self, work: Awaitable[T], what: str, seconds: float = PATIENCE) -> T:
        """The result of `work`, unless the gateway ends first."""
        try:
            return await self.gateway.until(work, what, seconds)
        except AssertionError as error:
            chats = "\n".join(map(str, self.chats))
            raise AssertionError(f"{error}\n{chats}") from None

    async def answered(self, chat: Chat, asked: str, times: int = 1) -> list[Line]:
        """Wait until a message has been answered so many times."""
        return await self.until(
            chat.answered(asked, times), f"{times} times the answer to {asked!r} in {chat.id}"
        )

    async def ask(self, chat: Chat, text: str) -> None:
        """Say something and wait for the answer."""
        chat.say(text)
        await self.answered(chat, text)

    async def shows(self, chat: Chat, text: str) -> Line:
        """Wait until the bot has said this."""
        return await self.until(chat.shows(text), f"the text {text!r} in {chat.id}")

    async def heard(self, chat: Chat) -> None:
        """Wait until everything that was said here is in the ledger, and nothing is owed or to be resumed."""
        query = (
            "SELECT count(*) FROM messages WHERE kind = 'user' "
            "AND session_id IN (SELECT id FROM sessions WHERE chat = ?)"
        )

        def done(ledger: Ledger) -> bool:
            said = ledger.one(query, str(chat.id)) >= len(chat.asked)
            return said and ledger.owes_nothing and ledger.session(chat.id)[0] != "resume_pending"

        await self.knows(done, f"the end of what was asked in {chat.id}")

    async def at_work(self, text: str) -> None:
        """Wait until the agent has been given this message."""
        await self.knows(lambda _: bool(self.memory.heard(plain(text))) or None, f"a prompt with {text!r}")

    async def in_tool(self, name: str) -> None:
        """Wait until a tool call is in the ledger as running."""
        query = "SELECT count(*) FROM steps WHERE kind = 'tool' AND status = 'running' AND title = ?"
        await self.knows(lambda ledger: ledger.one(query, name) > 0, f"the running tool {name}")

    async def settled(self) -> None:
        """Wait until nothing waits, runs or is still to be sent."""
        await self.knows(lambda ledger: ledger.owes_nothing, "a ledger that owes nothing")

    async def knows(self, probe: Callable[[Ledger], T | None], what: str) -> T:
        """Wait until the ledger says so."""
        return await self.until(self.ledger.until(probe), what)

    # Faults.

    def fault(self, kind: FaultKind, method: str, when: When = When.BEFORE, **more: object) -> int:
        """Arm a fault of the platform."""
        return self.emulator.faults.add(Fault(kind, method, when, **more))  # type: ignore[arg-type]

    async def held(self, fault: int) -> None:
        """Wait until the platform holds a call."""
        event = self.emulator.events.event("held", {"fault": fault})
        await self.until(event, f"a call that fault {fault} holds")

    def pending(self) -> int:
        """Updates that the platform was not told to forget."""
        return len(self.emulator.world.bot().updates)

    # The end.

    async def close(self) -> None:
        """End what is left; a gateway that had ended by itself is a failure, and so is a logged bug."""
        surprises: list[str] = []
        for gateway in self.gateways:
            if not gateway.running and not gateway.accounted_for:
                surprises.append(f"a gateway ended with {await gateway.exited()}:\n{gateway.log.tail()}")
            await gateway.kill()
            bugs = [bug for bug in gateway.log.bugs() if bug["action"] not in self.tolerated]
            if bugs and not gateway.reported:
                surprises.append(f"a gateway logged: {bugs}")
        await asyncio.to_thread(end_agents, self.folder)
        assert not surprises, "\n".join(surprises)


def end_agents(folder: Path) -> None:
    """End agents that killed gateways left behind: those whose memory is in this folder."""
    home = str(folder / "demo")
    left: list[psutil.Process] = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("CARRYON_DEMO_HOME") == home:
                process.kill()
                left.append(process)
        except (psutil.Error, OSError):
            continue
    psutil.wait_procs(left, timeout=PATIENCE)


@asynccontextmanager
async def open_stage(folder: Path, *, limits: bool = False) -> AsyncGenerator[Stage]:
    """A stage with an emulator; `limits` are the platform's own rate limits."""
    async with TelegramEmulator(TelegramOptions(limits=Limits(enabled=limits))) as emulator:
        stage = Stage(folder, emulator)
        try:
            yield stage
        finally:
            await within(stage.close(), "the end of all that was started", 2 * PATIENCE)


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncGenerator[Stage]:
    """A stage in a folder of its own."""
    async with open_stage(tmp_path) as opened:
        yield opened
