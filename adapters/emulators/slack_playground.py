"""Slack's `Playground`: a thread is named by its parent, and a reply is a message in that thread."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from adapters.emulators.calls import CallLog
from adapters.emulators.events import EventLog
from adapters.emulators.faults import FaultBook
from adapters.emulators.playground import Methods, Shown
from adapters.emulators.slack_values import Message

if TYPE_CHECKING:
    from adapters.emulators.slack import SlackEmulator

BOT_TOKEN = "xoxb-1-1-atokenofvalidshape"  # noqa: S105  (accepted by the emulator alone)
APP_TOKEN = "xapp-1-A0000000001-1-atokenofvalidshape"  # noqa: S105


class SlackPlayground:
    """See `Playground`. `mention` writes the bot's user id as Slack's clients do."""

    platform = "slack"
    methods = Methods(
        send="chat.postMessage",
        edit="chat.update",
        typing="assistant.threads.setStatus",
        receive="apps.connections.open",
        history="conversations.history",
    )

    def __init__(self, emulator: "SlackEmulator") -> None:
        self._emulator = emulator

    @property
    def events(self) -> EventLog:
        return self._emulator.events

    @property
    def calls(self) -> CallLog:
        return self._emulator.calls

    @property
    def faults(self) -> FaultBook:
        return self._emulator.faults

    def settings(self) -> Mapping[str, object]:
        return {
            "platform": "slack",
            "bot_token": self._emulator.bot_token,
            "app_token": self._emulator.app_token,
            "api_url": self._emulator.api_url,
            "rate_limits": "off",
        }

    def person(self, name: str = "") -> str:
        return self._emulator.world.add_person(name).id

    def direct(self, person: str) -> str:
        return self._emulator.world.open_direct(person).id

    def channel(self, *people: str) -> str:
        return self._emulator.world.add_channel(*people).id

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

    def shown(self, chat: str, thread: str | None = None) -> list[Shown]:
        found = self._emulator.world.channels.get(chat)
        if found is None:
            return []
        shown = [_shown(message) for message in found.messages.values() if not message.deleted]
        return [one for one in shown if thread is None or one.thread == thread]

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
