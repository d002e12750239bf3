"""The control client for Telegram: `EmulatorControl` with the people's actions."""

import base64
from collections.abc import Iterable
from typing import cast

from adapters.emulators.client import EmulatorControl
from adapters.emulators.events import JsonObject


class TelegramControl(EmulatorControl):
    """Async twins of `TelegramWorld`; `bot` (an id) matters only where several bots exist."""

    async def user(
        self, name: str | None = None, *, user_id: int | None = None, username: str | None = None
    ) -> int:
        """A new user's id."""
        made = await self.request("POST", "users", name=name, id=user_id, username=username)
        return cast("int", cast("JsonObject", made)["id"])

    async def private(self, user: int, *, bot: int | None = None) -> int:
        """The user presses Start; the chat's id, which is the user's."""
        made = await self.request("POST", "private", user=user, bot=bot)
        return cast("int", cast("JsonObject", made)["id"])

    async def group(
        self,
        title: str = "Group",
        members: Iterable[int] = (),
        *,
        forum: bool = False,
        kind: str = "supergroup",
        bot_admin: bool = False,
    ) -> int:
        """A new group's id (negative)."""
        made = await self.request(
            "POST", "groups", title=title, members=list(members), forum=forum, kind=kind, bot_admin=bot_admin
        )
        return cast("int", cast("JsonObject", made)["id"])

    async def topic(self, chat: int, name: str = "Topic", *, bot: int | None = None) -> int:
        """A new topic's message_thread_id."""
        made = await self.request("POST", "topics", chat=chat, name=name, bot=bot)
        return cast("int", cast("JsonObject", made)["message_thread_id"])

    async def send(
        self,
        user: int,
        text: str,
        *,
        chat: int | None = None,
        reply_to: int | None = None,
        thread: int | None = None,
        bot: int | None = None,
    ) -> int:
        """The user writes; the message's id."""
        sent = await self.request(
            "POST", "send", user=user, text=text, chat=chat, reply_to=reply_to, thread=thread, bot=bot
        )
        return cast("int", cast("JsonObject", sent)["message_id"])

    async def send_many(self, messages: list[JsonObject]) -> list[JsonObject]:
        """Many messages in one request; the fields of the `send` route each."""
        return cast("list[JsonObject]", await self.request("POST", "send_many", messages=messages))

    async def send_file(
        self,
        user: int,
        content: bytes = b"",
        text: str = "",
        *,
        name: str = "file.bin",
        mime: str = "application/octet-stream",
        kind: str = "document",
        **more: object,
    ) -> int:
        """The user sends a file; the message's id. `more`: chat, thread, reply_to, size, says, group."""
        encoded = base64.b64encode(content).decode()
        fields: JsonObject = {"content": encoded, "text": text, "name": name, "mime": mime, "kind": kind}
        sent = await self.request("POST", "send_file", user=user, **fields, **more)
        return cast("int", cast("JsonObject", sent)["message_id"])

    async def file(self, file_id: str) -> bytes:
        """The bytes of a file that somebody sent, a bot or a person."""
        found = cast("JsonObject", await self.request("GET", "file", file_id=file_id))
        return base64.b64decode(str(found["content"]))

    async def expire_files(self) -> None:
        """End the paths of every getFile so far."""
        await self.request("POST", "expire_files")

    async def drafts(self, chat: int) -> list[JsonObject]:
        """What the bot shows in a chat of messages that it has not sent."""
        return cast("list[JsonObject]", await self.request("GET", "drafts", chat=chat))

    async def commands(self) -> list[JsonObject]:
        """The commands that people are shown."""
        return cast("list[JsonObject]", await self.request("GET", "commands"))

    async def permit_reactions(self, chat: int, allowed: Iterable[str] | None = None) -> None:
        """Say which reactions a chat permits; without `allowed`, all."""
        listed = None if allowed is None else list(allowed)
        await self.request("POST", "reactions", chat=chat, allowed=listed)

    async def delete(self, user: int, message_id: int, *, chat: int | None = None) -> None:
        """The user deletes a message of their own. The bot is not told."""
        await self.request("POST", "delete", user=user, message_id=message_id, chat=chat)

    async def edit(self, user: int, message_id: int, text: str, *, chat: int | None = None) -> None:
        await self.request("POST", "edit", user=user, message_id=message_id, text=text, chat=chat)

    async def press(
        self,
        user: int,
        message_id: int,
        *,
        data: str | None = None,
        label: str | None = None,
        chat: int | None = None,
    ) -> str:
        """The user presses a button, chosen by data or label; the callback query's id."""
        pressed = await self.request(
            "POST", "press", user=user, message_id=message_id, data=data, label=label, chat=chat
        )
        return cast("str", cast("JsonObject", pressed)["callback_query_id"])

    async def block(self, user: int, *, blocked: bool = True) -> None:
        await self.request("POST", "block", user=user, blocked=blocked)

    async def kick(self, chat: int, *, kicked: bool = True) -> None:
        await self.request("POST", "kick", chat=chat, kicked=kicked)

    async def transcript(self, chat: int, *, after: int = 0, bot: int | None = None) -> list[JsonObject]:
        found = await self.request("GET", "transcript", chat=chat, after=after, bot=bot)
        return cast("list[JsonObject]", found)

    async def pending(self, *, bot: int | None = None) -> list[JsonObject]:
        """Updates that no getUpdates has confirmed."""
        return cast("list[JsonObject]", await self.request("GET", "updates", bot=bot))

    async def raw_update(self, update: JsonObject, *, bot: int | None = None) -> int:
        """Queue any JSON object as an update; its update_id."""
        made = await self.request("POST", "updates", update=update, bot=bot)
        return cast("int", cast("JsonObject", made)["update_id"])

    async def redeliver(self, update_id: int, *, bot: int | None = None) -> None:
        await self.request("POST", "redeliver", update_id=update_id, bot=bot)

    async def limits(self, *, enabled: bool | None = None, scale: float | None = None) -> None:
        await self.request("POST", "limits", enabled=enabled, scale=scale)

    async def wait_bot_messages(self, chat: int, count: int, *, within: float = 30) -> None:
        await self.wait("bot_messages", chat=chat, count=count, within=within)

    async def wait_bot_text(self, chat: int, text: str, *, within: float = 30) -> JsonObject:
        """The bot's newest message that contains `text`, as the transcript shows it."""
        return cast("JsonObject", await self.wait("bot_text", chat=chat, text=text, within=within))

    async def wait_confirmed(self, *, within: float = 30) -> None:
        """Wait until every update has been confirmed."""
        await self.wait("pending", count=0, within=within)
