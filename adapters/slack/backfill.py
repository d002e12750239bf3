"""Reading back what was said while nobody listened. Every connection begins with it.

The history of a channel does not contain the replies in its threads, so threads are read on their own: those
that have a cursor, and those whose parent, seen in the history, tells of a newer reply. A channel is read
under the same lock as its new messages are accepted, whichever comes first, so nothing overtakes.

Bounded: pages that are too old to be answered are not read on for ever, and only the threads used last are
looked into where their parent is out of sight.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from adapters.slack.client import RefusedError
from adapters.slack.details import Details
from adapters.slack.identity import Identity
from adapters.slack.intake import ACCOUNT_SCOPE, FIRST_SCOPE, Intake, cursors_of, later, stamp
from adapters.slack.reader import Reader
from adapters.slack.threads import Threads, involves
from adapters.slack.translate import Said, said, scope, team_of, translate
from gateway import log
from gateway.model.message import Inbound

AT_ONCE = 4
"""Channels that are read at the same time."""

MARGIN_SECONDS = 120.0
"""Read again before a cursor: Slack tells of messages out of order."""

PARENTS_SECONDS = 86_400.0
"""How far back a channel's newest page is looked through for parents with new replies."""

OLD_PAGES = 3
"""Pages of one channel or thread that are read although they are too old to be answered."""

PAGES = 50
"""Pages of one channel or thread that are read at most."""

THREADS = 200
"""Threads that are read although their parent is out of sight."""

FEW_THREADS = 20
"""As many, after a short silence."""

BATCH = 100

_FAR = "9999999999.000000"  # naming an end makes Slack begin there, with the newest


@dataclass(slots=True)
class _Found:
    """What a channel had to tell. `newest` is the last that was looked at in the channel itself."""

    messages: dict[str, Said] = field(default_factory=dict[str, Said])
    parents: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    newest: str = ""
    left_out: int = 0


