"""The emulators of one demo side by side, and what their chats show.

Every emulator keeps a log of its own. Here they are told as one, so that whoever waits for something waits
for all of them at once.
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Self

from adapters.emulators.events import EventLog
from adapters.emulators.playground import Playground, Shown, replies
from adapters.emulators.registry import Emulator, emulator
from gateway.demo.count import Reply

SPOKEN = frozenset({"message", "edit"})


class Stage:
    """One emulator for each platform, without rate limits. `events` is what happens on all of them.

    Each event of the common log has a `platform` and the data of the emulator's own event.
    """

    def __init__(self, platforms: Sequence[str]) -> None:
        self.platforms = tuple(platforms)
        self.events = EventLog()
        self._emulators: dict[str, Emulator] = {}
        self._exits = AsyncExitStack()
        self._followers: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        async with self._exits:  # those that have started are stopped when another one cannot start
            for platform in self.platforms:
                self._emulators[platform] = await self._exits.enter_async_context(emulator(platform))
            self._exits = self._exits.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._exits.aclose()

    def __getitem__(self, platform: str) -> Playground:
        """The platform's people."""
        return self._emulators[platform].playground

    def accounts(self) -> Mapping[str, object]:
        """The accounts of a config: one on each emulator, named after its platform."""
        return {platform: dict(self[platform].settings()) for platform in self.platforms}

    def follow(self, group: asyncio.TaskGroup) -> None:
        """Tell the common log what happens, until `leave`."""
        self._followers += [
            group.create_task(self._follow(platform), name=f"stage-{platform}") for platform in self.platforms
        ]

    def leave(self) -> None:
        """Follow no more."""
        for task in self._followers:
            task.cancel()

    def connected(self) -> tuple[str, ...]:
        """The platforms on which a bot is there at this moment."""
        return tuple(platform for platform in self.platforms if self[platform].connected())

    def said(self, platform: str, chat: str, message: str) -> Shown:
        """One message of a chat, which is there."""
        return next(one for one in self[platform].shown(chat) if one.id == message)

    def replies(self, platform: str, chat: str) -> list[Reply]:
        """What the bot's messages in a chat and its threads read now."""
        return [Reply(platform, chat, one.at, one.text) for one in replies(self[platform], chat)]

    async def _follow(self, platform: str) -> None:
        log, told = self[platform].events, 0
        while True:
            for event in log.since(told):
                data = dict(event.data)
                self.events.emit(
                    event.kind, {**data, "platform": platform, "chat": str(data.get("chat", ""))}
                )
            told = log.seq
            await log.changed()
