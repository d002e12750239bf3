"""SIGTERM and SIGINT, as orders to a gateway."""

import asyncio
import signal

from gateway.model.operation import Intent
from gateway.ports import Operations


class Signals:
    """The first signal stops; a second one does not wait for running turns.

    One that comes while the gateway is still being put together is kept until there is something to stop.
    """

    def __init__(self) -> None:
        self._early = 0
        self._operations: Operations | None = None
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._received)

    def tell(self, operations: Operations) -> None:
        """There is something to stop from now on."""
        self._operations = operations
        for _ in range(self._early):
            self._received()

    def _received(self) -> None:
        if self._operations is None:
            self._early += 1
        else:
            self._operations.stop(Intent.STOP, None)
