"""The control client for Slack: `EmulatorControl` with what people do and what befalls the socket."""

import base64
from collections.abc import Sequence
from typing import cast

from adapters.emulators.client import EmulatorControl
from adapters.emulators.events import JsonObject


class SlackControl(EmulatorControl):
    """Async twins of `SlackPlayground`, `SlackPeople` and the routes of the socket; ids are Slack's own."""

    async def person(self, name: str = "") -> str:
        """A new user's id."""
        return await self._id("person", name=name)

    async def direct(self, person: str) -> str:
        return await self._id("direct", person=person)

    async def channel(self, *people: str) -> str:
        return await self._id("channel", people=list(people))

    async def group(self, *people: str, kind: str = "group") -> str:
        """A private channel, or an `mpim`."""
        return await self._id("group", people=list(people), kind=kind)

    async def say(self, person: str, chat: str, text: str, *, thread: str = "", mention: bool = False) -> str:
        """The user writes; the message's ts."""
        return await self._id("say", person=person, chat=chat, text=text, thread=thread, mention=mention)

    async def edit(self, person: str, chat: str, message: str, text: str) -> None:
        await self.request("POST", "edit", person=person, chat=chat, message=message, text=text)

    async def erase(self, person: str, chat: str, message: str) -> None:
        await self.request("POST", "erase", person=person, chat=chat, message=message)

    async def click(self, person: str, chat: str, message: str, label: str) -> None:
        await self.request("POST", "click", person=person, chat=chat, message=message, label=label)

    async def command(self, person: str, chat: str, command: str, text: str = "") -> None:
        """The user invokes a slash command, given with its slash."""
        await self.request("POST", "command", person=person, chat=chat, command=command, text=text)

    async def send_file(self, person: str, chat: str, name: str, content: bytes, **more: object) -> str:
        """The user sends a file, with text, thread, mention, mime, voice or connect; the message's ts."""
        given = base64.b64encode(content).decode()
        return await self._id("send_file", person=person, chat=chat, name=name, base64=given, **more)

    async def react(self, person: str, chat: str, message: str, name: str, *, removed: bool = False) -> None:
        await self.request(
            "POST", "react", person=person, chat=chat, message=message, name=name, removed=removed
        )

    async def unfurl(self, chat: str, message: str) -> None:
        await self.request("POST", "unfurl", chat=chat, message=message)

    async def message(self, chat: str, message: str) -> JsonObject:
        """As the Web API shows it, with files and reactions."""
        return cast("JsonObject", await self.request("GET", "message", chat=chat, message=message))

    async def file(self, file: str) -> JsonObject:
        """As files.info shows it; its bytes are at `base64`."""
        return cast("JsonObject", await self.request("GET", "file", file=file))

    async def delete_file(self, file: str) -> None:
        await self.request("POST", "delete_file", file=file)

    async def files(self, *, held: bool | None = None, largest: int | None = None) -> None:
        """Whether what the app sends is shown late, and how large a file the workspace allows."""
        await self.request("POST", "files", held=held, largest=largest)

    async def refuse_markdown(self, word: str = "") -> None:
        """Refuse every Markdown with a word of Slack's, or with none take it again."""
        await self.request("POST", "markdown", refuse=word)

    async def shown(self, chat: str, thread: str | None = None) -> list[JsonObject]:
        found = await self.request("GET", "shown", chat=chat, thread=thread)
        return cast("list[JsonObject]", found)

    async def archive(self, chat: str, *, archived: bool = True) -> None:
        await self.request("POST", "archive", chat=chat, archived=archived)

    async def remove_bot(self, chat: str, *, removed: bool = True) -> None:
        await self.request("POST", "remove_bot", chat=chat, removed=removed)

    async def disconnect(self, reason: str = "refresh_requested") -> None:
        await self.request("POST", "socket/disconnect", reason=reason)

    async def mute(self, *, muted: bool = True) -> None:
        await self.request("POST", "socket/mute", muted=muted)

    async def reorder(self) -> None:
        await self.request("POST", "socket/reorder")

    async def hurry(self) -> None:
        """What is awaited is late, what is to be retried is due."""
        await self.request("POST", "socket/hurry")

    async def patience(self, *, ack: float | None = None, retries: Sequence[float] | None = None) -> None:
        given = None if retries is None else list(retries)
        await self.request("POST", "socket/patience", ack=ack, retries=given)

    async def limits(self, *, enabled: bool | None = None, scale: float | None = None) -> None:
        await self.request("POST", "limits", enabled=enabled, scale=scale)

    async def _id(self, path: str, **arguments: object) -> str:
        made = await self.request("POST", path, **arguments)
        return cast("str", cast("JsonObject", made)["id"])
