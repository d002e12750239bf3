"""The loop that receives: connect, read back what was missed, accept what comes, until the connection ends.

An envelope is acknowledged when its event is in the ledger. If the ledger cannot be written, the event is
offered again and again while its envelope stays unacknowledged; Slack sends that once more, which does no
harm, because an event enters once.
"""

import asyncio
from collections.abc import Collection, Mapping
from typing import Any, cast

from adapters.endpoints import whether_running
from adapters.offering import Backoff
from adapters.slack.backfill import Backfill
from adapters.slack.changes import as_edit, deleted, edited
from adapters.slack.client import CallError, Client, RefusedError
from adapters.slack.details import Details
from adapters.slack.identity import OPTIONAL, Identity, identify
from adapters.slack.intake import ACCOUNT_SCOPE, FIRST_SCOPE, Intake, cursors_of, stamp
from adapters.slack.names import Names
from adapters.slack.outcomes import Trouble, TroubleKind, missing_scopes, socket_trouble, trouble
from adapters.slack.reader import Reader
from adapters.slack.socket import REFRESHED, Socket, bolt_app
from adapters.slack.threads import Threads
from adapters.slack.translate import Said, command, press, said, team_of, translate
from gateway import log
from gateway.ports import Clock, InboundSink, Past

SHORT_SECONDS = 900.0
"""After so short a silence, only few threads are looked into for what cannot be seen from their channel."""

_MESSAGES = frozenset({"message", "app_mention"})


