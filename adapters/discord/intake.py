"""What the gateway tells becomes batches, in order within each channel.

Discord confirms nothing: what was said while nobody listened is found by reading back, at every connect and
in every channel that has something new. A live event of a channel whose reading back is not done waits for
it, so nothing overtakes; other channels are not concerned. A resumed session is told what it missed, so then
only the channels that were busy last are looked at, to be sure.
"""

import asyncio
from functools import partial

from structlog.typing import FilteringBoundLogger

from adapters.discord.backfill import Backfill
from adapters.discord.cursors import BASELINE, Cursors
from adapters.discord.interactions import Interactions
from adapters.discord.lanes import Job, Lanes
from adapters.discord.payloads import Json, as_id, items, mapping, mappings, text
from adapters.discord.places import DIRECT, FORUMS, Place, Places
from adapters.discord.reader import Reader
from adapters.discord.rest import Rest
from adapters.discord.snowflakes import moment, snowflake
from adapters.discord.threads import Threads
from adapters.discord.translate import Me, deleted, edited, names, translate
from adapters.offering import commit
from gateway.model.message import Inbound
from gateway.ports import Batch, Clock, InboundSink, Past

DIRECTS = 200
"""Direct chats that are read back at a connect, those that were busy last. Each costs a request."""

UNLISTED = 50
"""The same for threads that are out of sight: they may have been archived meanwhile."""

BUSY = 20
"""The same for channels after a session was resumed."""

GUILD_SECONDS = 10.0
"""How long to wait for the next server to be told of, before going on without the rest."""


