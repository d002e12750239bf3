"""`carryon init` at a terminal: what is secret is not shown, and Ctrl-C leaves nothing behind."""

import asyncio
import os
import pty
import sys
from contextlib import asynccontextmanager

from tests.harness.forks import bare_environment, program
from tests.harness.waiting import within

TOKEN = "4242:PLANTED-token"
BEGIN = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""
"""Makes standard input the terminal of the process's session, and becomes the program."""


class Terminal:
    """The other end of a terminal in which a program runs."""

    def __init__(self, number, process):
        self.number = number
        self.process = process
        self.shown = ""
        self._news = asyncio.Event()
        asyncio.get_running_loop().add_reader(number, self._read)

    def _read(self):
        try:
            self.shown += os.read(self.number, 4096).decode()
        except OSError:  # the program has ended, and its end of the terminal is closed
            asyncio.get_running_loop().remove_reader(self.number)
        self._news.set()

    async def shows(self, words):
        """Wait until the program has said this."""

        async def wait():
            while words not in self.shown:
                self._news.clear()
                await self._news.wait()

        await within(wait(), f"{words!r} at the terminal, which shows:\n{self.shown}")

    def types(self, keys):
        os.write(self.number, keys.encode())


@asynccontextmanager
async def terminal(*words):
    """A program in a terminal of its own; it is ended with it."""
    ours, theirs = pty.openpty()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", BEGIN, *map(str, words),
        stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True, env=bare_environment(),
    )  # fmt: skip
    os.close(theirs)
    opened = Terminal(ours, process)
    try:
        yield opened
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        asyncio.get_running_loop().remove_reader(ours)
        os.close(ours)


async def gives_up(opened):
    """Press Ctrl-C as people do: again, when nothing happens. One that comes before it is asked is lost."""
    ended = asyncio.ensure_future(opened.process.wait())
    while not ended.done():
        opened.types("\x03\n")  # the line's end wakes a reader that had just begun to wait
        await asyncio.wait({ended}, timeout=2.0)


async def test_a_token_is_not_shown_and_who_gives_up_has_changed_nothing(tmp_path):
    async with terminal(program(), "init", tmp_path / "gateway.yaml", "--offline") as opened:
        await opened.shows("Which platforms")
        opened.types("telegram\n")
        await opened.shows("(it is not shown): ")  # the last space comes when nothing is shown any more
        opened.types(f"{TOKEN}\n")
        await opened.shows("Which one is to answer?")
        opened.types("demo\n")
        await opened.shows("Your own id on Telegram")
        await within(gives_up(opened), "the end of the program")
    assert opened.process.returncode == 1
    assert "PLANTED" not in opened.shown
    assert "Traceback" not in opened.shown
    assert list(tmp_path.iterdir()) == []
