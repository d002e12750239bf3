"""The thread in which a mention is answered: opened when the first word is to be said there, not before.

A thread that is opened from a message has that message's id. So the route of an answer is known before its
thread exists, opening it twice opens it once, and nothing of it has to be stored. Where none can be opened,
what is meant for the thread goes to the channel itself.
"""

from collections import OrderedDict
from re import compile as pattern

from structlog.typing import FilteringBoundLogger

from adapters.discord.outcomes import THREAD_EXISTS, UNKNOWN_MESSAGE, harmless, words
from adapters.discord.payloads import as_id, text
from adapters.discord.places import Places
from adapters.discord.rest import Answer, Rest
from gateway.model.address import Route
from gateway.model.delivery import Rejected, RetryAfter

REMEMBERED = 4096
"""Threads whose channel, or name, is kept at hand."""

NAME_LIMIT = 100
UNNAMED = "Conversation"
ARCHIVE_MINUTES = 3 * 24 * 60
"""Of silence; a thread out of sight is still read and written, but not listed."""

_MENTION = pattern(r"<[@#][!&]?\d{1,20}>")


class Threads:
    """Where the messages of a route go. `enabled` allows to open threads."""

    def __init__(self, rest: Rest, places: Places, log: FilteringBoundLogger, *, enabled: bool) -> None:
        self._rest = rest
        self._places = places
        self._log = log
        self._enabled = enabled
        self._targets: OrderedDict[str, str] = OrderedDict()
        self._names: OrderedDict[str, str] = OrderedDict()

    def remember(self, message_id: str, said: str) -> None:
        """What a thread that may be opened from this message is to be called."""
        _keep(self._names, message_id, title(said))

    async def target(self, route: Route, attempt: int = 0) -> str | RetryAfter | Rejected:
        """The channel to write to, with the thread opened when need be. Nothing was sent, whatever it is."""
        known = self._known(route)
        if known is not None:
            return known
        if not self._enabled:
            return await self.existing(route, attempt)
        body = {
            "name": self._names.get(route.thread) or await self._ask_name(route),
            "auto_archive_duration": ARCHIVE_MINUTES,
        }
        reply = await self._rest.call("POST", f"/channels/{route.chat}/messages/{route.thread}/threads", body)
        if isinstance(reply, Answer) and (reply.good or reply.code == THREAD_EXISTS):
            return self._settle(route, route.thread)
        if not isinstance(reply, Answer) or _passing(reply):
            return harmless(reply, attempt)  # the message was certainly not sent
        if reply.code == UNKNOWN_MESSAGE:  # a thread that was opened otherwise, or the message is gone
            return await self.existing(route, attempt)
        self._give_up(route, reply)
        return self._settle(route, route.chat)

    async def existing(self, route: Route, attempt: int = 0) -> str | RetryAfter | Rejected:
        """The channel that messages were written to. Opens nothing: without a thread it was the channel."""
        known = self._known(route)
        if known is not None:
            return known
        reply = await self._rest.call("GET", f"/channels/{route.thread}")
        if not isinstance(reply, Answer) or _passing(reply):
            return harmless(reply, attempt)
        if reply.status == 404:
            return route.chat
        return self._settle(route, route.thread)

    def _known(self, route: Route) -> str | None:
        if not route.thread:
            return route.chat
        if self._places.get(as_id(route.thread)) is not None:
            return route.thread
        return self._targets.get(route.thread)

    def _settle(self, route: Route, target: str) -> str:
        _keep(self._targets, route.thread, target)
        return target

    async def _ask_name(self, route: Route) -> str:
        """After a restart the message itself is asked."""
        reply = await self._rest.call("GET", f"/channels/{route.chat}/messages/{route.thread}")
        content = text(reply.fields.get("content")) if isinstance(reply, Answer) and reply.good else ""
        return title(_MENTION.sub("", content))

    def _give_up(self, route: Route, answer: Answer) -> None:
        channel = self._places.get(as_id(route.chat))
        if channel is not None and channel.threads:
            channel.threads = False  # from now on, what is said there belongs to the channel
            self._log.warning("discord.no_threads", channel=route.chat, why=words(answer))


def title(said: str) -> str:
    """The first words."""
    line = " ".join(said.split())
    if len(line) <= NAME_LIMIT:
        return line or UNNAMED
    cut = line[: NAME_LIMIT - 1]
    head, _, _ = cut.rpartition(" ")
    return f"{head if len(head) > NAME_LIMIT // 2 else cut}…"


def _passing(answer: Answer) -> bool:
    """Whether it may be otherwise in a while."""
    return answer.status in {401, 429} or answer.status >= 500 or not (answer.good or answer.code)


def _keep(kept: OrderedDict[str, str], key: str, value: str) -> None:
    kept[key] = value
    kept.move_to_end(key)
    if len(kept) > REMEMBERED:
        kept.popitem(last=False)
