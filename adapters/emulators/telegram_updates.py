"""The queue of updates of one bot, with Telegram's rules of confirmation.

An update stays until a later getUpdates names an offset above its id; a connection that breaks confirms
nothing. A new getUpdates ends the one that is waiting. See https://core.telegram.org/bots/api#getupdates.
"""

import asyncio
import json
from collections import deque
from dataclasses import dataclass

from adapters.emulators.events import EventLog, JsonObject

# Not sent unless a bot asks for them by name.
NOT_BY_DEFAULT = frozenset({"chat_member", "message_reaction", "message_reaction_count"})


@dataclass(frozen=True, slots=True)
class Update:
    """An update as it goes over the wire; encoded once, however often it is fetched."""

    id: int
    kind: str
    encoded: str


class Conflict(Exception):  # noqa: N818 - named as the platform names it
    """Another getUpdates has taken over."""


class UpdateQueue:
    def __init__(self, events: EventLog, account: str, first_id: int) -> None:
        self._events = events
        self._pending: deque[Update] = deque()
        self._confirmed: deque[Update] = deque(maxlen=1_000)
        self._again: list[Update] = []
        self._next_id = first_id
        self._poll: asyncio.Future[bool] | None = None  # True: woken; False: taken over
        self.account = account
        self.allowed: frozenset[str] | None = None

    def __len__(self) -> int:
        return len(self._pending)

    @property
    def polling(self) -> bool:
        """Whether a long poll is waiting now."""
        return self._poll is not None

    @property
    def newest(self) -> int:
        """The id of the update that was queued last."""
        return self._next_id - 1

    def push(self, kind: str, body: JsonObject) -> int | None:
        """Queue an update; None when the bot did not ask for its kind."""
        if kind in NOT_BY_DEFAULT if self.allowed is None else kind not in self.allowed:
            return None
        return self.push_raw({kind: body})

    def push_raw(self, update: JsonObject) -> int:
        """Queue any JSON object as an update; without an `update_id` it gets the next one."""
        given = update.get("update_id")
        number = given if isinstance(given, int) else self._next_id
        self._next_id = max(self._next_id, number + 1)
        kind = next((key for key in update if key != "update_id"), "")
        self._pending.append(Update(number, kind, json.dumps({"update_id": number, **update})))
        self._events.emit("update", {"account": self.account, "update_id": number, "update_kind": kind})
        self._wake(True)
        return number

    def repeat(self, updates: list[Update]) -> None:
        """Deliver these once more with the next getUpdates, whatever its offset."""
        self._again.extend(updates)
        self._wake(True)

    def find(self, update_id: int) -> Update | None:
        """An update that is pending or was confirmed not long ago."""
        return next((update for update in (*self._confirmed, *self._pending) if update.id == update_id), None)

    def pending(self) -> list[Update]:
        return list(self._pending)

    def clear(self) -> None:
        self._pending.clear()

    def confirm(self, offset: int) -> list[Update]:
        """Forget what a getUpdates with this offset confirms; a negative one keeps the queue's end only."""
        gone: list[Update] = []
        pending = self._pending
        if offset < 0:
            while len(pending) > -offset:
                gone.append(pending.popleft())
        else:
            while pending and pending[0].id < offset:
                gone.append(pending.popleft())
        if gone:
            self._confirmed.extend(gone)
            self._events.emit(
                "confirmed", {"account": self.account, "update_id": gone[-1].id, "count": len(gone)}
            )
        return gone

    def take_over(self) -> None:
        """End a waiting poll, if there is one."""
        self._wake(False)

    def answer_now(self) -> None:
        """End a waiting poll with what there is, as if its time had run out."""
        self._wake(True)

    async def fetch(self, limit: int, patience: float) -> str:
        """The JSON array of at most `limit` updates, waiting up to `patience` seconds for the first.

        Raises Conflict when another poll takes over meanwhile.
        """
        if not self._pending and not self._again and patience > 0:
            await self._wait(patience)
        batch = self._again
        self._again = []
        for update in self._pending:
            if len(batch) >= limit:
                break
            batch.append(update)
        return "[" + ",".join([update.encoded for update in batch]) + "]"

    async def _wait(self, patience: float) -> None:
        poll = asyncio.get_running_loop().create_future()
        self._poll = poll
        self._events.emit("polling", {"account": self.account})
        try:
            async with asyncio.timeout(patience):
                woken = await poll
        except TimeoutError:
            return
        finally:
            if self._poll is poll:
                self._poll = None
        if not woken:
            raise Conflict

    def _wake(self, woken: bool) -> None:
        poll, self._poll = self._poll, None
        if poll is not None and not poll.done():
            poll.set_result(woken)
