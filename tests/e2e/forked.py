"""The `carryon` command in a process of its own that is forked from one with everything imported.

It has its own signals, log and event loop, as the program has; only the start of an interpreter is spared.
What that start itself may break is seen by the tests that run the program.
"""

import asyncio
import os
import sys
import tempfile
from collections.abc import Sequence
from multiprocessing.process import BaseProcess
from pathlib import Path

from gateway import cli
from tests.harness.forks import FORKS
from tests.harness.waiting import within


async def run(config: Path, arguments: Sequence[object]) -> tuple[int, str, str]:
    """Run a command to its end: its exit code, its output and its complaints."""
    with tempfile.TemporaryDirectory() as place:
        files = Path(place) / "out", Path(place) / "err"
        words = ["carryon", "--config", str(config), *map(str, arguments)]
        process = FORKS.Process(target=_work, args=(words, *map(str, files)), name=" ".join(words))
        await asyncio.to_thread(process.start)
        code = await _ended(process)
        out, err = (file.read_text().strip() for file in files)
        return code or 0, out, err


async def _ended(process: BaseProcess) -> int | None:
    over, loop = asyncio.Event(), asyncio.get_running_loop()
    loop.add_reader(process.sentinel, over.set)
    try:
        await within(over.wait(), f"the end of {process.name}")
    except BaseException:
        process.kill()
        raise
    finally:
        loop.remove_reader(process.sentinel)
        await asyncio.to_thread(process.join)
    return process.exitcode


def _work(words: list[str], out: str, err: str) -> None:
    for number, file in ((1, out), (2, err)):
        os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT), number)
    sys.argv = words
    cli.main()
