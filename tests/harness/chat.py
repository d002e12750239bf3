"""What one chat shows, and what it should show."""

from collections.abc import Sequence
from dataclasses import dataclass

from adapters.emulators.telegram import TelegramEmulator
from adapters.telegram.adapter import REPEAT_LABEL
from gateway.agents.demo_script import plain


@dataclass(frozen=True, slots=True)
class Line:
    """One message as it stands in the chat."""

    from_bot: bool
    text: str

    @property
    def labelled(self) -> bool:
        """Whether it says of itself that it may be a repeat."""
        return self.from_bot and self.text.startswith(REPEAT_LABEL)

    def __str__(self) -> str:
        return f"{'bot ' if self.from_bot else 'user'} | {self.text}"


class Chat:
    """The private chat of one user with the bot."""

    def __init__(self, emulator: TelegramEmulator, name: str = "") -> None:
        self._emulator = emulator
        self.id = emulator.world.add_user(name).id
        emulator.world.open_private(self.id)
        self.asked: list[str] = []

    def say(self, text: str) -> None:
        """The user writes; several messages of one chat need different words."""
        if not text.startswith("/"):
            self.asked.append(text)
        self._emulator.people.send(self.id, text)

    @property
    def lines(self) -> list[Line]:
        """Everything in the chat, in order."""
        messages = self._emulator.world.chat(self.id).messages.values()
        return [Line(message.author.is_bot, message.text) for message in messages if not message.deleted]

    @property
    def replies(self) -> list[Line]:
        """What the bot said."""
        return [line for line in self.lines if line.from_bot]

    def answers(self, asked: str) -> list[Line]:
        """What the bot said to one of the user's messages: it echoes its words."""
        return [line for line in self.replies if plain(asked) in " ".join(line.text.split())]

    @property
    def unsolicited(self) -> list[Line]:
        """What the bot said to none of the user's messages."""
        heard = [line for asked in self.asked for line in self.answers(asked)]
        return [line for line in self.replies if line not in heard]

    async def answered(self, asked: str, times: int = 1) -> list[Line]:
        """Wait until a message has been answered so many times."""
        return await self._emulator.events.until(
            lambda: found if len(found := self.answers(asked)) >= times else None
        )

    async def shows(self, text: str) -> Line:
        """Wait until the bot has said something that contains the text."""
        return await self._emulator.events.until(
            lambda: next((line for line in self.replies if text in line.text), None)
        )

    def check(self, *, labelled: Sequence[str] = (), notices: Sequence[str] = ()) -> None:
        """Every message was answered once; what else was said is accounted for, and nothing is left over.

        `labelled` are messages whose answer was repeated with the label that says so; of these the unlabelled
        answer may be missing. `notices` are texts of the gateway's own, each shown exactly once.
        """
        for asked in self.asked:
            answers = self.answers(asked)
            plainly = sum(not line.labelled for line in answers)
            repeats = len(answers) - plainly
            expected = (0, 1) if asked in labelled else (1,)
            assert plainly in expected, f"{asked!r} was answered {plainly} times:\n{self}"
            assert repeats == (asked in labelled), f"{asked!r} was repeated {repeats} times:\n{self}"
        rest = self.unsolicited
        for notice in notices:
            found = [line for line in rest if notice in line.text]
            assert len(found) == 1, f"the notice {notice!r} was shown {len(found)} times:\n{self}"
            rest = [line for line in rest if line not in found]
        assert not rest, f"unsolicited: {[line.text for line in rest]}\n{self}"

    @property
    def in_order(self) -> bool:
        """Whether the first answers came in the order of the questions."""
        places = [self.replies.index(self.answers(asked)[0]) for asked in self.asked]
        return places == sorted(places)

    def __str__(self) -> str:
        return "\n".join([f"chat {self.id}:", *(f"  {line}" for line in self.lines)])
