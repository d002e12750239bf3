"""The loop that receives: ask, read, commit, and only then ask for what comes after.

Telegram takes an update for received when a later getUpdates names an offset above its id. So the offset
moves only after the batch is committed together with it; if the commit fails, the same batch is offered
again, and if the process dies, Telegram hands it out again. The SDK's own polling moves the offset as
soon as it has yielded an update, and stops for ever at a batch with one update that it cannot read.

The offset follows the batch even downwards: after a week of silence, Telegram begins anew with arbitrary ids.
"""

import asyncio
from collections import OrderedDict
from dataclasses import replace
from typing import Any, TypeVar

from adapters.offering import Backoff, commit
from adapters.telegram.outcomes import Trouble, TroubleKind, trouble
from adapters.telegram.requests import BATCH, PollUpdates
from adapters.telegram.sdk import (
    PRODUCTION,
    AiogramError,
    AnswerCallbackQuery,
    Bot,
    DeleteWebhook,
    GetMe,
    TelegramMethod,
    Update,
    User,
    prepare,
)
from adapters.telegram.translate import translate
from adapters.telegram.updates import Unreadable, presses, read
from gateway import log
from gateway.model.address import ChatKind
from gateway.model.message import Inbound
from gateway.ports import Batch, Clock, InboundSink, Past

POLL_SECONDS = 25
"""How long Telegram may keep a getUpdates open."""

SCOPE = ""
"""A bot's updates are one sequence, whatever chat they are from."""

ANSWER_SECONDS = 10
"""How long an answer may take beyond that."""

ALBUMS = 256
"""How many albums are remembered; they arrive within moments."""

T = TypeVar("T")


class Albums:
    """Pictures that were sent together arrive as messages, of which only the first has the words.

    So that nobody's pictures are lost in a group where the bot has to be named, those that follow one which
    names the bot are for the bot as well. What is not remembered (after a restart, in the midst of an album)
    is left out as before.
    """

    def __init__(self) -> None:
        self._meant: OrderedDict[tuple[str, str], None] = OrderedDict()

    def complete(self, update: Update, item: Inbound) -> Inbound:
        """The item, meant for the bot if its album is."""
        message = update.message
        if message is None or not message.media_group_id or item.chat_kind is ChatKind.DIRECT:
            return item
        album = (item.chat, message.media_group_id)
        if album in self._meant:
            return replace(item, to_bot=True)
        if item.to_bot:
            self._meant[album] = None
            if len(self._meant) > ALBUMS:
                self._meant.popitem(last=False)
        return item


class Receiver:
    """One account's updates, from where the past ended. The cursor is the next offset to ask for, as text."""

    def __init__(self, account: str, bot: Bot, clock: Clock, sink: InboundSink, past: Past) -> None:
        self._account = account
        self._bot = bot
        api = bot.session.api
        self._api_url = None if api is PRODUCTION else api.base
        self._clock = clock
        self._sink = sink
        self._past = past
        self._offset: int | None = None
        self._me: User | None = None
        self._live = False  # what was missed has been accepted
        self._trouble: TroubleKind | None = None
        self._backoff = Backoff()
        self._albums = Albums()
        self._aside: asyncio.TaskGroup
        self._log = log.get(account=account)

    async def run(self) -> None:
        """Receive until cancelled; returns when the account is beyond help."""
        cursor = (await self._past.cursors()).get(SCOPE)
        self._offset = int(cursor) if cursor else None
        async with asyncio.TaskGroup() as self._aside:
            await self._receive()

    async def _receive(self) -> None:
        while True:
            answer = await self._ask()
            if not isinstance(answer, Trouble):
                answer = await self._take(answer)
            if answer is None:
                continue
            self._tell(answer)
            if answer.kind.final:
                return
            await self._wait_out(answer)

    async def _ask(self) -> list[Any] | Trouble:
        """One getUpdates. The first does not wait for the answer to who this bot is: they run together."""
        timeout = POLL_SECONDS if self._live else 0
        poll = self._call(PollUpdates(offset=self._offset, timeout=timeout), timeout + ANSWER_SECONDS)
        if self._me is not None:
            return await poll
        async with asyncio.TaskGroup() as tasks:
            asked = tasks.create_task(self._call(GetMe(), ANSWER_SECONDS))
            polled = tasks.create_task(poll)
        prepare(Update)  # here, where it delays neither the first request nor, later, the first message
        me, updates = asked.result(), polled.result()
        if isinstance(me, Trouble):
            return me
        self._me = me
        return updates

    async def _call(self, method: TelegramMethod[T], seconds: int) -> T | Trouble:
        try:
            return await self._bot(method, request_timeout=seconds)
        except AiogramError as error:
            return trouble(error, self._api_url)

    async def _take(self, raw: list[Any]) -> Trouble | None:
        """Commit a batch, and see whether that was all that was missed."""
        if raw:
            items, following = self._read(raw)
            if following is None:
                detail = "a batch without a single update_id"
                return Trouble(TroubleKind.RUBBISH, "Telegram's answers make no sense.", detail)
            batch = Batch(self._account, items, {SCOPE: str(following)})
            await commit(self._sink, batch, self._clock)
            self._offset = following
            self._release_buttons(raw)
        if self._live:
            self._backoff.reset()
        elif len(raw) < BATCH:
            self._live = True
            self._trouble = None
            self._log.info("telegram.connected", bot=self._me and self._me.username)
            await self._sink.ready(self._account)
        return None

    def _release_buttons(self, raw: list[Any]) -> None:
        """Tell people that their press was received: until then their app shows a clock."""
        for query_id in presses(raw):
            self._aside.create_task(
                self._call(AnswerCallbackQuery(callback_query_id=query_id), ANSWER_SECONDS)
            )

    def _read(self, raw: list[Any]) -> tuple[tuple[Inbound, ...], int | None]:
        """What people said, and the offset that acknowledges all of it; None when nothing has an id."""
        assert self._me is not None
        items: list[Inbound] = []
        ids: list[int] = []
        for one in raw:
            found = read(one)
            if isinstance(found, Unreadable):
                self._log.error(
                    "telegram.update_set_aside",
                    update_id=found.update_id,
                    reason=found.reason,
                )
                if found.update_id is not None:
                    ids.append(found.update_id)
                continue
            if found.trouble:
                self._log.warning(
                    "telegram.update_reduced",
                    update_id=found.update.update_id,
                    reason=found.trouble,
                )
            ids.append(found.update.update_id)
            item = translate(found.update, self._me)
            if item is not None:
                items.append(self._albums.complete(found.update, item))
        return tuple(items), max(ids) + 1 if ids else None

    def _tell(self, found: Trouble) -> None:
        """Say it once per change of state, not at every attempt."""
        self._live = False
        if found.kind is self._trouble:
            return
        self._trouble = found.kind
        tell = self._log.error if found.kind.final else self._log.warning
        tell(f"telegram.{found.kind.value}", why=found.why, detail=found.detail)
        self._sink.lost(self._account, found.why)

    async def _wait_out(self, found: Trouble) -> None:
        if found.kind is TroubleKind.WEBHOOK:
            removed = await self._call(DeleteWebhook(drop_pending_updates=False), ANSWER_SECONDS)
            if removed is True:
                self._log.warning("telegram.webhook_removed")
        await self._clock.sleep(self._backoff.next() if found.seconds is None else found.seconds)
