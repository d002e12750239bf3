"""What became of a send whose outcome is unknown: the channel is read back, nothing is sent.

A message of ours is known by its nonce. Where the history leaves the nonce out, it is known by its words, by
its file and by what it replies to, since the last message that is known to have been sent there.
"""

from adapters.discord.files import carries
from adapters.discord.messages import body, nonce
from adapters.discord.outcomes import harmless, retry_seconds, words
from adapters.discord.payloads import Json, as_id, items, mapping, mappings, text
from adapters.discord.rest import Answer, Reply, Rest
from adapters.discord.snowflakes import snowflake
from gateway.model.delivery import (
    Absent,
    Delivered,
    Delivery,
    Reconciled,
    Rejected,
    RetryAfter,
    Unknown,
)
from gateway.ports import Clock

SETTLE_SECONDS = 2.0
"""How long after the first attempt a request may still take effect."""

SKEW_SECONDS = 60.0
LONG_SKEW_SECONDS = 600.0
"""How much our clock may be ahead of Discord's: little must be read in vain, a lot is no reason to repeat."""

PAGE = 100
PAGES = 50


async def look_for(
    rest: Rest, clock: Clock, me: int, channel: str, delivery: Delivery, after: str | None
) -> Reconciled:
    """Look until it is found, or until it can no longer appear."""
    claimed = clock.now() if delivery.claimed_at is None else delivery.claimed_at
    while True:
        began = clock.now()
        found = await _search(rest, me, channel, delivery, _anchor(claimed, after))
        left = claimed + SETTLE_SECONDS - began
        if not isinstance(found, Absent) or left <= 0:
            return found
        await clock.sleep(min(left, SETTLE_SECONDS))


async def _search(rest: Rest, me: int, channel: str, delivery: Delivery, anchor: int) -> Reconciled:
    for _ in range(PAGES):
        query = {"after": str(anchor), "limit": str(PAGE)}
        reply = await rest.call("GET", f"/channels/{channel}/messages", query=query)
        if not isinstance(reply, Answer) or not reply.good or reply.body is None:
            return _unreadable(reply, delivery.attempt)
        page = sorted(mappings(reply.body), key=lambda one: as_id(one.get("id")))
        for message in page:
            if as_id(mapping(message.get("author")).get("id")) == me and _is(message, delivery):
                return Delivered(text(message.get("id")))
        if len(page) < PAGE:
            return Absent()
        anchor = as_id(page[-1].get("id"))
    return Unknown("too much was said in the channel since then to find the message")


def _is(message: Json, delivery: Delivery) -> bool:
    known = message.get("nonce")
    if known is not None:
        return str(known) == nonce(delivery.key)
    reply_to = text(mapping(message.get("message_reference")).get("message_id"))
    same_reply = not reply_to or reply_to == delivery.reply_to
    file = delivery.file
    same_file = carries(message, file) if file is not None else not items(message.get("attachments"))
    return same_reply and same_file and text(message.get("content")).strip() == _as_kept(body(delivery))


def _as_kept(said: str) -> str:
    """As Discord keeps a text."""
    return said.encode(errors="replace").decode().strip()


def _anchor(claimed: float, after: str | None) -> int:
    """The id after which to look."""
    known = as_id(after)
    if not known:
        return snowflake(claimed - SKEW_SECONDS)
    return max(known, snowflake(claimed - LONG_SKEW_SECONDS))


def _unreadable(reply: Reply, attempt: int) -> Reconciled:
    if isinstance(reply, Answer):
        if reply.status in {403, 404} and reply.code:
            return Rejected(words(reply))
        if reply.good:
            return RetryAfter(retry_seconds(attempt), "Discord's answer made no sense")
    return harmless(reply, attempt)
