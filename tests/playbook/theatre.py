"""The real engine on a real ledger, put together as in production, between a scripted platform and scripted
agents. Everything that it does to either is noted as one line, in the words of the playbooks.
"""

import asyncio
import itertools
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gateway import composition
from gateway.config.models import Config
from gateway.engine import commands, drain, outbox, resume
from gateway.engine import operations as operator
from gateway.model.address import Address, ChatKind, Route
from gateway.model.agent import (
    AgentFailed,
    CancelledPrompt,
    Ended,
    Opened,
    OpenRequest,
    Prompt,
    PromptEnd,
    TextChunk,
    ToolUpdate,
    UpdateSink,
)
from gateway.model.boot import BootState
from gateway.model.choices import AgentOffer
from gateway.model.delivery import Delivered, Delivery, SendOutcome, Unknown
from gateway.model.message import Inbound
from gateway.model.operation import Intent
from gateway.model.permission import Asker
from gateway.model.session import ResumeMode
from gateway.model.turn import StepStatus
from gateway.ports import Batch
from gateway.store.ledger import LedgerStore
from tests.harness.settings import merged
from tests.harness.waiting import within
from tests.helpers.clock import ManualClock
from tests.helpers.fakes import ScriptedChat

ACCOUNT = "telegram"
PEOPLE = {"ann": "1001", "bob": "1002", "eve": "1003"}
"""Ann is the administrator."""

SAYINGS = {
    commands.DRAINING: "(waits for the restart)",
    commands.RESTARTING: "(restarting)",
    commands.STOPPING: "(stopping already)",
    commands.ADMINS_ONLY: "(admins only)",
    commands.BACK: "(back)",
    commands.SUSPENDED: "(paused)",
    commands.PAUSED: "(paused)",
    operator.SUSPENDED: "(paused by the operator)",
    operator.RESET: "(begun anew by the operator)",
    resume.SUSPENDED: "(given up)",
    drain.CUT_NOTICE[Intent.STOP]: "(cut by a stop)",
    drain.CUT_NOTICE[Intent.RESTART]: "(cut by a restart)",
    outbox.HELD: "(may be lost)",
    "Nothing was cut short here. Just write on.": "(nothing was cut short)",
    "A new conversation begins. The old one is kept.": "(new conversation)",
    "Nothing is running here.": "(nothing runs)",
    "Stopped: I will not go on with what was cut short.": "(stopped for good)",
    "This is no longer open.": "(too late)",
}
CAUSES = {
    "An error ended your work": "error",
    "You were stopped, because": "newer",
    "The gateway stopped unexpectedly": "crash",
    "The gateway was restarted": "restart",
    "Your process ended": "agent lost",
    "Your work was interrupted": "interrupted",
}
INSTRUCTIONS = {
    "Finish that request, and": "finish it and answer",
    "Nothing new was written. Finish": "finish it",
    "Do not go on": "leave it",
}
BASE: dict[str, Any] = {
    "accounts": {ACCOUNT: {"platform": "telegram", "token": "4242:a-token-of-valid-shape"}},
    "agents": {"demo": {"command": ["never-started"]}},
    "default_agent": "demo",
    "access": {"default": "allow", "admins": [f"{ACCOUNT}:{PEOPLE['ann']}"]},
    "shutdown": {"drain_timeout": "30s"},
}


class _Killed(Exception):  # noqa: N818
    """Ends a boot without telling anybody."""


class Stagehand(ScriptedChat):
    """The platform: it shows what arrives, and forgets nothing between boots."""

    def __init__(self, note: Callable[[str], None]) -> None:
        super().__init__(ACCOUNT)
        self._note_down = note
        self.losing: set[str] = set()

    async def send(self, delivery: Delivery) -> SendOutcome:
        self.tried.append(delivery)
        place = place_of(delivery.route)
        if place in self.losing:
            self.losing.discard(place)
            self._note_down(f"{place} << (lost?) {_said(delivery)}")
            return Unknown("the connection broke")
        self.delivered.append(delivery)
        self._note_down(f"{place} << {_said(delivery)}")
        return Delivered(f"m{len(self.tried)}")

    def button(self, place: str, label: str) -> str:
        """The data of the last button with this label in a place."""
        for delivery in reversed(self.delivered):
            for button in delivery.buttons:
                if place_of(delivery.route) == place and button.label == label:
                    return button.data
        raise AssertionError(f"there is no button {label!r} in {place}")