class Receiver:
    """One account's events, from where the past ended."""

    def __init__(
        self,
        account: str,
        client: Client,
        clock: Clock,
        sink: InboundSink,
        past: Past,
        threads: Threads,
        commands: Collection[str],
    ) -> None:
        self._commands = commands
        self._account = account
        self._client = client
        self._api_url = None if client.base_url == client.BASE_URL else client.base_url
        self._clock = clock
        self._sink = sink
        self._past = past
        self._threads = threads
        self._app = bolt_app(client, self._take, account)
        self._reader = Reader(client, clock, self._hindered)
        self._details = Details(client, Names(client, clock))
        self._backoff = Backoff()
        self._identity: Identity | None = None
        self._live = False  # what was missed has been accepted
        self._heard_at = float("-inf")
        self._trouble: TroubleKind | None = None
        self._intake: Intake
        self._backfill: Backfill
        self._aside: asyncio.TaskGroup
        self._log = log.get(account=account)

    async def run(self) -> None:
        """Receive until cancelled; returns when the account is beyond help."""
        cursors = await self._past.cursors()
        self._threads.know(cursors)
        self._intake = Intake(self._account, self._sink, self._clock, cursors)
        if not cursors:
            begun = stamp(self._clock.now())
            await self._intake.accept([], {ACCOUNT_SCOPE: begun, FIRST_SCOPE: begun}, lazy=False)
        async with asyncio.TaskGroup() as self._aside:
            await self._stay()

    async def _stay(self) -> None:
        while True:
            ended = await self._once()
            if self._live:
                self._heard_at = self._clock.monotonic()
            if ended is REFRESHED and self._live:
                self._live = False
                self._log.info("slack.refreshing")
                continue
            self._tell(ended)
            if ended.kind.final:
                return
            await self._clock.sleep(self._backoff.next() if ended.seconds is None else ended.seconds)

    async def _once(self) -> Trouble:
        """One connection; why it ended, or why there was none."""
        try:
            identity = await identify(self._client)
        except CallError as error:
            return trouble(error)
        if identity.lacking:
            return missing_scopes(identity.lacking)
        self._get_to_know(identity)
        try:
            url = await self._client.open_connection()
        except CallError as error:
            return socket_trouble(error)
        self._backfill = Backfill(
            identity,
            self._reader,
            self._intake,
            self._threads,
            self._details,
            self._past.horizon,
            short=self._clock.monotonic() - self._heard_at < SHORT_SECONDS,
        )
        return await self._serve(Socket(self._app, self._client, self._aside), url)

    def _get_to_know(self, identity: Identity) -> None:
        if identity != self._identity:
            for scope in identity.without:
                self._log.warning("slack.scope_missing", scope=scope, therefore=OPTIONAL[scope])
        self._identity = identity
        self._details.names.enabled = identity.has("users:read")

    async def _serve(self, socket: Socket, url: str) -> Trouble:
        async with asyncio.TaskGroup() as tasks:
            serving = tasks.create_task(socket.serve(url))
            opening = tasks.create_task(self._open(socket))
            await asyncio.wait({serving, opening}, return_when=asyncio.FIRST_COMPLETED)
            if not serving.done() and opening.result() is None:
                await asyncio.wait({serving})
            serving.cancel()
            opening.cancel()
        if not serving.cancelled():
            return serving.result()
        refused = opening.result()
        assert refused is not None
        return refused

    async def _open(self, socket: Socket) -> Trouble | None:
        """Catch up, and say so; a trouble for which the connection is of no use."""
        await socket.opened.wait()
        try:
            await self._backfill.run()
        except RefusedError as error:
            return trouble(error)
        self._live = True
        self._trouble = None
        self._backoff.reset()
        assert self._identity is not None
        self._log.info("slack.connected", bot=self._identity.me.name)
        await self._sink.ready(self._account)
        return None

    async def _take(self, payload: dict[str, Any]) -> None:
        """Commit what a payload tells. What is not for us is as good as committed."""
        event = payload.get("event")
        if isinstance(event, Mapping):
            fields = cast("Mapping[str, Any]", event)
            if fields.get("type") in _MESSAGES:
                await self._hear(fields)
            return
        pressed = press(payload) if payload.get("type") == "block_actions" else None
        item = pressed or command(payload, self._clock.now(), self._commands)
        if item is not None:
            # These are never sent again and cannot be read back, so they wait for nothing.
            await self._intake.accept([item], {}, lazy=False)

    async def _hear(self, fields: Mapping[str, Any]) -> None:
        assert self._identity is not None
        me, chat = self._identity.me, str(fields.get("channel", ""))
        message = said(fields, chat, me)
        changed = edited(fields, chat, me) if message is None else None
        gone = deleted(fields, chat, me) if message is None else None
        if message is None and changed is None and gone is None:
            return
        async with self._intake.order(chat):
            await self._backfill.catch_up(chat)
            if message is not None:
                await self._accept(message)
            elif changed is not None:
                await self._accept_edit(changed, fields)
            elif gone is not None:
                await self._intake.accept([gone], {}, lazy=True)

    async def _accept_edit(self, message: Said, fields: Mapping[str, Any]) -> None:
        """It reads otherwise now. That says nothing about how far the channel has been read."""
        assert self._identity is not None
        me = self._identity.me
        ours = await self._threads.ours(message, me, self._reader)
        message, names = await self._details.of(message)
        item = as_edit(message, fields, me, names, ours=ours)
        await self._intake.accept([item], {}, lazy=True)

    async def _accept(self, message: Said) -> None:
        assert self._identity is not None
        me = self._identity.me
        ours = await self._threads.ours(message, me, self._reader)
        self._threads.spoke(message, team_of(message.fields, me))
        message, names = await self._details.of(message)
        item = translate(message, me, names, ours=ours)
        await self._intake.accept([item], cursors_of(message, ours=ours), lazy=True)

    def _hindered(self, found: Trouble) -> None:
        """Something cannot be read at the moment, and is tried again."""
        self._log.warning("slack.reading_hindered", kind=found.kind.value, detail=found.detail)
        if not self._live and found.kind is not TroubleKind.RATE_LIMIT:
            self._tell(found)

    def _tell(self, found: Trouble) -> None:
        """Say it once per change of state, not at every attempt."""
        self._live = False
        if found.kind is self._trouble:
            return
        self._trouble = found.kind
        tell = self._log.error if found.kind.final else self._log.warning
        cut_off = found.kind is TroubleKind.NETWORK
        why = found.why + (whether_running("api_url", self._api_url) if cut_off else "")
        tell(f"slack.{found.kind.value}", why=why, detail=found.detail)
        self._sink.lost(self._account, why)
