"""The `carryon` command in a process of its own that is forked from one with everything imported.

It has its own signals, log and event loop, as the program has; only the start of an interpreter is spared.
What that start itself may break is seen by the tests that run the program.
"""

import asyncio
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from gateway import cli
from tests.harness.forks import FORKS, ended
from tests.harness.waiting import within


async def run(config: Path, arguments: Sequence[object]) -> tuple[int, str, str]:
    """Run a command to its end: its exit code, its output and its complaints."""
    with tempfile.TemporaryDirectory() as place:
        files = Path(place) / "out", Path(place) / "err"
        words = ["carryon", "--config", str(config), *map(str, arguments)]
        process = FORKS.Process(target=_work, args=(words, *map(str, files)), name=" ".join(words))
        await asyncio.to_thread(process.start)
        try:
            code = await within(ended(process), f"the end of {process.name}")
        except BaseException:
            process.kill()
            await asyncio.to_thread(process.join)
            raise
        out, err = (file.read_text().strip() for file in files)
        return code, out, err


def _work(words: list[str], out: str, err: str) -> None:
    for number, file in ((1, out), (2, err)):
        os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT), number)
    sys.argv = words
    cli.main()
