"""The threads that the bot takes part in, and who wrote last in them.

A mention in a channel opens a thread, and from then on whoever writes in it speaks to the bot. That is known
from memory, from the cursors of the ledger, or else from reading the thread once; what is forgotten can be
found out again.
"""

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass

from adapters.slack.client import RefusedError
from adapters.slack.markup import mentioned
from adapters.slack.payload import Payload
from adapters.slack.reader import PAGE, Reader, items
from adapters.slack.translate import Me, Said

_KEPT = 16_384


@dataclass(frozen=True, slots=True)
class Recipient:
    """Whom a stream is meant for: a user and that user's workspace."""

    team: str
    user: str


class Threads:
    """What is remembered of threads, the ones used last. A thread is a channel and the ts of its parent."""

    def __init__(self) -> None:
        self._ours: OrderedDict[tuple[str, str], bool] = OrderedDict()
        self._recipients: OrderedDict[tuple[str, str], Recipient] = OrderedDict()

    def know(self, scopes: Iterable[str]) -> None:
        """Take over what the ledger's cursors tell."""
        for one in scopes:
            chat, _, thread = one.partition("/")
            if thread:
                self.join(chat, thread)

    def join(self, chat: str, thread: str) -> None:
        """The bot takes part in this thread."""
        self._remember(chat, thread, ours=True)

    def spoke(self, message: Said, team: str) -> None:
        """Somebody wrote there."""
        if message.from_bot:
            return
        key = message.chat, message.root
        self._recipients[key] = Recipient(team, message.author)
        self._recipients.move_to_end(key)
        if len(self._recipients) > _KEPT:
            self._recipients.popitem(last=False)

    def recipient(self, chat: str, thread: str) -> Recipient | None:
        """Who wrote there last, as far as is remembered."""
        return self._recipients.get((chat, thread))

    def remembered(self, message: Said, me: Me) -> bool | None:
        """Whether it belongs to a thread of the bot's; None when that has to be found out."""
        if message.direct:
            return True
        if message.mentions_bot or (message.thread and message.fields.get("parent_user_id") == me.user_id):
            self.join(message.chat, message.root)
            return True
        if not message.thread:
            return False
        return self._ours.get((message.chat, message.thread))

    async def ours(self, message: Said, me: Me, reader: Reader) -> bool:
        """Whether it belongs to a thread of the bot's."""
        known = self.remembered(message, me)
        if known is not None:
            return known
        try:
            answer = await reader.ask(
                "conversations.replies", channel=message.chat, ts=message.thread, limit=PAGE
            )
        except RefusedError:
            return False
        found = any(involves(one, me) for one in items(answer, "messages"))
        self._remember(message.chat, message.thread, ours=found)
        return found

    def _remember(self, chat: str, thread: str, *, ours: bool) -> None:
        self._ours[chat, thread] = ours
        self._ours.move_to_end((chat, thread))
        if len(self._ours) > _KEPT:
            self._ours.popitem(last=False)


def involves(fields: Payload, me: Me) -> bool:
    """Whether a message is the bot's, names it, or is a parent under which the bot has written."""
    text, repliers = fields.get("text"), fields.get("reply_users")
    return (
        fields.get("user") == me.user_id
        or (isinstance(text, str) and me.user_id in mentioned(text))
        or (isinstance(repliers, list) and me.user_id in repliers)
    )
