"""Everything that a test about restarts needs, in one folder: platform, people, gateways, ledger, agent."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar, cast

import psutil
import pytest

from adapters.emulators.faults import Fault, FaultKind, When
from adapters.emulators.playground import Playground
from adapters.emulators.registry import Emulator, emulator
from adapters.emulators.telegram import TelegramEmulator, TelegramOptions
from adapters.emulators.telegram_api import Limits
from gateway.agents.demo_script import plain
from gateway.rules.files import INCOMING
from tests.contract.particulars import particulars
from tests.harness.chat import Chat, Line
from tests.harness.gateway import Gateway
from tests.harness.leaks import kept_logs, leaks, secrets_of, session_ids
from tests.harness.ledger import Ledger
from tests.harness.memory import Memory
from tests.harness.settings import Settings, merged, settings, write
from tests.harness.waiting import PATIENCE, within

T = TypeVar("T")


class Stage:
    """Emulators, one for each account, and one state directory; gateways come and go.

    What concerns one platform concerns the first one unless an account is named.
    """

    def __init__(self, folder: Path, emulators: Mapping[str, Emulator]) -> None:
        self.folder = folder
        self.emulators = emulators
        self.account = next(iter(emulators))
        accounts = {name: one.playground.settings() for name, one in emulators.items()}
        self.values = settings(folder, accounts=accounts)
        self.ledger = Ledger(folder / "state")
        self.memory = Memory(folder / "demo")
        self.gateways: list[Gateway] = []
        self.tolerated: set[str] = set()
        self.chats: list[Chat] = []
        self.seen: dict[str, str] = {}

    def saw(self, what: str, text: str) -> None:
        """Something that people can see: it may hold no secret, which is looked for at the end."""
        self.seen[f"{what} ({len(self.seen) + 1})"] = text

    @property
    def emulator(self) -> TelegramEmulator:
        """The Telegram, of a stage that has one."""
        return cast("TelegramEmulator", self.emulators["telegram"])

    def playground(self, account: str = "") -> Playground:
        """The people of an account's platform."""
        return self.emulators[account or self.account].playground

    # People.

    def chat(self, name: str = "", account: str = "", *, channel: bool = False) -> Chat:
        """A new person with a direct chat, or with a channel."""
        chat = Chat(particulars(self.emulators[account or self.account]), name, channel=channel)
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
        prefix: Sequence[str] | None = None,
    ) -> Gateway:
        """Start a gateway; one with a failpoint may die before it is ready, so nothing is waited for."""
        config = write(self.folder / "gateway.yaml", self.values)
        log = self.folder / f"gateway-{len(self.gateways) + 1}.log"
        extra = {**(env or {}), **({"CARRYON_FAILPOINT": failpoint} if failpoint else {})}
        gateway = await Gateway.start(config, log, extra, prefix)
        self.gateways.append(gateway)
        if ready and not failpoint:
            await gateway.ready(*self.values["accounts"])
        return gateway

    @property
    def gateway(self) -> Gateway:
        """The one that was started last."""
        return self.gateways[-1]

    @property
    def incoming(self) -> list[Path]:
        """What the gateway keeps of the files that people sent."""
        return sorted((self.folder / "state" / "media" / INCOMING).iterdir())

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

        def done(ledger: Ledger) -> bool:
            said = ledger.heard(chat.id) >= len(chat.asked)
            return said and ledger.owes_nothing and not ledger.will_go_on(chat.id)

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

    def fault(
        self, kind: FaultKind, method: str, when: When = When.BEFORE, *, account: str = "", **more: Any
    ) -> int:
        """Arm a fault of a platform."""
        return self.playground(account).faults.add(Fault(kind, method, when, **more))

    async def held(self, fault: int, account: str = "") -> None:
        """Wait until the platform holds a call."""
        event = self.playground(account).events.event("held", {"fault": fault})
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
        surprises += self.leaks()
        assert not surprises, "\n".join(surprises)

    def leaks(self) -> list[str]:
        """Secrets in logs, or in what commands and pages have shown."""
        state = Path(self.values["state_dir"])
        logs = {f"log of gateway {n}": one.log.text for n, one in enumerate(self.gateways, 1)}
        secrets = secrets_of(self.values) | session_ids(state)
        return leaks({**self.seen, **logs, **kept_logs(state)}, secrets)


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
async def open_stage(
    folder: Path, *platforms: str, emulators: Mapping[str, Emulator] | None = None, limits: bool = False
) -> AsyncGenerator[Stage]:
    """A stage with an emulator for each platform, Telegram if none is named; accounts bear their names.

    `emulators` are others, by account. `limits` are Telegram's own rate limits.
    """
    made = {name: emulator(name) for name in platforms} | dict(emulators or {})
    if not made:
        made = {
            "telegram": cast("Emulator", TelegramEmulator(TelegramOptions(limits=Limits(enabled=limits))))
        }
    async with AsyncExitStack() as stack:
        for one in set(made.values()):
            await stack.enter_async_context(one)
        stage = Stage(folder, made)
        try:
            yield stage
        finally:
            await within(stage.close(), "the end of all that was started", 2 * PATIENCE)


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncGenerator[Stage]:
    """A stage in a folder of its own."""
    async with open_stage(tmp_path) as opened:
        yield opened
