"""One gateway process: started, listened to, killed or stopped, by its process id and never by its name."""

import asyncio
import contextlib
import json
import os
import signal
from collections.abc import Awaitable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import psutil

from tests.harness.forks import Fork, bare_environment, program
from tests.harness.waiting import PATIENCE, within

T = TypeVar("T")

CARRYON = program()
SHOWN = 40
"""Lines of the log that a failure shows."""

Entry = dict[str, Any]


class Log:
    """The lines of one gateway's standard error, as they come; also written to a file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._news = asyncio.Event()
        self.entries: list[Entry] = []

    async def follow(self, stream: asyncio.StreamReader) -> None:
        """Read until the stream ends."""
        with self._path.open("ab", buffering=0) as file:
            while line := await stream.readline():
                file.write(line)
                self.entries.append(_entry(line))
                self._news.set()

    def find(self, action: str, *, after: int = 0, **match: object) -> Entry | None:
        """The first line beyond the first `after` with this action and these values."""
        for entry in self.entries[after:]:
            if entry.get("action") == action and match.items() <= entry.items():
                return entry
        return None

    def count(self, action: str, **match: object) -> int:
        """How many lines have this action and these values."""
        return sum(e.get("action") == action and match.items() <= e.items() for e in self.entries)

    async def until(self, action: str, *, after: int = 0, **match: object) -> Entry:
        """Wait for such a line."""
        while True:
            self._news.clear()
            if found := self.find(action, after=after, **match):
                return found
            await self._news.wait()

    def bugs(self) -> list[Entry]:
        """Lines with a traceback, and what is not a line of the log at all."""
        return [
            entry for entry in self.entries if "traceback" in entry or entry["action"] == "(not a log line)"
        ]

    @property
    def text(self) -> str:
        """All of it."""
        return "\n".join(str(entry.get("text") or json.dumps(entry)) for entry in self.entries)

    def tail(self) -> str:
        """The end of the log, for people."""
        return "\n".join(json.dumps(entry) for entry in self.entries[-SHOWN:])


def _entry(line: bytes) -> Entry:
    try:
        entry = json.loads(line)
    except ValueError:
        entry = None
    if isinstance(entry, dict) and "action" in entry:
        return entry
    return {"action": "(not a log line)", "text": line.decode(errors="replace").rstrip()}


class Gateway:
    """A running `carryon run`. One that ends without having been told to fails whatever waits for it."""

    def __init__(self, process: "asyncio.subprocess.Process | Fork", log: Log) -> None:
        self._process = process
        self.log = log
        errors = process.errors if isinstance(process, Fork) else process.stderr
        assert errors is not None
        self._reading = asyncio.ensure_future(log.follow(errors))
        self._ended = asyncio.ensure_future(self._end())
        self.accounted_for = False
        self.reported = False

    @classmethod
    async def start(
        cls, config: Path, log: Path, env: Mapping[str, str], prefix: Sequence[str] | None = None
    ) -> "Gateway":
        """Start one, forked from a process that has everything imported.

        With a `prefix` it is the program itself, run by whatever the prefix names, such as a tracer.
        """
        if prefix is None:
            words = ("carryon", "--config", str(config), "run")
            return cls(await Fork(words, {**bare_environment(), **env}).start(), Log(log))
        inherited = bare_environment()
        process = await asyncio.create_subprocess_exec(
            *prefix,
            CARRYON,
            "--config",
            str(config),
            "run",
            stdin=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            env={**inherited, **env},
            limit=1 << 20,
        )
        return cls(process, Log(log))

    async def _end(self) -> int:
        code = await self._process.wait()
        await self._reading
        return code

    @property
    def pid(self) -> int:
        """The id of the process that was started."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return not self._ended.done()

    @property
    def is_gone(self) -> bool:
        """Whether it has ended just now, even if nobody was told yet."""
        try:
            return not self.running or psutil.Process(self.pid).status() == psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return True

    async def until(self, work: Awaitable[T], what: str, seconds: float = PATIENCE) -> T:
        """The result of `work`, unless the gateway ends first."""
        task = asyncio.ensure_future(work)
        try:
            await asyncio.wait({task, self._ended}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                return task.result()
        finally:
            task.cancel()
        self.reported = True
        self.accounted_for = self.accounted_for or not self.running
        fate = (
            f"the gateway ended with {self._ended.result()}" if not self.running else "the gateway still runs"
        )
        raise AssertionError(f"waited {seconds:g} s for {what}; {fate}; its log ends:\n{self.log.tail()}")

    async def logged(self, action: str, *, after: int = 0, **match: object) -> Entry:
        """Wait for a line of the log."""
        what = f"the line {action} {match or ''}"
        return await self.until(self.log.until(action, after=after, **match), what)

    async def ready(self, *accounts: str) -> "Gateway":
        """Wait until these accounts, or any, are connected and what was missed is in the ledger."""
        for match in [{"account": account} for account in accounts] or [{}]:
            await self.logged("account.ready", **match)
        return self

    def send(self, number: signal.Signals) -> None:
        """Send a signal. asyncio's own way reaps an exited process, under the hands of who waits for it."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """SIGTERM, without waiting."""
        self.send(signal.SIGTERM)

    async def kill(self) -> None:
        """SIGKILL, and wait until it is gone."""
        if self.running:
            self.send(signal.SIGKILL)
        await self.exited()

    async def killed(self) -> None:
        """Wait until something else, such as a failpoint, has killed it."""
        code = await self.exited()
        assert code == -signal.SIGKILL, f"ended with {code} instead of being killed:\n{self.log.tail()}"

    async def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Tell it to stop; its exit code."""
        self.send(number)
        return await self.exited()

    async def exited(self) -> int:
        """Wait until it ends by itself; its exit code, negative for a signal."""
        self.accounted_for = True
        return await within(asyncio.shield(self._ended), f"the end of the gateway\n{self.log.tail()}")
