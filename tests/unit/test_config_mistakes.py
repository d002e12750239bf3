"""Mistakes that people make, and slips in every corner: told in place, with what to do, without secrets."""

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from gateway import cli
from gateway.config.file import attempt
from gateway.config.tree import Problem
from tests.corpus.mistakes import GOOD, MISTAKES, OUTSIDE, Mistake
from tests.corpus.mutations import ENVIRON, mutations

SECRET = "planted"
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return Path("gateway.yaml")


def told(file: Path, raw: bytes, environ: dict[str, str]) -> list[Problem]:
    file.write_bytes(raw)
    config, reading = attempt(file, environ)
    assert (config is None) == bool(reading.problems)
    return reading.told()


def unclear(problems: list[Problem]) -> Iterator[str]:
    """What no message may be."""
    for problem in problems:
        line = str(problem)
        if SECRET in line:
            yield f"a secret in: {line}"
        if ";" not in problem.text:
            yield f"nothing to do in: {line}"
        if problem.spot.source == "gateway.yaml" and not problem.spot.line:
            yield f"no place in: {line}"
        if not line.isprintable() or "Traceback" in line:
            yield f"no line for people: {line!r}"


def test_the_good_file_is_good(file: Path) -> None:
    assert told(file, GOOD.encode(), OUTSIDE) == []


@pytest.mark.parametrize("kind", ["syntax", "keys", "shapes", "values", "references"])
def test_every_mistake_is_told_where_it_is(file: Path, kind: str) -> None:
    mistakes = {name: mistake for name, mistake in MISTAKES.items() if name.startswith(kind)}
    assert len(mistakes) >= 15
    wrong: list[str] = []
    for name, mistake in mistakes.items():
        problems = told(file, mistake.raw.encode(), OUTSIDE | mistake.environ)
        line, column = mistake.place
        here = [str(one) for one in problems if (one.spot.line, one.spot.column) == (line, column)]
        if not any(all(part in one for part in mistake.parts) for one in here):
            wrong.append(f"{name}: {line}:{column}: {mistake.parts}, but: {[str(one) for one in problems]}")
        wrong += [f"{name}: {what}" for what in unclear(problems)]
    assert not wrong, "\n".join(wrong)


def test_a_slip_in_any_line_is_told_there_or_in_its_section(file: Path) -> None:
    slips = list(mutations(120, seed=7))
    harmless: list[str] = []
    elsewhere: list[str] = []
    wrong: list[str] = []
    for slip in slips:
        problems = told(file, slip.text.encode(), ENVIRON)
        lines = {problem.spot.line for problem in problems}
        if not problems:
            harmless.append(slip.name)
        elif not lines & {slip.line, slip.line + slip.name.startswith("duplicate")}:
            elsewhere.append(slip.name)
            if not lines & set(slip.section):
                wrong.append(f"{slip.name}: {[str(one) for one in problems]}")
        wrong += [f"{slip.name}: {what}" for what in unclear(problems)]
    assert not wrong, "\n".join(wrong)
    assert len(harmless) <= 4, harmless
    assert len(elsewhere) <= 15, elsewhere


@dataclass(frozen=True, slots=True)
class Bytes:
    raw: bytes
    place: str
    part: str


@pytest.mark.parametrize(
    "case",
    [
        Bytes(GOOD.encode("utf-16"), ":1:1: ", "UTF-16; text in UTF-8 is allowed; save the file as UTF-8"),
        Bytes(b"\xfe\xff" + GOOD.encode("utf-16-be"), ":1:1: ", "UTF-16"),
        Bytes(GOOD.replace("./state", "./Zustände").encode("latin-1"), ":1:18: ", "not UTF-8"),
        Bytes(b"\x7fELF\x02\x01\x01\x00\x00", ":1:1: ", "a control character"),
        Bytes(b"\x89PNG\r\n\x1a\n\x00\x00", ":1:1: ", "not UTF-8"),
        Bytes(b"", ":1:1: ", "the file is empty"),
        Bytes(b"# " + b"x" * 300_000, ": ", "at most 262144 bytes"),
    ],
    ids=["UTF-16", "UTF-16, the other way round", "Latin-1", "a program", "a picture", "nothing", "too much"],
)
def test_what_is_no_text(file: Path, case: Bytes) -> None:
    file.write_bytes(case.raw)
    _, reading = attempt(file, OUTSIDE)
    (line,) = reading.messages()
    assert line.startswith(f"gateway.yaml{case.place}")
    assert case.part in line


def test_lines_of_windows_and_a_mark_at_the_begin_are_fine(file: Path) -> None:
    assert told(file, b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode(), OUTSIDE) == []


@pytest.fixture
def carryon(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the command in this process: its exit code, its output and its complaints."""
    for name, value in (OUTSIDE | ENVIRON).items():
        monkeypatch.setenv(name, value)

    def run(*args: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["carryon", *args])
        with pytest.raises(SystemExit) as ended:
            sys.exit(cli.main())
        out, err = capsys.readouterr()
        assert "Traceback" not in out + err
        assert SECRET not in out + err
        return ended.value.code or 0, out, err

    return run


@pytest.mark.parametrize(
    "name",
    [
        "syntax: a tab before a key",
        "keys: a token's key misspelt",
        "shapes: accounts as a list",
        "values: an open page",
        "references: a variable that is not set",
    ],
)
def test_commands_tell_the_same_and_end_with_78(carryon: Run, file: Path, name: str) -> None:
    mistake: Mistake = MISTAKES[name]
    file.write_bytes(mistake.raw.encode())
    code, out, err = carryon("check", "-c", "gateway.yaml")
    assert (code, out) == (78, "")
    assert "carryon: gateway.yaml:{}:{}: ".format(*mistake.place) in err
    assert carryon("run", "-c", "gateway.yaml") == (78, "", err)
    assert carryon("config", "show", "-c", "gateway.yaml") == (78, "", err)
    code, out, quiet = carryon("check", "--json", "-c", "gateway.yaml")
    assert (code, quiet) == (78, "")
    found = json.loads(out)
    assert (found["file"], found["usable"], found["warnings"]) == ("gateway.yaml", False, [])
    lines = [
        f"carryon: {one['file']}:{one['line']}:{one['column']}: "
        + (f"{one['key']}: " if one["key"] else "")
        + one["message"]
        for one in found["problems"]
    ]
    assert lines == err.splitlines()


def test_a_check_of_an_override_names_its_variable(
    carryon: Run, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.write_text(GOOD)
    monkeypatch.setenv("CARRYON__log__level", "loud")
    code, out, _ = carryon("check", "--json", "-c", "gateway.yaml")
    (one,) = json.loads(out)["problems"]
    assert (code, one["file"], one["line"], one["environment"], one["key"]) == (
        78,
        None,
        None,
        "CARRYON__log__level",
        "log.level",
    )


def test_without_a_file_it_is_said_how_to_begin(carryon: Run, file: Path) -> None:
    for command in ("run", "check"):
        code, out, err = carryon(command, "-c", str(file))
        assert (code, out) == (78, "")
        assert "there is no such file" in err
        assert "`carryon init`" in err
        assert "config/gateway.yaml" in err
