"""The processes of a run: started in sessions of their own, and all of them ended by pid, come what may."""

import asyncio
import contextlib
import json
import os
import re
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import psutil

from adapters.emulators.telegram_client import TelegramControl
from gateway.store.sqlite import LEDGER_FILE

ROOT = Path(__file__).resolve().parent.parent
ACCOUNT = "telegram"

_START_SECONDS = 30.0
_STOP_SECONDS = 15.0


@dataclass(slots=True)
class Stage:
    """The directory of a run and every process started in it."""

    directory: Path
    _processes: list[Process] = field(default_factory=list[Process])

    async def start(self, name: str, *command: str, stdout: int | None = None) -> Process:
        """Start a program of this repository; its standard error goes to `NAME.log`."""
        env = {key: value for key, value in os.environ.items() if not key.startswith("CARRYON")}
        with (self.directory / f"{name}.log").open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=stdout if stdout is not None else log,
                stderr=log,
                cwd=ROOT,
                env=env,
                start_new_session=True,
            )
        self._processes.append(process)
        return process

    async def stop(self, process: Process) -> None:
        """Ask a process to end, and make it and its descendants end when it does not."""
        if process.returncode is None:
            family = _descendants(process.pid)
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            try:
                async with asyncio.timeout(_STOP_SECONDS):
                    await process.wait()
            except TimeoutError:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
            _kill(family)
        if process in self._processes:
            self._processes.remove(process)

    async def stop_all(self) -> None:
        await asyncio.gather(*(self.stop(process) for process in reversed(self._processes)))

    def kill_all(self) -> None:
        """The last resort, without waiting: for an interruption of the clean-up itself."""
        for process in self._processes:
            if process.returncode is None:
                family = _descendants(process.pid)
                with contextlib.suppress(ProcessLookupError, psutil.Error):
                    psutil.Process(process.pid).kill()
                _kill(family)


def _descendants(pid: int) -> list[psutil.Process]:
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.Error:
        return []


def _kill(processes: list[psutil.Process]) -> None:
    for process in processes:
        with contextlib.suppress(psutil.Error):  # psutil looks at the start time: a reused pid is left alone
            process.kill()


@dataclass(frozen=True, slots=True)
class Emulator:
    """The emulator's process and the way to its control API."""

    process: Process
    url: str
    control: TelegramControl

    async def register(self, token: str) -> int:
        """Make a bot known before its gateway has started; its id."""
        async with aiohttp.ClientSession() as session, session.get(f"{self.url}/bot{token}/getMe") as answer:
            return int((await answer.json())["result"]["id"])


@contextlib.asynccontextmanager
async def emulator(stage: Stage) -> AsyncIterator[Emulator]:
    """A Telegram of our own, without rate limits."""
    process = await stage.start(
        "emulator",
        sys.executable,
        "-m",
        "adapters.emulators.telegram",
        "--port",
        "0",
        "--no-limits",
        stdout=PIPE,
    )
    assert process.stdout is not None
    async with asyncio.timeout(_START_SECONDS):
        line = (await process.stdout.readline()).decode()
    found = re.search(r"http://\S+", line)
    if found is None:
        raise RuntimeError(f"the emulator did not start: {line!r}")
    async with TelegramControl(found[0]) as control:
        yield Emulator(process, found[0], control)


@dataclass(slots=True)
class Gateway:
    """One gateway on a state of its own, with a bot of its own."""

    stage: Stage
    emulator: Emulator
    name: str
    token: str
    bot: int
    process: Process | None = None
    spawned_at: float = 0.0
    """`time.monotonic()` just before the process was started; the emulator's events use the same clock."""
    spawned_wall: float = 0.0

    @property
    def state(self) -> Path:
        return self.stage.directory / self.name / "state"

    @property
    def ledger(self) -> Path:
        return self.state / LEDGER_FILE

    @property
    def demo_home(self) -> Path:
        return self.stage.directory / self.name / "demo"

    @property
    def log(self) -> Path:
        return self.stage.directory / f"{self.name}.log"

    async def spawn(self) -> None:
        """Start the process; return at once."""
        config = self.stage.directory / f"{self.name}.yaml"
        config.write_text(json.dumps(_config(self), indent=1))
        command = Path(sys.executable).with_name("carryon")
        self.spawned_wall, self.spawned_at = time.time(), time.monotonic()
        self.process = await self.stage.start(self.name, str(command), "--config", str(config), "run")

    async def connected(self) -> None:
        """Wait until it waits for messages."""
        polling = asyncio.ensure_future(
            self.emulator.control.wait("polling", bot=self.bot, within=_START_SECONDS)
        )
        assert self.process is not None
        ended = asyncio.ensure_future(self.process.wait())
        await asyncio.wait({polling, ended}, return_when=asyncio.FIRST_COMPLETED)
        ended.cancel()
        if not polling.done():
            polling.cancel()
            raise RuntimeError(f"the gateway ended while it started; its last words: {self.last_words()}")
        await polling

    async def start(self) -> None:
        await self.spawn()
        await self.connected()

    async def stop(self) -> None:
        if self.process is not None:
            await self.stage.stop(self.process)
            self.process = None

    def processes(self) -> tuple[psutil.Process, list[psutil.Process]]:
        """The gateway's process, and those of its agents."""
        assert self.process is not None
        own = psutil.Process(self.process.pid)
        return own, own.children(recursive=True)

    def lines(self) -> Iterator[dict[str, Any]]:
        """What it logged."""
        for line in self.log.read_text(errors="replace").splitlines():
            with contextlib.suppress(ValueError):
                found = json.loads(line)
                if isinstance(found, dict):
                    yield found

    def last_words(self) -> str:
        return self.log.read_text(errors="replace")[-500:].strip() if self.log.exists() else ""


async def gateway(stage: Stage, place: Emulator, name: str, number: int) -> Gateway:
    """A gateway that is not started yet. `number` makes its bot's id."""
    token = f"{number}:bench"
    return Gateway(stage, place, name, token, await place.register(token))


def _config(gateway: Gateway) -> dict[str, object]:
    return {
        "state_dir": str(gateway.state),
        "accounts": {
            ACCOUNT: {
                "platform": "telegram",
                "token": gateway.token,
                "api_url": gateway.emulator.url,
                "rate_limits": "off",
            }
        },
        "agents": {
            "demo": {
                "command": ["carryon-demo-agent"],
                "processes": "shared",
                "env": {"CARRYON_DEMO_HOME": str(gateway.demo_home)},
            }
        },
        "default_agent": "demo",
        "access": {"default": "allow"},
        "http": {"listen": None},
        "limits": {"messages_per_user": "off"},  # the closed loop's users write all the time
        "log": {"level": "info", "format": "json"},
    }


async def ideal(stage: Stage, place: Emulator, number: int) -> tuple[Process, int]:
    """The ideal loop, waiting for messages; its process and its bot."""
    token = f"{number}:ideal"
    bot = await place.register(token)
    process = await stage.start(
        "ideal",
        sys.executable,
        "-m",
        "bench.ideal",
        "--api-url",
        place.url,
        "--token",
        token,
        "--database",
        str(stage.directory / "ideal.db"),
    )
    await place.control.wait("polling", bot=bot, within=_START_SECONDS)
    return process, bot