class Intake:
    """The events of one account, for one run."""

    def __init__(
        self,
        account: str,
        rest: Rest,
        places: Places,
        threads: Threads,
        reader: Reader,
        log: FilteringBoundLogger,
        *,
        opens_threads: bool,
    ) -> None:
        self._account = account
        self._rest = rest
        self._places = places
        self._threads = threads
        self._reader = reader
        self._log = log
        self._opens_threads = opens_threads
        self._cursors = Cursors()
        self._backfill = Backfill(account, reader, places, self._cursors, log)
        self._me = Me(0, "")
        self._caught_up: set[int] = set()
        self._awaited: set[int] = set()
        self._guild_came = asyncio.Event()
        self._unlisted_due = False
        self._reading = 0
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def bot_name(self) -> str:
        """What the bot is called."""
        return self._me.name

    async def begin(self, clock: Clock, sink: InboundSink, past: Past, lanes: Lanes) -> None:
        """Take up where the ledger is; the very first time, that is now."""
        self._clock = clock
        self._sink = sink
        self._past = past
        self._lanes = lanes
        self._interactions = Interactions(self._account, self._rest, self._places, self._log, clock, sink)
        self._backfill.connect(clock, sink, past, partial(self._understand, backfilled=True))
        stored = await past.cursors()
        self._cursors.load(stored)
        if not stored:
            self._cursors.baseline = snowflake(clock.now())
            batch = Batch(self._account, (), {BASELINE: str(self._cursors.baseline)})
            await commit(sink, batch, clock)

    # What the gateway tells. Called in order; nothing is waited for here.

    def hear(self, event: str, data: Json) -> None:
        """One event."""
        match event:
            case "MESSAGE_CREATE":
                channel = as_id(data.get("channel_id"))
                self._lanes.put(channel, partial(self._take_message, channel, data))
            case "MESSAGE_UPDATE":
                self._hear_edit(data)
            case "MESSAGE_DELETE" | "MESSAGE_DELETE_BULK":
                channel = as_id(data.get("channel_id"))
                self._lanes.put(channel, partial(self._take_deletion, channel, data))
            case "INTERACTION_CREATE":
                # In a lane of its own: a press is about what one sees, and people wait for its answer.
                self._lanes.put(-as_id(data.get("id")), partial(self._interactions.take, data))
            case "READY":
                self._greet(data)
            case "GUILD_CREATE":
                self._enter(data)
            case "GUILD_DELETE":
                self._leave(data)
            case "CHANNEL_DELETE" | "THREAD_DELETE":
                self._places.remove(as_id(data.get("id")))
            case "CHANNEL_CREATE" | "CHANNEL_UPDATE" | "THREAD_CREATE" | "THREAD_UPDATE":
                self._change(event, data)
            case "THREAD_LIST_SYNC":
                self._places.put_threads(as_id(data.get("guild_id")), data.get("threads"))
            case _:
                pass

    def _hear_edit(self, data: Json) -> None:
        # Of the bot's own messages there are many: they grow by being edited.
        if as_id(mapping(data.get("author")).get("id")) != self._me.id and data.get("edited_timestamp"):
            channel = as_id(data.get("channel_id"))
            self._lanes.put(channel, partial(self._take_edit, channel, data))

    def _greet(self, data: Json) -> None:
        user = mapping(data.get("user"))
        self._me = Me(as_id(user.get("id")), text(user.get("global_name")) or text(user.get("username")))
        self._places.begin(self._me.id)
        self._caught_up.clear()
        self._awaited = {as_id(one.get("id")) for one in mappings(data.get("guilds"))}
        self._unlisted_due = True

    def _enter(self, data: Json) -> None:
        self._awaited.discard(as_id(data.get("id")))
        self._guild_came.set()
        if data.get("unavailable") is True:
            return
        for place in self._places.enter(data):
            if place.id in self._caught_up:
                continue  # a server that was away for a moment; what was missed, its session is told
            self._caught_up.add(place.id)
            if place.readable and place.last > self._backfill.start(place):
                self._catch_up(place)

    def _leave(self, data: Json) -> None:
        guild = as_id(data.get("id"))
        self._awaited.discard(guild)
        self._guild_came.set()
        away = data.get("unavailable") is True
        if not away:
            self._log.info("discord.server_left", server=str(guild))
        self._places.leave(guild)

    def _change(self, event: str, data: Json) -> None:
        known = self._places.get(as_id(data.get("id")))
        place = self._places.put(data)
        if place is None:
            return
        if event == "CHANNEL_CREATE" or data.get("newly_created") is True:
            self._caught_up.add(place.id)
        elif known is not None and place.readable and not known.readable:
            self._caught_up.discard(place.id)

    # The work in the lanes.

    async def _take_message(self, channel: int, data: Json) -> None:
        place = await self._place(channel, as_id(data.get("guild_id")))
        message_id = as_id(data.get("id"))
        if place is None or not message_id:
            return
        if channel not in self._caught_up:
            self._caught_up.add(channel)
            if place.readable:
                await self._backfill.read(place, before=message_id)
        item = await self._understand(data, place)
        cursor = max(message_id, self._cursors.get(place.scope))
        if item is not None:
            cursors = self._cursors.looked_at(place.scope, cursor, self._clock.monotonic())
            lazy = len(cursors) == 1
            await commit(self._sink, Batch(self._account, (item,), cursors, lazy=lazy), self._clock)
        self._cursors.advance(place.scope, message_id)

    async def _take_edit(self, channel: int, data: Json) -> None:
        place = await self._place(channel, as_id(data.get("guild_id")))
        if place is None:
            return
        me = await self._who_in(place)
        item = edited(data, place, me, threads=self._opens_threads)
        if item is not None:
            await self._change_of(item)

    async def _take_deletion(self, channel: int, data: Json) -> None:
        place = await self._place(channel, as_id(data.get("guild_id")))
        ids = [as_id(one) for one in (data.get("id"), *items(data.get("ids")))]
        if place is not None:
            now = self._clock.now()
            await self._change_of(*(deleted(one, place, now) for one in ids if one))

    async def _change_of(self, *changes: Inbound) -> None:
        """What changes a message says nothing about how far the channel was read."""
        await commit(self._sink, Batch(self._account, changes, lazy=True), self._clock)

    async def _understand(self, data: Json, place: Place, *, backfilled: bool = False) -> Inbound | None:
        me = await self._who_in(place)
        item = translate(data, place, me, threads=self._opens_threads, backfilled=backfilled)
        if item is not None and item.thread == item.message_ref:
            self._threads.remember(item.message_ref, _subject(item))
        return item

    async def _who_in(self, place: Place) -> Me:
        """The bot as that place knows it; of a thread, whether it was opened for the bot is found out."""
        me = Me(self._me.id, self._me.name, self._places.roles_of_bot(place.guild))
        if place.is_thread and place.for_bot is None:
            place.for_bot = await self._opened_for(place, me)
        return me

    async def _opened_for(self, place: Place, me: Me) -> bool:
        """Whether the message that a thread was opened from, or a forum's post begins with, names the bot."""
        parent = self._places.get(place.parent)
        inside = parent is not None and parent.kind in FORUMS
        answer = await self._reader.get(
            f"/channels/{place.id if inside else place.parent}/messages/{place.id}"
        )
        return answer.good and names(answer.fields, me)

    async def _place(self, channel: int, guild: int) -> Place | None:
        known = self._places.get(channel)
        if known is not None:
            return known
        if not guild:
            return Place(channel, DIRECT)
        return await self._look_up(channel) or Place(channel, 0, guild)

    async def _look_up(self, channel: int) -> Place | None:
        """A channel that the gateway did not tell of."""
        answer = await self._reader.get(f"/channels/{channel}")
        return self._places.put(answer.fields) if answer.good else None

    # Catching up.

    async def settle(self) -> None:
        """Return when all that was missed has been accepted."""
        await self._servers()
        if self._unlisted_due:
            self._unlisted_due = False
            self._catch_up_unlisted()
        else:
            self._catch_up_busy()
        await self._idle.wait()
        if self._backfill.left_out:
            self._log.warning("discord.backfill_left_out", channels=self._backfill.left_out)
            self._backfill.left_out = 0

    async def _servers(self) -> None:
        """Wait until all servers have been told of. One that is out of order is told of when it is back."""
        while self._awaited:
            self._guild_came.clear()
            try:
                async with asyncio.timeout(GUILD_SECONDS):
                    await self._guild_came.wait()
            except TimeoutError:
                self._log.warning("discord.servers_missing", servers=len(self._awaited))
                return

    def _catch_up_unlisted(self) -> None:
        for channel in self._cursors.directs(DIRECTS):
            self._catch_up_direct(channel)
        horizon = self._past.horizon()
        recent = [
            channel
            for channel, cursor in self._cursors.channels()
            if self._places.get(channel) is None and moment(cursor) > horizon
        ]
        for channel in recent[:UNLISTED]:
            self._reads(channel, partial(self._read_unlisted, channel))

    def _catch_up_busy(self) -> None:
        for channel in self._cursors.directs(BUSY):
            self._catch_up_direct(channel)
        for channel, _ in self._cursors.channels()[:BUSY]:
            place = self._places.get(channel)
            if place is not None and place.readable:
                self._catch_up(place)

    def _catch_up_direct(self, channel: int) -> None:
        self._caught_up.add(channel)
        self._catch_up(Place(channel, DIRECT))

    def _catch_up(self, place: Place) -> None:
        self._reads(place.id, partial(self._backfill.read, place))

    async def _read_unlisted(self, channel: int) -> None:
        place = await self._look_up(channel)
        if place is not None and channel not in self._caught_up:
            self._caught_up.add(channel)
            if place.readable and place.last > self._backfill.start(place):
                await self._backfill.read(place)

    def _reads(self, channel: int, read: Job) -> None:
        self._reading += 1
        self._idle.clear()
        self._lanes.put(channel, partial(self._counted, read))

    async def _counted(self, read: Job) -> None:
        await read()
        self._reading -= 1
        if not self._reading:
            self._idle.set()


def _subject(item: Inbound) -> str:
    """What a thread that answers it is called."""
    if item.text or not (item.command or item.attachments):
        return item.text
    return f"/{item.command}" if item.command else item.attachments[0].name
