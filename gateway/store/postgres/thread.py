"""A thread that one connection lives in, so that nothing ever waits for a server in the event loop."""

import asyncio
import contextlib
import os
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

import psycopg

from gateway import log
from gateway.store.postgres.statement import Raw

_log = log.get()

T = TypeVar("T")

STUCK_SECONDS: Final = 30.0
"""How long a server may say nothing to a step until its connection is cut."""


class ConnectionThread:
    """Runs functions one after the other. `raw` is the connection that they work with, while there is one."""

    def __init__(self, name: str, stuck: float = STUCK_SECONDS) -> None:
        self._executor = ThreadPoolExecutor(1, thread_name_prefix=f"ledger-{name}")
        self._stuck = stuck
        self.raw: Raw | None = None

    async def run(self, function: Callable[[], T]) -> T:
        """The result of a function; the connection is cut under it if that takes too long."""
        loop = asyncio.get_running_loop()
        watch = loop.call_later(self._stuck, self._cut)
        try:
            return await loop.run_in_executor(self._executor, function)
        finally:
            watch.cancel()

    def _cut(self) -> None:
        if (raw := self.raw) is None:
            return
        _log.error("ledger.stuck", why=f"its server said nothing for {self._stuck:.0f} s", connection="cut")
        with contextlib.suppress(OSError, psycopg.Error), socket.socket(fileno=os.dup(raw.fileno())) as wire:
            wire.shutdown(socket.SHUT_RDWR)

    def drop(self) -> None:
        """Let go of the connection, from inside the thread."""
        raw, self.raw = self.raw, None
        if raw is not None:
            with contextlib.suppress(psycopg.Error, OSError):
                raw.close()

    async def close(self) -> None:
        """Let go of the connection and end the thread."""
        try:
            await asyncio.shield(self.run(self.drop))
        finally:
            self._executor.shutdown(wait=False)
