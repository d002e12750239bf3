"""Every `carryon …` that a page names, in a sentence or a block, is a command that there is."""

import re
import shlex

import pytest
import typer

from gateway.cli import _hoisted, app
from tests.docs import papers
from tests.helpers.sources import ROOT

ROOTS = typer.main.get_command(app)
VALUES = {"SESSION": "1", "DELIVERY": "1", "ID": "1", "PLATFORM": "telegram", "COMMAND": "status"}
"""What stands for words in capitals where not every word will do."""


class NoSuchCommandError(Exception):
    """The words are no command; the message says why."""


def check(words, *, whole):
    """Parse without carrying out. `whole`: its arguments have to be there."""
    words = _hoisted([VALUES.get(word, word) for word in words])
    command, context = ROOTS, ROOTS.make_context("carryon", [], resilient_parsing=True)
    while words and words[0] in {"--config", "-c"}:
        words = words[2:]
    while (inner := getattr(command, "commands", None)) is not None:
        if not words:
            if whole:
                raise NoSuchCommandError("a command is missing")
            return
        if words[0] in {"--help", "--version"}:
            return
        if words[0] not in inner:
            raise NoSuchCommandError(f"there is no {words[0]!r}; there are {sorted(inner)}")
        command, words = inner[words[0]], words[1:]
    try:
        command.make_context("carryon", words, parent=context)
    except Exception as error:  # noqa: BLE001  the library that parses is a part of another one
        if type(error).__name__ == "MissingParameter" and not whole:
            return
        if type(error).__name__ == "Exit":
            return
        raise NoSuchCommandError(str(error) or repr(error)) from None


def meant(text):
    """The words of each call of the program in a line of shell, `docker exec` and the like included."""
    flat = text.replace("\\\n", " ").replace("…", " ")
    for inner in re.findall(r"\$\(([^()]*)\)", flat):
        yield from meant(inner)
    lexer = shlex.shlex(re.sub(r"\$\([^()]*\)", "X", flat), posix=True, punctuation_chars=True)
    lexer.wordchars += "$%{}:@+,!"
    simple = [[]]
    for word in lexer:
        if re.fullmatch(r"[;&|()\n]+", word):
            simple.append([])
        elif re.fullmatch(r"[<>]+", word):
            simple[-1].append(word)
        else:
            simple[-1].append(word)
    for words in simple:
        yield from _call(words)


def _call(words):
    words = words[: words.index(">")] if ">" in words else words
    while words and re.match(r"\w+=|sudo$|exec$|[\d*]+$", words[0]):  # cron's times, too
        words = words[1:]
    if words and words[0] in {"docker", "kubectl"} and "exec" in words:
        at = words.index("exec")
        words = [one for one in words[at + 1 :] if one != "--"][1:]
    if words and re.fullmatch(r"(/[\w./]+/|\.venv/bin/)?carryon", words[0]):
        yield words[1:]


def spelled(text):
    """`resume|suspend ID` is two commands; what stands in brackets may be there."""
    text = re.sub(r"\[([^\]]*)\]", r"\1", text).replace("OPTIONS", "")
    found = [""]
    for part in re.split(r"( )", text):
        ways = part.split("|") if re.fullmatch(r"[a-z]+(\|[a-z]+)+", part) else [part]
        found = [done + one for done in found for one in ways]
    return found


def calls(page):
    for line, text in papers.spans(page):
        if re.match(r"carryon( |$)", text):
            yield line, text, False
    for block in papers.blocks(page):
        if block.is_commands:
            for command in papers.commands(block):
                yield block.line, command, True
        elif block.kind in ("usage", "cron"):
            yield block.line, re.sub(r"--\w+ \| (?=--)", "", block.text.strip()), False


@pytest.mark.parametrize("page", papers.pages(), ids=papers.name)
def test_it_is_a_command(page):
    wrong = []
    for line, text, whole in calls(page):
        for one in spelled(text) if not whole else [text]:
            for words in meant(one):
                try:
                    check(words, whole=whole)
                except NoSuchCommandError as error:
                    wrong.append(f"{papers.name(page)}:{line}: `{one}`: {error}")
    assert not wrong, "\n".join(wrong)


def test_commands_that_stand_in_deploy_files():
    found = 0
    for path in sorted((ROOT / "deploy").rglob("*")):
        if path.suffix not in {".yaml", ".service"} or "grafana" in path.parts:
            continue
        for line in path.read_text(encoding="utf-8").splitlines():
            told = re.match(r"(?:#\s+|Exec\w+=)(.*\bcarryon .*)", line)
            for words in meant(told[1]) if told and "'" not in told[1] else ():
                check(words, whole=True)
                found += 1
    assert found >= 3


def is_command(words):
    try:
        check(words, whole=False)
    except NoSuchCommandError:
        return False
    return True


def test_the_readme_goes_on_with_commands_in_a_cell():
    """A cell with `carryon sessions list`, `show ID` names two commands."""
    found = 0
    for line, (first, *rest) in papers.cells(ROOT / "README.md"):
        if not re.match(r"carryon [a-z]+ [a-z]+", first) and not re.match(r"carryon (check|backup)$", first):
            continue
        group = first.split()[1]
        for text in rest:
            words = re.sub(r"[\[\]]", "", text).split()
            if not text.startswith("carryon ") and re.match(r"[a-z]+( |$)", text):
                assert is_command([group, *words]) or is_command(words), f"README.md:{line}: {text}"
                found += 1
    assert found > 8


@pytest.mark.parametrize(
    "words",
    ["statsu", "status --jsn", "sessions", "restore --moved", "drain now", "sessions show Ann", "emulate"],
)
def test_what_is_no_command_is_found(words):
    with pytest.raises(NoSuchCommandError):
        check(words.split(), whole=True)


def test_there_is_much_to_look_at():
    assert sum(1 for page in papers.pages() for _ in calls(page)) > 200
