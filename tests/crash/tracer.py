"""strace as a weapon: SIGKILL at the n-th call of one kind, in one thread of a running gateway.

strace counts `when=N` separately for each thread that it traces, and with `-f` it follows the agents too. So
a point names the thread: strace is attached to that one alone, without `-f`, once the gateway is idle. The
count then begins with the message that the sweep sends next, and agents are never hit. The signal arrives
when the call is entered: the call itself does not happen.
"""

import asyncio
import contextlib
import os
import re
import shutil
import signal
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from tests.harness.waiting import glance, within

ROLES = ("main", "writer", "reader", "worker")
"""Threads in the order in which a gateway starts them: the event loop, the ledger's two connections, and the
executor's, which are one role."""

SYSCALLS = (
    "fdatasync,fsync,pwrite64,pread64,write,writev,sendto,sendmsg,recvfrom,recvmsg,read,connect,socket,close,"
    "clone,clone3,vfork,execve,pipe2,wait4,kill,epoll_wait,epoll_ctl,openat,unlink,mkdir,ftruncate,fcntl,futex,newfstatat"
)

SAMPLED = {"epoll_wait": 12, "futex": 8, "fcntl": 8, "pread64": 4, "newfstatat": 4, "close": 4, "read": 8}
"""Calls that change nothing by themselves: so many points of each are enough."""

START = "start"
"""The role of whichever thread comes to its n-th call first, counted from the first instruction."""

START_SYSCALLS = (
    "fdatasync,fsync,pwrite64,pread64,sendto,recvfrom,recvmsg,write,connect,socket,bind,listen,openat,unlink,"
    "rename,mkdir,chmod,ftruncate,flock,clone3,vfork,pipe2,wait4,kill,epoll_ctl,epoll_wait"
)

STOP_SAMPLED = {**SAMPLED, "openat": 8, "recvfrom": 16}
"""The same for a stop, which looks through /proc for what agents started."""

START_SAMPLED = {
    "openat": 12,
    "pread64": 4,
    "pwrite64": 48,
    "write": 12,
    "recvfrom": 24,
    "epoll_wait": 12,
    "epoll_ctl": 8,
    "wait4": 4,
}
"""The same for a start, which reads more than a thousand files and whose transactions are many pages long."""


@dataclass(frozen=True, slots=True, order=True)
class Point:
    """The `nth` call of a kind in a thread, counted from the beginning of a phase on."""

    role: str
    syscall: str
    nth: int

    def __str__(self) -> str:
        return f"{self.role}:{self.syscall}:{self.nth}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """The point that `str` wrote."""
        role, syscall, nth = text.split(":")
        return cls(role, syscall, int(nth))


def available() -> bool:
    """Whether there is an strace, and it may attach to other processes here."""
    scope = Path("/proc/sys/kernel/yama/ptrace_scope")
    allowed = not scope.exists() or scope.read_text().strip() == "0" or os.geteuid() == 0
    return shutil.which("strace") is not None and allowed


def threads(pid: int, role: str) -> list[int]:
    """The threads of a role in a gateway."""
    found = sorted(int(entry) for entry in os.listdir(f"/proc/{pid}/task"))  # noqa: PTH208  (numbers, not files)
    at = ROLES.index(role)
    return found[at:] if role == ROLES[-1] else found[at : at + 1]


class Tracer:
    """An strace that is attached to some threads until it is detached, or until they are gone."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def attach(cls, tids: Sequence[int], *options: str) -> "Tracer":
        """Attach, and return when it has happened."""
        which = [part for tid in tids for part in ("-p", str(tid))]
        process = await asyncio.create_subprocess_exec(
            "strace", *options, *which, stderr=asyncio.subprocess.PIPE, stdin=asyncio.subprocess.DEVNULL
        )
        tracer = cls(process)
        for _ in tids:
            line = await within(tracer._line(), "strace to attach")
            if b"attached" not in line:
                await tracer.detach()
                raise OSError(f"strace: {line.decode(errors='replace').strip()}")
        return tracer

    async def _line(self) -> bytes:
        assert self._process.stderr is not None
        return await self._process.stderr.readline()

    async def detach(self) -> None:
        """Let go."""
        with contextlib.suppress(ProcessLookupError):
            if self._process.returncode is None:
                os.kill(self._process.pid, signal.SIGTERM)
        await within(self._process.communicate(), "strace to end")


