"""Receipts: reactions of the bot to people's messages.

Putting a reaction where it is already and taking away one that is not there change nothing, so whatever goes
wrong half-way is simply done again.
"""

from collections import OrderedDict
from typing import Final
from urllib.parse import quote

from adapters.discord.outcomes import MISSING_PERMISSION, UNKNOWN_EMOJI, UNKNOWN_MESSAGE, harmless
from adapters.discord.pace import signs
from adapters.discord.payloads import as_id
from adapters.discord.rest import Answer, Reply, Rest
from adapters.pace import Pace
from gateway.model.delivery import Delivered, Delivery, Receipt, Rejected, RetryAfter

SIGNS: Final = {Receipt.ACCEPTED: "👀", Receipt.DONE: "✅", Receipt.FAILED: "⚠️"}

REMEMBERED = 4096
"""Messages whose sign is known. After a restart it is not, and every other sign is taken away."""

_NO_CONTENT = 204
_GIVEN = Delivered("")
_NOWHERE = Rejected("there is no message to put a sign at")
_NOT_ALLOWED = Rejected(f"the bot may not add reactions there (Discord {MISSING_PERMISSION})")


class Signs:
    """The signs that one bot gave."""

    def __init__(self, rest: Rest, pace: Pace) -> None:
        self._rest = rest
        self._pace = pace
        self._given: OrderedDict[int, Receipt] = OrderedDict()

    async def give(self, delivery: Delivery) -> Delivered | Rejected | RetryAfter:
        """Put the sign, and take the earlier one away."""
        message = as_id(delivery.reply_to)
        if not message:
            return _NOWHERE
        try:
            sign = Receipt(delivery.body)
        except ValueError:
            return Rejected("this release knows no such sign")
        route, found = delivery.route, _NOWHERE
        # The message that a thread was opened from is in the channel; the one that a forum's post begins with
        # has the thread's id as well, and is in the thread.
        opener = as_id(route.thread) == message
        places = (route.chat, route.thread) if opener else (route.thread or route.chat,)
        for channel in places:
            reply = await self._call("PUT", channel, message, sign)
            if _done(reply):
                return await self._replace(channel, message, sign, delivery.attempt)
            found = _refusal(reply, delivery.attempt)
            if not isinstance(reply, Answer) or reply.code != UNKNOWN_MESSAGE:
                break
        return found

    async def _replace(
        self, channel: str, message: int, sign: Receipt, attempt: int
    ) -> Delivered | RetryAfter:
        for earlier in self._earlier(message, sign):
            reply = await self._call("DELETE", channel, message, earlier)
            if _done(reply) or (isinstance(reply, Answer) and reply.code == UNKNOWN_EMOJI):
                continue
            found = harmless(reply, attempt)
            if isinstance(found, RetryAfter):
                return found
        self._given[message] = sign
        self._given.move_to_end(message)
        if len(self._given) > REMEMBERED:
            self._given.popitem(last=False)
        return _GIVEN

    def _earlier(self, message: int, sign: Receipt) -> list[Receipt]:
        """What may stand there: what was given last, or anything, save before the first sign of all."""
        known = self._given.get(message)
        if known is not None:
            return [known] if known is not sign else []
        return [one for one in Receipt if one is not sign] if sign is not Receipt.ACCEPTED else []

    async def _call(self, verb: str, channel: str, message: int, sign: Receipt) -> Reply:
        await self._pace.wait(signs(channel))
        return await self._rest.call(
            verb, f"/channels/{channel}/messages/{message}/reactions/{quote(SIGNS[sign])}/@me"
        )


def _done(reply: Reply) -> bool:
    """Discord answers with nothing; something else that looks well is not from Discord."""
    return isinstance(reply, Answer) and reply.status == _NO_CONTENT


def _refusal(reply: Reply, attempt: int) -> Rejected | RetryAfter:
    if isinstance(reply, Answer) and reply.code == MISSING_PERMISSION:
        return _NOT_ALLOWED
    return harmless(reply, attempt)
