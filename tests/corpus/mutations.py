"""The annotated config with one slip in one line, always the same ones."""

import itertools
import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

ANNOTATED = Path(__file__).parents[2] / "config" / "gateway.yaml"
ENVIRON = {
    "TELEGRAM_BOT_TOKEN": "123456:planted-telegram",
    "DISCORD_BOT_TOKEN": "MTAwMQ.planted.discord",
    "SLACK_BOT_TOKEN": "xoxb-planted-bot",
    "SLACK_APP_TOKEN": "xapp-planted-app",
}
_LEAF = re.compile(r"( *)([a-z_]+):( +)(\S.*)")
_KEY = re.compile(r"( *)([a-z_]+):(.*)")
_REQUIRED = {"accounts", "agents", "default_agent", "platform", "token", "bot_token", "app_token", "command"}


@dataclass(frozen=True, slots=True)
class Mutation:
    """A file with a slip, the line of the slip, and the lines of its section."""

    name: str
    text: str
    line: int
    section: range


Slip = Callable[[str, random.Random], list[str] | None]
"""The lines that come in the place of one, None where there is nothing to do to it."""


def delete(line: str, _: random.Random) -> list[str] | None:
    found = _KEY.fullmatch(line)
    return [] if found and found[2] in _REQUIRED else None


def duplicate(line: str, _: random.Random) -> list[str] | None:
    return [line, line] if _LEAF.fullmatch(line) else None


def indent(line: str, chance: random.Random) -> list[str] | None:
    return [" " * chance.choice((1, 2, 4)) + line]


def dedent(line: str, _: random.Random) -> list[str] | None:
    return [line[1:]] if line.startswith(" ") else None


def tab(line: str, _: random.Random) -> list[str] | None:
    return ["\t" + line.lstrip()] if line.startswith(" ") else None


def misspell_key(line: str, chance: random.Random) -> list[str] | None:
    found = _LEAF.fullmatch(line)
    if found is None or len(found[2]) < 3:
        return None
    at = chance.randrange(len(found[2]))
    return [f"{found[1]}{found[2][:at]}{found[2][at + 1 :]}:{found[3]}{found[4]}"]


def misspell_value(line: str, chance: random.Random) -> list[str] | None:
    found = _LEAF.fullmatch(line)
    if found is None or not re.fullmatch(r"[a-z_]{4,}", found[4]):
        return None
    at = chance.randrange(len(found[4]))
    return [line[: len(line) - len(found[4])] + found[4][:at] + found[4][at + 1 :]]


def retype(line: str, chance: random.Random) -> list[str] | None:
    found = _LEAF.fullmatch(line)
    other = chance.choice(("[x]", "{x: y}", "-1", "planned", "~1", "''"))
    return [f"{found[1]}{found[2]}: {other}"] if found else None


def no_colon(line: str, _: random.Random) -> list[str] | None:
    return [line.replace(":", "", 1)]


def no_space(line: str, _: random.Random) -> list[str] | None:
    return [line.replace(": ", ":", 1)] if _LEAF.fullmatch(line) else None


def half(line: str, _: random.Random) -> list[str] | None:
    found = _LEAF.fullmatch(line)
    return [f"{found[1]}{found[2]}: [{found[4].strip('[]{}')}"] if found else None


def entry(line: str, _: random.Random) -> list[str] | None:
    return [re.sub(r"^( *)", r"\1- ", line)]


SLIPS: tuple[Slip, ...] = (
    delete,
    duplicate,
    indent,
    dedent,
    tab,
    misspell_key,
    misspell_value,
    retype,
    no_colon,
    no_space,
    half,
    entry,
)


def mutations(number: int, seed: int) -> Iterator[Mutation]:
    """So many of them, of all kinds. Comments are left out, and their lines are kept."""
    lines = [line if not line.lstrip().startswith("#") else "" for line in ANNOTATED.read_text().splitlines()]
    written = [n for n, line in enumerate(lines) if line]
    outer = [n for n in written if not lines[n].startswith(" ")]
    chance = random.Random(seed)
    seen = set[tuple[str, int]]()
    for slip in itertools.cycle(SLIPS):
        if len(seen) == number:
            return
        at = chance.choice(written)
        new = slip(lines[at], chance)
        if new is None or new == [lines[at]] or (slip.__name__, at) in seen:
            continue
        seen.add((slip.__name__, at))
        begin = max(n for n in outer if n <= at)
        end = min((n for n in outer if n > at), default=len(lines))
        text = "\n".join([*lines[:at], *new, *lines[at + 1 :]]) + "\n"
        name = f"{slip.__name__} in line {at + 1}: {lines[at].strip()}"
        yield Mutation(name, text, at + 1, range(begin + 1, end + 1))
