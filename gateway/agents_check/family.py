"""An agent's process with everything that it started: what it weighs, and whether all of it ends."""

import asyncio
import contextlib
import time
from collections.abc import Iterable, Sequence

import psutil

from gateway.agents import tree
from gateway.agents.process import AgentProcess

_GONE = 1.0
"""Seconds in which ended processes have to be gone."""


def weigh(process: AgentProcess) -> tuple[int, int]:
    """The resident memory in bytes, summed up, and the number of processes. Blocks."""
    sizes: list[int] = []
    for one in _family(process):
        with contextlib.suppress(psutil.Error):
            sizes.append(one.memory_info().rss)
    return sum(sizes), len(sizes)


async def end(process: AgentProcess, *, kill: bool) -> list[str]:
    """End all of it, with `kill` by SIGKILL. Tells by name what outlived that, and was then killed."""
    family = await asyncio.to_thread(_family, process)
    if kill:
        _kill(family)
    await process.end()
    return await asyncio.to_thread(_outlasting, family, process)


def _family(process: AgentProcess) -> list[psutil.Process]:
    root = process.root
    if root is None:
        return []
    family = tree.holders({root.token})
    with contextlib.suppress(psutil.Error):  # it has ended; what it left carries its token
        family += [root.process, *root.process.children(recursive=True)]
    return list(set(family))


def _outlasting(family: Sequence[psutil.Process], process: AgentProcess) -> list[str]:
    family = [*{*family, *_family(process)}]  # with those that were begun meanwhile
    deadline = time.monotonic() + _GONE
    while (alive := _living(family)) and time.monotonic() < deadline:
        time.sleep(0.02)
    _kill(alive)
    return list(alive.values())


def _kill(processes: Iterable[psutil.Process]) -> None:
    for one in processes:
        with contextlib.suppress(psutil.Error):
            one.kill()


def _living(processes: Iterable[psutil.Process]) -> dict[psutil.Process, str]:
    """Those that still run. A zombie does not: in a container nobody may ever reap it."""
    alive: dict[psutil.Process, str] = {}
    for one in processes:
        with contextlib.suppress(psutil.Error):
            if one.is_running() and one.status() != psutil.STATUS_ZOMBIE:
                alive[one] = f"{one.name()} {one.pid}"
    return alive
