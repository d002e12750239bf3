"""Who exists on this Telegram: bots, people, chats.

A private chat belongs to one user and one bot and has the user's id; groups are shared by all bots. Before
any bot has shown its token there is one nameless bot, so that people can write to a bot that has not started
yet; the first token that arrives becomes its token.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from adapters.emulators.control import ControlError
from adapters.emulators.events import EventLog
from adapters.emulators.telegram_files import FileStore
from adapters.emulators.telegram_updates import UpdateQueue
from adapters.emulators.telegram_values import Chat, Person

FIRST_USER_ID = 1_001
FIRST_GROUP_ID = -1_001_000_000_001
DEFAULT_USERNAME = "carryon_emulator_bot"


@dataclass(slots=True)
class Bot:
    """One token's state. `reads_all` is privacy mode off."""

    token: str | None
    person: Person
    updates: UpdateQueue
    reads_all: bool
    private: dict[int, Chat] = field(default_factory=dict[int, Chat])
    commands: dict[str, list[object]] = field(default_factory=dict[str, list[object]])
    callbacks: dict[str, bool] = field(default_factory=dict[str, bool])  # id -> still to be answered
    webhook: str = ""


class TelegramWorld:
    """The bots, people and chats. Methods are twins of control routes and raise ControlError."""

    def __init__(
        self,
        events: EventLog,
        *,
        username: str = DEFAULT_USERNAME,
        reads_all: bool = False,
        first_update: int = 1,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._events = events
        self.files = FileStore(clock)
        self._username = username
        self._reads_all = reads_all
        self._first_update = first_update
        self._next_user = FIRST_USER_ID
        self._next_group = FIRST_GROUP_ID
        self.people: dict[int, Person] = {}
        self.groups: dict[int, Chat] = {}
        self._bots: list[Bot] = []
        self._by_token: dict[str, Bot] = {}

    # Bots.

    def bot_of(self, token: str) -> Bot:
        """The bot with this token; made, or given to the nameless bot, when the token is new."""
        bot = self._by_token.get(token)
        if bot is None:
            if self._bots and self._bots[0].token is None:
                bot = self._bots[0]
                old = bot.person
                bot.person = Person(int(token.partition(":")[0]), old.first_name, old.username, is_bot=True)
                for chat in self.groups.values():
                    chat.members[bot.person.id] = chat.members.pop(old.id, bot.person)
                    for ids in (chat.admins, chat.kicked):
                        if old.id in ids:
                            ids.add(bot.person.id)
            else:
                bot = self._new_bot(int(token.partition(":")[0]))
            bot.token = token
            self._by_token[token] = bot
            bot.updates.account = str(bot.person.id)
        return bot

    def bot(self, bot_id: int | None = None) -> Bot:
        """A bot by id; without one the first, which is made when there is none."""
        if bot_id is None:
            return self._bots[0] if self._bots else self._new_bot(0)
        for bot in self._bots:
            if bot.person.id == bot_id:
                return bot
        raise ControlError(f"no bot {bot_id}", 404)

    def bots(self) -> list[Bot]:
        return list(self._bots)

    def _new_bot(self, bot_id: int) -> Bot:
        username = self._username if not self._bots else f"emulator_{bot_id}_bot"
        person = Person(bot_id, "Carryon" if not self._bots else f"Bot {bot_id}", username, is_bot=True)
        bot = Bot(None, person, UpdateQueue(self._events, str(bot_id), self._first_update), self._reads_all)
        self._bots.append(bot)
        return bot

    # People and places.

    def add_user(
        self,
        first_name: str = "",
        *,
        user_id: int | None = None,
        username: str | None = None,
        language_code: str | None = "en",
    ) -> Person:
        """A new user, or the known one with this id."""
        if user_id is not None and user_id in self.people:
            return self.people[user_id]
        if user_id is None:
            user_id = self._next_user
            while user_id in self.people:
                user_id += 1
            self._next_user = user_id + 1
        if user_id <= 0:
            raise ControlError("a user's id is positive")
        person = Person(user_id, first_name or f"User {user_id}", username, language_code=language_code)
        self.people[user_id] = person
        return person

    def open_private(self, user_id: int, *, bot_id: int | None = None) -> Chat:
        """The private chat of a user with a bot, started if need be; an unknown user id makes a user."""
        bot = self.bot(bot_id)
        chat = bot.private.get(user_id)
        if chat is None:
            person = self.add_user(user_id=user_id)
            chat = Chat(user_id, "private", person.first_name, user=person, username=person.username)
            bot.private[user_id] = chat
        return chat

    def add_group(
        self,
        title: str = "Group",
        members: list[int] | None = None,
        *,
        forum: bool = False,
        kind: str = "supergroup",
        bot_admin: bool = False,
        chat_id: int | None = None,
    ) -> Chat:
        """A group with these users and every bot; an admin bot hears every message despite privacy mode."""
        if kind not in {"group", "supergroup"}:
            raise ControlError("kind is group or supergroup")
        if chat_id is None:
            chat_id = (
                self._next_group if kind == "supergroup" else -(self.bot().person.id + len(self.groups) + 1)
            )
            self._next_group -= 1
        chat = Chat(chat_id, kind, title, forum=forum)
        bots = [bot.person for bot in self._bots] or [self.bot().person]
        chat.members = {person.id: person for person in bots}
        chat.members.update({member: self.add_user(user_id=member) for member in members or []})
        if bot_admin:
            chat.admins = {person.id for person in bots}
        self.groups[chat_id] = chat
        return chat

    def add_topic(self, chat_id: int, name: str = "Topic", *, bot_id: int | None = None) -> int:
        """A forum topic, or a topic in a private chat; its `message_thread_id`."""
        chat = self.chat(chat_id, bot_id)
        if chat.kind == "group" or (chat.kind == "supergroup" and not chat.forum):
            raise ControlError("only forums and private chats have topics")
        opener = chat.user or min(chat.members.values(), key=lambda person: person.is_bot)
        message = chat.append(opener, "", [])
        message.topic_name, message.thread, message.in_topic = name, message.id, True
        chat.topics[message.id] = message
        return message.id

    def chat(self, chat_id: int, bot_id: int | None = None) -> Chat:
        """A chat that exists. Raises ControlError otherwise."""
        chat = self.maybe_chat(chat_id, bot_id)
        if chat is None:
            raise ControlError(f"no chat {chat_id}", 404)
        return chat

    def maybe_chat(self, chat_id: int, bot_id: int | None = None) -> Chat | None:
        return self.groups.get(chat_id) or self.bot(bot_id).private.get(chat_id)
