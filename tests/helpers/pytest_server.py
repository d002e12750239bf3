"""Runs of pytest that start warm: one process loads pytest and the libraries once, and forks for each run.

Started as a program it takes one request a line, `{"folder": ..., "arguments": [...]}`, and answers each with
`{"code": ...}` when the run has ended; what the run says is in `OUTPUT` in its folder. The server itself
never imports the project, so every run gets it from its own folder, and has no thread that a fork would lose.
"""

import contextlib
import gc
import io
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import threading
import traceback
from dataclasses import dataclass
from pathlib import Path

import acp
import aiosqlite
import hypothesis
import psutil
import pydantic
import pytest
import pytest_asyncio.plugin
import pytest_timeout
import structlog

PATIENCE = 60.0
"""Seconds that a run may take before it is killed."""

OUTPUT = "pytest-output.txt"

LIBRARIES = (acp, aiosqlite, hypothesis, psutil, pydantic, structlog)
"""What the project's tests would import, each time anew, if it were not here already."""

PLUGINS = (pytest_asyncio.plugin, pytest_timeout)
"""All the plugins that a run has: asyncio's is needed, and the other one's settings are."""

PROJECT = ("gateway", "adapters", "tests")
OPTIONS = ("-q", "-x", "--noconftest", "--assert=plain", "-p", "no:cacheprovider")


@dataclass(frozen=True, slots=True)
class Run:
    """How a run ended, with pytest's exit code or a negative signal, and what it said."""

    code: int
    output: str


class PytestServer:
    """The server as its client sees it; to be closed."""

    def __init__(self) -> None:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
        self._process = subprocess.Popen(
            [sys.executable, "-P", __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            # Folders of a copy may be links that lead home: no run leaves anything there.
            env=kept | {"PYTHONDONTWRITEBYTECODE": "1", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        )

    def run(self, folder: Path, *tests: str) -> Run:
        """Run tests of the project that is in a folder; the first failure ends it."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        request = {"folder": str(folder), "arguments": [*OPTIONS, f"--basetemp={folder / 'tmp'}", *tests]}
        print(json.dumps(request), file=self._process.stdin, flush=True)
        answer = self._process.stdout.readline()
        assert answer, f"the server ended with {self._process.wait()}"
        return Run(json.loads(answer)["code"], (folder / OUTPUT).read_text(errors="replace"))

    def close(self) -> None:
        """End it and wait until it is gone."""
        self._process.communicate()


def serve() -> None:
    """Answer requests until there are no more."""
    with tempfile.TemporaryDirectory() as nothing, contextlib.redirect_stdout(io.StringIO()):
        loop_scope = ("-o", "asyncio_default_fixture_loop_scope=function")  # else it warns
        options = (*OPTIONS, "--rootdir", nothing, *loop_scope, nothing)
        code = pytest.main(list(options), plugins=list(PLUGINS))  # imports what pytest imports late
    assert code == pytest.ExitCode.NO_TESTS_COLLECTED, code
    known = [name for name in sys.modules if name.partition(".")[0] in PROJECT]
    assert not known, f"runs would not see their own {known}"
    assert threading.active_count() == 1
    sys.dont_write_bytecode = True
    gc.collect()
    gc.freeze()
    for line in sys.stdin:
        request = json.loads(line)
        code = _fork(request["folder"], request["arguments"])
        print(json.dumps({"code": code}), flush=True)  # noqa: T201  its client reads it


def _fork(folder: str, arguments: list[str]) -> int:
    """The exit code of a run in a process, and process group, of its own."""
    reading, writing = os.pipe()  # nobody writes: the run's end is the end of it
    child = os.fork()
    if child == 0:
        try:
            os.close(reading)
            _become(folder)
            code = int(pytest.main(arguments, plugins=list(PLUGINS)))
        except BaseException:  # noqa: BLE001  nothing may return into the server that it is a copy of
            traceback.print_exc()
            code = int(pytest.ExitCode.INTERNAL_ERROR)
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    os.close(writing)
    ended, _, _ = select.select([reading], [], [], PATIENCE)
    os.close(reading)
    if not ended:
        os.killpg(child, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _become(folder: str) -> None:
    """Be a process that was started in this folder, for its project."""
    os.setsid()
    with Path(os.devnull).open("rb") as nothing, Path(folder, OUTPUT).open("wb") as output:
        os.dup2(nothing.fileno(), 0)
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)
    os.chdir(folder)
    os.environ["PYTHONPATH"] = folder
    sys.path.insert(0, folder)


if __name__ == "__main__":
    serve()
