"""Telegram's `Playground`: a direct chat has its user's id, a channel is a supergroup, a thread a topic."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, cast

from adapters.emulators.control import ControlError
from adapters.emulators.faults import Fault, FaultKind, When
from adapters.emulators.playground import Acknowledgements, Methods, Playground, Shown, Sign
from adapters.emulators.telegram_values import Chat, Message

if TYPE_CHECKING:
    from adapters.emulators.telegram import TelegramEmulator

TOKEN = "4242:a-token-of-valid-shape"  # noqa: S105  (accepted by the emulator alone)
UNKNOWN_TOKEN = "0:a-token-of-valid-shape"  # noqa: S105  (a bot's number is never 0)


class TelegramPlayground(Playground):
    """See `Playground`. `mention` writes the first bot's username."""

    platform = "telegram"
    methods = Methods("sendMessage", "editMessageText", "sendChatAction", "getUpdates")
    acknowledgements = Acknowledgements(
        message=Sign("confirmed"),
        press=Sign("answered", {"method": "answerCallbackQuery", "outcome": "ok"}),
    )

    def __init__(self, emulator: "TelegramEmulator") -> None:
        super().__init__(emulator)
        self._emulator = emulator
        self._repeatable: dict[tuple[int, int], int] = {}

    def settings(self) -> Mapping[str, object]:
        return {
            "platform": "telegram",
            "token": TOKEN,
            "api_url": self._emulator.base_url,
            "rate_limits": "off",
        }

    def disown(self) -> Mapping[str, object]:
        return {**self.settings(), "token": UNKNOWN_TOKEN}

    def person(self, name: str = "") -> str:
        return str(self._emulator.world.add_user(name).id)

    def direct(self, person: str) -> str:
        return str(self._emulator.world.open_private(int(person)).id)

    def channel(self, *people: str) -> str:
        return str(self._emulator.world.add_group("Group", [int(one) for one in people], forum=True).id)

    def thread(self, person: str, chat: str) -> str:
        del person  # a topic is opened by the group's first member
        return str(self._emulator.world.add_topic(int(chat)))

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
        name = self._emulator.world.bot().person.username
        said = self._emulator.people.send(
            int(person),
            f"@{name} {text}" if mention else text,
            chat_id=int(chat),
            thread=int(thread) if thread else None,
            reply_to=int(reply_to) if reply_to else None,
        )
        self._repeatable[said.chat.id, said.id] = self._emulator.world.bot().updates.newest
        return str(said.id)

    def press(self, person: str, chat: str, message: str, label: str) -> None:
        self._emulator.people.press(int(person), int(message), label=label, chat_id=int(chat))

    def _standing(self, chat: str) -> Iterable[Shown]:
        found = self._emulator.world.maybe_chat(int(chat))
        if found is None:
            return []
        return [_shown(found, message) for message in found.messages.values() if not message.deleted]

    def connected(self) -> bool:
        return self._emulator.world.bot().updates.polling

    def disconnect(self) -> None:
        self.faults.add(Fault(FaultKind.DROP, self.methods.receive, When.AFTER))
        self._emulator.world.bot().updates.answer_now()

    def redeliver(self, chat: str, message: str) -> None:
        queue = self._emulator.world.bot().updates
        update = queue.find(self._repeatable.get((int(chat), int(message)), 0))
        if update is None:
            raise ControlError("no such message, or it was confirmed too long ago", 404)
        queue.repeat([update])

    def shut_out(self, chat: str) -> None:
        if int(chat) > 0:
            self._emulator.people.block(int(chat))
        else:
            self._emulator.people.kick(int(chat))


def _shown(chat: Chat, message: Message) -> Shown:
    return Shown(
        str(message.id),
        str(chat.id),
        str(message.thread) if message.in_topic else "",
        str(message.author.id),
        message.author.is_bot,
        message.text,
        message.edits[-1].at if message.edits else message.at,
        message.edit_count,
        _labels(message.markup),
    )


def _labels(markup: Mapping[str, object] | None) -> tuple[str, ...]:
    rows = cast("list[list[dict[str, str]]]", (markup or {}).get("inline_keyboard", []))
    return tuple(button["text"] for row in rows for button in row)
