"""The pages that people read, and what stands in them: blocks, commands, links."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

from tests.helpers.sources import ROOT

MARKDOWN = MarkdownIt("commonmark").enable("table")


@dataclass(frozen=True, slots=True)
class Block:
    """A block of code. `kind` is its language, `indented` where it is made by four spaces."""

    page: str
    line: int
    kind: str
    text: str

    @property
    def place(self) -> str:
        return f"{self.page}:{self.line}"

    @property
    def is_commands(self) -> bool:
        return self.kind in ("sh", "indented")


@cache
def pages() -> tuple[Path, ...]:
    """Every page that tells people what to type."""
    found = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"]
    return (*found, *sorted((ROOT / "docs").rglob("*.md")), *sorted((ROOT / "deploy").rglob("README.md")))


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def tokens(path: Path) -> tuple[Token, ...]:
    return tuple(MARKDOWN.parse(path.read_text(encoding="utf-8")))


@cache
def blocks(path: Path) -> tuple[Block, ...]:
    """The blocks of code of a page, in order."""
    found: list[Block] = []
    for token in tokens(path):
        line = (token.map or [0])[0] + 1
        if token.type == "fence":
            found.append(Block(name(path), line, token.info.split(" ")[0], token.content))
        elif token.type == "code_block":
            found.append(Block(name(path), line, "indented", token.content))
    return tuple(found)


def spans(path: Path) -> Iterator[tuple[int, str]]:
    """Every piece of code within a sentence, with the line of its paragraph."""
    for token in tokens(path):
        for child in token.children or ():
            if child.type == "code_inline":
                yield (token.map or [0])[0] + 1, " ".join(child.content.split())


def cells(path: Path) -> Iterator[tuple[int, list[str]]]:
    """The pieces of code of each cell of a table, together, with the line of their row."""
    found = tokens(path)
    for before, token in pairwise(found):
        pieces = [" ".join(one.content.split()) for one in token.children or () if one.type == "code_inline"]
        if before.type == "td_open" and pieces:
            yield (token.map or before.map or [0])[0] + 1, pieces


def links(path: Path) -> Iterator[tuple[int, str]]:
    """Where a page leads to."""
    for token in tokens(path):
        for child in token.children or ():
            target = child.attrGet("href") if child.type == "link_open" else None
            if isinstance(target, str):
                yield (token.map or [0])[0] + 1, target


def anchors(path: Path) -> set[str]:
    """The headings of a page, as links name them."""
    found: set[str] = set()
    inside = False
    for token in tokens(path):
        if inside and token.type == "inline":
            words = "".join(one.content for one in token.children or () if one.type != "html_inline")
            found.add(re.sub(r"\s", "-", re.sub(r"[^\w\s-]", "", words).strip().lower()))
        inside = token.type == "heading_open"
    return found


def commands(block: Block) -> list[str]:
    """The commands of a block; what goes on in the next line is one command."""
    found: list[str] = []
    held = ""
    for line in block.text.splitlines():
        held = f"{held}\n{line}" if held else line
        if not _is_whole(held):
            continue
        if held.strip() and not held.lstrip().startswith("#"):
            found.append(held.strip())
        held = ""
    assert not held, f"{block.place}: a command has no end"
    return found


def _is_whole(text: str) -> bool:
    if text.endswith("\\"):
        return False
    if here := re.search(r"<<'?(\w+)'?", text):
        return re.search(rf"^{here[1]}$", text, re.MULTILINE) is not None
    try:
        shlex.split(text, comments=True)
    except ValueError:  # a quotation goes on
        return False
    return True
