"""Who exists on this Slack: one workspace, one app with its bot, people, conversations.

A `ts` is wall time in microseconds, always growing and never given twice, also not in different channels.
"""

from collections.abc import Callable

from adapters.emulators.control import ControlError
from adapters.emulators.slack_values import App, Channel, Message, Person

FIRST_USER = 1_001
FIRST_CHANNEL = 2_001
_LETTERS = {"channel": "C", "group": "G", "im": "D", "mpim": "G"}


class SlackWorld:
    """The people and conversations. Methods raise ControlError for what does not exist."""

    def __init__(self, now: Callable[[], float], *, name: str = "carryon") -> None:
        self._now = now
        self._newest = 0
        self._users = FIRST_USER
        self._channels = FIRST_CHANNEL
        self.app = App("T0000000001", "A0000000001", "B0000000001", "U0000000001", name)
        self.bot = Person(self.app.user_id, name, self.app.team_id, is_bot=True)
        self.people: dict[str, Person] = {}
        self.channels: dict[str, Channel] = {}

    def seconds(self) -> int:
        return int(self._now())

    def stamp(self) -> str:
        """A new ts."""
        self._newest = max(self._newest + 1, int(self._now() * 1_000_000))
        return f"{self._newest // 1_000_000}.{self._newest % 1_000_000:06d}"

    def add_person(self, name: str = "") -> Person:
        user_id = f"U{self._users:010d}"
        person = Person(user_id, name or f"user{self._users}", self.app.team_id)
        self._users += 1
        self.people[user_id] = person
        return person

    def person(self, user_id: str) -> Person:
        found = self.people.get(user_id)
        if found is None:
            raise ControlError(f"no such user: {user_id}", 404)
        return found

    def add_channel(self, *people: str, name: str = "", kind: str = "channel") -> Channel:
        """A new channel, group or mpim with these people and the bot."""
        if kind not in {"channel", "group", "mpim"}:
            raise ControlError(f"no such kind of channel: {kind}; there are channel, group and mpim")
        members = {one: self.person(one) for one in people}
        return self._add(kind, name, members, None)

    def open_direct(self, user_id: str) -> Channel:
        """The direct conversation of a user with the bot, made when need be."""
        person = self.person(user_id)
        for channel in self.channels.values():
            if channel.user is person:
                return channel
        return self._add("im", "", {user_id: person}, person)

    def _add(self, kind: str, name: str, members: dict[str, Person], user: Person | None) -> Channel:
        channel_id = f"{_LETTERS[kind]}{self._channels:010d}"
        channel = Channel(channel_id, kind, name or f"{kind}{self._channels}", self.seconds(), members, user)
        self._channels += 1
        self.channels[channel_id] = channel
        return channel

    def channel(self, channel_id: str) -> Channel:
        found = self.channels.get(channel_id)
        if found is None:
            raise ControlError(f"no such channel: {channel_id}", 404)
        return found

    def message(self, channel_id: str, ts: str) -> Message:
        found = self.channel(channel_id).message(ts)
        if found is None:
            raise ControlError(f"no message {ts} in channel {channel_id}", 404)
        return found

    def place(self, channel: Channel, message: Message) -> None:
        """Put a new message into its channel and, when it is a reply, into its thread."""
        parent = channel.messages.get(message.thread)
        if parent is not None:
            message.root_author = parent.author.id
            parent.replies.append(message)
        channel.messages[message.ts] = message
