"""Discord's `Playground`: a direct chat is a DM channel, a channel a text channel of one guild.

A thread is named by its own id and shown in the chat that it belongs to.
"""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from adapters.emulators.control import ControlError
from adapters.emulators.discord_message import WRITTEN, Message
from adapters.emulators.discord_values import Channel, Guild
from adapters.emulators.discord_world import token_of
from adapters.emulators.playground import Acknowledgements, Methods, Playground, Shown, Sign

if TYPE_CHECKING:
    from adapters.emulators.discord import DiscordEmulator


class DiscordPlayground(Playground):
    """See `Playground`. Methods with a `chat` that is a thread take it for the chat and the thread."""

    platform = "discord"
    methods = Methods("createMessage", "editMessage", "triggerTyping", "gateway", "getChannelMessages")
    acknowledgements = Acknowledgements(press=Sign("interaction_answer"))

    def __init__(self, emulator: "DiscordEmulator") -> None:
        super().__init__(emulator)
        self._emulator = emulator
        self._guild: Guild | None = None

    def settings(self) -> Mapping[str, object]:
        tokens = self._emulator.options.tokens
        return {
            "platform": "discord",
            "token": tokens[0] if tokens else token_of(self._emulator.world.bot.id),
            "api_url": self._emulator.api_url,
            "gateway_url": self._emulator.gateway_url,
            "rate_limits": "off",
        }

    def disown(self) -> Mapping[str, object]:
        self._emulator.reset_token()
        return self.settings()

    def person(self, name: str = "") -> str:
        return str(self._emulator.world.add_person(name).id)

    def direct(self, person: str) -> str:
        return str(self._emulator.world.open_direct(_number(person)).id)

    def channel(self, *people: str) -> str:
        members = tuple(_number(one) for one in people)
        if self._guild is None or not self._guild.bot_in:
            self._guild = self._emulator.people.add_guild("Playground", members)
        for one in members:
            self._emulator.people.join(self._guild, one)
        return str(self._emulator.people.add_channel(self._guild, "playground").id)

    def thread(self, person: str, chat: str) -> str:
        return str(self._emulator.people.add_thread(_number(chat), _number(person)).id)

    def say(
        self,
        person: str,
        chat: str,
        text: str,
        *,
        thread: str = "",
        mention: bool = False,
        reply_to: str = "",
    ) -> str:
        place = self._emulator.world.channel(_number(thread or chat))
        if place.root.id != _number(chat) and place.id != _number(chat):
            raise ControlError(f"thread {thread} is not in channel {chat}", 404)
        said = self._emulator.people.say(
            _number(person),
            place.id,
            f"<@{self._emulator.world.bot.id}> {text}" if mention else text,
            reply_to=_number(reply_to) if reply_to else None,
        )
        return str(said.id)

    def press(self, person: str, chat: str, message: str, label: str) -> None:
        place = self._find(chat, message).channel
        self._emulator.people.press(_number(person), place.id, _number(message), label=label)

    def _standing(self, chat: str) -> Iterable[Shown]:
        found = [
            message
            for place in self._places(_number(chat))
            for message in place.messages.values()
            if not message.deleted and message.kind in WRITTEN
        ]
        found.sort(key=lambda message: message.id)
        return map(_shown, found)

    def connected(self) -> bool:
        return bool(self._emulator.sessions.lines())

    def disconnect(self) -> None:
        self._emulator.sessions.abort()

    def redeliver(self, chat: str, message: str) -> None:
        self._emulator.news.tell_message(self._find(chat, message))

    def shut_out(self, chat: str) -> None:
        self._emulator.people.permit(_number(chat), view=False, send=False)

    def _places(self, chat: int) -> list[Channel]:
        """A channel and its threads."""
        channels = self._emulator.world.channels.values()
        return [one for one in channels if chat in (one.id, one.root.id)]

    def _find(self, chat: str, message: str) -> Message:
        """A message by its id, in a chat or in one of its threads."""
        for place in self._places(_number(chat)):
            found = place.messages.get(_number(message))
            if found is not None and not found.deleted:
                return found
        raise ControlError(f"no message {message} in channel {chat}", 404)


def _number(given: str) -> int:
    try:
        return int(given)
    except ValueError:
        raise ControlError(f"{given!r} is no id") from None


def _shown(message: Message) -> Shown:
    return Shown(
        str(message.id),
        str(message.channel.root.id),
        str(message.channel.id) if message.channel.parent is not None else "",
        str(message.author.id),
        message.author.bot,
        message.content,
        message.editions[-1].at if message.editions else message.at,
        len(message.editions),
        tuple(str(button.get("label", "")) for button in message.buttons()),
    )
