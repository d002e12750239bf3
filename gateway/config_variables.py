"""`${NAME}`, `${NAME:-default}`, `${file:/path}` and `$$` inside the texts of a config.

What a variable or a file held is a secret until proven otherwise: no message repeats it.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

_MOST_BYTES = 64 * 1024  # of one secret's file; keys and certificates are far smaller
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
                found.append(f"file {inside.removeprefix('file:')}")
            elif form:
                spared = form["default"] is not None and not self.environ.get(form["name"])
                found.append(f"the default of ${{{form['name']}}}" if spared else f"${{{form['name']}}}")
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
            raise ValueError(
                f"the environment variable {name} is not set; it must be set or have a default; "
                f"set {name}, or write ${{{name}:-default}}"
            )
        return value

    def _file(self, path: str) -> str:
        allowed = (
            f"a readable text file of at most {_MOST_BYTES} bytes is allowed; check the path and permissions"
        )
        whole = os.path.join(self.base, path)  # noqa: PTH118
        self.files.add(whole)
        try:
            raw = read_bounded(whole, _MOST_BYTES)
            text = raw.decode()
        except OSError as error:
            raise ValueError(f"the file {path} cannot be read ({error.strerror}); {allowed}") from None
        except ValueError:  # not UTF-8, a NUL in the path, or too large
            raise ValueError(f"the file {path} cannot be used; {allowed}") from None
        return text.rstrip("\r\n")


def read_bounded(path: str, most: int) -> bytes:
    """A file's bytes. `OSError` where it cannot be read, `ValueError` where it is larger than `most`."""
    with open(path, "rb") as file:  # noqa: PTH123  (a path with NUL must raise here, not in pathlib)
        raw = file.read(most + 1)
    if len(raw) > most:
        raise ValueError("too large")
    return raw
