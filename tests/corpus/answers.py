"""Answers as agents give them: short odd ones written by hand, and longer ones put together by chance.

Chance is seeded, so every run has the same answers.
"""

import codecs
import random
import re
from functools import cache, partial
from pathlib import Path

_TITLE = re.compile(r"^%%% (.+)\n", re.MULTILINE)
_ESCAPE = re.compile(r"\\(?:u[0-9a-f]{4}|r\\n)")
_GENERATED = 176
_SENTENCES = (
    "The worker holds the lease until it is renewed",
    "run `make check` before you push",
    "see [the guide](https://example.com/guide_(v2)?a=1&b=2) for more",
    "**Note:** this changes the *default*",
    "it was ~~slow~~ quick, about 2*3*4 ms in some_snake_case_name",
    "これは長い説明です。次の手順に進んでください。",
    "\u044d\u0442\u043e \u0442\u0435\u043a\u0441\u0442 **\u0436\u0438\u0440\u043d\u043e**",
    "הטקסט הזה נכתב מימין לשמאל",
    "👩🏽‍💻 did it 🎉",
    "costs $5, not $10, for a <T> of `List<T>`",
    "e\u0301tude na\u0308ive",
    "https://example.com/a/very/long/path_with_underscores/and/more?query=1",
)
_CODE = (
    "def main(argv: list[str]) -> int:",
    "    for name, value in sorted(os.environ.items()):",
    '        print(f"{name}={value!r}")  # `backticks` and **stars**',
    "",
    "    return 0",
    "| not | a table |",
    "# not a heading",
    "- not a list",
    "\tindented by a tab",
    "<div class='x'>&amp;</div>",
)


@cache
def answers() -> dict[str, str]:
    """Every answer by its name."""
    parts = _TITLE.split((Path(__file__).parent / "odd.md").read_text())
    written = {name: _unescaped(text) for name, text in zip(parts[1::2], parts[2::2], strict=True)}
    chosen = random.Random(20261121)
    made = {f"generated {number}": _Writer(chosen).answer(number) for number in range(_GENERATED)}
    return {**written, **made, **_long()}


def _unescaped(text: str) -> str:
    """Characters that an editor would hide stand in the file as escapes."""
    return _ESCAPE.sub(lambda found: codecs.decode(found[0], "unicode_escape"), text.rstrip("\n"))


def _long() -> dict[str, str]:
    rows = "".join(f"| row{number} | {'cell ' * (number % 7)} | {number * 37} |\n" for number in range(400))
    code = "".join(f"line_{number} = compute({number}, `x`)\n" for number in range(500))
    items = "".join(f"{number}. item {number} with **bold {number}** text\n" for number in range(1, 600))
    return {
        "long table": f"| a | b | c |\n|---|---|--:|\n{rows}",
        "long code": f"Here:\n\n```python\n{code}```\n\nDone.",
        "long code in a list": "1. do\n\n   ~~~sh\n"
        + "".join(f"   {one}\n" for one in code.splitlines())
        + "   ~~~\n2. end",
        "long list": items,
        "long quote": "".join(f"> quoted words number {number} here.\n" for number in range(600)),
        "long word": "x" * 9_000,
        "long url": "See https://example.com/" + "a_b-" * 2_000 + " there.",
        "long emoji": "👨‍👩‍👧‍👦" * 1_500,
        "long cjk": "漢字かな交じり文。" * 700,
        "long bold": "**" + "bold words in a row " * 700 + "end**",
        "long paragraph": " ".join(_SENTENCES) * 40,
        "wide table": "| " + " | ".join(f"column {n}" for n in range(30)) + " |\n" + "|---" * 30 + "|\n"
        + ("| " + " | ".join(f"value {n}" for n in range(30)) + " |\n") * 40,
        "many links": " ".join(f"[l{n}](https://example.com/{n})" for n in range(900)),
        "many styles": " ".join(f"**b{n}** *i{n}* `c{n}`" for n in range(900)),
        "mentions at length": "Hello @everyone <!channel> <!here> " * 400,
        "a fence as wide as a message": "```\n" + "y" * 5_000 + "\nshort\n```",
    }  # fmt: skip


class _Writer:
    """Puts an answer together; its numbered words tell whether all of it arrived."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._count = 0

    def answer(self, number: int) -> str:
        blocks = [self._block() for _ in range(self._chance.choice((1, 2, 3, 4, 6, 12)))]
        text = "\n\n".join("\n".join(lines) for lines in blocks)
        return text.replace("\n", "\r\n") if number % 25 == 3 else text

    def _words(self, most: int = 3) -> str:
        said = []
        for _ in range(self._chance.randint(1, most)):
            self._count += 1
            said.append(f"w{self._count}x {self._chance.choice(_SENTENCES)}.")
        return " ".join(said)

    def _block(self, depth: int = 0) -> list[str]:
        kinds = [self._paragraph, self._heading, self._fence, self._table]
        if depth < 3:
            holders = [partial(self._list, depth), partial(self._quote, depth)]
            kinds += [holders[0], *holders]
        return self._chance.choice(kinds)()

    def _paragraph(self) -> list[str]:
        return [self._words(4) for _ in range(self._chance.randint(1, 3))]

    def _heading(self) -> list[str]:
        return [f"{'#' * self._chance.randint(1, 6)} {self._words(1)}"]

    def _fence(self) -> list[str]:
        fence = self._chance.choice(("```", "```", "````", "~~~"))
        body = [self._chance.choice(_CODE) for _ in range(self._chance.randint(1, 12))]
        return [fence + self._chance.choice(("", "py", "text")), *body, fence]

    def _table(self) -> list[str]:
        columns = self._chance.randint(1, 5)
        rows = [
            [self._words(1).replace("|", "/") for _ in range(columns)]
            for _ in range(self._chance.randint(2, 9))
        ]
        lines = ["| " + " | ".join(row) + " |" for row in rows]
        return [lines[0], "|" + "---|" * columns, *lines[1:]]

    def _list(self, depth: int) -> list[str]:
        first = self._chance.choice((None, None, 1, 9))
        lines: list[str] = []
        for number in range(self._chance.randint(1, 6)):
            mark = "- " if first is None else f"{first + number}. "
            inside = self._words(2).split("\n")
            if self._chance.random() < 0.4:
                inside += ["", *self._block(depth + 1)]
            margin = " " * len(mark)
            lines += [
                (mark if not index else margin if line else "") + line for index, line in enumerate(inside)
            ]
        return lines

    def _quote(self, depth: int) -> list[str]:
        return [f"> {line}" if line else ">" for line in (*self._paragraph(), "", *self._block(depth + 1))]
