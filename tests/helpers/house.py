"""The engine on a real ledger, with a scripted platform and scripted agents: one boot at a time."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from gateway.engine.access import Access, AccessParts
from gateway.engine.accounts import Accounts
from gateway.engine.approvals import ApprovalParts, Approvals
from gateway.engine.buttons import ButtonParts, Buttons
from gateway.engine.commands import RENEWING, CommandParts, Commands
from gateway.engine.drain import Drain, DrainParts
from gateway.engine.intake import Intake, IntakeParts
from gateway.engine.lanes import Lanes
from gateway.engine.media import Media, MediaParts, MediaPolicy
from gateway.engine.openings import OpeningParts, Openings
from gateway.engine.outbox import OnUnknown, Outbox
from gateway.engine.replies import Replies
from gateway.engine.resume import ResumeParts, Resumer
from gateway.engine.streams import StreamParts, StreamPolicy, Streams
from gateway.engine.turns import TurnParts, TurnPolicy, Turns
from gateway.engine.typist import Typist
from gateway.model.address import ChatKind
from gateway.model.happening import Witness, unseen
from gateway.model.message import Inbound
from gateway.ports import Batch
from gateway.rules.access import AccessPolicy
from gateway.rules.admission import AdmissionPolicy
from gateway.rules.note import NotePolicy
from gateway.rules.progress import Progress
from gateway.rules.recovery import ResumePolicy
from gateway.store.media import MediaFolder
from tests.helpers.clock import ManualClock, until
from tests.helpers.fakes import ScriptedAgents, ScriptedChat
from tests.helpers.groups import killed_group
from tests.helpers.ledgers import ACCOUNT, Ledger, opened

PERMISSION_TIMEOUT = 600.0
AGENTS = {"demo": frozenset[str]()}


@dataclass
class House:
    """Everything between an adapter and an agent. `ledger.store` is what all of it writes to."""

    ledger: Ledger
    clock: ManualClock
    chat: ScriptedChat
    agents: ScriptedAgents
    lanes: Lanes
    turns: Turns
    outbox: Outbox
    commands: Commands
    resumer: Resumer
    intake: Intake
    drain: Drain
    group: asyncio.TaskGroup
    streams: Streams

    async def hear(self, text: str, chat: str = "1001", *, command: str = "", event: str = "") -> None:
        """Somebody writes."""
        event = event or f"e{next(self.ledger.events)}"
        at = self.clock.now()
        inbound = Inbound(event, chat, ChatKind.DIRECT, chat, "Ann", text, at, command=command)
        await self.intake.accept(Batch(ACCOUNT, (inbound,), {"": event}))

    async def ready(self) -> None:
        """The account is connected, for the first time or again."""
        await self.intake.ready(ACCOUNT)

    async def idle(self) -> None:
        """Wait until no lane has work and nothing is queued for sending."""
        await self.lanes.all_idle()
        await self.outbox.empty()

    async def at_work(self, turns: int = 1) -> None:
        """Wait until so many prompts are in flight."""
        await until(lambda: len(self.agents.running) == turns)

    async def quiet(self) -> None:
        """Let everything that can happen without time passing happen.

        Each round waits for what was asked of the ledger before it, writing and reading.
        """
        for _ in range(5):
            for _ in range(25):
                await asyncio.sleep(0)
            await self.ledger.store.beat(self.ledger.boot, self.clock.now())
            await self.ledger.store.session(1)

    async def session_of(self, chat: str = "1001") -> int:
        found = await self.ledger.store.sessions(100)
        return max(session.id for session in found if session.address.chat == chat)


def access_of(it: House, policy: AccessPolicy) -> Access:
    """Who may use a house's bot, by another policy than the house's own."""
    return Access(AccessParts(it.ledger.store, it.outbox, it.clock), policy)


@asynccontextmanager
async def house(
    ledger: Ledger,
    *,
    clock: ManualClock | None = None,
    chat: ScriptedChat | None = None,
    agents: ScriptedAgents | None = None,
    concurrent: int = 64,
    concurrency: int = 4,
    resume: ResumePolicy | None = None,
    on_unknown: OnUnknown = OnUnknown.LABEL,
    streaming: bool = False,
    busy: str = "queue",
    progress: Progress = Progress.COMPACT,
    max_messages: int = 8,
    max_size: int = 1024 * 1024,
    receipts: bool = False,
    saw: Witness = unseen,
) -> AsyncGenerator[House]:
    """One boot of the engine. Leaving it is a kill: nothing is stopped, told or marked."""
    clock = clock or ManualClock(ledger.now)
    chat, agents, resume = chat or ScriptedChat(), agents or ScriptedAgents(), resume or ResumePolicy()
    adapters, policy, store = {ACCOUNT: chat}, AccessPolicy(open_to_all=True), ledger.store
    assert ledger.opening is not None
    async with killed_group() as group:
        files = MediaFolder(ledger.folder / "media")
        outbox = Outbox(store, adapters, clock, group, on_unknown, files, saw)
        access = Access(AccessParts(store, outbox, clock), policy)
        streams = Streams(
            StreamParts(store, adapters, outbox, clock, group),
            StreamPolicy(streaming, drafts=True, how=progress),
        )
        if streaming:
            group.create_task(streams.run())
        approvals = Approvals(ApprovalParts(store, outbox, clock, group), PERMISSION_TIMEOUT, remember=True)
        typist = Typist(adapters, clock)
        media = Media(MediaParts(store, files, adapters, clock, group), MediaPolicy(max_size=max_size))
        replies = Replies(media, adapters, max_messages)
        openings = Openings(OpeningParts(store, agents, outbox, clock), "demo")
        parts = TurnParts(
            store,
            agents,
            adapters,
            outbox,
            typist,
            streams,
            approvals,
            media,
            replies,
            openings,
            clock,
            group,
            saw,
        )
        turns = Turns(
            parts,
            ledger.boot,
            TurnPolicy(
                NotePolicy(resume.freshness, resume.finish, resume.ask_for),
                collect=busy == "collect",
                receipts=receipts,
            ),
        )
        lanes = Lanes(group, turns.run_next, concurrent)
        buttons = Buttons(ButtonParts(store, lanes, outbox, streams, clock, approvals, access))
        commands = Commands(
            CommandParts(
                store, lanes, turns, outbox, streams, agents, clock, group, access, buttons, AGENTS, "demo"
            )
        )
        resumer = Resumer(
            ResumeParts(store, lanes, outbox, streams, commands, clock, group),
            resume,
            access,
            ledger.opening.crashes,
            concurrency,
        )
        intake = Intake(
            IntakeParts(
                store,
                lanes,
                outbox,
                commands,
                Accounts(adapters),
                clock,
                resumer.on_ready,
                access,
                fetch_soon=media.fetch_soon,
                saw=saw,
            ),
            AdmissionPolicy(policy, commands=commands.names, renewing=RENEWING),
            turns.supersede if busy == "interrupt" else None,
        )
        drain = Drain(DrainParts(store, lanes, turns, outbox, agents, clock, resumer.again, saw), ledger.boot)
        await outbox.load(ACCOUNT)
        yield House(
            ledger,
            clock,
            chat,
            agents,
            lanes,
            turns,
            outbox,
            commands,
            resumer,
            intake,
            drain,
            group,
            streams,
        )


@asynccontextmanager
async def fresh_house(folder: Path, **more) -> AsyncGenerator[House]:
    """A first boot on an empty ledger, connected."""
    async with opened("sqlite", folder) as ledger, house(ledger, **more) as made:
        await made.ready()
        yield made
