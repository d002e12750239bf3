"""What became of the questions, counted from the chats alone.

Every question carries a word of its own, and an answer is a message of the bot that contains it. Nothing here
knows what the gateway believes about itself, so a gateway that is wrong about itself does not count right.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

REPEAT_LABEL = "may be a repeat"
"""What a message says that the gateway itself calls a possible repeat."""

FRAGMENTS = ("(continued below)", "(stopped)", "(cut short)")
"""What a message ends with that is no whole answer, and says so."""


@dataclass(frozen=True, slots=True)
class Question:
    """A message to the bot and the word that its answer must contain. `at` is in monotonic seconds."""

    platform: str
    chat: str
    who: str
    text: str
    word: str
    at: float


@dataclass(frozen=True, slots=True)
class Reply:
    """A message of the bot as it reads in the end. `at` is when it came to read so, in monotonic seconds."""

    platform: str
    chat: str
    at: float
    text: str

    @property
    def labelled(self) -> bool:
        """Whether the message says that it may be a repeat."""
        return REPEAT_LABEL in self.text

    @property
    def fragment(self) -> bool:
        """Whether the message says that it is only a part of an answer."""
        return self.text.rstrip().endswith(FRAGMENTS)

    def answers(self, question: Question) -> bool:
        """Whether the question's word is in this message, in the same chat and after the question."""
        if (self.platform, self.chat) != (question.platform, question.chat) or self.at < question.at:
            return False
        found = re.search(rf"\b{re.escape(question.word)}\b", self.text, re.IGNORECASE)
        return found is not None and not self.fragment


@dataclass(frozen=True, slots=True)
class Tally:
    """What became of the questions.

    `duplicated` names a question once for each answer beyond the first. `repeats` counts answers beyond the
    first that say so themselves. `unsolicited` are messages that answer nothing asked in their chat, other
    than what is left of an answer that goes on elsewhere.
    """

    asked: int
    answered: int
    lost: tuple[Question, ...]
    duplicated: tuple[Question, ...]
    repeats: int
    unsolicited: tuple[Reply, ...]


def tally(questions: Sequence[Question], replies: Sequence[Reply]) -> Tally:
    """Count. The replies are the bot's messages in all chats; deleted ones are left out by the caller."""
    lost: list[Question] = []
    duplicated: list[Question] = []
    repeats = 0
    for question in questions:
        answers = [reply for reply in replies if reply.answers(question)]
        plain = sum(not reply.labelled for reply in answers)
        if not answers:
            lost.append(question)
        duplicated += [question] * (plain - 1)
        repeats += len(answers) - max(plain, 1) if answers else 0
    unsolicited = tuple(reply for reply in replies if not _expected(reply, questions))
    return Tally(
        len(questions), len(questions) - len(lost), tuple(lost), tuple(duplicated), repeats, unsolicited
    )


def _expected(reply: Reply, questions: Sequence[Question]) -> bool:
    """Whether somebody in its chat had asked for it. What is left of an answer began with a question too."""
    if reply.fragment:
        return any((one.platform, one.chat) == (reply.platform, reply.chat) for one in questions)
    return any(map(reply.answers, questions))


def answered_at(question: Question, replies: Sequence[Reply]) -> float | None:
    """When the first answer to the question was there, in monotonic seconds."""
    return min((reply.at for reply in replies if reply.answers(question)), default=None)
