"""`${NAME}`, `${NAME:-default}`, `${file:/path}` and `$$` inside the texts of a config.

What a variable or a file held is a secret until proven otherwise: no message repeats it.
"""

import errno
import os
import re
import select
import stat
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from gateway.rules.credentials import unless_secret

_MOST_BYTES = 64 * 1024  # of one secret's file; keys and certificates are far smaller
_CHUNK = 64 * 1024
PIPE_SECONDS: Final = 5.0
"""How long a pipe, such as of `--config <(command)`, may take until all of it was read."""

_REFERENCE = re.compile(r"\$\$|\$\{(?P<inside>[^{}]*)\}|\$\{")
_INSIDE = re.compile(r"(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?P<default>:-.*)?", re.DOTALL | re.ASCII)
_FORMS = "${NAME}, ${NAME:-default} and ${file:/path} are allowed; $$ stands for one $"


@dataclass(slots=True)
class Variables:
    """Fills in references; `base` is the directory that relative files start from.

    `found` collects every text that came from outside, so that it can be kept out of messages; `files` the
    paths of all files that were named, also of those that cannot be read.
    """

    environ: Mapping[str, str]
    base: str
    found: set[str] = field(default_factory=set[str])
    files: set[str] = field(default_factory=set[str])

    def fill(self, text: str) -> tuple[str, list[str]]:
        """The text with its references replaced, and what is wrong with them."""
        faults: list[str] = []

        def replace(match: re.Match[str]) -> str:
            if match[0] == "$$":
                return "$"
            try:
                value = self._value(match["inside"])
            except ValueError as fault:
                faults.append(str(fault))
                return ""
            self.found.add(value)
            return value

        return (_REFERENCE.sub(replace, text) if "$" in text else text), faults

    def references(self, text: str) -> tuple[str, ...]:
        """What `fill` would fill in, by its name: `${NAME}`, `the default of ${NAME}`, `file /path`."""
        found: list[str] = []
        for match in _REFERENCE.finditer(text):
            inside = match["inside"] or ""
            form = _INSIDE.fullmatch(inside)
            if inside.startswith("file:"):
                found.append(f"file {unless_secret(inside.removeprefix('file:'))}")
            elif form:
                spared = form["default"] is not None and not self.environ.get(form["name"])
                name = unless_secret(form["name"])
                found.append(f"the default of ${{{name}}}" if spared else f"${{{name}}}")
        return tuple(found)

    def _value(self, inside: str | None) -> str:
        if inside is None:
            raise ValueError(f"a ${{ without its }}; {_FORMS}")
        if inside.startswith("file:"):
            return self._file(inside.removeprefix("file:"))
        form = _INSIDE.fullmatch(inside)
        if form is None:
            raise ValueError(f"a reference that is none; {_FORMS}")
        name, default = form["name"], form["default"]
        value = self.environ.get(name)
        if default is not None:
            return value or default[2:]
        if value is None:
            shown = unless_secret(name)
            raise ValueError(
                f"the environment variable {shown} is not set; it must be set or have a default; "
                f"set {shown}, or write ${{{shown}:-default}}"
            )
        return value

    def _file(self, path: str) -> str:
        allowed = (
            f"a readable text file of at most {_MOST_BYTES} bytes is allowed; check the path and permissions"
        )
        whole, shown = os.path.join(self.base, path), unless_secret(path)  # noqa: PTH118
        self.files.add(whole)
        try:
            raw = read_bounded(whole, _MOST_BYTES)
            text = raw.decode()
        except OSError as error:
            raise ValueError(f"the file {shown} cannot be read ({error.strerror}); {allowed}") from None
        except ValueError:  # not UTF-8, a NUL in the path, or too large
            raise ValueError(f"the file {shown} cannot be used; {allowed}") from None
        return text.rstrip("\r\n")


def read_bounded(path: str, most: int, patience: float = PIPE_SECONDS) -> bytes:
    """The bytes of a file, or of a pipe that ends within `patience` seconds; never waits for anything longer.

    `OSError` where it cannot be read, which is also whatever is neither; `ValueError` where there is more.
    """
    # Without O_NONBLOCK, opening a pipe that nobody writes to would never return.
    file = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    try:
        kind = os.fstat(file).st_mode
        if stat.S_ISDIR(kind):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if stat.S_ISFIFO(kind):
            raw = _piped(file, most, patience)
        elif stat.S_ISREG(kind):
            with os.fdopen(file, "rb", closefd=False) as reader:
                raw = reader.read(most + 1)
        else:
            raise OSError(errno.EINVAL, "it is neither a file nor a pipe")
    finally:
        os.close(file)
    if len(raw) > most:
        raise ValueError("too large")
    return raw


def _piped(file: int, most: int, patience: float) -> bytes:
    """What comes out of a pipe until its end, or until it is too much."""
    ready = select.poll()
    ready.register(file, select.POLLIN)
    until = time.monotonic() + patience
    raw, ended = b"", False
    while len(raw) <= most:
        try:
            more = os.read(file, _CHUNK)
        except BlockingIOError:
            more = None
        if more:
            raw += more
            continue
        if more is not None and raw:
            return raw
        if more is not None and ended:  # as of one that was read before: no text, and not an empty one
            raise OSError(errno.ENODATA, "it is a pipe, and nothing came out of it")
        # Nothing yet; without a writer, that looks like an end until one has come and gone.
        left = until - time.monotonic()
        found = ready.poll(max(left, 0) * 1000)
        if not found:
            raise TimeoutError(errno.ETIMEDOUT, f"it is a pipe, and did not end within {patience:g} s")
        ended = bool(found[0][1] & select.POLLHUP)
    return raw
