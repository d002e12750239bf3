"""What one chat shows, and what it should show."""

from collections.abc import Sequence
from dataclasses import dataclass

from adapters.emulators.playground import Playground
from adapters.labels import REPEAT_LABEL
from gateway.agents.demo_script import fold, plain
from tests.harness.answers import Shape, is_fragment, shape


@dataclass(frozen=True, slots=True)
class Line:
    """One message as it stands in the chat."""

    from_bot: bool
    text: str
    thread: str = ""

    @property
    def labelled(self) -> bool:
        """Whether it says of itself that it may be a repeat."""
        return self.from_bot and self.text.startswith(REPEAT_LABEL)

    def __str__(self) -> str:
        where = f" ({self.thread})" if self.thread else ""
        return f"{'bot ' if self.from_bot else 'user'} | {self.text}{where}"


class Chat:
    """A chat of one person and the bot: the direct one, or a channel in which nobody else is.

    `id` is the platform's, as text, and so is `person`.
    """

    def __init__(self, playground: Playground, name: str = "", *, channel: bool = False) -> None:
        self.playground = playground
        self.person = playground.person(name)
        self.id = playground.channel(self.person) if channel else playground.direct(self.person)
        self._channel = channel
        self.asked: list[str] = []

    def say(self, text: str, *, inside: bool = False) -> str:
        """The person writes to the bot; several messages of one chat need different words.

        In a channel that takes a mention, unless it is `inside` the thread that the bot answered in last.
        """
        if not text.startswith("/"):
            self.asked.append(text)
        thread = self.replies[-1].thread if inside else ""
        # A Telegram without threads hears nothing in a group that is not said to it.
        mention = self._channel and not (inside and thread)
        return self.playground.say(self.person, self.id, text, thread=thread, mention=mention)

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
        return [line for line in self.replies if line not in heard]

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
        whole = [line for line in answers if shape(line.text, self.asked) is Shape.WHOLE]
        for line in answers:
            assert line in whole or self._is_lost(line), f"a half answer was left standing: {line}\n{self}"
        for line in rest:
            kind = shape(line.text, self.asked)
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
