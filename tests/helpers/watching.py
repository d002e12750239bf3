"""The operator page on a gateway with troubles: the real server, engine and ledger, in this process."""

import asyncio
import random
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from gateway.console.page.parts import PageParts
from gateway.console.page.site import routes
from gateway.console.server import HttpSettings, serve_http
from gateway.model.address import ChatKind
from gateway.model.delivery import Delivered, DeliveryKind, Draft, Rejected
from gateway.model.grant import Grant, Role
from gateway.model.message import Origin
from gateway.model.operation import ConfigStatus, Done, OperationOutcome
from gateway.model.session import Reason, ResumeMode
from gateway.model.turn import StepStatus, TurnState
from gateway.rules.access import AccessPolicy
from gateway.rules.recovery import ResumePolicy, recover
from gateway.store.browsing import Browsing, open_browsing
from gateway.store.sqlite import LEDGER_FILE, open_sqlite
from tests.helpers.clock import ManualClock
from tests.helpers.doors import ANN, BOB, EVE, Doors, doors
from tests.helpers.fakes import Answer, ScriptedAgents
from tests.helpers.groups import killed_group
from tests.helpers.ledgers import ACCOUNT, Ledger, tool

BEGAN = 1_790_000_000.0
OPEN_TO_TWO = AccessPolicy(
    allow=(f"{ACCOUNT}:{BOB}", *(f"{ACCOUNT}:{n}" for n in range(2000, 2100))),
    admins=(f"{ACCOUNT}:{ANN}",),
    pairing=True,
)


class ReadFile:
    """A config file that can be read again."""

    def __init__(self) -> None:
        self.read = 0
        self.status = ConfigStatus("/etc/carryon/gateway.yaml", BEGAN)

    async def reload(self) -> OperationOutcome:
        self.read += 1
        return Done("nothing in the config has changed")


@dataclass
class Watched:
    """One boot and its page. `pause` holds up every answer of the agents until they are released."""

    at: Doors
    shelf: Browsing
    parts: PageParts
    address: str
    clock: ManualClock
    file: ReadFile
    told: list[str] = field(default_factory=list)


def origin(who: str, name: str) -> Origin:
    return Origin(ChatKind.DIRECT, who, name, "7")


async def talk(ledger: Ledger, who: str, name: str, text: str, reply: str, seconds: float = 2.0) -> int:
    """Somebody wrote, and was answered."""
    said = await ledger.say(text, who, origin=origin(who, name))
    ledger.tick(seconds / 4)
    start = await ledger.begin(said.session_id)
    mode = ResumeMode.LIVE if start.ended_turns else ResumeMode.FRESH
    await ledger.store.record_opening(
        start.turn_id, "demo", f"sess-{start.session.id}-0123456789abcdef", "/w", mode, ""
    )
    ledger.tick(seconds)
    for reply_owed in await ledger.end(start.turn_id, TurnState.COMPLETED, reply):
        await ledger.store.claim(reply_owed.id, ledger.tick(0.1))
        await ledger.store.settle(reply_owed.id, Delivered(f"m{reply_owed.id}"), ledger.tick(0.2))
    return said.session_id


