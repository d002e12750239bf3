"""Sends what is owed, in order per chat, each once as far as the platform allows.

A delivery is claimed in the ledger before the platform hears of it and settled after. Nothing is claimed
while it only waits for a rate limit. One whose outcome is unknown is never simply sent again: it is
repeated with a label that says so, or held, as the operator chose.
"""

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import replace
from enum import StrEnum
from typing import assert_never

from gateway import log
from gateway.engine.persist import until_written
from gateway.failpoints import reach
from gateway.model.delivery import (
    Delivered,
    Delivery,
    DeliveryKind,
    DeliveryState,
    Draft,
    Rejected,
    RetryAfter,
    SendOutcome,
    Unknown,
)
from gateway.ports import ChatAdapter, Clock, Store
from gateway.rules.offers import repeat_button
from gateway.rules.retry import backoff

_log = log.get()

DOUBTFUL_ATTEMPTS = 5
"""How often a delivery may end unknown before it is held: a platform that fails after the effect each time
would else be sent the same thing for ever."""


HELD = "A reply of mine may not have reached you: the connection broke while it was being sent."


class OnUnknown(StrEnum):
    """What becomes of a delivery that may have arrived already."""

    LABEL = "label"
    HOLD = "hold"


ChatKey = tuple[str, str]


class Outbox:
    """The queues of chats that are owed something. A chat's queue has a task while it is not empty."""

    def __init__(
        self,
        ledger: Store,
        adapters: Mapping[str, ChatAdapter],
        clock: Clock,
        group: asyncio.TaskGroup,
        on_unknown: OnUnknown,
    ) -> None:
        self._ledger = ledger
        self._adapters = adapters
        self._clock = clock
        self._group = group
        self._on_unknown = on_unknown
        self._chats: dict[ChatKey, deque[Delivery]] = {}
        self._open = {account: asyncio.Event() for account in adapters}
        self._closing = asyncio.Event()
        self._empty = asyncio.Event()
        self._empty.set()

    async def load(self, account: str) -> int:
        """Queue what earlier boots owe, before anything new can be; how many deliveries that are."""
        owed = await self._ledger.owed(account)
        self.push(owed)
        return len(owed)

    def open(self, account: str) -> None:
        """The account is connected: its queues may move."""
        self._open[account].set()

    def push(self, deliveries: Sequence[Delivery]) -> None:
        """Queue deliveries that are in the ledger."""
        for delivery in deliveries:
            key = (delivery.route.account, delivery.route.chat)
            queue = self._chats.get(key)
            if queue is not None:
                queue.append(delivery)
            elif delivery.route.account in self._open:
                self._chats[key] = deque([delivery])
                self._empty.clear()
                self._group.create_task(self._run(key), name=f"outbox-{key[0]}")

    def __len__(self) -> int:
        """How many chats are owed something."""
        return len(self._chats)

    async def empty(self) -> None:
        """Wait until nothing is queued."""
        await self._empty.wait()

    def close(self) -> None:
        """Claim nothing more. What is being sent is still settled; the rest waits for the next boot."""
        self._closing.set()
        for event in self._open.values():
            event.set()

    async def _run(self, key: ChatKey) -> None:
        queue = self._chats[key]
        try:
            await self._open[key[0]].wait()
            while queue and not self._closing.is_set():
                await self._supervised(queue[0])
                queue.popleft()
        finally:
            del self._chats[key]
            if not self._chats:
                self._empty.set()

    async def _supervised(self, delivery: Delivery) -> None:
        try:
            await self._deliver(delivery)
        except Exception:  # noqa: BLE001  supervisor: one delivery's bug must not silence its chat
            _log.exception("delivery.error", delivery=delivery.id)

    async def _deliver(self, delivery: Delivery) -> None:
        """See one delivery through to its end, or as far as it can be taken now."""
        adapter = self._adapters[delivery.route.account]
        unknown = 0
        while not self._closing.is_set():
            if delivery.state is DeliveryState.UNKNOWN:
                unknown += 1
                if not await self._repeat(delivery, unknown):
                    return
                delivery = replace(delivery, state=DeliveryState.PENDING, doubtful=True)
            await adapter.pace(delivery.route)
            if self._closing.is_set():
                return
            outcome = await self._send(adapter, delivery)
            if outcome is None:
                return
            match outcome:
                case Delivered():
                    return
                case Rejected(reason):
                    _log.warning("delivery.rejected", delivery=delivery.id, why=reason)
                    return
                case RetryAfter(seconds, reason):
                    _log.info("delivery.delayed", delivery=delivery.id, seconds=seconds, why=reason)
                    await self._wait(seconds)
                case Unknown(reason):
                    _log.warning("delivery.unknown", delivery=delivery.id, why=reason)
                    delivery = replace(delivery, state=DeliveryState.UNKNOWN)
                    await self._wait(backoff(unknown + 1, first=0.5))
                case _:
                    assert_never(outcome)

    async def _send(self, adapter: ChatAdapter, delivery: Delivery) -> SendOutcome | None:
        """Claim, send, settle; None when a person dropped it meanwhile."""
        if not await until_written(self._clock, lambda: self._ledger.claim(delivery.id)):
            return None
        reach("outbox.claimed")
        outcome = await adapter.send(delivery)
        reach("outbox.sent")
        now = self._clock.now()
        await until_written(self._clock, lambda: self._ledger.settle(delivery.id, outcome, now))
        return outcome

    async def _repeat(self, delivery: Delivery, times: int) -> bool:
        """Make an unknown delivery ready to be sent again, if that is what is wanted."""
        found = await self._ledger.delivery(delivery.id)
        if found is None or found.state is not DeliveryState.UNKNOWN:
            return False  # a person dropped it meanwhile
        # A notice that comes twice does no harm; one that is held says nothing to anybody.
        holds = self._on_unknown is OnUnknown.HOLD and delivery.kind is DeliveryKind.REPLY
        if holds or times > DOUBTFUL_ATTEMPTS:
            await until_written(self._clock, lambda: self._ledger.hold(delivery.id))
            _log.warning("delivery.held", delivery=delivery.id)
            await self._offer(delivery)
            return False
        await until_written(self._clock, lambda: self._ledger.retry_doubtful(delivery.id))
        _log.warning("delivery.repeated", delivery=delivery.id)
        return True

    async def _offer(self, delivery: Delivery) -> None:
        """Tell the chat that a reply is held, with a button to have it sent again."""
        session_id = delivery.session_id
        if session_id is None or delivery.kind is not DeliveryKind.REPLY:
            return
        draft = Draft(DeliveryKind.NOTICE, HELD, buttons=repeat_button(delivery.id))
        key = f"held:{delivery.id}:{delivery.attempt}"
        now = self._clock.now()
        self.push(
            await until_written(self._clock, lambda: self._ledger.notify(session_id, (draft,), now, key=key))
        )

    async def _wait(self, seconds: float) -> None:
        """Wait, but not through a shutdown."""
        try:
            async with asyncio.timeout(seconds):
                await self._closing.wait()
        except TimeoutError:
            return
