"""The image, as far as it can be tried without a container: lint, what it is built from, its health."""

import fnmatch
import json
import shutil
import subprocess
import sys
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from tests.deploy.papers import DEPLOY, instructions
from tests.helpers.sources import PRODUCT, ROOT, files, name_of

DOCKERFILE = DEPLOY / "docker" / "Dockerfile"
STEPS = instructions(DOCKERFILE)


def argument(name):
    return [text for step, text in STEPS if step == name][-1]


def test_the_linter_has_nothing_to_say():
    linter = Path(sys.executable).with_name("hadolint")
    found = [str(path) for path in sorted(DOCKERFILE.parent.glob("*Dockerfile"))]
    done = subprocess.run([linter, *found], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, len(found)) == (0, "", 2)


def sent():
    """What is sent to the builder: .dockerignore's last matching line decides."""
    rules = (ROOT / ".dockerignore").read_text().splitlines()
    for path in files():
        name = name_of(path)
        ignored = False
        for rule in rules:
            pattern = rule.removeprefix("!")
            if not rule.startswith("#") and any(
                fnmatch.fnmatch(part, pattern) for part in (name, *map(str, Path(name).parents))
            ):
                ignored = not rule.startswith("!")
        if not ignored:
            yield name


def test_the_wheel_comes_out_of_what_the_image_is_built_from(tmp_path):
    """The COPY instructions are obeyed on what .dockerignore lets through; then the wheel is built."""
    there = set(sent())
    assert not any(name.startswith(("tests/", "deploy/", ".", "docs/")) for name in there)
    for _, text in [step for step in STEPS if step[0] == "COPY" and "--from" not in step[1]]:
        *sources, target = text.split()
        for source in sources:
            taken = [name for name in there if name == source or name.startswith(f"{source}/")]
            assert taken, f"{source} is not sent to the builder"
            for name in taken:
                place = (
                    tmp_path
                    / target
                    / (Path(name).name if name == source else Path(name).relative_to(source))
                )
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / name, place)
    build = "import sys; from hatchling.build import build_wheel; print(build_wheel(sys.argv[1]))"
    done = subprocess.run(
        [sys.executable, "-c", build, str(tmp_path)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(tmp_path / done.stdout.split()[-1]) as wheel:
        packed = {name for name in wheel.namelist() if ".dist-info/" not in name}
    assert packed == {name_of(path) for path in files() if path.relative_to(ROOT).parts[0] in PRODUCT}


class _Answer(BaseHTTPRequestHandler):
    status = 200

    def do_GET(self):
        self.send_response(self.status if self.path == "/readyz" else 404)
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.mark.parametrize(("status", "code"), [(200, 0), (503, 1), (None, 1)])
def test_its_health_is_whether_it_is_ready(status, code):
    """The very command of the image, but for the port; `None`: nobody listens."""
    program, *arguments = json.loads(argument("HEALTHCHECK").partition("CMD ")[2])
    assert program == "python"
    with HTTPServer(("127.0.0.1", 0), type("Answer", (_Answer,), {"status": status})) as server:
        if status is None:
            server.socket.close()
        arguments[-1] = arguments[-1].replace("8787", str(server.server_port))
        threading.Thread(target=server.handle_request if status else lambda: None).start()
        proxies = {"http_proxy": "http://127.0.0.1:1"}
        done = subprocess.run(
            [sys.executable, *arguments], capture_output=True, timeout=60, check=False, env=proxies
        )
    assert done.returncode == code


def test_signals_reach_the_gateway_which_is_not_root():
    assert json.loads(argument("ENTRYPOINT")) == ["tini", "--", "carryon"]
    assert json.loads(argument("CMD")) == ["run"]
    assert argument("STOPSIGNAL") == "SIGTERM"
    user, group = argument("USER").split(":")
    assert user.isdecimal()
    assert group.isdecimal()
    assert int(user) > 0
    derived = instructions(DEPLOY / "docker" / "claude.Dockerfile")
    assert not {step for step, _ in derived} & {"USER", "ENTRYPOINT", "CMD", "STOPSIGNAL", "HEALTHCHECK"}