class Backfill:
    """What one connection has missed. `horizon` says what is too old to be answered.

    `short` means that the silence was a short one, so that most threads have nothing new.
    """

    def __init__(
        self,
        identity: Identity,
        reader: Reader,
        intake: Intake,
        threads: Threads,
        details: Details,
        horizon: Callable[[], float],
        *,
        short: bool = False,
    ) -> None:
        self._me = identity.me
        self._kinds = identity.kinds
        self._reader = reader
        self._intake = intake
        self._threads = threads
        self._details = details
        self._horizon = horizon
        self._clock = intake.clock
        self._begun = stamp(intake.clock.now())
        self._baseline = intake.cursor(ACCOUNT_SCOPE) or self._begun
        self._distant = set(intake.threads()[: FEW_THREADS if short else THREADS])
        self._done: set[str] = set()
        self._left_out = 0
        self._log = log.get(account=intake.account)

    async def run(self) -> None:
        """Catch up everywhere. Raises RefusedError when the conversations cannot even be listed."""
        chats = await self._conversations()
        waiting = iter(chats)
        async with asyncio.TaskGroup() as tasks:
            for _ in range(AT_ONCE):
                tasks.create_task(self._work(waiting))
        if self._left_out:
            self._log.warning("slack.backfill_left_out", pages=self._left_out)
        await self._intake.accept([], {ACCOUNT_SCOPE: self._begun}, lazy=False)

    async def _work(self, waiting: Any) -> None:  # noqa: ANN401
        for chat in waiting:
            async with self._intake.order(chat):
                await self.catch_up(chat)

    async def _conversations(self) -> list[str]:
        found: list[str] = []
        listed = self._reader.pages(
            "users.conversations", "channels", types=self._kinds, exclude_archived=True
        )
        async for page in listed:
            found.extend(str(one["id"]) for one in page if one.get("id"))
        return found

    async def catch_up(self, chat: str) -> None:
        """Accept what was missed in a channel, once; the caller holds its order."""
        if chat in self._done:
            return
        try:
            found = await self._history(chat)
            for thread in self._worth_reading(chat, found):
                await self._replies(chat, thread, found)
        except RefusedError as error:
            self._log.warning("slack.backfill_refused", chat=chat, why=error.word)
        else:
            await self._accept(chat, found)
        self._done.add(chat)

    async def _history(self, chat: str) -> _Found:
        found = _Found()
        floor = self._before(self._intake.cursor(chat))
        oldest = stamp(min(floor, self._clock.now() - PARENTS_SECONDS))
        count = old = 0
        async for page in self._reader.pages(
            "conversations.history", "messages", channel=chat, oldest=oldest, latest=_FAR
        ):
            count += 1
            moments = [one for one in map(_moment, page) if one]
            self._look(chat, page, found, floor)
            old += bool(moments) and max(moments) < self._horizon()
            if moments and min(moments) <= floor:
                break
            if old >= OLD_PAGES or count >= PAGES:
                found.left_out += 1
                break
        return found

    def _before(self, cursor: str) -> float:
        """Where reading begins: a little before a cursor, but never before the bot first came here."""
        first = float(self._intake.cursor(FIRST_SCOPE) or 0)
        return max(float(cursor or self._baseline) - MARGIN_SECONDS, first)

    def _look(self, chat: str, page: list[dict[str, Any]], found: _Found, floor: float) -> None:
        for fields in page:
            ts = str(fields.get("ts", ""))
            if not _moment(fields):
                continue
            if fields.get("reply_count") or fields.get("latest_reply"):
                found.parents[ts] = fields
            if fields.get("thread_ts") in (None, ts) and later(ts, found.newest):
                found.newest = ts
            message = said(fields, chat, self._me)
            if message is not None and float(ts) > floor:
                found.messages[ts] = message

    def _worth_reading(self, chat: str, found: _Found) -> list[str]:
        """The threads of a channel that have, or may have, something new."""
        wanted: list[str] = []
        for ts, fields in found.parents.items():
            cursor = self._intake.cursor(scope(chat, ts))
            newest = fields.get("latest_reply")
            floor = self._before(cursor)
            if not isinstance(newest, str) or float(newest) > floor:
                wanted.append(ts)
        distant = [thread for where, thread in self._distant if where == chat and thread not in found.parents]
        read = {ts for ts in distant if ts in found.messages}  # parents without a reply
        return sorted({*wanted, *distant} - read)

    async def _replies(self, chat: str, thread: str, found: _Found) -> None:
        floor = self._before(self._intake.cursor(scope(chat, thread)))
        if floor < self._horizon():
            floor = max(floor, self._horizon() - PARENTS_SECONDS)
        count = 0
        try:
            async for page in self._reader.pages(
                "conversations.replies", "messages", channel=chat, ts=thread, oldest=stamp(floor)
            ):
                count += 1
                for fields in page:
                    if fields.get("ts") == thread and involves(fields, self._me):
                        self._threads.join(chat, thread)
                    message = said(fields, chat, self._me)
                    if message is not None and message.thread == thread:
                        found.messages[message.ts] = message
                if count >= PAGES:
                    found.left_out += 1
                    break
        except RefusedError as error:  # a deleted parent takes its thread with it
            self._log.info("slack.thread_refused", chat=chat, thread=thread, why=error.word)

    async def _accept(self, chat: str, found: _Found) -> None:
        self._left_out += found.left_out
        messages = sorted(found.messages.values(), key=lambda one: float(one.ts))
        people = {person for one in messages for person in one.people}
        names = await self._details.names.of(people)
        items: list[Inbound] = []
        cursors: dict[str, str] = {}
        for one in messages:
            ours = bool(self._threads.remembered(one, self._me))
            self._threads.spoke(one, team_of(one.fields, self._me))
            whole = await self._details.whole(one)
            items.append(translate(whole, self._me, names, ours=ours, backfilled=True))
            cursors |= cursors_of(one, ours=ours)
            if len(items) == BATCH:
                await self._intake.accept(items, cursors, lazy=False)
                items, cursors = [], {}
        if found.newest:
            cursors[chat] = found.newest
        await self._intake.accept(items, cursors, lazy=False)


def _moment(fields: dict[str, Any]) -> float:
    try:
        return float(fields.get("ts") or 0)
    except (TypeError, ValueError):
        return 0.0
