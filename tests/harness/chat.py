"""What one chat shows, and what it should show."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from adapters.emulators.playground import Playground
from adapters.labels import REPEAT_LABEL
from gateway.agents.demo_script import File, fold, plain, read_script
from tests.contract.particulars import Particulars, SentFile
from tests.harness.answers import Shape, is_fragment, shape

_LABEL = REPEAT_LABEL.strip()
_ENCLOSED = re.compile(r"\s*\[file: attachments/[^\]]*\]")
"""Where a file lies that came with a request: the agent reads it below its words, and echoes it with them."""


@dataclass(frozen=True, slots=True)
class Line:
    """One message as it stands in the chat."""

    from_bot: bool
    text: str
    thread: str = ""

    @property
    def labelled(self) -> bool:
        """Whether it says of itself that it may be a repeat."""
        return self.from_bot and self.text.startswith(_LABEL)

    @property
    def is_file(self) -> bool:
        """Whether the bot sent it without a word of its own, which it does with files alone."""
        return self.from_bot and self.text.strip() in ("", _LABEL)

    def __str__(self) -> str:
        where = f" ({self.thread})" if self.thread else ""
        return f"{'bot ' if self.from_bot else 'user'} | {self.text}{where}"


class Chat:
    """A chat of one person and the bot: the direct one, or a channel in which nobody else is.

    `id` is the platform's, as text, and so is `person`; `said` are the ids of their messages, by the words.
    """

    def __init__(self, special: Particulars, name: str = "", *, channel: bool = False) -> None:
        self.special = special
        self.playground: Playground = special.play
        playground = self.playground
        self.person = playground.person(name)
        self.id = playground.channel(self.person) if channel else playground.direct(self.person)
        self._channel = channel
        self.asked: list[str] = []
        self.said: dict[str, str] = {}

    def say(self, text: str, *, inside: bool = False) -> str:
        """The person writes to the bot; several messages of one chat need different words.

        In a channel that takes a mention, unless it is `inside` the thread that the bot answered in last.
        """
        if not text.startswith("/"):
            self.asked.append(text)
        thread = self.replies[-1].thread if inside else ""
        # A Telegram without threads hears nothing in a group that is not said to it.
        mention = self._channel and not (inside and thread)
        self.said[text] = self.playground.say(self.person, self.id, text, thread=thread, mention=mention)
        return self.said[text]

    def give(self, file: SentFile, text: str) -> str:
        """The person sends a file along with what they write to the bot."""
        self.asked.append(text)
        self.said[text] = self.special.give(self.person, self.id, [file], text, mention=self._channel)
        return self.said[text]

    def signs(self, asked: str) -> list[str]:
        """The bot's signs at one of the user's messages."""
        return self.special.signs(self.id, self.said[asked])

    @property
    def lines(self) -> list[Line]:
        """Everything in the chat and its threads, in order."""
        return [Line(one.from_bot, one.text, one.thread) for one in self.playground.shown(self.id)]

    @property
    def replies(self) -> list[Line]:
        """What the bot said."""
        return [line for line in self.lines if line.from_bot]

    def answers(self, asked: str) -> list[Line]:
        """What the bot said to one of the user's messages: it echoes its words. Fragments are no answers."""
        words = plain(asked)
        return [line for line in self.replies if words in fold(line.text) and not is_fragment(line.text)]

    @property
    def unsolicited(self) -> list[Line]:
        """What the bot said to none of the user's messages."""
        heard = [line for asked in self.asked for line in self.answers(asked)]
        return [line for line in self.replies if line not in heard and not line.is_file]

    async def answered(self, asked: str, times: int = 1) -> list[Line]:
        """Wait until a message has been answered so many times."""
        return await self.playground.events.until(
            lambda: found if len(found := self.answers(asked)) >= times else None
        )

    async def shows(self, text: str) -> Line:
        """Wait until the bot has said something that contains the text."""
        return await self.playground.events.until(
            lambda: next((line for line in self.replies if text in line.text), None)
        )

    def check(
        self, *, labelled: Sequence[str] = (), perhaps: Sequence[str] = (), notices: Sequence[str] = ()
    ) -> None:
        """Every message was answered wholly and once; what else was said is accounted for.

        `labelled` are messages whose answer was repeated with the label that says so; of these the unlabelled
        answer may be missing, or stand there only in part. `perhaps` are messages of which that may be so,
        and more than once. `notices` are texts of the gateway's own, each shown exactly once.
        """
        for asked in self.asked:
            answers = self.answers(asked)
            repeats = sum(line.labelled for line in answers)
            plainly = len(answers) - repeats
            repeated = asked in labelled or (asked in perhaps and repeats > 0)
            fits = repeats == (asked in labelled) or (asked in perhaps and repeats > 0)
            assert fits, f"{asked!r} was repeated {repeats} times:\n{self}"
            assert plainly in ((0, 1) if repeated else (1,)), (
                f"{asked!r} was answered {plainly} times:\n{self}"
            )
            self._check_place(asked, answers)
        rest = self.unsolicited
        for notice in notices:
            found = [line for line in rest if notice in line.text]
            assert len(found) == 1, f"the notice {notice!r} was shown {len(found)} times:\n{self}"
            rest = [line for line in rest if line not in found]
        self._check_halves(rest)

    def check_files(self, *more: str, repeated: Sequence[str] = ()) -> None:
        """The files that were asked for, and `more`, are there once each, below what was said of them.

        `repeated` are those that were sent again with the label that says so: without it they may be missing.
        """
        asked = {one.name: text for text in self.asked for one in read_script(text) if isinstance(one, File)}
        found = self.special.files(self.id)
        names = [one.name for one in found]
        assert set(names) == {*asked, *more}, f"there are the files {names}:\n{self}"
        shown = [one.id for one in self.playground.shown(self.id)]
        lines = self.lines
        for name in dict.fromkeys(names):
            mine = [one for one in found if one.name == name]
            assert all(one.content for one in mine), f"{name} is empty:\n{self}"
            again = sum(one.text.startswith(_LABEL) for one in mine)
            assert again == (name in repeated), f"{name} was repeated {again} times:\n{self}"
            assert len(mine) - again in ((0, 1) if again else (1,)), f"{name} was doubled silently:\n{self}"
            first = min(shown.index(one.message) for one in mine)
            told = self.answers(asked[name]) if name in asked else self.replies
            assert told, f"nobody said anything of {name}:\n{self}"
            assert first > min(lines.index(line) for line in told), f"{name} came too early:\n{self}"

    def _check_place(self, asked: str, answers: Sequence[Line]) -> None:
        """Nobody looks for an answer above the question."""
        lines = self.lines
        said = next((at for at, one in enumerate(lines) if not one.from_bot and asked in one.text), None)
        assert said is not None, f"nobody said {asked!r}:\n{self}"
        above = [one for one in lines[:said] if one in answers]
        assert not above, f"{asked!r} was answered above it:\n{self}"

    def _check_halves(self, rest: Sequence[Line]) -> None:
        """Every answer is whole; before it there may be a fragment, or an opening lost from view."""
        answers = [line for asked in self.asked for line in self.answers(asked)]
        whole = [line for line in answers if shape(_words(line), self.asked) is Shape.WHOLE]
        for line in answers:
            assert line in whole or self._is_lost(line), f"a half answer was left standing: {line}\n{self}"
        for line in rest:
            kind = shape(_words(line), self.asked)
            assert kind is not Shape.OTHER, f"unsolicited: {line}\n{self}"
            assert kind is Shape.FRAGMENT or self._is_lost(line), (
                f"a half answer was left standing: {line}\n{self}"
            )
            later = self.replies[self.replies.index(line) + 1 :]
            assert any(one in whole for one in later), f"the last word is {line}\n{self}"

    def _is_lost(self, line: Line) -> bool:
        """Whether it is an opening whose id nobody knows: its answer follows, with a label."""
        later = self.replies[self.replies.index(line) + 1 :]
        begun = fold(line.text)
        return any(
            one.labelled
            and fold(one.text.removeprefix(REPEAT_LABEL))
            .partition(":")[2]
            .startswith(begun.partition(":")[2])
            for one in later
        )

    @property
    def in_order(self) -> bool:
        """Whether the first answers came in the order of the questions."""
        places = [self.replies.index(self.answers(asked)[0]) for asked in self.asked]
        return places == sorted(places)

    def __str__(self) -> str:
        return "\n".join([f"chat {self.id}:", *(f"  {line}" for line in self.lines)])


def _words(line: Line) -> str:
    return _ENCLOSED.sub("", line.text)
