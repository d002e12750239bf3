"""A reader: types every command of a page in order, and looks whether what is shown comes."""

import re
from collections.abc import Awaitable, Callable, Mapping
from itertools import zip_longest
from pathlib import Path

from tests.docs import outputs, papers
from tests.docs.excused import excuse
from tests.docs.papers import Block
from tests.docs.world import PATIENCE, World, moment
from tests.harness.waiting import within

LOOKS = re.compile(
    r"^(chat$|curl -s '|carryon (status|logs|recover|check|doctor$"
    r"|(sessions|deliveries|pair|agents) (list|show)))"
)
"""Commands that change nothing, and may be typed again until they show what they should."""

Preparation = Callable[[World], Awaitable[Mapping[str, str]]]
"""Makes a command possible, and says what stands for its words in capitals."""

REFUSED = '"ok": false'
"""An emulator's way of saying that it did not do what `curl` asked for."""


class Reader:
    """Somebody who follows pages. Commands of equal words are typed once where `once` says so."""

    def __init__(self, world: World, preparations: Mapping[str, Preparation], *, once: bool = False) -> None:
        """`preparations` are tried in order, by what they find in a command."""
        self._world = world
        self.prepare(preparations)
        self._once = once
        self._typed: set[str] = set()
        self.problems: list[str] = []
        self.count = 0

    def prepare(self, preparations: Mapping[str, Preparation]) -> None:
        """From now on, prepare so."""
        self._preparations = {re.compile(key): value for key, value in preparations.items()}

    async def read(self, path: Path) -> None:
        """Follow a page."""
        found = papers.blocks(path)
        for block, after in zip_longest(found, found[1:]):
            if block.is_commands:
                shown = after.text if after is not None and after.kind == "text" else ""
                await self._follow(block, shown)

    async def _follow(self, block: Block, shown: str) -> None:
        wanted = [one for one in papers.commands(block) if not excuse(one)]
        if self._once and not shown:
            wanted = [one for one in wanted if one not in self._typed]
        if not wanted:
            return
        said = ""
        for command in wanted:
            said += await self._type(block, command, shown)
        shown = self._world.localized(shown)
        if outputs.missing(shown, said) is None:
            return
        if all(LOOKS.match(one) for one in wanted):
            await self._look_until(block, wanted, shown)
        else:
            line = outputs.missing(shown, said)
            self.problems.append(f"{block.place}: {line!r} does not come; what comes is\n{said}")

    async def _type(self, block: Block, command: str, shown: str) -> str:
        words = command
        for pattern, prepare in self._preparations.items():
            if pattern.search(command):
                for name, value in (await prepare(self._world)).items():
                    words = re.sub(rf"(?<![\w$-]){re.escape(name)}(?!\w)", value, words)
        self._typed.add(command)
        self.count += 1
        code, said = await self._world.type(words)
        may_fail = any(line.startswith("carryon: ") for line in shown.splitlines())
        if (code and not may_fail) or REFUSED in said:
            self.problems.append(f"{block.place}: `{words}` ends with {code}:\n{said}")
        return said

    async def _look_until(self, block: Block, wanted: list[str], shown: str) -> None:
        said = ""

        async def look() -> None:
            nonlocal said
            while outputs.missing(shown, said) is not None:
                await moment()
                said = "".join([(await self._world.type(one))[1] for one in wanted])

        try:
            await within(look(), "what is shown", PATIENCE / 3)
        except AssertionError:
            line = outputs.missing(shown, said)
            self.problems.append(f"{block.place}: {line!r} does not come; what comes is\n{said}")
