"""The `carryon` command many times over, for the price of starting it once.

One process imports everything and forks for each command. What stands on the PATH under the program's name
is a small script, which hands its files, directory, environment and words over and ends as the command ends.
That the program itself starts is seen elsewhere (tests/e2e).
"""

import gc
import importlib
import json
import os
import signal
import socket
import sys
import traceback
from pathlib import Path
from typing import NoReturn

SCRIPT = """\
#!{python} -SE
import array, json, os, signal, socket, sys
with socket.socket(socket.AF_UNIX) as server:
    server.connect({path!r})
    told = json.dumps([sys.argv[1:], os.getcwd(), dict(os.environ)]).encode()
    files = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [0, 1, 2]))]
    server.sendmsg([b"."], files)
    server.sendall(told)
    server.shutdown(socket.SHUT_WR)
    answers = server.makefile("r")
    pid = int(answers.readline())
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda number, frame: os.kill(pid, number))
    code = int(answers.readline() or 1)
if code < 0:
    signal.signal(-code, signal.SIG_DFL) if -code != signal.SIGKILL else None
    os.kill(os.getpid(), -code)
sys.exit(code)
"""

IMPORTED = (
    "adapters.emulators.telegram",
    "adapters.telegram.probe",
    "gateway.cli",
    "gateway.config_report.check",
    "gateway.console.page.site",
    "gateway.console.server",
    "gateway.doctor.run",
    "gateway.init.run",
    "gateway.keeping_report",
    "gateway.log_view",
    "gateway.standing",
    "tests.harness.forks",
)


def install(script: Path, path: Path) -> None:
    """Put the script in the place of the program."""
    script.write_text(SCRIPT.format(python=sys.executable, path=str(path)))
    script.chmod(0o755)


def main(path: str) -> None:
    """Serve until killed; a line of output says that it has begun."""
    for module in (*IMPORTED, *importlib.import_module("tests.harness.forks").IMPORTED):
        importlib.import_module(module)
    gc.freeze()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
        server.listen()
        sys.stdout.write("listening\n")
        sys.stdout.flush()
        while True:
            connection, _ = server.accept()
            if os.fork() == 0:
                server.close()
                _serve(connection)
            connection.close()
            _reap()


def _reap() -> None:
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def _serve(connection: socket.socket) -> NoReturn:
    """One command: its process id, and in the end its exit code, negative for a signal."""
    _, files, _, _ = socket.recv_fds(connection, 1, 3)
    told = b""
    while part := connection.recv(1 << 16):
        told += part
    pid = os.fork()
    if pid == 0:
        connection.close()
        _become(files, *json.loads(told))
    for file in files:
        os.close(file)
    connection.sendall(f"{pid}\n".encode())
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    try:
        connection.sendall(f"{code}\n".encode())
    finally:
        os._exit(0)


def _become(files: list[int], words: list[str], folder: str, environ: dict[str, str]) -> NoReturn:
    from gateway import cli, failpoints  # noqa: PLC0415  it is a fork: everything is imported

    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    sys.stdin, sys.stdout, sys.stderr = (open(number, mode, 1) for number, mode in enumerate("rww"))  # noqa: SIM115, PTH123
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environ)
    importlib.reload(failpoints)
    sys.argv = ["carryon", *words]
    code = 0
    try:
        cli.main()
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else 0
    except BaseException:  # noqa: BLE001  as an interpreter does
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    main(sys.argv[1])
