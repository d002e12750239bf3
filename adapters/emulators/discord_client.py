"""The control client for Discord: `EmulatorControl` with what people do and what befalls the gateway."""

import base64
from collections.abc import Sequence
from typing import cast

from adapters.emulators.client import EmulatorControl
from adapters.emulators.discord_files import Given
from adapters.emulators.events import JsonObject


class DiscordControl(EmulatorControl):
    """Async twins of `DiscordPlayground` and `DiscordPeople`; ids are Discord's own, as text.

    A `channel` may be a thread or a direct chat.
    """

    async def person(self, name: str = "") -> str:
        """A new user's id."""
        return await self._id("person", name=name)

    async def direct(self, person: str) -> str:
        return await self._id("direct", person=person)

    async def channel(self, *people: str) -> str:
        return await self._id("channel", people=list(people))

    async def thread(self, person: str, chat: str) -> str:
        return await self._id("thread", person=person, chat=chat)

    async def say(self, person: str, chat: str, text: str, *, thread: str = "", mention: bool = False) -> str:
        """The user writes; the message's id."""
        return await self._id("say", person=person, chat=chat, text=text, thread=thread, mention=mention)

    async def attach(self, person: str, channel: str, files: Sequence[Given], text: str = "") -> str:
        """The user sends files."""
        shown = [
            {
                "name": one.name,
                "mime": one.mime,
                "voice": one.voice,
                "data": base64.b64encode(one.data).decode(),
            }
            for one in files
        ]
        return await self._id("attach", person=person, channel=channel, text=text, files=shown)

    async def forward(self, person: str, channel: str, source: str, message: str) -> str:
        """The user passes a message of another channel on."""
        return await self._id("forward", person=person, channel=channel, source=source, message=message)

    async def edit(self, person: str, channel: str, message: str, text: str) -> None:
        await self.request("POST", "edit", person=person, channel=channel, message=message, text=text)

    async def delete(self, person: str, channel: str, message: str) -> None:
        await self.request("POST", "delete", person=person, channel=channel, message=message)

    async def purge(self, channel: str, *messages: str) -> None:
        """A moderator deletes many at once."""
        await self.request("POST", "purge", channel=channel, messages=list(messages))

    async def unfurl(self, channel: str, message: str, title: str = "A page") -> None:
        """A preview is added to a message: it changes, and nobody edited it."""
        await self.request("POST", "unfurl", channel=channel, message=message, title=title)

    async def press(self, person: str, channel: str, message: str, label: str) -> str:
        """The interaction's id."""
        return await self._interaction("press", person=person, channel=channel, message=message, label=label)

    async def command(self, person: str, channel: str, name: str, text: str = "") -> str:
        """A slash command; the interaction's id."""
        return await self._interaction("command", person=person, channel=channel, name=name, text=text)

    async def shown(self, chat: str, thread: str | None = None) -> list[JsonObject]:
        found = await self.request("GET", "shown", chat=chat, thread=thread)
        return cast("list[JsonObject]", found)

    async def reactions(self, channel: str, message: str) -> dict[str, list[str]]:
        """Who put which."""
        found = await self.request("GET", "reactions", channel=channel, message=message)
        return cast("dict[str, list[str]]", found)

    async def files(self, channel: str, message: str) -> list[Given]:
        """The files of a message."""
        found = cast(
            "list[dict[str, str]]", await self.request("GET", "files", channel=channel, message=message)
        )
        return [Given(one["name"], base64.b64decode(one["data"]), one["mime"]) for one in found]

    async def whispers(self, person: str) -> list[str]:
        """What the bot said that this person alone sees."""
        found = await self.request("GET", "whispers", person=person)
        return [str(one["text"]) for one in cast("list[JsonObject]", found)]

    async def commands(self) -> list[JsonObject]:
        """Those that the bot registered for everywhere."""
        return cast("list[JsonObject]", await self.request("GET", "commands"))

    async def expire_files(self) -> None:
        """No address of a file is good any more."""
        await self.request("POST", "files/expire")

    async def permit(self, channel: str, **allowed: bool) -> None:
        """What the bot may do there (view, send, history, react, attach); the default is everything."""
        await self.request("POST", "permissions", channel=channel, **allowed)

    async def _id(self, path: str, **arguments: object) -> str:
        made = await self.request("POST", path, **arguments)
        return cast("str", cast("JsonObject", made)["id"])

    async def _interaction(self, path: str, **arguments: object) -> str:
        made = await self.request("POST", path, **arguments)
        return cast("str", cast("JsonObject", made)["interaction"])
