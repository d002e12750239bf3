"""Processes of the program that are forked from one which has everything imported.

They have their own signals, logs and event loops, as the program has; only the start of an interpreter is
spared. What that start itself may break is seen by the tests that run the program, and by the soak.
"""

import asyncio
import importlib
import multiprocessing
import os
import sys
from collections.abc import Mapping, Sequence
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path

from gateway import cli, failpoints

IMPORTED = (
    "adapters.discord.adapter",
    "adapters.slack.adapter",
    "adapters.telegram.adapter",
    "apscheduler.schedulers.asyncio",
    "gateway.agents.connection",
    "gateway.agents_check.run",
    "gateway.app",
    "gateway.console.control",
    "gateway.inspection",
    "gateway.operate",
    "gateway.store.sqlite",
)
"""What the program imports late."""

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload([__name__, *IMPORTED])


class Fork:
    """One process. `errors` is what it writes to standard error."""

    def __init__(self, words: Sequence[str], env: Mapping[str, str]) -> None:
        self._reading, self._writing = FORKS.Pipe(duplex=False)
        self._process = FORKS.Process(target=_work, args=(list(words), dict(env), self._writing))
        self.errors = asyncio.StreamReader(limit=1 << 20)

    async def start(self) -> "Fork":
        """Begin."""
        await asyncio.to_thread(self._process.start)
        self._writing.close()
        pipe = os.fdopen(os.dup(self._reading.fileno()), "rb", 0)
        self._reading.close()
        loop = asyncio.get_running_loop()
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(self.errors), pipe)
        return self

    @property
    def pid(self) -> int:
        """Its id."""
        assert self._process.pid is not None
        return self._process.pid

    async def wait(self) -> int:
        """Wait for its end: its exit code, negative for a signal."""
        return await ended(self._process)


async def ended(process: BaseProcess) -> int:
    """Wait for the end of a fork: its exit code, negative for a signal."""
    over, loop = asyncio.Event(), asyncio.get_running_loop()
    loop.add_reader(process.sentinel, over.set)
    try:
        await over.wait()
    finally:
        loop.remove_reader(process.sentinel)
    await asyncio.to_thread(process.join)
    code = process.exitcode
    assert code is not None, process.name
    return code


def _work(words: list[str], env: dict[str, str], errors: Connection) -> None:
    os.dup2(errors.fileno(), 2)
    errors.close()
    os.environ.clear()
    os.environ.update(env)
    importlib.reload(failpoints)  # it reads the environment once; whoever imported it sees the change
    sys.argv = words
    cli.main()


def bare_environment() -> dict[str, str]:
    """The environment without the program's own variables."""
    return {key: value for key, value in os.environ.items() if not key.startswith("CARRYON")}


def program() -> str:
    """The program itself, for where its start matters."""
    return str(Path(sys.executable).with_name("carryon"))
