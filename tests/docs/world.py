"""A place in which the commands of a page are carried out as somebody would who reads it.

It has a home, a PATH on which the program is, ports of its own in the place of the documented ones, and a
shell that remembers what was exported and where it went. Programs that go on, such as a gateway, get a
terminal of their own.
"""

import asyncio
import json
import os
import re
import shlex
import socket
import sys
import tempfile
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import psutil

from tests.docs import again
from tests.harness.forks import bare_environment
from tests.harness.secrecy import shown
from tests.harness.waiting import glance, within
from tests.helpers.sources import ROOT

PATIENCE = 90.0
DOCUMENTED = (8081, 8082, 8083, 8787)
GOES_ON = re.compile(r"^carryon (?:\S+ )*(run|emulate (\w+))( --port \d+)?( *&)?$")
TURN = """\
. {folder}/shell.env; cd "$(cat {folder}/shell.cwd)" || exit
{command}
code=$?; {{ export -p; declare -f; }} > {folder}/shell.env; pwd > {folder}/shell.cwd; exit $code
"""


async def moment() -> None:
    """Let a moment pass between two looks at what announces nothing."""
    await glance(iter((False, False, False, True)).__next__)


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@dataclass(slots=True)
class Terminal:
    """A program that goes on, and what it has said."""

    command: str
    process: asyncio.subprocess.Process
    output: Path

    def said(self) -> str:
        return self.output.read_text(errors="replace")


@dataclass(slots=True)
class World:
    """One machine, as far as a page is concerned."""

    folder: Path
    env: dict[str, str]
    ports: dict[int, int]
    terminals: list[Terminal] = field(default_factory=list)

    heard: list[str] = field(default_factory=list)
    """What every command printed."""

    def go(self, folder: Path, **exported: str) -> None:
        """Open a new terminal in a folder."""
        lines = [f"export {name}={shlex.quote(value)}\n" for name, value in exported.items()]
        (self.folder / "shell.env").write_text("".join(lines))
        (self.folder / "shell.cwd").write_text(f"{folder}\n")

    def localized(self, text: str) -> str:
        """The text with the ports and places of this world."""
        text = re.sub(r"(?<![\w.])/mnt(?=/)", str(self.folder / "mnt"), text)
        for documented, own in self.ports.items():
            text = re.sub(rf"(?<!\d){documented}(?!\d)", str(own), text)
        return text

    async def type(self, command: str) -> tuple[int, str]:
        """Carry a command out: its exit code, and what it printed."""
        text = self.localized(command)
        if goes_on := GOES_ON.match(" ".join(text.split())):
            if platform := goes_on[2]:
                port = self.ports[8081 + ("telegram", "discord", "slack").index(platform)]
                await self._serve(text if goes_on[3] else f"{text} --port {port}")
                await self._listens(port)
            else:
                await self._serve(text)
                await self.serving()
            return 0, ""
        return await self._shell(text)

    async def _shell(self, text: str) -> tuple[int, str]:
        process = await asyncio.create_subprocess_exec(
            "bash", "-c", TURN.format(folder=shlex.quote(str(self.folder)), command=text),
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env=self.env,
        )  # fmt: skip
        output, _ = await within(process.communicate(), f"the end of: {text}", PATIENCE)
        assert process.returncode is not None
        self.heard.append(output.decode(errors="replace"))
        return process.returncode, self.heard[-1]

    def everything(self) -> Iterator[tuple[str, str]]:
        """What was seen in every terminal, but for the emulators, which tell their token."""
        yield "commands", "\n".join(self.heard)
        yield from ((one.command, one.said()) for one in self.terminals if "emulate" not in one.command)

    async def _serve(self, text: str) -> None:
        output = self.folder / f"terminal-{len(self.terminals)}.log"
        script = TURN.format(folder=shlex.quote(str(self.folder)), command=f"exec {text.rstrip('& ')}")
        with output.open("wb") as file:
            process = await asyncio.create_subprocess_exec(
                "bash", "-c", script, stdin=asyncio.subprocess.DEVNULL, stdout=file, stderr=file, env=self.env
            )
        self.terminals.append(Terminal(text, process, output))

    async def _until(self, look: Any, what: str) -> Any:
        """Look until there is an answer, unless the latest terminal's program ends first."""
        terminal = self.terminals[-1]

        def alive() -> Any:
            found = look()
            if found is None and terminal.process.returncode is not None:
                raise AssertionError(f"{terminal.command} ended while waiting for {what}:\n{terminal.said()}")
            return found

        return await within(glance(alive), f"{what}:\n{terminal.said()}", PATIENCE)

    async def _listens(self, port: int) -> None:
        def look() -> bool | None:
            with socket.socket() as one:
                return True if one.connect_ex(("127.0.0.1", port)) == 0 else None

        await self._until(look, f"port {port}")

    async def serving(self) -> None:
        """Wait until the gateway that was started last has its account and its page."""

        def look() -> bool | None:
            said = self.terminals[-1].said()
            return True if "account.ready" in said and "http." in said else None

        await self._until(look, "a gateway that serves")

    async def stop_gateway(self) -> None:
        """Have the gateway end as it should, if one is there."""
        for one in self.gateways:
            one.process.terminate()
            await self.gateways_end()

    async def gateways_end(self) -> None:
        """Wait until no gateway is there any more."""
        for one in self.gateways:
            await within(one.process.wait(), f"the end of {one.command}:\n{one.said()}", PATIENCE)

    @property
    def gateways(self) -> list[Terminal]:
        """The gateways that run."""
        return [
            one for one in self.terminals if "emulate" not in one.command and one.process.returncode is None
        ]

    async def control(self, route: str, **values: object) -> Any:
        """Play the people of the emulator of Telegram."""
        url = f"http://127.0.0.1:{self.ports[8081]}/_control/{route}"
        async with aiohttp.ClientSession() as session:
            verb = "POST" if values else "GET"
            async with session.request(verb, url, json=values or None) as response:
                answer = json.loads(await response.text())
        assert answer["ok"], f"{route}: {answer}"
        return answer["result"]


