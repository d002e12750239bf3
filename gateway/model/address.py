"""Where a conversation lives and where its replies go."""

from dataclasses import dataclass
from enum import StrEnum


class ChatKind(StrEnum):
    """Who can read along: `direct` is one person and the bot, `group` is everything else."""

    DIRECT = "direct"
    GROUP = "group"


@dataclass(frozen=True, slots=True)
class Route:
    """Where a reply is sent: one chat, or one thread of it, of one account.

    `chat` and `thread` are the platform's own ids as text; `thread` is empty where there is none.
    """

    account: str
    chat: str
    thread: str = ""


@dataclass(frozen=True, slots=True)
class Address:
    """The identity of a conversation. `user` is set where the scope is per user, else empty."""

    account: str
    chat: str
    thread: str = ""
    user: str = ""

    @property
    def route(self) -> Route:
        """Where replies to this conversation go."""
        return Route(self.account, self.chat, self.thread)
