"""Slack's `Playground`: a thread is named by its parent, and a reply is a message in that thread."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from adapters.emulators.playground import Acknowledgements, Methods, Playground, Shown, Sign
from adapters.emulators.slack_values import Message

if TYPE_CHECKING:
    from adapters.emulators.slack import SlackEmulator

BOT_TOKEN = "xoxb-1-1-atokenofvalidshape"  # noqa: S105  (accepted by the emulator alone)
APP_TOKEN = "xapp-1-A0000000001-1-atokenofvalidshape"  # noqa: S105


class SlackPlayground(Playground):
    """See `Playground`. `mention` writes the bot's user id as Slack's clients do."""

    platform = "slack"
    methods = Methods(
        send="chat.postMessage",
        edit="chat.update",
        typing="assistant.threads.setStatus",
        receive="apps.connections.open",
        history="conversations.history",
    )
    acknowledgements = Acknowledgements(
        message=Sign("acked", {"envelope_kind": "events_api"}),
        press=Sign("acked", {"envelope_kind": "interactive"}),
    )

    def __init__(self, emulator: "SlackEmulator") -> None:
        super().__init__(emulator)
        self._emulator = emulator

    def settings(self) -> Mapping[str, object]:
        return {
            "platform": "slack",
            "bot_token": self._emulator.bot_token,
            "app_token": self._emulator.app_token,
            "api_url": self._emulator.api_url,
            "rate_limits": "off",
        }

    def disown(self) -> Mapping[str, object]:
        self._emulator.revoke()
        return self.settings()

    def person(self, name: str = "") -> str:
        return self._emulator.world.add_person(name).id

    def direct(self, person: str) -> str:
        return self._emulator.world.open_direct(person).id

    def channel(self, *people: str) -> str:
        return self._emulator.world.add_channel(*people).id

    def thread(self, person: str, chat: str) -> str:
        return self.say(person, chat, "a thread begins here")

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
        said = f"<@{self._emulator.world.bot.id}> {text}" if mention else text
        return self._emulator.people.say(person, chat, said, thread=thread or reply_to).ts

    def press(self, person: str, chat: str, message: str, label: str) -> None:
        self._emulator.people.press(person, chat, message, text=label)

    def _standing(self, chat: str) -> Iterable[Shown]:
        found = self._emulator.world.channels.get(chat)
        messages = found.messages.values() if found is not None else ()
        return [_shown(message) for message in messages if not message.deleted]

    def connected(self) -> bool:
        return self._emulator.socket.connected > 0

    def disconnect(self) -> None:
        self._emulator.socket.drop()

    def redeliver(self, chat: str, message: str) -> None:
        self._emulator.hearing.redeliver(chat, message)

    def shut_out(self, chat: str) -> None:
        self._emulator.people.archive(chat)


def _shown(message: Message) -> Shown:
    return Shown(
        message.ts,
        message.channel,
        message.thread,
        message.author.id,
        message.from_bot,
        message.read(),
        message.at,
        message.edits,
        message.labels(),
    )
