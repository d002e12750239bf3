"""What a soak's chats should show besides words: files of the bot, and signs at what people wrote.

And what the agent was given of people's files: that stands in its memory and, where nothing interrupted it,
in its answer. A file's name has the number of its question, as the words of `soak_verdict` have.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from adapters.emulators.playground import Shown
from adapters.labels import REPEAT_LABEL
from tests.contract.particulars import ShownFile
from tests.crash.soak_verdict import Violation, ended

DONE = frozenset({"👍", "✅", "white_check_mark"})
"""The signs at a message that was answered, on all platforms."""

MADE_SIZE = 1024
"""Bytes of a file that the demo agent makes."""

_MADE = re.compile(r"\[\[file made(\d+)x\.csv\]\]")
_SEEN = re.compile(r"given(\d+)x\.csv \S+ (missing|\d+ bytes sha256 \w+)")


def made(number: int) -> str:
    """The file that the question with this number asks for."""
    return f"made{number}x.csv"


def given(number: int) -> str:
    """The file that comes along with it."""
    return f"given{number}x.csv"


def content(number: int) -> bytes:
    """What is in that."""
    return f"this,came,with,{number}\n".encode() * (1 + number % 300)


@dataclass(frozen=True, slots=True)
class Belongings:
    """What a chat has besides words: `signs` of each question, where the agent was `given` its file, and how
    many prompts at least and at most should have had it. A note that quotes an interrupted question brings
    its file again; a transcript does so where that question is in it, but not where one is long answered.
    """

    chat: str
    posts: tuple[Shown, ...]
    files: tuple[ShownFile, ...] = ()
    signs: Mapping[int, tuple[str, ...]] | None = None
    given: Mapping[int, tuple[Path, ...]] | None = None
    prompts: Mapping[int, tuple[int, int]] | None = None


class FileKind(StrEnum):
    """What can be wrong with that."""

    LOST = "files lost"  # of the bot, that somebody asked for
    DOUBLED = "files doubled"  # of the bot, without a label
    UNSOLICITED = "files unsolicited"
    GIVEN = "files not given once"  # to the agent, whenever it was told of their request
    SIGN = "signs wrong"  # not exactly the one of an answered request


def judge_files(all_chats: Iterable[Belongings], *, labels: bool) -> tuple[Violation, ...]:
    """Read the belongings of all chats of one platform, where `labels` are allowed or not."""
    return tuple(violation for chat in all_chats for violation in _violations(chat, labels=labels))


def counts(all_chats: Iterable[Belongings]) -> tuple[int, int, int]:
    """How many files were asked for, how many were given, and how many repeats bear a label."""
    chats = list(all_chats)
    return (
        sum(len(_asked(chat)) for chat in chats),
        sum(len(_enclosed(chat)) for chat in chats),
        sum(_labelled(file) for chat in chats for file in chat.files),
    )


def _violations(chat: Belongings, *, labels: bool) -> Iterator[Violation]:
    yield from _of_the_bot(chat, labels=labels)
    yield from _of_people(chat)
    for number, signs in (chat.signs or {}).items():
        if len(signs) != 1 or not DONE.issuperset(signs):
            yield Violation(FileKind.SIGN, chat.chat, f"question {number} has the signs {signs}")


def _of_the_bot(chat: Belongings, *, labels: bool) -> Iterator[Violation]:
    asked = {made(number) for number in _asked(chat)}
    for name in asked:
        mine = [file for file in chat.files if file.name == name]
        plain = [file for file in mine if not (labels and _labelled(file))]
        if not mine or any(len(file.content) != MADE_SIZE for file in mine):
            yield Violation(FileKind.LOST, chat.chat, f"{name} is not there, or not whole")
        if len(plain) > 1:
            yield Violation(FileKind.DOUBLED, chat.chat, f"{name} is there {len(plain)} times")
    for file in chat.files:
        if file.name not in asked:
            yield Violation(FileKind.UNSOLICITED, chat.chat, f"nobody asked for {file.name}")


def _of_people(chat: Belongings) -> Iterator[Violation]:
    """The agent was given each along with its request, and what it tells of one is what was in it."""
    for number in _enclosed(chat):
        found = (chat.given or {}).get(number, ())
        least, most = (chat.prompts or {}).get(number, (1, 1))
        read = [path.read_bytes() if path.is_file() else b"" for path in found]
        if not max(least, 1) <= len(read) <= most or any(one != content(number) for one in read):
            sizes = [len(one) for one in read]
            what = f"{given(number)} belongs to {least} to {most} prompts; the agent got {sizes} bytes"
            yield Violation(FileKind.GIVEN, chat.chat, what)
    for post in chat.posts:
        for number, told in _SEEN.findall(" ".join(post.text.split())):
            whole = content(int(number))
            if told != f"{len(whole)} bytes sha256 {hashlib.sha256(whole).hexdigest()[:12]}":
                what = f"the agent saw {given(int(number))} as {told}"
                yield Violation(FileKind.GIVEN, chat.chat, what, post.at)


def _asked(chat: Belongings) -> list[int]:
    """The questions that ask for a file."""
    return [int(one) for post in chat.posts if not post.from_bot for one in _MADE.findall(post.text)]


def _enclosed(chat: Belongings) -> list[int]:
    """The questions that a file comes along with."""
    return [
        number
        for post in chat.posts
        if not post.from_bot and "[[see]]" in post.text
        for number in ended(post.text)
    ]


def _labelled(file: ShownFile) -> bool:
    return file.text.startswith(REPEAT_LABEL.strip())