class Players:
    """The agents of one boot: every prompt waits until the playbook says how it goes on."""

    def __init__(self, store: LedgerStore, note: Callable[[str], None]) -> None:
        self._store = store
        self._note = note
        self._live: set[int] = set()
        self._sinks: dict[str, UpdateSink] = {}
        self._ends: dict[str, asyncio.Future[PromptEnd]] = {}
        self._stubborn: dict[str, tuple[str, PromptEnd]] = {}
        self._names: dict[int, str] = {}

    def holds(self, session_id: int) -> bool:
        return session_id in self._live

    async def warm(self, agent: str) -> None:
        del agent

    async def open(self, request: OpenRequest) -> Opened:
        mode = ResumeMode.NATIVE if request.agent_session_id else ResumeMode.FRESH
        if request.session_id in self._live:
            mode = ResumeMode.LIVE
        self._live.add(request.session_id)
        return Opened(mode, "scripted", f"agent-{request.session_id}", "/w")

    def offer(self, session_id: int) -> AgentOffer | None:
        del session_id
        return None

    async def prompt(self, session_id: int, prompt: Prompt, sink: UpdateSink, ask: Asker) -> PromptEnd:
        del ask
        session = await self._store.session(session_id)
        assert session is not None
        name = place_of(session.address.route, session.address)
        if session.generation > 1:
            name += f"#{session.generation}"
        assert name not in self._ends, f"two prompts at once for {name}"
        self._names[session_id] = name
        self._sinks[name] = sink
        self._ends[name] = asyncio.get_running_loop().create_future()
        words = [f"<{_summary(prompt.note)}>"] if prompt.note else []
        self._note(f"agent << {name}: {' '.join([*words, prompt.text]).strip()}")
        try:
            return await self._ends[name]
        finally:
            del self._ends[name], self._sinks[name], self._names[session_id]

    async def cancel(self, session_id: int) -> None:
        name = self._names.get(session_id)
        if name is None or self._ends[name].done():
            return
        if name in self._stubborn:
            text, end = self._stubborn.pop(name)
            self._sinks[name](TextChunk(text))
            self._ends[name].set_result(end)
        else:
            self._ends[name].set_result(CancelledPrompt())

    async def forget(self, session_id: int) -> None:
        self._live.discard(session_id)

    async def close(self) -> None:
        self._live.clear()

    def act(self, name: str, what: str) -> None:
        """What an agent does next: say its answer, or one of the things in brackets."""
        assert name in self._ends, f"the agent works on nothing for {name}"
        sink, end = self._sinks[name], self._ends[name]
        head, _, rest = what.partition(")")
        match head.strip("( ").split():
            case ["tool", title] | ["tool", title, _] if what.startswith("("):
                kind = head.split()[-1] if len(head.split()) > 2 else "execute"
                sink(ToolUpdate(f"call-{title}", title, kind, StepStatus.RUNNING))
            case ["so", "far"] if what.startswith("("):
                sink(TextChunk(rest.strip()))
            case ["when", "cut"] if what.startswith("("):
                self._stubborn[name] = (rest.strip(), Ended("end_turn"))
            case ["fails"] if what.startswith("("):
                end.set_result(AgentFailed("It failed.", "scripted", lost=False))
            case ["dies"] if what.startswith("("):
                end.set_result(AgentFailed("It died.", "scripted", lost=True))
            case _:
                sink(TextChunk(what))
                end.set_result(Ended("end_turn"))


