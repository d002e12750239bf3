"""What is handed to the gateway: each message once, in order within a channel, with how far that reads.

A cursor moves over messages that were accepted, and never backwards, however late an envelope comes again.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from weakref import WeakValueDictionary

from adapters.offering import commit
from adapters.slack.translate import Said, scope
from gateway.model.message import Inbound
from gateway.ports import Batch, Clock, InboundSink

ACCOUNT_SCOPE = ""
"""Scope of the account: nothing older than its value was ever waited for."""

FIRST_SCOPE = "first"
"""Scope of the very first connection: nothing older is ever read, whatever the margins."""

_EVENTS = 16_384
_SCOPES = 65_536


class Intake:
    """One account's way into the ledger."""

    def __init__(self, account: str, sink: InboundSink, clock: Clock, cursors: Mapping[str, str]) -> None:
        self.account = account
        self.clock = clock
        self._sink = sink
        self._cursors = OrderedDict(sorted(cursors.items(), key=lambda one: one[1]))
        self._accepted: OrderedDict[str, None] = OrderedDict()
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def order(self, chat: str) -> asyncio.Lock:
        """Held while something of this channel is on its way: first come, first accepted."""
        lock = self._locks.get(chat)
        if lock is None:
            lock = self._locks[chat] = asyncio.Lock()
        return lock

    def cursor(self, name: str) -> str:
        """How far a scope has been read; empty when it never was."""
        return self._cursors.get(name, "")

    def threads(self) -> list[tuple[str, str]]:
        """The channels and threads that have a cursor, the ones read last first."""
        found = [one.partition("/") for one in reversed(self._cursors)]
        return [(chat, thread) for chat, _, thread in found if thread]

    async def accept(self, items: Sequence[Inbound], cursors: Mapping[str, str], *, lazy: bool) -> None:
        """Return once they are in the ledger; what is there already is left out."""
        fresh = [one for one in items if one.event_id not in self._accepted]
        forward = {name: ts for name, ts in cursors.items() if later(ts, self.cursor(name))}
        if not fresh and (lazy or not forward):
            return
        await commit(self._sink, Batch(self.account, fresh, forward, lazy=lazy), self.clock)
        for one in fresh:
            self._accepted[one.event_id] = None
        for name, ts in forward.items():
            if later(ts, self.cursor(name)):
                self._cursors[name] = ts
                self._cursors.move_to_end(name)
        while len(self._accepted) > _EVENTS:
            self._accepted.popitem(last=False)
        while len(self._cursors) > _SCOPES:
            self._cursors.popitem(last=False)


def later(ts: str, than: str) -> bool:
    """Whether a ts comes after another; anything comes after none."""
    return not than or float(ts) > float(than)


def cursors_of(message: Said, *, ours: bool) -> dict[str, str]:
    """Which scopes have been read as far as this message. A thread is followed if it is the bot's."""
    if message.thread:
        return {scope(message.chat, message.thread): message.ts} if ours else {}
    if ours and not message.direct:
        return {message.chat: message.ts, scope(message.chat, message.ts): message.ts}
    return {message.chat: message.ts}


def stamp(seconds: float) -> str:
    """A time as Slack writes it."""
    return f"{max(seconds, 0):.6f}"
