"""The pinned packages can be installed with each Python that the project promises to run on."""

import tomllib
from importlib import metadata

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from tests.helpers.sources import ROOT


def pinned():
    """Names and versions of what constraints.txt holds fast."""
    for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines():
        (one,) = (requirement := Requirement(line)).specifier
        yield requirement.name, one.version


def test_what_is_pinned_runs_on_the_oldest_python_that_is_promised():
    """Debian 12, for one, has Python 3.11.2; one package that wants a later one keeps all from installing."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    oldest = project["requires-python"].removeprefix(">=") + ".0"
    wanted = {}
    for name, version in pinned():
        try:
            found = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue  # for another system or a newer Python
        if found.version == version:
            wanted[name] = found.metadata.get("Requires-Python") or ""
    assert len(wanted) > 90
    assert {name: text for name, text in wanted.items() if not SpecifierSet(text).contains(oldest)} == {}
