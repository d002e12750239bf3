"""What is not typed is still looked at: its syntax, and whatever it names of this project."""

import re
import shlex
import subprocess
import tomllib
from pathlib import PurePosixPath

from tests.docs import papers
from tests.docs.excused import EXCUSED, excuse
from tests.helpers.sources import ROOT, files, name_of

TARGETS = set(re.findall(r"^([a-z][\w-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE)) | {
    ".venv/bin/carryon"
}


def typed():
    """Every command of every page, with its block."""
    for page in papers.pages():
        for block in papers.blocks(page):
            if block.is_commands:
                for command in papers.commands(block):
                    yield block, command


def excused():
    return [(block.place, command) for block, command in typed() if excuse(command)]


def test_commands_are_where_the_pages_say_so():
    """A block without a language would be neither typed nor shown as what it is."""
    known = {"sh", "indented", "text", "yaml", "json", "python", "mermaid", "cron", "usage"}
    found = [one.place for page in papers.pages() for one in papers.blocks(page) if one.kind not in known]
    assert not found, (
        f"name the language of these blocks; commands are `sh`, what they print is `text`: {found}"
    )


def test_every_excuse_is_needed():
    commands = [" ".join(command.split()) for _, command in excused()]
    assert not [pattern for pattern in EXCUSED if not any(re.search(pattern, one) for one in commands)]


def test_all_of_it_is_shell():
    script = "\n".join(f"{command}\n" for _, command in typed())
    done = subprocess.run(
        ["bash", "-n"], input=script, capture_output=True, text=True, timeout=30, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_doors_that_are_named_are_in_the_makefile():
    for place, command in excused():
        if command.startswith("make "):
            words = shlex.split(command, comments=True)[1:]
            named = [word for word in words if "=" not in word]
            assert set(named) <= TARGETS, place


def test_paths_and_modules_that_are_named_are_there():
    there = {name_of(path) for path in files()}
    there |= {str(parent) for name in there for parent in PurePosixPath(name).parents}
    for place, command in excused():
        for word in shlex.split(command.replace("\\\n", " "), comments=True):
            found = re.fullmatch(r"((?:deploy|tests|config|docs|gateway)(?:/[\w.-]+)*/?)", word)
            assert found is None or found[1].rstrip("/") in there, f"{place}: {word}"
        for module in re.findall(r"python -m (bench|tests[\w.]*)", command):
            assert (
                f"{module.replace('.', '/')}/__main__.py" in there
                or f"{module.replace('.', '/')}.py" in there
            )


def test_extras_that_are_named_are_there():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    text = "\n".join(page.read_text(encoding="utf-8") for page in papers.pages())
    named = set(re.findall(r"(?:-e '\.|'carryon)\[(\w+)\]'", text))
    assert named
    assert named <= set(extras)


def test_options_of_the_benchmark_are_its_own():
    source = "".join(p.read_text() for p in files() if name_of(p).startswith("bench/") and p.suffix == ".py")
    for place, command in excused():
        if "-m bench" in command:
            for option in re.findall(r" (--[\w-]+)", command.partition("#")[0]):
                assert f'"{option}"' in source, f"{place}: {option}"