async def arm(pid: int, point: Point) -> Tracer | None:
    """Have a gateway killed at a point; None when it has no such thread."""
    tids = threads(pid, point.role)
    if not tids:
        return None
    inject = f"inject={point.syscall}:signal=SIGKILL:when={point.nth}"
    return await Tracer.attach(tids, "-o", os.devnull, "-e", f"trace={point.syscall}", "-e", inject)


async def arm_all(pid: int, syscall: str, nth: int) -> Tracer:
    """Have a process killed at the n-th such call of any of its threads, the later ones too."""
    inject = f"inject={syscall}:signal=SIGKILL:when={nth}"
    return await Tracer.attach([pid], "-f", "-o", os.devnull, "-e", f"trace={syscall}", "-e", inject)


def _from_start(*options: str) -> tuple[str, ...]:
    """An strace to run a gateway with, as its grandchild: the gateway keeps its process id and its parent.
    Let go on their first execve, agents are not traced."""
    return ("strace", "-D", "-f", "-q", "-b", "execve", *options)


def killed_from_start(point: Point) -> tuple[str, ...]:
    """Run a gateway so that it is killed at a point of its start."""
    inject = f"inject={point.syscall}:signal=SIGKILL:when={point.nth}"
    return _from_start("-o", os.devnull, "-e", f"trace={point.syscall}", "-e", inject)


def counting_from_start(output: Path) -> tuple[str, ...]:
    """Run a gateway so that its calls are counted until it is killed."""
    return _from_start("-o", str(output), "-e", f"trace={START_SYSCALLS}")


async def counted_from_start(output: Path, pid: int) -> dict[tuple[str, str], int]:
    """How often each call was made by the thread that made it most."""
    end = re.compile(rf"^{pid} +\+\+\+ ", re.MULTILINE)
    await within(glance(lambda: end.search(output.read_text(errors="replace"))), "the end of an strace")
    counts: dict[tuple[str, str], int] = {}
    for (_, syscall), count in _per_thread(output).items():
        counts[START, syscall] = max(counts.get((START, syscall), 0), count)
    return counts


def _per_thread(output: Path) -> Counter[tuple[int, str]]:
    found = re.findall(r"^(\d+) +([a-z0-9_]+)\(", output.read_text(errors="replace"), re.MULTILINE)
    return Counter((int(tid), syscall) for tid, syscall in found)


class Counting:
    """Counts the calls of every thread of a gateway, from its making until `finish`."""

    def __init__(self, tracer: Tracer, output: Path, roles: dict[int, str]) -> None:
        self._tracer = tracer
        self._output = output
        self._roles = roles

    @classmethod
    async def begin(cls, pid: int, output: Path) -> "Counting":
        """Attach to all threads."""
        roles = {tid: role for role in ROLES for tid in threads(pid, role)}
        return cls(await Tracer.attach([*roles], "-o", str(output), "-e", f"trace={SYSCALLS}"), output, roles)

    async def finish(self) -> dict[tuple[str, str], int]:
        """How often each call was made in each role."""
        await self._tracer.detach()
        counts: dict[tuple[str, str], int] = {}
        for (tid, syscall), count in _per_thread(self._output).items():
            key = (self._roles[tid], syscall)
            counts[key] = max(counts.get(key, 0), count)
        return counts


def points_of(
    counts: dict[tuple[str, str], int], only: str | None, sampled: Mapping[str, int] = SAMPLED
) -> list[Point]:
    """Every point that is worth a kill."""
    found: list[Point] = []
    for (role, syscall), count in sorted(counts.items()):
        if only in (None, syscall):
            wanted = count if only else min(count, sampled.get(syscall, count))
            found += [Point(role, syscall, nth) for nth in evenly(range(1, count + 1), wanted)]
    return found


def evenly(items: Sequence, wanted: int) -> list:
    """So many of them, spread over the whole; all when there are no more."""
    if wanted >= len(items):
        return list(items)
    return [items[at * len(items) // wanted] for at in range(wanted)]
