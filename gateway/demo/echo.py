"""What became of what was typed on the page, counted from the chats alone.

The demo agent repeats what it was asked, so an answer to a message is a message of the bot that repeats its
words. What has no words of its own (a directive alone, a command) cannot be told apart and is not counted.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from gateway.agents.demo_script import plain
from gateway.demo.count import Reply

_OPENING = re.compile(r"(?:^|\n\s*\n)(?:You said|Going on with):")
_PARAGRAPH = re.compile(r"\n\s*\n")
_WORD = re.compile(r"[^\W_]+")
_ENDS = re.compile(r"\[\[\s*(fail|crash)\b", re.IGNORECASE)
_DROPPING = ("/new", "/stop")

Place = tuple[str, str]
"""A platform and a chat of it."""


@dataclass(frozen=True, slots=True)
class Said:
    """What a person typed. `at` is in monotonic seconds."""

    place: Place
    who: str
    text: str
    at: float


@dataclass(frozen=True, slots=True)
class Count:
    """`waiting` is what may still be answered; `lost` what will not. `repeats` say so themselves."""

    asked: int = 0
    answered: int = 0
    waiting: int = 0
    lost: int = 0
    duplicated: int = 0
    repeats: int = 0


def count(said: Sequence[Said], replies: Sequence[Reply], owing: Callable[[Place], bool]) -> Count:
    """Count. `owing` tells of a chat whether something may still come in it."""
    asked = answered = waiting = lost = duplicated = repeats = 0
    for (place, _), (first, number) in _questions(said).items():
        answers = [reply for reply in replies if _answers(reply, first)]
        labelled = sum(reply.labelled for reply in answers)
        open_ = max(0, number - len(answers))
        asked, answered = asked + number, answered + number - open_
        duplicated += max(0, len(answers) - labelled - number)
        repeats += min(labelled, max(0, len(answers) - number))
        if owing(place):
            waiting += open_
        else:
            lost += open_
    return Count(asked, answered, waiting, lost, duplicated, repeats)


def _questions(said: Sequence[Said]) -> dict[tuple[Place, str], tuple[Said, int]]:
    """What can be counted: by chat and words, the first of them and how many there were."""
    found: dict[tuple[Place, str], list[Said]] = defaultdict(list)
    for one in said:
        if one.text.split()[:1] and one.text.split()[0].lower() in _DROPPING:
            for place, words in [key for key in found if key[0] == one.place]:
                del found[place, words]  # whoever stops or begins anew waits for nothing any more
        elif (
            (words := _words(plain(one.text))) and not one.text.startswith("/") and not _ENDS.search(one.text)
        ):
            found[one.place, words].append(one)
    return {key: (asked[0], len(asked)) for key, asked in found.items()}


def _answers(reply: Reply, question: Said) -> bool:
    if (reply.platform, reply.chat) != question.place or reply.at < question.at or reply.fragment:
        return False
    words = _words(plain(question.text))
    named = _words(f"{question.who} {words}")  # in channels the agent is told who speaks
    return any(echo in (words, named) for echo in _echoes(reply.text))


def _echoes(text: str) -> Iterator[str]:
    """What a message may repeat: its beginnings, for nothing marks where the agent goes on on its own."""
    for part in _OPENING.split(text)[1:]:
        paragraphs = _PARAGRAPH.split(part)
        for end in range(1, len(paragraphs) + 1):
            yield _words(" ".join(paragraphs[:end]))


def _words(text: str) -> str:
    """Words alone: platforms write markup in ways of their own."""
    return " ".join(_WORD.findall(text)).casefold()
