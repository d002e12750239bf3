"""What a soak's chats should show, decided from their transcripts alone.

Every question begins with one word and ends with another that nobody else says, and the demo agent repeats
the words of what it answers: so the words of a bot's message tell which questions it answers, and whether it
answers them to the end. Nothing here runs anything.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import pairwise

from adapters.emulators.playground import Shown
from adapters.labels import REPEAT_LABEL
from gateway.engine.streams import CONTINUED, CUT_SHORT, STOPPED
from gateway.rules.progress import WORKING

_FIRST = re.compile(r"\bopen(\d+)x\b")
_LAST = re.compile(r"(?<!⚙ )(?<!⚙ `)\bword(\d+)x\b")  # a tool that only runs has ended nothing
_LABEL = REPEAT_LABEL.strip()
_NOTHING_YET = (WORKING, CONTINUED.strip())
"""What stands in a message in which an answer was to grow that had no words yet."""
SHOWN = 160
"""Characters of a message that a violation quotes."""


def opening(number: int) -> str:
    """The word that the question with this number begins with."""
    return f"open{number}x"


def word(number: int) -> str:
    """The word that it ends with."""
    return f"word{number}x"


def begun(text: str) -> tuple[int, ...]:
    """The questions whose first word is in a text, in order, each once."""
    return tuple(dict.fromkeys(int(found) for found in _FIRST.findall(text)))


def ended(text: str) -> tuple[int, ...]:
    """The questions whose last word is in a text, in order, each once."""
    return tuple(dict.fromkeys(int(found) for found in _LAST.findall(text)))


@dataclass(frozen=True, slots=True)
class Transcript:
    """One chat from its beginning, without the bot's files.

    Within `silence`, from and until, nobody wrote and nothing was owed. With
    `opens_threads`, what is said to the bot outside threads is answered in a thread of that message.
    """

    chat: str
    posts: tuple[Shown, ...]
    opens_threads: bool = False
    silence: tuple[float, float] | None = None


class Kind(StrEnum):
    """What can be wrong with a chat."""

    LOST = "lost"  # a question that no bot message answers to its end
    DOUBLED = "doubled silently"  # a question that several unlabelled bot messages answer
    UNSOLICITED = "unsolicited"  # a bot message that answers nothing and is no known notice
    FAILED = "failed"  # an answer that is an apology
    ORDER = "out of order"  # first answers of one conversation that are not in the order of its questions
    HALF = "half answers"  # a part of an answer that stands there as if it were one
    MISPLACED = "misplaced"  # an answer in another thread than the one that its question belongs to
    LABELLED = "labelled in vain"  # a label where the platform could have been asked
    SPOKE = "spoke up"  # a bot message in a chat that was to stay silent


UNFINISHED = frozenset({Kind.LOST, Kind.HALF})
"""What may be so for a while, until a gateway had the time to mend it."""


@dataclass(frozen=True, slots=True)
class Violation:
    """One thing that is wrong. `at` is when it was seen, None when it is something missing."""

    kind: StrEnum
    chat: str
    what: str
    at: float | None = None

    def __str__(self) -> str:
        return f"{self.kind} in chat {self.chat}: {self.what}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What all chats of a platform show. `fragments` are beginnings that say where they go on."""

    asked: int
    answered: int
    labelled: int
    fragments: int
    notices: int
    violations: tuple[Violation, ...]

    def count(self, kind: StrEnum) -> int:
        """How many violations are of this kind."""
        return sum(violation.kind is kind for violation in self.violations)


@dataclass(frozen=True, slots=True)
class Known:
    """What a bot may say besides answers, word by word; a message with one of `signs` is a failure.

    `labels`: a message may be a repeat that says so, because the platform cannot be asked.
    """

    notices: frozenset[str] = frozenset()
    signs: tuple[str, ...] = ()
    labels: bool = True


def judge(transcripts: Iterable[Transcript], known: Known) -> Verdict:
    """Read all chats of one platform."""
    known = replace(known, notices=frozenset(notice.strip() for notice in known.notices))
    chats = [_Chat(transcript) for transcript in transcripts]
    bots = [post for chat in chats for post in chat.bots]
    return Verdict(
        asked=sum(len(chat.questions) for chat in chats),
        answered=sum(len(chat.questions.keys() & chat.first.keys()) for chat in chats),
        labelled=sum(_labelled(post) for post in bots),
        fragments=sum(_goes_on(post) for post in bots),
        notices=sum(_body(post) in known.notices for post in bots),
        violations=tuple(violation for chat in chats for violation in _violations(chat, known)),
    )


class _Chat:
    """A transcript with what is asked of it again and again."""

    def __init__(self, transcript: Transcript) -> None:
        self.name = transcript.chat
        self.posts = transcript.posts
        self.silence = transcript.silence
        self.bots = [post for post in transcript.posts if post.from_bot]
        self._opens_threads = transcript.opens_threads
        self.questions = {
            number: post for post in transcript.posts if not post.from_bot for number in ended(post.text)
        }
        self.first: dict[int, tuple[int, int]] = {}
        for index, post in enumerate(self.posts):
            order = begun(post.text)
            for number in _answers(post):
                # The end of one may come after the beginning of the next: what an agent did, it tells last.
                place = order.index(number) if number in order else len(order)
                self.first.setdefault(number, (index, place))

    def thread(self, question: Shown) -> str:
        """The thread that the answer belongs into."""
        return question.thread or (question.id if self._opens_threads else "")

    def conversations(self) -> Iterator[list[int]]:
        """The questions of each conversation, in order. Outside threads everybody has one of their own."""
        found: dict[str, list[int]] = {}
        for number, post in self.questions.items():
            found.setdefault(self.thread(post) or f"by {post.author}", []).append(number)
        yield from found.values()


