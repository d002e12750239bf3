"""What the Bot API's methods share; the methods are functions in `telegram_methods` and `telegram_messages`.

An effect is synchronous (only getUpdates waits), so a call has happened entirely or not at all. Refusals are
ApiError, worded as the real server words them. See https://core.telegram.org/bots/api#available-methods.
"""

import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from adapters.emulators.calls import Call
from adapters.emulators.events import EventLog, JsonObject
from adapters.emulators.faults import FaultBook
from adapters.emulators.limits import Limiter, Rate
from adapters.emulators.telegram_params import ApiError, Params, bad_request
from adapters.emulators.telegram_values import Chat, Message
from adapters.emulators.telegram_world import Bot, TelegramWorld


@dataclass(frozen=True, slots=True)
class Encoded:
    """A result that is JSON already."""

    text: str


@dataclass(frozen=True, slots=True)
class Ask:
    """One call as a method sees it."""

    bot: Bot
    params: Params
    call: Call


Method = Callable[["TelegramApi", Ask], object | Awaitable[object]]


def method_table(*functions: Method) -> dict[str, tuple[str, Method]]:
    """Lower-case method name to the name as the Bot API spells it and the function (`get_me` is `getMe`)."""
    table: dict[str, tuple[str, Method]] = {}
    for function in functions:
        head, *rest = function.__name__.split("_")
        name = head + "".join(part.capitalize() for part in rest)
        table[name.lower()] = (name, function)
    return table


_PER_CHAT = Rate(1, 1, burst=3)
_PER_GROUP = Rate(20, 60, burst=20)
_OVERALL = Rate(30, 1, burst=30)


@dataclass(frozen=True, slots=True)
class Limits:
    """About what Telegram grants; `scale` multiplies every rate (https://core.telegram.org/bots/faq)."""

    enabled: bool = True
    scale: float = 1.0
    chat: Rate = _PER_CHAT
    group: Rate = _PER_GROUP
    overall: Rate = _OVERALL


class TelegramApi:
    """What the methods share: the world, the logs and the rate limits."""

    def __init__(
        self,
        world: TelegramWorld,
        events: EventLog,
        faults: FaultBook,
        limits: Limits,
        clock: Callable[[], float],
    ) -> None:
        self.world = world
        self.events = events
        self.faults = faults
        self.refuse_entities = 0  # so many of the next texts with entities are refused for them
        self._clock = clock
        self.set_limits(limits)

    def set_limits(self, limits: Limits) -> None:
        """Change the limits from now on; what was spent is forgotten."""
        self.limits = limits
        self._chat = Limiter(limits.chat.scaled(limits.scale))
        self._group = Limiter(limits.group.scaled(limits.scale))
        self._overall = Limiter(limits.overall.scaled(limits.scale))

    def spend(self, bot: Bot, chat: Chat) -> None:
        """Count one message or edit; refuses with 429 when it comes too soon."""
        if not self.limits.enabled:
            return
        now, key, account = self._clock(), (bot.person.id, chat.id), bot.person.id
        wait = max(self._chat.wait(key, now), self._overall.wait(account, now))
        if chat.kind != "private":
            wait = max(wait, self._group.wait(key, now))
        if wait > 0:
            seconds = math.ceil(wait)
            raise ApiError(429, f"Too Many Requests: retry after {seconds}", seconds)
        self._chat.spend(key, now)
        self._overall.spend(account, now)
        if chat.kind != "private":
            self._group.spend(key, now)

    def take_entities(self, entities: list[JsonObject]) -> None:
        """Refuse a text for its entities, when that was ordered: Telegram knows more reasons than we do."""
        if entities and self.refuse_entities > 0:
            self.refuse_entities -= 1
            raise bad_request("ENTITY_BOUNDS_INVALID")

    def find_chat(self, ask: Ask) -> Chat:
        """The chat that a call names, whether or not the bot may write there."""
        given = ask.params.text("chat_id")
        if not given:
            raise bad_request("chat_id is empty")
        if given.startswith("@"):
            found = [chat for chat in self.world.groups.values() if f"@{chat.username}" == given]
            if not found:
                raise bad_request("chat not found")
            return found[0]
        chat_id = ask.params.integer("chat_id")
        chat = ask.bot.private.get(chat_id) or self.world.groups.get(chat_id)
        if chat is None:
            if chat_id in self.world.people:
                raise ApiError(403, "Forbidden: bot can't initiate conversation with a user")
            raise bad_request("chat not found")
        return chat

    def open_chat(self, ask: Ask) -> Chat:
        """The chat that a call writes to."""
        chat = self.find_chat(ask)
        if chat.blocked:
            raise ApiError(403, "Forbidden: bot was blocked by the user")
        if chat.kind != "private":
            if ask.bot.person.id in chat.kicked:
                raise ApiError(403, f"Forbidden: bot was kicked from the {kind_name(chat)} chat")
            if ask.bot.person.id not in chat.members:
                raise ApiError(403, f"Forbidden: bot is not a member of the {kind_name(chat)} chat")
        return chat

    def own_message(self, ask: Ask, chat: Chat) -> Message:
        """The bot's message that an edit names."""
        message_id = ask.params.integer("message_id")
        if message_id <= 0:
            raise bad_request("message identifier is not specified")
        message = chat.message(message_id)
        if message is None:
            raise bad_request("message to edit not found")
        keyboard = message.markup is not None and "inline_keyboard" not in message.markup
        if message.author.id != ask.bot.person.id or keyboard:
            raise bad_request("message can't be edited")
        return message


def kind_name(chat: Chat) -> str:
    return "supergroup" if chat.kind == "supergroup" else "group"
