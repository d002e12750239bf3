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
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from tests.harness.waiting import within

ROLES = ("main", "writer", "reader", "worker")
"""Threads in the order in which a gateway starts them: the event loop, the ledger's two connections, and the
executor's, which are one role."""

SYSCALLS = (
    "fdatasync,fsync,pwrite64,pread64,write,writev,sendto,sendmsg,recvfrom,recvmsg,read,connect,socket,close,"
    "clone,clone3,vfork,execve,pipe2,wait4,kill,epoll_wait,epoll_ctl,openat,unlink,mkdir,ftruncate,fcntl,futex,newfstatat"
)

SAMPLED = {"epoll_wait": 12, "futex": 8, "fcntl": 8, "pread64": 4, "newfstatat": 4, "close": 4, "read": 8}
"""Calls that change nothing by themselves: so many points of each are enough."""


@dataclass(frozen=True, slots=True, order=True)
class Point:
    """The `nth` call of a kind in a thread, counted from the arrival of a message on."""

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
        per_thread = Counter[tuple[int, str]]()
        for line in self._output.read_text(errors="replace").splitlines():
            if found := re.match(r"(\d+) +([a-z0-9_]+)\(", line):
                per_thread[int(found[1]), found[2]] += 1
        counts: dict[tuple[str, str], int] = {}
        for (tid, syscall), count in per_thread.items():
            key = (self._roles[tid], syscall)
            counts[key] = max(counts.get(key, 0), count)
        return counts


def points_of(counts: dict[tuple[str, str], int], only: str | None) -> list[Point]:
    """Every point that is worth a kill."""
    found: list[Point] = []
    for (role, syscall), count in sorted(counts.items()):
        if only in (None, syscall):
            wanted = count if only else min(count, SAMPLED.get(syscall, count))
            found += [Point(role, syscall, nth) for nth in evenly(range(1, count + 1), wanted)]
    return found


def evenly(items: Sequence, wanted: int) -> list:
    """So many of them, spread over the whole; all when there are no more."""
    if wanted >= len(items):
        return list(items)
    return [items[at * len(items) // wanted] for at in range(wanted)]
