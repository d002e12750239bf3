"""Answers that grow before people's eyes: a stream of Slack's own where it has one, else edits.

A stream lives in a thread, and in a channel it wants to know for whom it is; where that is not known, or
Slack will not have a stream, the message is posted and edited. Slack ends a stream by itself after a while,
and a process that died leaves one open. So nothing relies on a stream being open or closed: its end makes
the message read as it should, whatever became of it before, and doing that twice is doing it once.

Opening a stream takes no metadata, so such a message bears no key until its end gives it one. It is found
again all the same (see `reconcile`): it is the bot's only message after the last known one without a key.
"""

from collections import OrderedDict
from dataclasses import dataclass

from adapters.pace import Pace
from adapters.slack.client import CallError, Client, LimitError, RefusedError
from adapters.slack.message import metadata, with_progress, words
from adapters.slack.outcomes import BAD_TOKEN, GONE, outcome
from adapters.slack.render import render
from adapters.slack.status import Status
from adapters.slack.threads import Threads
from adapters.slack.writing import of_markup, post, rewrite
from gateway.model.address import Route
from gateway.model.delivery import Button, Delivered, Delivery, RetryAfter, SendOutcome
from gateway.ports import Clock

AMEND_SECONDS = 1.2

_KEPT = 4096
_NO_STREAM = frozenset({"message_not_in_streaming_state", "stopped_by_user"})
_NEVER = frozenset({"channel_type_not_supported", "feature_not_enabled", "missing_scope", "unknown_method"})


@dataclass(slots=True)
class _Stream:
    """`shown` is what a stream of Slack's reads, None when that is in doubt; `native` that it is one."""

    key: str
    native: bool
    shown: str | None


class Streams:
    """The growing messages of one account."""

    def __init__(
        self,
        client: Client,
        threads: Threads,
        status: Status,
        clock: Clock,
        appends: Pace,
        updates: Pace,
    ) -> None:
        self._client = client
        self._status = status
        self._threads = threads
        self._clock = clock
        self._appends = appends
        self._updates = updates
        self._known: OrderedDict[tuple[str, str], _Stream] = OrderedDict()
        self._offered = True  # as far as is known, Slack has streams
        self._quiet_until = float("-inf")

    async def open(self, delivery: Delivery) -> str:
        """Send the message that will grow; its ts. Raises CallError."""
        route, text = delivery.route, render(words(delivery), closed=False)
        ts = await self._start(route, text) if self._offered else None
        native = ts is not None
        if ts is None:
            ts = await post(self._client, delivery)
        self._remember(route.chat, ts, _Stream(delivery.key, native, text))
        return ts

    async def _start(self, route: Route, text: str) -> str | None:
        """Open a stream; None where there can be none, and then certainly nothing was sent."""
        direct = route.chat.startswith("D")
        recipient = self._threads.recipient(route.chat, route.thread)
        if not route.thread or not (direct or recipient):
            return None
        try:
            return await self._client.post(
                "chat.startStream",
                channel=route.chat,
                thread_ts=route.thread,
                markdown_text=text or None,  # a stream may begin without a word
                recipient_team_id=recipient.team if recipient else None,
                recipient_user_id=recipient.user if recipient else None,
            )
        except LimitError:
            return None
        except RefusedError as error:
            if error.word in BAD_TOKEN or error.word in GONE:
                raise
            self._offered = error.word not in _NEVER
            return None

    async def grow(self, route: Route, ts: str, text: str, progress: str = "") -> SendOutcome:
        """Show more of it, unless that could use up what messages need.

        What the agent is doing stands below the thread while Slack streams, for a stream takes nothing back.
        """
        now = self._clock.monotonic()
        if now < self._quiet_until:
            return RetryAfter(self._quiet_until - now, "Slack asks to slow down")
        stream = self._known.get((route.chat, ts))
        if stream is not None and stream.native:
            await self._status.tell(route, progress)
            grown = render(text, closed=False)
            if stream.shown is None or not grown.startswith(stream.shown) or grown == stream.shown:
                return Delivered(ts)  # a stream can only be added to; the end will set it right
            pace = self._appends
        else:
            grown = ""
            pace = self._updates
        if not await pace.spare(route.chat):
            return RetryAfter(AMEND_SECONDS, "messages come first")
        try:
            if not await self._append(route.chat, ts, grown, stream):
                text = with_progress(text, progress)
                await self._rewrite(route.chat, ts, text, (), stream.key if stream else "")
        except CallError as error:
            if isinstance(error, LimitError):
                self._quiet_until = self._clock.monotonic() + error.seconds
            return outcome(error, attempt=1)
        return Delivered(ts)

    async def _append(self, chat: str, ts: str, grown: str, stream: _Stream | None) -> bool:
        """Add to a stream of Slack's what is new; false when there is none, or none any more."""
        if stream is None or not stream.native or stream.shown is None:
            return False
        before, stream.shown = stream.shown, None
        added = grown[len(before) :]
        try:
            await self._client.write("chat.appendStream", channel=chat, ts=ts, markdown_text=added)
        except RefusedError as error:
            if error.word not in _NO_STREAM:
                stream.shown = before
                raise
            stream.native = False
            return False
        except LimitError:
            stream.shown = before
            raise
        stream.shown = grown
        return True

    async def finish(self, delivery: Delivery, ts: str) -> None:
        """Make the message read as the delivery does, whatever it was. Raises CallError."""
        await self._end(delivery, ts)
        await self._status.over(delivery.route)

    async def _end(self, delivery: Delivery, ts: str) -> None:
        chat, text = delivery.route.chat, words(delivery)
        stream = self._known.pop((chat, ts), None)
        if stream is not None and stream.native:
            rest, whole = None, render(text)
            if stream.shown is not None and whole.startswith(stream.shown) and not delivery.buttons:
                rest = whole[len(stream.shown) :]
            stopped = await self._stop(chat, ts, delivery.key, rest)
            if stopped and rest is not None:
                return
        await self._rewrite(chat, ts, text, delivery.buttons, delivery.key)

    async def _rewrite(self, chat: str, ts: str, text: str, buttons: tuple[Button, ...], key: str) -> None:
        """Edit the message. If a stream is in the way, left behind by another process, it is ended first."""
        try:
            await rewrite(self._client, chat, ts, text, buttons, key)
        except RefusedError as error:
            if error.word != "streaming_state_conflict":
                raise
            await self._stop(chat, ts, key, None)
            await rewrite(self._client, chat, ts, text, buttons, key)

    async def _stop(self, chat: str, ts: str, key: str, rest: str | None) -> bool:
        """End a stream; false when there was none, or what is left to be said must be said otherwise."""
        try:
            await self._client.write(
                "chat.stopStream",
                channel=chat,
                ts=ts,
                markdown_text=rest or None,
                metadata=metadata(key) if key else None,
            )
        except RefusedError as error:
            if error.word not in _NO_STREAM and not (rest and of_markup(error)):
                raise
            return False
        return True

    def _remember(self, chat: str, ts: str, stream: _Stream) -> None:
        self._known[chat, ts] = stream
        if len(self._known) > _KEPT:
            self._known.popitem(last=False)
