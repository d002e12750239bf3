"""A house whose door is kept: the engine with access, limits and operations as in production."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from gateway.engine.access import Access, AccessParts
from gateway.engine.accounts import Accounts
from gateway.engine.commands import RENEWING, Commands
from gateway.engine.intake import Intake, IntakeParts
from gateway.engine.operations import OperationParts, RunningGateway
from gateway.engine.resume import ResumeParts, Resumer
from gateway.model.address import ChatKind
from gateway.model.attachment import StoredAttachment
from gateway.model.message import Inbound
from gateway.ports import Batch
from gateway.rules.access import AccessPolicy
from gateway.rules.admission import AdmissionPolicy, Respond
from gateway.rules.allowance import Allowances
from gateway.rules.recovery import ResumePolicy
from tests.helpers.fakes import ScriptedAgents
from tests.helpers.house import House, house
from tests.helpers.ledgers import ACCOUNT, Ledger, opened

ANN, BOB, EVE = "1001", "1002", "1003"
"""By default: the administrator, somebody whom the config lets in, and a stranger."""

PAIRING = AccessPolicy(allow=(f"{ACCOUNT}:{BOB}",), admins=(f"{ACCOUNT}:{ANN}",), pairing=True)


@dataclass
class Doors:
    """One boot behind a door."""

    it: House
    access: Access
    intake: Intake
    commands: Commands
    resumer: Resumer
    operations: RunningGateway
    fetched: list[StoredAttachment] = field(default_factory=list)

    async def hear(self, who: str, text: str = "", *, group: str = "", event: str = "", **more) -> None:
        """Somebody writes to the bot, directly or in a thread of a group."""
        await self.take(self.inbound(who, text, group=group, event=event, **more))

    def inbound(self, who: str, text: str = "", *, group: str = "", event: str = "", **more) -> Inbound:
        chat, _, thread = group.partition("/")
        fields = {
            "event_id": event or f"e{next(self.it.ledger.events)}",
            "chat": chat or who,
            "chat_kind": ChatKind.GROUP if chat else ChatKind.DIRECT,
            "author_id": who,
            "author_name": f"P{who}",
            "text": text,
            "sent_at": self.it.clock.now(),
            "thread": thread,
            "to_bot": True,
        }
        return Inbound(**(fields | more))

    async def take(self, *items: Inbound) -> None:
        await self.intake.accept(Batch(ACCOUNT, items, {"": items[-1].event_id}))

    def shown(self, chat: str) -> list[str]:
        """What the bot said in a chat."""
        return [one.body for one in self.it.chat.delivered if one.route.chat == chat]

    def button(self, chat: str, label: str) -> str:
        """The data of the last button with this label in a chat."""
        found = [
            b.data
            for one in self.it.chat.delivered
            for b in one.buttons
            if one.route.chat == chat and b.label == label
        ]
        return found[-1]

    async def settled(self) -> None:
        """Wait until commands and presses are carried out, and all has happened that needs no time."""
        while await self.it.ledger.store.waiting_commands(ACCOUNT):
            await self.it.quiet()
        await self.it.quiet()

    async def code(self) -> str:
        """The one code that is valid."""
        (pairing,) = await self.it.ledger.store.pairings(self.it.clock.now())
        return pairing.code


@asynccontextmanager
async def doors(
    ledger: Ledger,
    policy: AccessPolicy = PAIRING,
    *,
    limits: Allowances | None = None,
    agents: ScriptedAgents | None = None,
    ready: bool = True,
    interrupt: bool = False,
    **admission,
) -> AsyncGenerator[Doors]:
    """One boot of the engine behind a door. Leaving it is a kill."""
    async with house(
        ledger, agents=agents, **{k: admission.pop(k) for k in ("busy", "clock") if k in admission}
    ) as it:
        store, clock = ledger.store, it.clock
        access = Access(AccessParts(store, it.outbox, clock), policy)
        old = it.commands._parts
        buttons = type(old.buttons)(replace(old.buttons._parts, access=access))
        commands = Commands(replace(old, access=access, buttons=buttons))
        assert ledger.opening is not None
        resumer = Resumer(
            ResumeParts(store, it.lanes, it.outbox, it.streams, commands, clock, it.group),
            ResumePolicy(),
            access,
            ledger.opening.crashes,
            4,
        )
        fetched: list[StoredAttachment] = []
        parts = IntakeParts(
            store,
            it.lanes,
            it.outbox,
            commands,
            Accounts([ACCOUNT]),
            clock,
            resumer.on_ready,
            access=access,
            limits=limits,
            fetch_soon=fetched.extend,
            group=it.group,
        )
        given = {"respond": Respond.ALWAYS, "commands": commands.names, "renewing": RENEWING, **admission}
        intake = Intake(parts, AdmissionPolicy(policy, **given), it.turns.supersede if interrupt else None)
        operations = RunningGateway(
            OperationParts(
                store,
                it.lanes,
                it.turns,
                it.outbox,
                it.streams,
                it.agents,
                resumer,
                it.drain,
                Accounts([ACCOUNT]),
                clock,
                access,
            ),
            ledger.boot,
            5.0,
        )
        it.commands, it.intake, it.resumer = commands, intake, resumer
        made = Doors(it, access, intake, commands, resumer, operations, fetched)
        if ready:
            await intake.ready(ACCOUNT)
        yield made


@asynccontextmanager
async def fresh_doors(folder: Path, policy: AccessPolicy = PAIRING, **more) -> AsyncGenerator[Doors]:
    """A first boot on an empty ledger, connected."""
    async with opened("sqlite", folder) as ledger, doors(ledger, policy, **more) as made:
        yield made
