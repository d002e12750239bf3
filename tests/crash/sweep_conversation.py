"""The phase of a sweep between the arrival of a message and its delivered reply."""

from collections.abc import Sequence

from tests.crash.sweep_phase import FAILPOINTS, Phase
from tests.crash.tracer import Counting, Point, arm, available, points_of
from tests.harness.chat import Chat


class Conversation(Phase):
    """One message; its points are counted from its arrival on."""

    name = "conversation"

    async def points(self) -> list[Point]:
        """Count the calls of a conversation; an exchange before it warms everything up."""
        if not available() or self._options.failpoints:
            return [Point("failpoint", name, nth) for name in FAILPOINTS for nth in (1, 2)]
        gateway = await self._fresh()
        await self._stage.ask(self._cast()[0], self._text())
        await self._stage.settled()
        counting = await Counting.begin(gateway.pid, self._stage.folder / "calls.txt")
        await self._stage.ask(self._cast()[0], self._text())
        await self._stage.settled()
        counts = await counting.finish()
        await gateway.kill()
        return points_of(counts, self._options.syscall)

    async def _strike(self, point: Point, cast: Sequence[Chat]) -> bool:
        gateway = self._stage.gateway
        tracer = None
        if point.role == "failpoint":
            await gateway.kill()
            gateway = await self._fresh(f"{point.syscall}:{point.nth}")
            for _ in range(1, point.nth):  # an exchange comes to each place once
                await self._stage.ask(self._stage.chat(), "an exchange before it")
                await self._stage.settled()
        else:
            tracer = await arm(gateway.pid, point)
            if tracer is None:
                return False
        cast[0].say(self._text())
        await self._ended(gateway, cast)
        if tracer is not None:
            await tracer.detach()
        killed = gateway.is_gone
        if killed:
            await gateway.killed()
        else:
            gateway.accounted_for = False
        return killed
