"""Ending an agent with everything that it started.

Killing the main process leaves children: wrappers leave the real agent, agents leave the shells of their
tools, some in process groups and sessions of their own. So the tree is written down before anything is
ended, and afterwards whoever still carries the process token in its environment is ended too. Everything
goes by process id and start time (psutil compares both), never by name.

These functions block; call them in a thread. The root is a child of this program and is reaped by the event
loop: waiting for it here would take its exit status away.
"""

import time
from collections.abc import Collection, Iterable
from dataclasses import dataclass

import psutil

from gateway.agents.environment import TOKEN_VARIABLE

GRACE = 0.5
"""Seconds between asking and killing."""


@dataclass(frozen=True, slots=True)
class Root:
    """A process that we started and the token in its environment."""

    process: psutil.Process
    token: str


def end_trees(roots: Collection[Root], *, at_once: bool = False) -> int:
    """End every root and its descendants, `at_once` without last words; how many processes that were."""
    family = _families(roots)
    own = {root.process.pid for root in roots}
    for process in family:
        _signal(process, kill=at_once)
    others = [process for process in family if process.pid not in own]
    leftovers = _outlasting(others, GRACE)
    strays = [process for process in holders({root.token for root in roots}) if process.pid not in own]
    for process in (*leftovers, *strays):
        _signal(process, kill=True)
    _outlasting((*leftovers, *strays), GRACE)  # a kill takes a moment
    return len({process.pid for process in (*family, *strays)})


def kill_root(root: Root) -> None:
    """End the root for good."""
    _signal(root.process, kill=True)


def holders(tokens: Collection[str]) -> list[psutil.Process]:
    """The running processes that carry one of the tokens, wherever they went."""
    found: list[psutil.Process] = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(TOKEN_VARIABLE) in tokens:
                found.append(process)
        except (psutil.Error, OSError):
            continue  # gone meanwhile, or somebody else's
    return found


def _outlasting(processes: Collection[psutil.Process], seconds: float) -> list[psutil.Process]:
    """Those that are still running after so long. A zombie is not: in a container nobody may ever reap it."""
    deadline = time.monotonic() + seconds
    alive = [process for process in processes if _is_alive(process)]
    while alive and time.monotonic() < deadline:
        time.sleep(0.01)
        alive = [process for process in alive if _is_alive(process)]
    return alive


def _is_alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def _families(roots: Iterable[Root]) -> list[psutil.Process]:
    family: list[psutil.Process] = []
    for root in roots:
        try:
            family += [root.process, *root.process.children(recursive=True)]
        except psutil.Error:
            continue  # the root has ended; its children are found by their token
    return family


def _signal(process: psutil.Process, *, kill: bool) -> None:
    try:
        if kill:
            process.kill()
        else:
            process.terminate()
    except psutil.Error:
        return  # it has ended by itself
