"""Lets long answers grow in their chats.

An answer that is ready within a second is sent in one piece. A longer one gets a message that is opened in
the ledger, sent by the outbox like any other, and then changed as the text grows. These changes are not in
the ledger: losing one costs nothing, because the end of the answer is owed as an edit of the same message.

One task for all chats, as for typing; each change is made by a task of its own, one at a time for a message.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway import log
from gateway.engine.outbox import Outbox
from gateway.engine.persist import until_written
from gateway.engine.recorder import Recorder
from gateway.failpoints import reach
from gateway.model.address import Route
from gateway.model.delivery import (
    Delivered,
    DeliveryKind,
    DeliveryState,
    Draft,
    GrowingStream,
    Rejected,
    RetryAfter,
    SendOutcome,
    Unknown,
)
from gateway.ports import ChatAdapter, Clock, LedgerUnavailableError, Store
from gateway.rules.chunking import chunk
from gateway.rules.markdown import cut
from gateway.rules.progress import WORKING, Progress, progress

_log = log.get()

OPEN_AFTER = 1.0
"""Seconds that an answer may take before it begins to show."""

LOOK_SECONDS = 0.25
"""How often the growing texts are looked at."""

STUCK_SECONDS = 5.0
"""How long the end of an answer waits for a change that is under way, which would else overwrite it. A stop
waits twice as long for turns that it has cut."""

DRAFT_SECONDS = 20.0
"""How often a draft is shown again that has not changed: by itself it vanishes after half a minute."""

_DRAFT_NUMBERS = 2_000_000_000

CONTINUED = "\n\n… (continued below)"
STOPPED = "\n\n⏹ (stopped)"
CUT_SHORT = "\n\n… (cut short)"


def ended_early(text: str, line: str, limit: int) -> str:
    """What is left standing of an answer that does not go on in its message."""
    pieces = chunk(text, limit - len(line))
    return ((pieces[0] if pieces else "") + line).lstrip()


@dataclass(frozen=True, slots=True)
class StreamParts:
    """What streams are made with."""

    store: Store
    adapters: Mapping[str, ChatAdapter]
    outbox: Outbox
    clock: Clock
    group: asyncio.TaskGroup


@dataclass(frozen=True, slots=True)
class StreamPolicy:
    """Whether answers grow in their chats, maybe as drafts where there are such; what they show of steps."""

    enabled: bool
    drafts: bool = False
    how: Progress = Progress.COMPACT


@dataclass(slots=True, eq=False)
class Stream:
    """The answer of one running turn. `opening` is the delivery of its message, once there is one.

    `draft`: it grows where nothing has to be ended, until `fades` at the latest.
    """

    turn_id: int
    route: Route
    reply_to: str
    recorder: Recorder
    due: float
    opening: int | None = None
    message_id: str | None = None
    shown: tuple[str, str] = ("", "")
    draft: bool = False
    fades: float = 0.0
    refused: bool = False
    over: bool = False
    idle: asyncio.Event = field(default_factory=asyncio.Event)
    written: asyncio.Event = field(default_factory=asyncio.Event)


class Streams:
    """The answers that grow right now."""

    def __init__(self, parts: StreamParts, policy: StreamPolicy) -> None:
        self._parts = parts
        self._policy = policy
        self._streams: set[Stream] = set()

    def reconfigure(self, policy: StreamPolicy) -> None:
        """What counts for answers that begin from now on; those that grow show their steps in the new way."""
        self._policy = policy

    def begin(
        self, turn_id: int, route: Route, reply_to: str, recorder: Recorder, adopted: GrowingStream | None
    ) -> Stream:
        """An answer may begin to grow, in the message of an interrupted one where there is such."""
        stream = Stream(turn_id, route, reply_to, recorder, self._parts.clock.monotonic() + OPEN_AFTER)
        stream.idle.set()
        stream.written.set()
        if adopted is not None:
            stream.opening = adopted.opening.id
        elif self._policy.drafts:
            stream.draft = self._parts.adapters[route.account].drafts(route)
        if self._policy.enabled:
            self._streams.add(stream)
        return stream

    async def stop(self, stream: Stream) -> None:
        """It does not grow any more; whether it has a message is certain from here on."""
        stream.over = True
        self._streams.discard(stream)
        await stream.written.wait()

    async def settled(self, stream: Stream) -> None:
        """Wait until no change of it is under way, which could overwrite what follows."""
        try:
            async with asyncio.timeout(STUCK_SECONDS):
                await stream.idle.wait()
        except TimeoutError:
            _log.warning("stream.stuck", turn=stream.turn_id)

    async def close(self, growing: GrowingStream, line: str) -> None:
        """End a message in which nothing will grow any more."""
        parts, opening = self._parts, growing.opening
        limit = parts.adapters[opening.route.account].text_limit
        # A notice: where the message turns out not to exist, nothing is sent instead of it.
        draft = Draft(DeliveryKind.NOTICE, ended_early(growing.text, line, limit))
        # Until it is written: left open, it would be taken for the message of the answer that follows.
        owed = await until_written(
            parts.clock, lambda: parts.store.close_stream(opening.id, draft, parts.clock.now())
        )
        if owed is not None:
            parts.outbox.push((owed,))

    async def close_stray(self, account: str) -> None:
        """End what was left open in conversations that will not go on."""
        for growing in await self._parts.store.stray_streams(account):
            await self.close(growing, CUT_SHORT)

    async def close_session(self, session_id: int, line: str) -> None:
        """A person wants no more of it."""
        for growing in await self._parts.store.growing(session_id):
            await self.close(growing, line)

    async def run(self) -> None:
        """Let them grow, until cancelled."""
        clock = self._parts.clock
        while True:
            await clock.sleep(LOOK_SECONDS)
            now = clock.monotonic()
            for stream in tuple(self._streams):
                if stream.due <= now and stream.idle.is_set() and not stream.refused:
                    self._supervised(stream)

    def _supervised(self, stream: Stream) -> None:
        try:
            self._grow(stream)
        except Exception:  # noqa: BLE001  supervisor: one answer's picture of progress must not end the others'
            _log.exception("stream.error", turn=stream.turn_id)
            stream.refused = True

    def _grow(self, stream: Stream) -> None:
        adapter = self._parts.adapters[stream.route.account]
        limit = adapter.text_limit
        said = stream.recorder.text[: 2 * limit]
        text = next(iter(cut(said, limit, adapter.fits)), "") if said else ""
        doing = progress(stream.recorder.steps, self._policy.how)
        now = self._parts.clock.monotonic()
        stream.due = now + adapter.amend_seconds
        fading = stream.draft and now >= stream.fades
        if not (text or (doing and adapter.progress_in_chat(stream.route))):
            return
        if (text, doing) == stream.shown and not fading:
            return
        stream.idle.clear()
        self._parts.group.create_task(
            self._step(stream, adapter, text, doing), name=f"stream-{stream.turn_id}"
        )

    async def _step(self, stream: Stream, adapter: ChatAdapter, text: str, doing: str) -> None:
        try:
            if stream.draft:
                await self._draft(stream, adapter, text, doing)
                return
            if stream.opening is None:
                await self._open(stream, text, doing)
            elif stream.message_id is None:
                await self._find_message(stream)
            if stream.message_id is not None:
                outcome = await adapter.amend(stream.route, stream.message_id, text or WORKING, doing)
                reach("stream.amended")
                self._shown(stream, adapter, outcome, text, doing)
        except Exception:  # noqa: BLE001  supervisor: a picture of progress must not end the gateway
            _log.exception("stream.error", turn=stream.turn_id)
            stream.refused = True
        finally:
            stream.idle.set()

    async def _open(self, stream: Stream, text: str, doing: str) -> None:
        parts = self._parts
        # With words, what the agent is doing is shown a moment later: an opening may have to stand as it is.
        draft = Draft(DeliveryKind.STREAM, text or f"{WORKING}\n{doing}", stream.reply_to)
        stream.written.clear()
        try:
            if stream.over:
                return
            opened = await parts.store.open_stream(stream.turn_id, draft, parts.clock.now())
        except LedgerUnavailableError:
            return  # later, when there is room again
        finally:
            stream.written.set()
        reach("stream.opened")
        if opened is not None:
            stream.opening, stream.shown = opened.id, (text, "")
            parts.outbox.push((opened,))

    async def _find_message(self, stream: Stream) -> None:
        """The outbox sends the opening in its turn; until then there is nothing to change."""
        assert stream.opening is not None
        found = await self._parts.store.delivery(stream.opening)
        if found is None or found.state is DeliveryState.REJECTED:
            stream.refused = True
        elif found.state is DeliveryState.SENT:
            stream.message_id = found.platform_message_id

    async def _draft(self, stream: Stream, adapter: ChatAdapter, text: str, doing: str) -> None:
        number = stream.turn_id % _DRAFT_NUMBERS + 1
        outcome = await adapter.draft(stream.route, number, text or WORKING, doing)
        stream.fades = self._parts.clock.monotonic() + DRAFT_SECONDS
        self._shown(stream, adapter, outcome, text, doing)
        if stream.refused and not adapter.drafts(stream.route):
            stream.draft = stream.refused = False  # the platform has none after all: it grows in a message

    def _shown(
        self, stream: Stream, adapter: ChatAdapter, outcome: SendOutcome, text: str, doing: str
    ) -> None:
        now = self._parts.clock.monotonic()
        match outcome:
            case Delivered():
                stream.shown = (text, doing)
            case RetryAfter(seconds):
                stream.due = max(stream.due, now + seconds)
            case Rejected(reason):
                stream.refused = True
                _log.info("stream.refused", turn=stream.turn_id, why=reason)
            case Unknown():
                stream.due = max(stream.due, now + 2 * adapter.amend_seconds)