class Theatre:
    """One state over several boots. `effects` is what happened since it was last emptied."""

    def __init__(self, folder: Path, store: LedgerStore, settings: dict[str, Any]) -> None:
        self.store = store
        self.settings = merged(merged(BASE, {"state_dir": str(folder)}), settings)
        self.clock = ManualClock(1_000_000.0)
        self.effects: list[str] = []
        self.chat = Stagehand(self.effects.append)
        self.players: Players
        self.gateway: composition.Gateway | None = None
        self.boot = 0
        self.looked_at = 0
        """The delivery that an operator looked at last."""
        self._events = itertools.count(1)
        self._sent: deque[Inbound] = deque(maxlen=100)
        self._missed: list[Inbound] = []
        self._boot_task: asyncio.Task[None] | None = None
        self._kill = asyncio.Event()
        self._up = asyncio.Event()

    # Boots.

    async def start(self) -> None:
        """A new boot, connected, with what it missed."""
        assert self._boot_task is None or self._boot_task.done(), "the gateway runs"
        self._kill, self._up = asyncio.Event(), asyncio.Event()
        self._boot_task = asyncio.ensure_future(self._run())
        await within(self._up.wait(), "a boot")
        await self.connect()

    async def connect(self) -> None:
        """The platform is there, for the first time or again."""
        assert self.gateway is not None
        missed, self._missed = self._missed, []
        if missed:
            await self.gateway.intake.accept(Batch(ACCOUNT, missed, {"": missed[-1].event_id}))
        await self.gateway.intake.ready(ACCOUNT)

    async def _run(self) -> None:
        config = Config.model_validate(self.settings)
        opening = await self.store.open_boot("theatre", 4242, self.clock.now())
        self.boot = opening.boot_id
        self.players = Players(self.store, self.effects.append)
        try:
            async with asyncio.TaskGroup() as group:
                with pytest.MonkeyPatch.context() as patch:
                    patch.setattr(composition, "connector", lambda _platform: lambda *_: self.chat)
                    agents: Any = self.players
                    made = composition.compose(
                        composition.Ground(config, self.store, agents, self.clock, group, opening)
                    )
                self.gateway = made
                await made.outbox.load(ACCOUNT)
                await self.store.set_boot_state(opening.boot_id, BootState.SERVING)
                group.create_task(self._drain(made))
                self._up.set()
                await self._kill.wait()
                raise _Killed  # noqa: TRY301
        except* _Killed:
            self.gateway = None

    async def _drain(self, gateway: composition.Gateway) -> None:
        stopped = await gateway.drain.run()
        self.effects.append(f"gateway << {stopped.intent}{'' if stopped.clean else ', not clean'}")
        self._kill.set()

    async def kill(self) -> None:
        """SIGKILL: nothing is told, marked or finished."""
        self._kill.set()
        await self.ended()

    async def ended(self) -> None:
        """Wait until the boot is over."""
        if self._boot_task is not None:
            await within(self._boot_task, "the end of a boot")

    # Events.

    async def hear(self, place: str, what: str) -> None:
        """Somebody writes, commands or presses. While the gateway is down, the platform keeps it."""
        who, _, group = place.partition("@")
        chat, _, thread = group.partition("/")
        press = what[1:-1] if what.startswith("[") else ""
        shown_in = f"{chat}/{thread}" if thread else chat or who
        command, _, rest = what[1:].partition(" ") if what.startswith("/") else ("", "", "")
        await self.receive(
            Inbound(
                f"e{next(self._events)}",
                chat or PEOPLE[who],
                ChatKind.GROUP if chat else ChatKind.DIRECT,
                PEOPLE[who],
                who.capitalize(),
                rest if command else "" if press else what,
                self.clock.now(),
                thread=thread,
                message_ref="",
                to_bot=True,
                command=command,
                button=self.chat.button(shown_in, press) if press else "",
            )
        )

    async def receive(self, *items: Inbound) -> None:
        """Updates of the platform."""
        self._sent.extend(items)
        if self.gateway is None:
            self._missed += items
        else:
            await self.gateway.intake.accept(Batch(ACCOUNT, items, {"": items[-1].event_id}))

    async def redeliver(self) -> None:
        """The platform sends again what it sent last."""
        await self.receive(self._sent[-1])

    async def session_of(self, place: str) -> int:
        """The conversation that lives in a place now."""
        found = [s for s in await self.store.sessions(100) if place_of(s.address.route, s.address) == place]
        return max(session.id for session in found)

    # What came of it.

    async def quiet(self) -> None:
        """Let everything that can happen without time passing happen."""
        for _ in range(8):
            for _ in range(12):
                await asyncio.sleep(0)
            await self.store._committer.write(lambda _tx: None)
            await self.store.cursors(ACCOUNT)

    async def until(self, enough: Callable[[], bool]) -> None:
        """Give way until something is so; the caller bounds it."""
        while not enough():  # noqa: ASYNC110  a condition of the test, not an event of the product
            await asyncio.sleep(0)


def place_of(route: Route, address: Address | None = None) -> str:
    """The word for a place: a person's private chat, or a group with its thread."""
    names = {number: name for name, number in PEOPLE.items()}
    place = names.get(route.chat, route.chat)
    if address is not None and address.user:
        place = f"{names[address.user]}@{place}"
    return f"{place}/{route.thread}" if route.thread else place


def _said(delivery: Delivery) -> str:
    text = SAYINGS.get(delivery.body) or " / ".join(line for line in delivery.body.splitlines() if line)
    for template, word in ((resume.ASK, "asks"), (resume.NOTIFY, "tells")):
        head, _, tail = (part.replace("\n", " / ") for part in template.partition("{}"))
        if text.startswith(head):
            text = f"({word}) {text[len(head) :].removesuffix(tail)}"
    label = "(again?) " if delivery.doubtful else ""
    return label + " ".join([text, *(f"[{button.label}]" for button in delivery.buttons)])


def _summary(note: str) -> str:
    """A note in short: why, the steps to check, the request where it is quoted, and what to do."""
    lines = note.splitlines()[1:]
    parts = [word for start, word in CAUSES.items() if lines[0].startswith(start)]
    parts += [f"check {line[2:]}" for line in lines if line.startswith("- ")]
    parts += [line[2:] for line in lines if line.startswith("> ")]
    parts += [word for start, word in INSTRUCTIONS.items() if lines[-1].startswith(start)]
    return "; ".join(parts)
