"""The gateways of a soak: started, ended as planned, and what each was doing when it ended."""

import asyncio
import json
import signal
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.crash.soak_plan import Kill, Way
from tests.crash.soak_town import Town
from tests.harness.gateway import Gateway
from tests.harness.ledger import Ledger
from tests.harness.settings import Settings, merged, write
from tests.harness.waiting import PATIENCE, within

CHANGES = {
    "resume": {"max_attempts": 1_000_000, "freshness": "30d", "breaker": {"boots": 1_000_000}},
    "sessions": {"max_queued": 1_000_000},
}
"""A soak is a crash loop by design: none of the guards against one may stop it."""

LATE = 4.0
"""Seconds after the first account that the others may take to connect before the gateway's time runs."""

AT_DEATH = (
    "SELECT (SELECT count(*) FROM deliveries WHERE state = 'sending'), "
    "(SELECT count(*) FROM turns WHERE state = 'running' AND resumes_turn_id IS NOT NULL), "
    "(SELECT count(*) FROM turns WHERE state = 'running'), "
    "(SELECT count(*) FROM deliveries WHERE state IN ('pending', 'unknown'))"
)

OWED = (
    "SELECT (SELECT count(*) FROM messages WHERE state = 'waiting')"
    " + (SELECT count(*) FROM turns WHERE state = 'running')"
    " + (SELECT count(*) FROM sessions WHERE state = 'resume_pending')"
    " + (SELECT count(*) FROM deliveries WHERE state IN ('pending', 'sending', 'unknown'))"
)


def config(folder: Path, towns: Mapping[str, Town]) -> Settings:
    """One account for each platform, named like it, and the demo agent."""
    demo = {"CARRYON_DEMO_HOME": str(folder / "demo")}
    return {
        "state_dir": str(folder / "state"),
        "accounts": {platform: dict(town.playground.settings()) for platform, town in towns.items()},
        "agents": {"demo": {"command": ["carryon-demo-agent"], "processes": "shared", "env": demo}},
        "default_agent": "demo",
        "access": {"default": "allow"},
        "http": {"listen": None},
        "limits": {"messages_per_user": "off"},
        "delivery": {"stream": "auto", "receipts": "reactions"},
        "log": {"level": "info", "format": "json"},
        **CHANGES,
    }


async def pause(seconds: float) -> None:
    """Wait for real time: a kill comes at a random moment, not at an event."""
    await asyncio.sleep(max(0.0, seconds))


@dataclass(frozen=True, slots=True)
class Life:
    """One gateway, for people who look for a cause."""

    ending: str
    phase: str
    began: float
    ended: float
    log: str

    def __str__(self) -> str:
        return f"{self.began:10.3f} {self.ended:10.3f}  {self.log}  {self.phase:10} {self.ending}"


