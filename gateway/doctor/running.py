"""Processes: the gateway that runs, what dead ones left behind, and what a start would need."""

import errno
import resource
import socket
import sys
from collections.abc import Iterator

import psutil

from gateway.agents.leftovers import end_leftovers, leftovers
from gateway.console.address import socket_path
from gateway.doctor.context import Context
from gateway.doctor.disk import there
from gateway.doctor.mending import alone
from gateway.model.finding import Finding, fine, problem, warning
from gateway.rules.words import lasting

FEW_FILES = 1024
CROWDED = 0.8


def gateway(context: Context) -> Iterator[Finding]:
    """Whether one runs, and what it says of itself."""
    presence = context.presence
    if not presence.running:
        yield fine("gateway", f"none is running on {context.state_dir}")
        return
    status = presence.status
    if status is None:
        who = "a process" if presence.pid is None else f"process {presence.pid}"
        found = f"{who} holds {context.state_dir}, but does not answer on its control socket"
        yield warning("gateway", found, "it may be starting or ending; if that lasts, its log says more")
        return
    up = lasting(float(status.get("uptime") or 0))
    yield fine("gateway", f"process {status.get('pid')} is {status.get('phase')}, up for {up}")
    if status.get("ledger_writable") is False:
        advice = "check free space, permissions and the mount of the state directory"
        yield problem("gateway", "it cannot write its ledger, and takes no messages", advice)
    if status.get("breaker_open"):
        found = "it had crashed too often when it was started, and resumed nothing without being asked"
        yield warning("gateway", found, "its log says why it crashed")
    for account in status.get("accounts") or ():
        if not account.get("connected"):
            why = str(account.get("why") or "it is connecting").rstrip(".")
            yield problem("gateway", f"the account {account.get('name')} is not connected: {why}")


def control(context: Context) -> Iterator[Finding]:
    """No dead gateway's socket lies about."""
    path = socket_path(context.state_dir)
    if context.presence.running or not there(path):
        return

    def remove() -> str:
        path.unlink(missing_ok=True)
        return f"{path} was removed"

    found = f"{path} is left of a gateway that was killed"
    yield warning(
        "socket", found, "nothing; the next start replaces it, or --fix", alone(context.state_dir, remove)
    )


def orphans(context: Context) -> Iterator[Finding]:
    """No agent works on that belonged to a dead gateway."""
    folder = context.state_dir / "agents"
    if context.presence.running or not there(folder):
        return
    left = leftovers([folder])
    if not left:
        return

    def end() -> str:
        count = end_leftovers([folder])
        return f"{count} {'process was' if count == 1 else 'processes were'} ended"

    ids = ", ".join(str(process.pid) for process in left[:10])
    found = f"agents of a gateway that was killed are still at work (process {ids})"
    yield warning("leftovers", found, "the next start ends them, or --fix", alone(context.state_dir, end))


def port(context: Context) -> Iterator[Finding]:
    """The address of the page and of health checks is free, or the running gateway's own."""
    listen = context.config.http.listen
    if listen is None or not listen.port:
        return
    advice = "end the other program, or write another address into http.listen (null is off)"
    if context.presence.running:
        if _listens(context.presence.pid, listen.port) is False:
            found = f"the running gateway does not listen on {listen}: it was taken, or the config is newer"
            yield warning("http", found, f"{advice}, and restart")
        return
    why = _taken(listen.host, listen.port)
    if why:
        found = f"a gateway could not listen on {listen}, and would run without page and health checks: {why}"
        yield warning("http", found, advice)
    else:
        yield fine("http", f"{listen} is free")


def _taken(host: str, port: int) -> str:
    """Why nothing can listen there; empty if something can."""
    how = {"type": socket.SOCK_STREAM, "flags": socket.AI_PASSIVE}
    try:
        family, kind, number, _, address = socket.getaddrinfo(host, port, **how)[0]
        with socket.socket(family, kind, number) as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind(address)
    except UnicodeError:
        return "that is no name of a machine"
    except OSError as error:
        return "another program does" if error.errno == errno.EADDRINUSE else error.strerror or str(error)
    return ""


def _listens(pid: int | None, port: int) -> bool | None:
    """Whether a process listens on a port; None where that cannot be seen."""
    if pid is None:
        return None
    try:
        found = psutil.Process(pid).net_connections("tcp")
    except psutil.Error:
        return None
    return any(one.status == psutil.CONN_LISTEN and one.laddr and one.laddr.port == port for one in found)


def open_files(context: Context) -> Iterator[Finding]:
    """Enough files and connections may be open at once."""
    most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    used, whose = 0, "a program started from here"
    pid = context.presence.pid
    if pid is not None and sys.platform == "linux":
        try:
            process = psutil.Process(pid)
            most, _ = process.rlimit(psutil.RLIMIT_NOFILE)
            used, whose = process.num_fds(), "the gateway"
        except psutil.Error:
            pass  # it has ended meanwhile, or is another user's
    yield judged(used, most, whose)


def judged(used: int, most: int, whose: str) -> Finding:
    """What so many open files out of so many mean."""
    if most == resource.RLIM_INFINITY:
        return fine("open files", f"{whose} may have any number of files open")
    advice = "raise it: LimitNOFILE= in the systemd unit, or ulimit -n"
    if used > most * CROWDED:
        return problem("open files", f"{whose} has {used} files open of {most} that it may", advice)
    if most < FEW_FILES:
        return warning("open files", f"{whose} may have only {most} files open at once", advice)
    return fine("open files", f"{whose} may have {most} files open at once")
