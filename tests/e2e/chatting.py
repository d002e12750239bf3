"""What the playbooks of chat features share: one chat of a stage, with all that its person does and sees."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from adapters.emulators.faults import FaultKind, When
from adapters.emulators.playground import Shown
from tests.contract.particulars import Particulars, SentFile, ShownFile, particulars
from tests.harness.chat import Chat
from tests.harness.ledger import Ledger
from tests.harness.stage import Stage

T = TypeVar("T")

PLATFORMS = ("telegram", "discord", "slack")

DOWNLOADS = {"telegram": "downloadFile", "discord": "getAttachment", "slack": "url_private"}
"""The calls that files of people come by; what faults are aimed at."""

_MINE = "session_id IN (SELECT id FROM sessions WHERE chat = ?)"
_OWED = f"""SELECT (SELECT count(*) FROM messages WHERE state = 'waiting' AND {_MINE})
 + (SELECT count(*) FROM turns WHERE state = 'running' AND {_MINE})
 + (SELECT count(*) FROM deliveries WHERE state IN ('pending', 'sending', 'unknown') AND chat = ?)"""
_MESSAGES = f"SELECT count(*) FROM messages WHERE kind = 'user' AND {_MINE}"


@dataclass(frozen=True, slots=True)
class Talk:
    """A chat on a stage, with all that its person can do and see there."""

    stage: Stage
    chat: Chat
    special: Particulars

    @classmethod
    def new(cls, stage: Stage, platform: str, name: str = "Ann", *, channel: bool = False) -> "Talk":
        """A new person with a direct chat, or with a channel."""
        chat = stage.chat(name, platform, channel=channel)
        return cls(stage, chat, particulars(stage.emulators[platform]))

    @property
    def platform(self) -> str:
        """Also the name of the account."""
        return self.chat.playground.platform

    # What is done

    def say(self, text: str) -> str:
        """The message's id."""
        return self.chat.say(text)

    def give(self, *files: SentFile, text: str = "") -> str:
        """Send files, in one message."""
        return self.special.give(self.chat.person, self.chat.id, files, text)

    def hold(self, method: str, when: When = When.BEFORE, **more: Any) -> int:
        """Have the platform hold the next such call in this chat; other chats' as well with `chat=None`."""
        match = {"chat": self.chat.id, **more}
        return self.stage.fault(FaultKind.HOLD, method, when, account=self.platform, **match)

    async def held(self, fault: int) -> None:
        """Wait until the platform holds it."""
        await self.stage.held(fault, self.platform)

    # What is seen

    @property
    def shown(self) -> list[Shown]:
        """What the bot said, as it stands."""
        return [one for one in self.chat.playground.shown(self.chat.id) if one.from_bot]

    @property
    def texts(self) -> list[str]:
        """The words of all that."""
        return [one.text for one in self.shown]

    @property
    def files(self) -> list[ShownFile]:
        """The bot's files."""
        return self.special.files(self.chat.id)

    def signs(self, message: str) -> list[str]:
        """The bot's signs at a message."""
        return self.special.signs(self.chat.id, message)

    async def sees(self, probe: Callable[[], T | None], what: str) -> T:
        """Wait until something is to be seen."""
        seen = self.chat.playground.events.until(lambda: probe() or None)
        return await self.stage.until(seen, f"{what} in {self.chat.id}, on {self.platform}")

    async def reads(self, text: str) -> str:
        """Wait until the bot has said something with this text in it; all of that message."""
        return await self.sees(lambda: next((one for one in self.texts if text in one), None), repr(text))

    # What the gateway knows

    async def became(self, state: str, text: str) -> None:
        """Wait until a message with this text is in this state."""
        query = f"SELECT count(*) FROM messages WHERE state = ? AND text = ? AND {_MINE}"
        await self.stage.knows(
            lambda ledger: ledger.one(query, state, text, self.chat.id) or None,
            f"{text!r} as {state} in {self.chat.id}",
        )

    async def heard(self, messages: int) -> None:
        """Wait until so many messages of people are in the ledger."""
        await self.stage.knows(
            lambda ledger: ledger.one(_MESSAGES, self.chat.id) >= messages or None,
            f"{messages} messages of {self.chat.id}",
        )

    async def settled(self) -> None:
        """Wait until nothing waits, runs or is still to be sent here."""

        def settled(ledger: Ledger) -> bool:
            return not ledger.one(_OWED, self.chat.id, self.chat.id, self.chat.id)

        await self.stage.knows(settled, f"nothing owed in {self.chat.id}")

    async def done(self, messages: int) -> None:
        """Wait until so many messages have come, and all is done about them."""
        await self.heard(messages)
        await self.settled()

    async def in_tool(self, name: str) -> None:
        """Wait until the agent is at work here with this tool."""
        query = (
            "SELECT count(*) FROM steps WHERE status = 'running' AND title = ? AND turn_id IN "
            f"(SELECT id FROM turns WHERE {_MINE})"
        )
        await self.stage.knows(
            lambda ledger: ledger.one(query, name, self.chat.id) or None, f"the tool {name} in {self.chat.id}"
        )


def digest(content: bytes) -> str:
    """How the demo agent tells that it has these bytes."""
    return f"{len(content)} bytes sha256 {hashlib.sha256(content).hexdigest()[:12]}"


def agent_files(stage: Stage) -> Mapping[str, bytes]:
    """The files of people that lie in the agents' working directories, by their paths."""
    found = (stage.folder / "state" / "workspaces").glob("*/attachments/*")
    return {str(path): path.read_bytes() for path in found if path.is_file()}


def given(stage: Stage, content: bytes) -> Sequence[Path]:
    """Where an agent has a file with this content."""
    return [Path(path) for path, found in agent_files(stage).items() if found == content]