class Gateways:
    """The gateways on one state directory, one after the other."""

    def __init__(self, folder: Path, towns: Mapping[str, Town]) -> None:
        self._folder = folder
        self._towns = towns
        self._settings = config(folder, towns)
        self._number = 0
        self._gateway: Gateway | None = None
        self._began = self._life_began = time.monotonic()
        self.ledger = Ledger(folder / "state")
        self.phases: Counter[str] = Counter()
        self.ways: Counter[str] = Counter()
        self.troubles: list[str] = []
        self.lives: list[Life] = []

    def clock(self, at: float) -> float:
        """Seconds since this began, of a moment of `time.monotonic`."""
        return at - self._began

    @property
    def owes_nothing(self) -> bool:
        """Whether nothing waits, runs, is to be resumed or is still to be sent."""
        return not self.ledger.one(OWED)

    async def start(self, ending: Kill) -> Gateway:
        self._number += 1
        self._life_began = time.monotonic()
        changed = merged(self._settings, {"shutdown": {"drain_timeout": ending.drain}})
        path = write(self._folder / "gateway.yaml", changed)
        log = self._folder / "logs" / f"gateway-{self._number:04}.log"
        env = {"CARRYON_FAILPOINT": f"{ending.failpoint}:{ending.nth}"} if ending.failpoint else {}
        self._gateway = await Gateway.start(path, log, env, ())  # the program itself
        return self._gateway

    async def ready(self, gateway: Gateway) -> None:
        """Wait until every account is connected whose platform is there; not for long after the first."""
        await gateway.log.until("account.ready")
        try:
            async with asyncio.timeout(LATE):
                for platform, town in self._towns.items():
                    if not town.down:
                        await gateway.log.until("account.ready", account=platform)
        except TimeoutError:
            return

    async def end(self, gateway: Gateway, ending: Kill) -> None:
        """Wait for the moment, kill, and note what the gateway was doing."""
        ended = asyncio.ensure_future(gateway.exited())
        moment = asyncio.ensure_future(self._moment(gateway, ending))
        overdue = asyncio.ensure_future(self._overdue(gateway, ending))
        await asyncio.wait(
            {ended, moment, overdue}, timeout=PATIENCE * 0.8, return_when=asyncio.FIRST_COMPLETED
        )
        by_itself = ended.done()
        for waiting in (moment, overdue):
            waiting.cancel()
        await asyncio.gather(moment, overdue, return_exceptions=True)
        if not by_itself and ending.way is not Way.STOP:
            gateway.send(signal.SIGKILL)
        elif not by_itself:
            gateway.terminate()
        code = await ended
        told = ending.stops and gateway.log.find("drain.started") is not None
        self._note_end(gateway, ending, code, surprising=by_itself and not ending.failpoint and not told)
        self._note_life(str(ending), self._phase(gateway, stopping=told))
        self.ways[ending.way] += 1

    async def _moment(self, gateway: Gateway, ending: Kill) -> None:
        """Return when the gateway is to be killed; a failpoint does that by itself."""
        match ending.way:
            case Way.START:
                pass
            case Way.RECOVERY if ending.line == "account.ready":
                await gateway.log.until(ending.line, account=ending.platform)
            case Way.RECOVERY:
                await gateway.log.until(ending.line)
            case Way.EVENT:
                kind, data = ending.event
                events = self._towns[ending.platform].emulator.events
                seq = events.seq
                for _ in range(ending.nth):
                    seq = (await events.event(kind, data, after=seq)).seq
            case Way.IDLE:
                await self.ready(gateway)
                while any(town.listen() for town in self._towns.values()) or not self.owes_nothing:
                    await pause(0.1)
            case _:
                await self.ready(gateway)
        await pause(ending.delay)
        if ending.way is Way.CUT_STOP or (ending.way is Way.FAILPOINT and ending.stops):
            gateway.terminate()
            await gateway.log.until("drain.started")
        if ending.way is Way.CUT_STOP:
            await pause(ending.delay / ending.nth)
        elif ending.way is Way.FAILPOINT:
            await asyncio.Event().wait()

    async def _overdue(self, gateway: Gateway, ending: Kill) -> None:
        await self.ready(gateway)
        await pause(ending.patience)

    async def stop(self, gateway: Gateway) -> None:
        gateway.terminate()
        code = await gateway.exited()
        self._note_end(gateway, Kill(Way.STOP, 0), code, surprising=False)
        self._note_life("stopped", "idle")

    def _note_end(self, gateway: Gateway, ending: Kill, code: int, *, surprising: bool) -> None:
        """A gateway ends by the kill meant for it or, told to stop, with 0; and it logs no bug."""
        allowed = {-signal.SIGKILL, 0} if ending.stops else {-signal.SIGKILL}
        if ending.way is Way.STOP:
            # A signal that comes before its handler is a kill like any other.
            allowed = {0} if gateway.log.find("drain.started") else {0, -signal.SIGTERM}
        if surprising or code not in allowed:
            self.troubles.append(
                f"gateway {self._number} ({ending}) ended with {code}:\n{gateway.log.tail()}"
            )
        self.troubles += [
            f"gateway {self._number} ({ending}) logged: {json.dumps(bug)}" for bug in gateway.log.bugs()
        ]

    def _note_life(self, ending: str, phase: str) -> None:
        if ending != "stopped":
            self.phases[phase] += 1
        began, ended = self.clock(self._life_began), self.clock(time.monotonic())
        self.lives.append(Life(ending, phase, began, ended, f"gateway-{self._number:04}.log"))
        self._gateway = None

    def _phase(self, gateway: Gateway, *, stopping: bool) -> str:
        """What the gateway was doing when it ended, from its log and its ledger."""
        if stopping:
            return "stopping"
        if gateway.log.find("account.ready") is None:
            return "starting"
        ((sending, resuming, running, owed),) = self.ledger.rows(AT_DEATH)
        if sending:
            return "delivering"
        if resuming or gateway.log.count("session.resume_scheduled") > _resumed(gateway):
            return "recovering"
        if running:
            return "in turn"
        return "delivering" if owed else "idle"

    async def close(self) -> None:
        """End the gateway that still runs."""
        if self._gateway is not None:
            await within(self._gateway.kill(), "the end of the last gateway", PATIENCE)


def _resumed(gateway: Gateway) -> int:
    return gateway.log.count("turn.ended", resumed=True)