async def history(ledger: Ledger, title: str = "Plan the harvest") -> dict[str, int]:
    """Crashes, a restart, a stop; an interrupted turn that was gone on with; what waits for people."""
    ids: dict[str, int] = {}
    dice = random.Random(7)
    for n in range(12):
        ledger.tick(dice.uniform(20, 240))
        await talk(
            ledger,
            f"20{n % 4:02}",
            ("Bob", "Cleo", "Dan", "Emil")[n % 4],
            f"Question {n}",
            f"Answer {n}",
            dice.uniform(0.5, 9) * (4 if n == 7 else 1),
        )
    ids["gone_on"] = (
        await ledger.say(f"{title} [[tool dig 40s]]", "2004", origin=origin("2004", "Fay"))
    ).session_id
    start = await ledger.begin(ids["gone_on"])
    await ledger.store.record_opening(
        start.turn_id, "demo", "sess-fay-0123456789abcdef", "/w", ResumeMode.FRESH, ""
    )
    await ledger.store.record_steps(
        start.turn_id, [tool(1, "plan the beds", StepStatus.COMPLETED), tool(2, "dig")]
    )
    await ledger.store.beat(ledger.boot, ledger.tick(31))
    ledger.tick(8)
    await ledger.start()  # it crashed
    await ledger.store.schedule_resumes([ids["gone_on"]], ledger.tick())
    again = await ledger.begin(ids["gone_on"])
    await ledger.store.record_opening(
        again.turn_id,
        "demo",
        "sess-fay-0123456789abcdef",
        "/w",
        ResumeMode.NATIVE,
        "the agent replayed 1 turn",
    )
    for owed in await ledger.end(again.turn_id, TurnState.COMPLETED, "All beds are dug."):
        await ledger.store.claim(owed.id, ledger.tick(0.1))
        await ledger.store.settle(owed.id, Delivered("m"), ledger.tick(0.2))
    await ledger.store.set_boot_state(ledger.boot, "serving")
    await ledger.store.set_boot_state(ledger.boot, "draining", "restart")
    await ledger.store.stop_boot(ledger.boot, ledger.tick(600))
    ledger.tick(3)
    await ledger.start()
    # A session that kept killing the gateway, one that a person paused.
    loop = await ledger.begin(
        (await ledger.say("Open the gate", "2005", origin=origin("2005", "Gus"))).session_id
    )
    ids["loop"] = loop.session.id
    await ledger.store.beat(ledger.boot, ledger.tick(12))
    ledger.tick(5)
    await ledger.start()
    await ledger.store.suspend(ids["loop"], Reason.RESUME_LOOP, (), ledger.tick())
    ids["paused"] = await talk(ledger, "2006", "Hal", "Count the sheep", "42 sheep.")
    await ledger.store.suspend(ids["paused"], Reason.MANUAL, (), ledger.tick())
    # What was not sent.
    ids["held"] = await _owed(
        ledger, ids["paused"], "The **harvest** plan:\n" + "\n".join(f"{n}. bed {n}" for n in range(1, 40))
    )
    ids["rejected"] = await _owed(ledger, ids["gone_on"], "A short answer")
    await ledger.store.claim(ids["rejected"], ledger.tick())
    await ledger.store.settle(
        ids["rejected"], Rejected("Forbidden: bot was blocked by the user"), ledger.tick()
    )
    await ledger.store.claim(ids["held"], ledger.tick())
    cut = await ledger.begin(
        (await ledger.say("Water the beans", "2007", origin=origin("2007", "Ida"))).session_id
    )
    ids["cut"] = cut.session.id
    await ledger.store.beat(ledger.boot, ledger.tick(3))
    ledger.tick(4)
    await ledger.start()
    await ledger.store.hold(ids["held"])
    await ledger.store.grant(Grant(ACCOUNT, "1009", "Old friend", Role.USER, "operator", ledger.tick()))
    return ids


async def _owed(ledger: Ledger, session: int, text: str) -> int:
    (owed,) = await ledger.store.notify(session, (Draft(DeliveryKind.REPLY, text),), ledger.tick())
    return owed.id


@asynccontextmanager
async def ledger_at(folder: Path) -> AsyncGenerator[Ledger]:
    async with open_sqlite(folder / LEDGER_FILE) as store:
        ledger = Ledger(store, folder, now=BEGAN)
        await ledger.start()
        yield ledger


@asynccontextmanager
async def watched(ledger: Ledger, *, port: int = 0, shelf: Browsing | None = None) -> AsyncGenerator[Watched]:
    """The gateway's present boot with its page, which may look at another ledger. Leaving it is a kill."""
    clock = ManualClock(ledger.now)
    async with (
        open_browsing(ledger.folder / LEDGER_FILE) as own,
        doors(ledger, OPEN_TO_TWO, clock=clock, agents=ScriptedAgents(), ready=False) as at,
        killed_group() as group,
    ):
        group.create_task(at.it.drain.run())
        file = ReadFile()
        at.operations.let_reload(file)
        policy = ResumePolicy(reasons=frozenset({Reason.DRAIN_TIMEOUT}))
        parts = PageParts(
            shelf or own,
            at.operations,
            clock,
            "0.1.0",
            lambda one: recover(one, policy, at.access.policy, clock.now(), tripped=False),
            lambda code: at.access.keep_out(code, "operator"),
        )
        listening: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        settings = HttpSettings("127.0.0.1", port, loopback=True, token=None, key=b"k" * 32)
        group.create_task(serve_http(settings, routes(parts), clock, listening.set_result))
        yield Watched(at, own, parts, f"http://127.0.0.1:{await listening}", clock, file)


async def busy(it: Watched) -> None:
    """The account is connected; two turns are at work, and something waits behind one of them."""
    at = it.at
    at.operations._parts.accounts.connected(ACCOUNT, it.clock.now())
    at.it.agents.answers += [Answer(held=asyncio.Event()), Answer(held=asyncio.Event())]
    await at.intake.ready(ACCOUNT)
    await at.it.at_work(1)  # what the last crash cut is gone on with
    await at.hear("2001", "Build the shed", event="b1")
    await at.it.at_work(2)
    await at.hear(BOB, "Paint the fence", group="-100/7", event="b2")
    await at.hear("2001", "Are you there?", event="b3")
    await at.hear(EVE, "let me in", event="b4")
    await at.settled()
