"""What the project says of itself is true, and says nothing of the machine that it was written on."""

import re
import tomllib
from pathlib import Path

import pytest

from tests.helpers.sources import ROOT, files, name_of

# In parts, so that this file does not name them either.
REGISTRIES = [
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("npmjs", "org"),
        ("npmjs", "com"),
        ("yarnpkg", "com"),
        ("crates", "io"),
        ("golang", "org"),
        ("anaconda", "org"),
        ("rubygems", "org"),
    )
]
COMMON = {Path(name) for name in ("/", "/home", "/opt", "/root", "/srv", "/tmp", "/usr")}


def texts():
    for path in files():
        try:
            yield name_of(path), path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue


def test_no_file_names_a_package_registry():
    found = [(name, host) for name, text in texts() for host in REGISTRIES if host in text]
    assert not found


def test_no_file_names_a_place_on_this_machine():
    places = [place for place in (ROOT, ROOT.parent) if place not in COMMON]
    pattern = re.compile(
        "|".join(rf"(?<![\w.$}}]){re.escape(str(place))}(?=/|\b)" for place in places) or "$^"
    )
    assert not [name for name, text in texts() if pattern.search(text)]


def project():
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_the_changelog_begins_with_this_version():
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    versions = re.findall(r"^## \[?v?(\d+\.\d+\.\d+\S*?)\]?(?:\s|$)", text, re.MULTILINE)
    assert versions[0] == project()["version"]
    assert versions == sorted(versions, key=lambda v: [int(n) for n in v.split(".")], reverse=True)


def test_the_licence_is_there():
    assert (ROOT / "LICENSE").read_text(encoding="utf-8").strip()


@pytest.mark.parametrize("door", ["make demo", "make test"])
def test_the_readme_names_the_doors(door):
    assert door in (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_doors_that_are_named_exist():
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for name in ("README.md", "CONTRIBUTING.md"):
        text = (ROOT / name).read_text(encoding="utf-8")
        named = set(re.findall(r"(?:^|`)make ([a-z]+)", text, re.MULTILINE))
        assert named <= targets, name
