"""The phases of a sweep around a restart: a gateway is killed while it stops, or while it starts."""

import signal
from collections.abc import Sequence

from adapters.emulators.faults import FaultKind, When
from gateway.engine.commands import DRAINING
from gateway.engine.drain import CUT_NOTICE
from gateway.model.operation import Intent
from tests.crash.sweep_phase import BOOT_FAILPOINTS, Phase
from tests.crash.tracer import (
    START,
    START_SAMPLED,
    STOP_SAMPLED,
    Counting,
    Point,
    arm,
    available,
    counted_from_start,
    counting_from_start,
    killed_from_start,
    points_of,
)
from tests.harness.chat import Chat
from tests.harness.gateway import Gateway

WAITING = "SELECT count(*) FROM messages WHERE state = 'waiting'"
LONG = 30_000
"""Milliseconds of a tool that is always interrupted; resumed, the agent only looks what became of it."""


class Restart(Phase):
    """What stops and starts have in common: two chats whose tools run for as long as nobody cuts them."""

    people = 4

    async def _interruptible(self, first: Chat, alone: Chat) -> None:
        """Nothing waits behind the second one: it has to be resumed unasked."""
        self._tools[alone.id] = f"alone{self._number}x"
        first.say(self._text(LONG))
        alone.say(f"alone {self._number}x [[tool alone{self._number}x {LONG}ms]]")
        for chat in (first, alone):
            await self._stage.in_tool(self._tools[chat.id])


class Stopping(Restart):
    """SIGTERM without patience: two tools run, one message waits behind one of them, one in another chat for
    its turn, and one arrives too late. Points are counted from the signal on."""

    name = "stopping"
    settings = {"shutdown": {"drain_timeout": "0s"}, "limits": {"concurrent_turns": 2}}  # noqa: RUF012
    notices = (CUT_NOTICE[Intent.STOP], DRAINING)

    async def points(self) -> list[Point]:
        """Count the calls of a stop; an exchange before it warms everything up."""
        if not available() or self._options.failpoints:
            return []
        gateway = await self._fresh()
        (chat, *_) = cast = self._cast()
        await self._stage.ask(chat, "good morning")
        await self._stage.settled()
        await self._busy(cast)
        counting = await Counting.begin(gateway.pid, self._stage.folder / "calls.txt")
        await self._stop(gateway, cast)
        return points_of(await counting.finish(), self._options.syscall, STOP_SAMPLED)

    async def _strike(self, point: Point, cast: Sequence[Chat]) -> bool:
        gateway = self._stage.gateway
        await self._busy(cast)
        tracer = await arm(gateway.pid, point)
        code = await self._stop(gateway, cast)
        if tracer is not None:
            await tracer.detach()
        assert code in (0, -signal.SIGKILL), f"a stop ended with {code}:\n{gateway.log.tail()}"
        return code != 0

    async def _busy(self, cast: Sequence[Chat]) -> None:
        first, second, _, alone = cast
        await self._interruptible(first, alone)
        first.say(f"queued {self._number}x")
        second.say(f"patient {self._number}x")
        await self._stage.knows(lambda ledger: ledger.one(WAITING) == 2, "two messages that wait")

    async def _stop(self, gateway: Gateway, cast: Sequence[Chat]) -> int:
        gateway.terminate()
        cast[2].say(f"late {self._number}x")
        return await gateway.exited()


class Starting(Restart):
    """A recovery, traced from its first instruction: two turns were interrupted, messages wait, some of them
    not yet fetched, and of one reply nobody knows whether it was delivered."""

    name = "starting"

    async def points(self) -> list[Point]:
        """Count the calls of a recovery, up to the last answer."""
        if not available() or self._options.failpoints:
            return [Point("failpoint", name, nth) for name in BOOT_FAILPOINTS for nth in (1, 2)]
        await self._fresh()
        cast = self._cast()
        await self._crash(cast)
        output = self._stage.folder / "calls.txt"
        gateway = await self._stage.start(ready=False, prefix=counting_from_start(output))
        await self._ended(gateway, cast)
        await gateway.kill()
        counts = await counted_from_start(output, gateway.pid)
        return points_of(counts, self._options.syscall, START_SAMPLED)

    async def _strike(self, point: Point, cast: Sequence[Chat]) -> bool:
        await self._crash(cast)
        if point.role == START:
            gateway = await self._stage.start(ready=False, prefix=killed_from_start(point))
        else:
            gateway = await self._stage.start(failpoint=f"{point.syscall}:{point.nth}")
        await self._ended(gateway, cast)
        killed = gateway.is_gone
        if killed:
            await gateway.killed()
        await gateway.kill()
        return killed

    async def _crash(self, cast: Sequence[Chat]) -> None:
        """Leave a ledger behind that gives a recovery something to do."""
        first, second, third, alone = cast
        stage = self._stage
        when = When.AFTER if self._number % 2 else When.BEFORE
        hold = stage.fault(FaultKind.HOLD, "sendMessage", when, chat=str(second.id))
        second.say(f"perhaps {self._number}x")
        await stage.held(hold)
        await self._interruptible(first, alone)
        first.say(f"queued {self._number}x")
        await stage.knows(lambda ledger: ledger.one(WAITING) == 1, "a message that waits")
        await stage.gateway.kill()
        stage.emulator.faults.release()
        third.say(f"missed {self._number}x")