def _violations(chat: _Chat, known: Known) -> Iterator[Violation]:
    yield from _lost(chat)
    yield from _doubled(chat)
    yield from _unsolicited(chat, known)
    yield from _disorder(chat)
    yield from _halves(chat, known)
    yield from _misplaced(chat)
    yield from _broken_silence(chat)
    if not known.labels:
        yield from (_about(Kind.LABELLED, chat, post) for post in chat.bots if _labelled(post))


def _labelled(post: Shown) -> bool:
    """Whether it says of itself that it may be a repeat."""
    return post.from_bot and post.text.startswith(_LABEL)


def _body(post: Shown) -> str:
    """What it says without the label."""
    return post.text.removeprefix(_LABEL).strip()


def _says_nothing_yet(post: Shown) -> bool:
    return post.from_bot and _body(post).startswith(_NOTHING_YET)


def _goes_on(post: Shown) -> bool:
    """Whether it says of itself that the answer stands below."""
    return post.from_bot and post.text.endswith(CONTINUED.lstrip())


def _broken_off(post: Shown) -> bool:
    return post.text.endswith((STOPPED.lstrip(), CUT_SHORT.lstrip()))


def _answers(post: Shown) -> tuple[int, ...]:
    """The questions that a bot's message answers to their end."""
    return ended(post.text) if post.from_bot and not _goes_on(post) and not _broken_off(post) else ()


def _lost(chat: _Chat) -> Iterator[Violation]:
    for number in chat.questions.keys() - chat.first.keys():
        yield Violation(Kind.LOST, chat.name, f"{word(number)} was never answered")


def _doubled(chat: _Chat) -> Iterator[Violation]:
    plain = [post for post in chat.bots if not _labelled(post)]
    times = Counter(number for post in plain for number in _answers(post))
    for number in chat.questions:
        if times[number] > 1:
            last = [post for post in plain if number in _answers(post)][-1]
            what = f"{word(number)} was answered {times[number]} times, the last time by {_quote(last)}"
            yield Violation(Kind.DOUBLED, chat.name, what, last.at)


def _unsolicited(chat: _Chat, known: Known) -> Iterator[Violation]:
    asked: set[int] = set()
    for post in chat.posts:
        said = {*begun(post.text), *ended(post.text)}
        if not post.from_bot:
            asked |= said
        elif any(sign in _body(post) for sign in known.signs):
            yield _about(Kind.FAILED, chat, post)
        elif _says_nothing_yet(post):
            continue  # `_halves` looks at it
        elif not (said and asked >= said) and _body(post) not in known.notices:
            yield _about(Kind.UNSOLICITED, chat, post)


def _disorder(chat: _Chat) -> Iterator[Violation]:
    """A message may answer several questions; then the places of their words in it are in order too."""
    for questions in chat.conversations():
        answered = [number for number in questions if number in chat.first]
        for earlier, later in pairwise(answered):
            if chat.first[later] < chat.first[earlier]:
                post = chat.posts[chat.first[later][0]]
                what = f"{word(later)} was answered before {word(earlier)}"
                yield Violation(Kind.ORDER, chat.name, what, post.at)


def _halves(chat: _Chat, known: Known) -> Iterator[Violation]:
    """Only what says so may be a part, and only where the whole follows.

    Where the platform cannot be asked, nobody may know that a part stands there: the whole that follows says
    that it may be a repeat.
    """
    for index, post in enumerate(chat.posts):
        if not post.from_bot:
            continue
        first, last = set(begun(post.text)), set(ended(post.text))
        parts = first | last if _goes_on(post) or _broken_off(post) else first ^ last
        below = [one for one in chat.posts[index + 1 :] if one.from_bot]
        if known.labels and not _goes_on(post):
            below = [one for one in below if _labelled(one)]
        whole = {number for one in below for number in _answers(one)}
        excused = _goes_on(post) or (known.labels and not _broken_off(post))
        if not parts and _says_nothing_yet(post) and not (excused and whole):
            yield _about(Kind.HALF, chat, post)
        if parts and not (excused and whole >= parts):
            yield _about(Kind.HALF, chat, post)


def _misplaced(chat: _Chat) -> Iterator[Violation]:
    for post in chat.bots:
        for number in dict.fromkeys((*begun(post.text), *ended(post.text))):
            question = chat.questions.get(number)
            if question is not None and chat.thread(question) != post.thread:
                wanted, found = chat.thread(question) or "none", post.thread or "none"
                what = f"{_quote(post)} stands in thread {found} instead of {wanted}"
                yield Violation(Kind.MISPLACED, chat.name, what, post.at)
                break


def _broken_silence(chat: _Chat) -> Iterator[Violation]:
    if chat.silence is None:
        return
    begin, end = chat.silence
    for post in chat.bots:
        if begin < post.at < end:
            yield _about(Kind.SPOKE, chat, post)


def _about(kind: Kind, chat: _Chat, post: Shown) -> Violation:
    return Violation(kind, chat.name, _quote(post), post.at)


def _quote(post: Shown) -> str:
    text = " ".join(post.text.split())
    return repr(text if len(text) <= SHOWN else text[:SHOWN] + "…")
