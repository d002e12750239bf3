"""Signs at people's messages: a reaction of the bot's, in whose place a later one is put.

The new one comes first, so there is always a sign. What stood there before is remembered while the process
lives; after that, what may be there of an earlier life is taken away when the message is done with.
"""

from collections import OrderedDict

from adapters.slack.client import Client, RefusedError
from gateway.model.delivery import Delivery, Receipt

SIGNS = {Receipt.ACCEPTED: "eyes", Receipt.DONE: "white_check_mark", Receipt.FAILED: "warning"}

_KEPT = 4096
_DONE_ALREADY = frozenset({"already_reacted", "no_reaction"})


class Receipts:
    """The signs of one account."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._given: OrderedDict[tuple[str, str], Receipt] = OrderedDict()

    async def give(self, delivery: Delivery) -> None:
        """Show the sign. Raises CallError; ValueError for one that there is not."""
        wanted, chat, ts = Receipt(delivery.body), delivery.route.chat, delivery.reply_to
        before = self._given.pop((chat, ts), None)
        await self._change("reactions.add", chat, ts, wanted)
        for one in _earlier(wanted, before):
            await self._change("reactions.remove", chat, ts, one)
        self._given[chat, ts] = wanted
        if len(self._given) > _KEPT:
            self._given.popitem(last=False)

    async def _change(self, method: str, chat: str, ts: str, sign: Receipt) -> None:
        try:
            await self._client.write(method, channel=chat, timestamp=ts, name=SIGNS[sign])
        except RefusedError as error:
            if error.word not in _DONE_ALREADY:
                raise


def _earlier(wanted: Receipt, before: Receipt | None) -> list[Receipt]:
    """What may have to be taken away."""
    if before is not None:
        return [] if before is wanted else [before]
    return [] if wanted is Receipt.ACCEPTED else [one for one in Receipt if one is not wanted]
