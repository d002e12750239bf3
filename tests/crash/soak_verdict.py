"""What a soak's chats should show, decided from their transcripts alone.

Every question carries a word that nobody else says, and the demo agent repeats the words of what it answers:
so the words of a bot's message tell which questions it answers. Nothing here runs anything.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from adapters.telegram.adapter import REPEAT_LABEL

_WORD = re.compile(r"\bword\d+x\b")
SHOWN = 160
"""Characters of a message that a violation quotes."""


def word(number: int) -> str:
    """The word of the question with this number."""
    return f"word{number}x"


def words(text: str) -> tuple[str, ...]:
    """The words of questions in a text, in order, each once."""
    return tuple(dict.fromkeys(_WORD.findall(text)))


@dataclass(frozen=True, slots=True)
class Post:
    """One message of a transcript. `at` is in seconds on any one clock."""

    at: float
    from_bot: bool
    text: str

    @property
    def labelled(self) -> bool:
        """Whether it says of itself that it may be a repeat."""
        return self.from_bot and self.text.startswith(REPEAT_LABEL)

    @property
    def body(self) -> str:
        """What it says without the label."""
        return self.text.removeprefix(REPEAT_LABEL)


@dataclass(frozen=True, slots=True)
class Transcript:
    """One chat from its beginning. Within `silence`, from and until, nobody wrote and nothing was owed."""

    chat: int
    posts: tuple[Post, ...]
    silence: tuple[float, float] | None = None


class Kind(StrEnum):
    """What can be wrong with a chat."""

    LOST = "lost"  # a question that no bot message answers
    DOUBLED = "doubled"  # a question that several unlabelled bot messages answer
    UNSOLICITED = "unsolicited"  # a bot message that answers nothing and is no known notice
    FAILED = "failed"  # an answer that is an apology
    ORDER = "order"  # first answers that are not in the order of the questions
    SPOKE = "spoke up"  # a bot message in a chat that was to stay silent


@dataclass(frozen=True, slots=True)
class Violation:
    """One thing that is wrong. `at` is when it was seen, None when it is something missing."""

    kind: Kind
    chat: int
    what: str
    at: float | None = None

    def __str__(self) -> str:
        return f"{self.kind} in chat {self.chat}: {self.what}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What all chats show."""

    asked: int
    labelled: int
    notices: int
    violations: tuple[Violation, ...]

    def count(self, kind: Kind) -> int:
        """How many violations are of this kind."""
        return sum(violation.kind is kind for violation in self.violations)


@dataclass(frozen=True, slots=True)
class Known:
    """What a bot may say besides answers, word by word; a message with one of `signs` is a failure."""

    notices: frozenset[str] = frozenset()
    signs: tuple[str, ...] = ()


def judge(transcripts: Iterable[Transcript], known: Known) -> Verdict:
    """Read all chats."""
    chats = tuple(transcripts)
    bots = [post for chat in chats for post in chat.posts if post.from_bot]
    return Verdict(
        sum(len(_questions(chat.posts)) for chat in chats),
        sum(post.labelled for post in bots),
        sum(post.body in known.notices for post in bots),
        tuple(violation for chat in chats for violation in _violations(chat, known)),
    )


def _violations(chat: Transcript, known: Known) -> Iterator[Violation]:
    yield from _lost(chat)
    yield from _doubled(chat)
    yield from _unsolicited(chat, known)
    yield from _disorder(chat)
    yield from _broken_silence(chat)


def _questions(posts: Sequence[Post]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(w for post in posts if not post.from_bot for w in words(post.text)))


def _lost(chat: Transcript) -> Iterator[Violation]:
    answered = {w for post in chat.posts if post.from_bot for w in words(post.text)}
    for question in _questions(chat.posts):
        if question not in answered:
            yield Violation(Kind.LOST, chat.chat, f"{question} was never answered")


def _doubled(chat: Transcript) -> Iterator[Violation]:
    plain = [post for post in chat.posts if post.from_bot and not post.labelled]
    times = Counter(w for post in plain for w in words(post.text))
    for question in _questions(chat.posts):
        if times[question] > 1:
            last = [post for post in plain if question in words(post.text)][-1]
            what = f"{question} was answered {times[question]} times, the last time by {_quote(last)}"
            yield Violation(Kind.DOUBLED, chat.chat, what, last.at)


def _unsolicited(chat: Transcript, known: Known) -> Iterator[Violation]:
    asked: set[str] = set()
    for post in chat.posts:
        said = words(post.text)
        if not post.from_bot:
            asked.update(said)
        elif any(sign in post.body for sign in known.signs):
            yield Violation(Kind.FAILED, chat.chat, _quote(post), post.at)
        elif not (said and asked.issuperset(said)) and post.body not in known.notices:
            yield Violation(Kind.UNSOLICITED, chat.chat, _quote(post), post.at)


def _disorder(chat: Transcript) -> Iterator[Violation]:
    """A message may answer several questions; then the places of their words in it are in order too."""
    first: dict[str, tuple[int, int]] = {}
    for index, post in enumerate(chat.posts):
        if post.from_bot:
            for place, answered in enumerate(words(post.text)):
                first.setdefault(answered, (index, place))
    answered = [question for question in _questions(chat.posts) if question in first]
    for earlier, later in pairwise(answered):
        if first[later] < first[earlier]:
            post = chat.posts[first[later][0]]
            yield Violation(Kind.ORDER, chat.chat, f"{later} was answered before {earlier}", post.at)


def _broken_silence(chat: Transcript) -> Iterator[Violation]:
    if chat.silence is None:
        return
    begin, end = chat.silence
    for post in chat.posts:
        if post.from_bot and begin < post.at < end:
            yield Violation(Kind.SPOKE, chat.chat, _quote(post), post.at)


def _quote(post: Post) -> str:
    text = " ".join(post.text.split())
    return repr(text if len(text) <= SHOWN else text[:SHOWN] + "…")
