"""Sends what is owed, in order per chat, each once as far as the platform allows.

A delivery is claimed in the ledger before the platform hears of it and settled after. Nothing is claimed
while it only waits for a rate limit. One whose outcome is unknown is never simply sent again: the platform is
asked what became of it, and where it cannot be asked, it is repeated with a label that says so, or held, as
the operator chose. An edit needs none of this, because doing it twice is the same as doing it once. Where
there is nothing to edit, a reply becomes a message of its own, and a mere closing line is dropped.
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
from gateway.model.address import Route
from gateway.model.delivery import (
    Absent,
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
from gateway.model.happening import DeliverySettled, Sending, Witness, sending_of, unseen
from gateway.ports import ChatAdapter, Clock, MediaFiles, Store
from gateway.rules.offers import repeat_button
from gateway.rules.retry import backoff

_log = log.get()

DOUBTFUL_ATTEMPTS = 5
"""How often a delivery may end unknown before it is held: a platform that fails after the effect each time
would else be sent the same thing for ever."""

DOUBTFUL_EDITS = 20
"""How often an edit may end unknown before its text is sent as a message: some minutes. Repeating one does no
harm, but a message that can never be changed must not silence its chat."""

HELD = "A reply of mine may not have reached you: the connection broke while it was being sent."


_OF_AN_ANSWER = (DeliveryKind.REPLY, DeliveryKind.FILE)


class OnUnknown(StrEnum):
    """What becomes of a delivery that may have arrived already."""

    LABEL = "label"
    HOLD = "hold"


class Outbox:
    """The queues of chats that are owed something; a thread counts as a chat of its own, and so do the signs
    at a chat's messages.

    A queue has a task while it is not empty.
    """

    def __init__(
        self,
        ledger: Store,
        adapters: Mapping[str, ChatAdapter],
        clock: Clock,
        group: asyncio.TaskGroup,
        on_unknown: OnUnknown,
        files: MediaFiles | None = None,
        saw: Witness = unseen,
    ) -> None:
        self._ledger = ledger
        self._adapters = adapters
        self._clock = clock
        self._group = group
        self._on_unknown = on_unknown
        self._files = files
        self._saw = saw
        self._chats: dict[tuple[Route, bool], deque[Delivery]] = {}
        self._open = {account: asyncio.Event() for account in adapters}
        self._closing = asyncio.Event()
        self._empty = asyncio.Event()
        self._empty.set()

    def reconfigure(self, on_unknown: OnUnknown) -> None:
        """What becomes from now on of what may have arrived already."""
        self._on_unknown = on_unknown

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
            route = delivery.route
            # No answer waits for a sign that the platform does not take at the moment.
            queued = (route, delivery.kind is DeliveryKind.RECEIPT)
            queue = self._chats.get(queued)
            if queue is not None:
                queue.append(delivery)
            elif route.account in self._open:
                self._chats[queued] = deque([delivery])
                self._empty.clear()
                self._group.create_task(self._run(*queued), name=f"outbox-{route.account}")

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

    async def _run(self, route: Route, signs: bool) -> None:
        queue = self._chats[route, signs]
        try:
            await self._open[route.account].wait()
            while queue and not self._closing.is_set():
                await self._supervised(queue[0])
                queue.popleft()
        finally:
            del self._chats[route, signs]
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
        unknown = int(delivery.state is DeliveryState.UNKNOWN)
        while not self._closing.is_set():
            if delivery.state is DeliveryState.UNKNOWN:
                found = await self._resolve(adapter, delivery, unknown)
                if found is None:
                    return
                delivery = found
                continue
            if delivery.kind is not DeliveryKind.RECEIPT:  # platforms count these apart
                await adapter.pace(delivery.route)
            if self._closing.is_set():
                return
            sent = await self._send(adapter, delivery)
            if sent is None:
                return
            delivery, outcome = sent
            match outcome:
                case Delivered():
                    return
                case Rejected(reason):
                    if not _outlives_its_message(delivery):
                        _log.warning("delivery.rejected", delivery=delivery.id, why=reason)
                        return
                    _log.info("delivery.sent_anew", delivery=delivery.id, why=reason)
                    delivery = await self._detach(delivery, doubtful=False)
                case RetryAfter(seconds, reason):
                    _log.info("delivery.delayed", delivery=delivery.id, seconds=seconds, why=reason)
                    await self._wait(seconds)
                case Unknown(reason):
                    _log.warning("delivery.unknown", delivery=delivery.id, why=reason)
                    delivery = replace(delivery, state=DeliveryState.UNKNOWN)
                    unknown += 1
                    await self._wait(backoff(unknown, first=0.5))
                case _:
                    assert_never(outcome)

    async def _send(self, adapter: ChatAdapter, delivery: Delivery) -> tuple[Delivery, SendOutcome] | None:
        """Claim, send, settle; None when it is settled already: a person dropped it, or there is no need."""
        now = self._clock.now()
        message_id = None
        if delivery.edits is not None:
            target = await self._ledger.delivery(delivery.edits)
            message_id = target.platform_message_id if target is not None else None
            if message_id is None and not _outlives_its_message(delivery):
                gone = Rejected("there is no message to be ended")
                await until_written(self._clock, lambda: self._ledger.settle(delivery.id, gone, now))
                return None
            if message_id is None:
                # The message that it would change never came to be, or nobody knows whether it did.
                delivery = await self._detach(delivery, doubtful=target is not None and _in_doubt(target))
        if not await until_written(self._clock, lambda: self._ledger.claim(delivery.id, now)):
            return None
        delivery = replace(delivery, claimed_at=delivery.claimed_at or now)
        reach("outbox.claimed")
        if message_id is None:
            outcome = await self._post(adapter, delivery)
        else:
            outcome = await adapter.edit(delivery, message_id)
        reach("outbox.sent")
        settled = outcome
        if isinstance(outcome, Rejected) and _outlives_its_message(delivery):
            settled = RetryAfter(0, outcome.reason)  # it will be sent as a message of its own
        then = self._clock.now()
        await until_written(self._clock, lambda: self._ledger.settle(delivery.id, settled, then))
        self._tell(delivery, sending_of(settled))
        return delivery, outcome

    def _tell(self, delivery: Delivery, outcome: Sending) -> None:
        account, now = delivery.route.account, self._clock.now()
        self._saw(
            DeliverySettled(
                delivery.id, account, delivery.kind, outcome, delivery.turn_id, delivery.claimed_at, now
            )
        )

    async def _post(self, adapter: ChatAdapter, delivery: Delivery) -> SendOutcome:
        """Send a new message, with its file where there is one."""
        if delivery.file is None:
            return await adapter.send(delivery)
        found = await asyncio.to_thread(self._files.find, delivery.file) if self._files else None
        if found is None:
            return Rejected("its file is not there any more (media.retention)")
        return await adapter.send(replace(delivery, file=replace(delivery.file, path=str(found))))

    async def _detach(self, delivery: Delivery, *, doubtful: bool) -> Delivery:
        return await until_written(self._clock, lambda: self._ledger.detach(delivery.id, doubtful=doubtful))

    async def _resolve(self, adapter: ChatAdapter, delivery: Delivery, times: int) -> Delivery | None:
        """Find out about an unknown delivery; what it has become, or None when it is settled."""
        found = await self._ledger.delivery(delivery.id)
        if found is None or found.state is not DeliveryState.UNKNOWN:
            return None  # a person dropped it meanwhile
        if delivery.edits is not None and times <= DOUBTFUL_EDITS:
            return await self._again(delivery)  # done twice, it is the same as done once
        if delivery.edits is not None:
            return await self._give_up_edit(delivery)
        if delivery.kind is DeliveryKind.RECEIPT:
            return await self._sign_again(delivery, times)
        outcome = await adapter.reconcile(delivery, await self._ledger.last_sent(delivery))
        reach("outbox.reconciled")
        match outcome:
            case Delivered() | Rejected():
                now = self._clock.now()
                await until_written(self._clock, lambda: self._ledger.settle(delivery.id, outcome, now))
                self._tell(delivery, Sending.FOUND)
                _log.info("delivery.found", delivery=delivery.id, outcome=type(outcome).__name__.lower())
                return None
            case RetryAfter(seconds, reason):
                _log.info("delivery.not_found_out", delivery=delivery.id, seconds=seconds, why=reason)
                await self._wait(seconds)
                return delivery
            case Absent() if delivery.kind is not DeliveryKind.STREAM:
                _log.info("delivery.never_arrived", delivery=delivery.id)
                return await self._again(delivery)
            case Absent() | Unknown() if delivery.kind is DeliveryKind.STREAM:
                return await self._give_up_opening(delivery, doubtful=isinstance(outcome, Unknown))
            case _:
                return await self._repeat(delivery, times)

    async def _again(self, delivery: Delivery) -> Delivery:
        await until_written(self._clock, lambda: self._ledger.retry(delivery.id))
        return replace(delivery, state=DeliveryState.PENDING)

    async def _sign_again(self, delivery: Delivery, times: int) -> Delivery | None:
        """Given twice, a sign is the same as given once; but it is not worth more than a few attempts."""
        if times <= DOUBTFUL_ATTEMPTS:
            return await self._again(delivery)
        now, gone = self._clock.now(), Rejected("the platform fails each time")
        await until_written(self._clock, lambda: self._ledger.settle(delivery.id, gone, now))
        return None

    async def _give_up_edit(self, delivery: Delivery) -> Delivery | None:
        """Nobody knows how the message reads by now, so a repeat of its text says that it may be one."""
        _log.warning("delivery.edit_given_up", delivery=delivery.id)
        if _outlives_its_message(delivery):
            return await self._detach(delivery, doubtful=True)
        now, gone = self._clock.now(), Rejected("its message cannot be changed")
        await until_written(self._clock, lambda: self._ledger.settle(delivery.id, gone, now))
        return None

    async def _give_up_opening(self, delivery: Delivery, *, doubtful: bool) -> None:
        """An opening is not worth repeating: the answer itself follows, and says so if it may repeat it."""
        now = self._clock.now()
        if doubtful:
            await until_written(self._clock, lambda: self._ledger.abandon(delivery.id, now))
        else:
            gone = Rejected("it never arrived")
            await until_written(self._clock, lambda: self._ledger.settle(delivery.id, gone, now))
        _log.info("stream.given_up", delivery=delivery.id, doubtful=doubtful)

    async def _repeat(self, delivery: Delivery, times: int) -> Delivery | None:
        """Make a delivery whose outcome cannot be found out ready to be sent again, if that is wanted."""
        # A notice that comes twice does no harm; one that is held says nothing to anybody.
        holds = self._on_unknown is OnUnknown.HOLD and delivery.kind in _OF_AN_ANSWER
        if holds or times > DOUBTFUL_ATTEMPTS:
            await until_written(self._clock, lambda: self._ledger.hold(delivery.id))
            self._tell(delivery, Sending.HELD)
            _log.warning("delivery.held", delivery=delivery.id)
            await self._offer(delivery)
            return None
        await until_written(self._clock, lambda: self._ledger.retry_doubtful(delivery.id))
        self._tell(delivery, Sending.REPEATED)
        _log.warning("delivery.repeated", delivery=delivery.id)
        return replace(delivery, state=DeliveryState.PENDING, doubtful=True)

    async def _offer(self, delivery: Delivery) -> None:
        """Tell the chat that a reply is held, with a button to have it sent again."""
        session_id = delivery.session_id
        if session_id is None or delivery.kind not in _OF_AN_ANSWER:
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


def _outlives_its_message(delivery: Delivery) -> bool:
    """Whether an edit is worth a message of its own where it cannot be made. A closing line is not."""
    return delivery.edits is not None and delivery.kind is DeliveryKind.REPLY


def _in_doubt(opening: Delivery) -> bool:
    """Whether a message without a known id may stand in the chat all the same."""
    return opening.doubtful or opening.state in (DeliveryState.SENDING, DeliveryState.UNKNOWN)
