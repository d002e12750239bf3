"""SIGTERM and SIGINT, as orders to a gateway to stop; SIGHUP, to read its config file again."""

import asyncio
import os
import signal
from collections.abc import Callable, Generator
from contextlib import contextmanager
from types import FrameType

from gateway.model.operation import Intent
from gateway.ports import Operations


@contextmanager
def surviving_hang_ups() -> Generator[None]:
    """Let no SIGHUP end this process, neither before there is something to reload nor on its way out.

    A handler at first, and not to ignore it: that would be inherited by the agents. From the end of the block
    on it is ignored: its exit code is what a supervisor goes by.
    """
    if signal.getsignal(signal.SIGHUP) is signal.SIG_DFL:
        signal.signal(signal.SIGHUP, _deaf)
    try:
        yield
    finally:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)


def _deaf(_number: int, _frame: FrameType | None) -> None:
    return


class Signals:
    """The first signal stops; a second one does not wait for running turns.

    SIGHUP reloads, unless it says that the terminal is gone in which the gateway was started: then it stops.
    What comes while the gateway is still being put together is kept until there is something to stop.
    """

    def __init__(self) -> None:
        self._early = 0
        self._wished = False
        self._operations: Operations | None = None
        self._reload: Callable[[], None] | None = None
        # With `nohup` it is ignored: then the gateway is to outlive its terminal.
        self._terminal = signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN and has_terminal()
        self._loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            self._loop.add_signal_handler(number, self._received)
        # Not the loop's own way: that ends with the loop, and the default is to end without a word.
        signal.signal(signal.SIGHUP, self._hear)

    def tell(self, operations: Operations) -> None:
        """There is something to stop from now on."""
        self._operations = operations
        for _ in range(self._early):
            self._received()

    def let_reload(self, reload: Callable[[], None]) -> None:
        """The config can be read again from now on."""
        self._reload = reload
        if self._wished:
            reload()

    def _received(self) -> None:
        if self._operations is None:
            self._early += 1
        else:
            self._operations.stop(Intent.STOP, None)

    def _hear(self, _number: int, _frame: FrameType | None) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._hang_up)

    def _hang_up(self) -> None:
        if self._terminal and not has_terminal():
            self._terminal = False
            self._received()
        elif self._reload is None:
            self._wished = True
        else:
            self._reload()


def has_terminal() -> bool:
    """Whether this process belongs to a terminal that is there."""
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return False
    return True