@asynccontextmanager
async def world(folder: Path) -> AsyncGenerator[World]:
    """A world in an empty folder; whatever was started in it is ended."""
    (folder / "bin").mkdir()
    (folder / "home").mkdir()
    (folder / "mnt" / "backups").mkdir(parents=True)
    short = tempfile.TemporaryDirectory()  # the name of a socket may not be long
    server = Path(short.name) / "again"
    ports = {documented: free_port() for documented in DOCUMENTED}
    again.install(folder / "bin" / "carryon", server)
    path = os.pathsep.join([str(folder / "bin"), str(Path(sys.executable).parent), os.environ["PATH"]])
    env = bare_environment() | {
        "PATH": path, "HOME": str(folder / "home"), "COLUMNS": "200", "LC_ALL": "C.UTF-8",
        "CARRYON__http__listen": f"127.0.0.1:{ports[8787]}",
    }  # fmt: skip
    place = World(folder, env, ports)
    place.go(folder)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.docs.again", str(server),
        cwd=ROOT, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        assert await within(process.stdout.readline(), "the program, imported", PATIENCE) == b"listening\n"
        yield place
    finally:
        end([psutil.Process(process.pid)])
        await process.wait()
        for terminal in place.terminals:
            await within(terminal.process.wait(), f"the end of {terminal.command}", PATIENCE)
        short.cleanup()
        for command, said in place.everything():
            shown(command, said)


def end(roots: Sequence[psutil.Process]) -> None:
    """End processes that were started here, with all that they started."""
    found = [one for root in roots for one in (root, *root.children(recursive=True))]
    for one in found:
        try:
            one.kill()
        except psutil.NoSuchProcess:
            continue
    psutil.wait_procs(found, timeout=PATIENCE)
