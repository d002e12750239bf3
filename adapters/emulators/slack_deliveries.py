"""Socket Mode's envelopes: who gets one, how long it is waited for, and when it is given up.

An envelope of the Events API that is not acknowledged in time is sent again after each of the retry delays,
on any open connection and with a new envelope id, and is then lost: only the history knows of it. Clicks and
commands are never sent again. Nothing here awaits; a timer belongs to its delivery and dies with it.
See https://docs.slack.dev/apis/events-api/using-socket-mode and https://docs.slack.dev/apis/events-api#errors.
"""

import asyncio
import json
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol, cast

from adapters.emulators.calls import Call
from adapters.emulators.events import EventLog, JsonObject
from adapters.emulators.faults import FaultBook, FaultKind, When

EVENTS = "events_api"
ENVELOPE = "envelope"  # what faults call an envelope


@dataclass(frozen=True, slots=True)
class Patience:
    """`ack` seconds for an acknowledgement; then one more attempt after each of the `retries` seconds."""

    ack: float = 3.0
    retries: tuple[float, ...] = (0.0, 60.0, 300.0)


class Link(Protocol):
    """An open connection."""

    @property
    def number(self) -> int: ...

    def send(self, text: str) -> None: ...


@dataclass(slots=True)
class Delivery:
    """One thing to tell the app, until it is acknowledged or lost."""

    kind: str
    payload: JsonObject
    chat: str
    text: str
    attempt: int = 0
    reason: str = ""
    envelope_id: str = ""
    link: int = 0
    timer: asyncio.TimerHandle | None = field(default=None, repr=False)

    @property
    def event_id(self) -> str:
        return str(self.payload.get("event_id", ""))

    def as_json(self) -> JsonObject:
        return {
            "envelope_id": self.envelope_id,
            "envelope_kind": self.kind,
            "event_id": self.event_id,
            "event_type": str(cast("JsonObject", self.payload.get("event") or {}).get("type", "")),
            "chat": self.chat,
            "attempt": self.attempt,
            "reason": self.reason,
        }

    def envelope(self) -> str:
        shown: JsonObject = {
            "envelope_id": self.envelope_id,
            "payload": self.payload,
            "type": self.kind,
            "accepts_response_payload": self.kind != EVENTS,
        }
        if self.kind == EVENTS:
            shown |= {"retry_attempt": self.attempt, "retry_reason": self.reason}
        return json.dumps(shown)


class Deliveries:
    """The envelopes under way. `links` are the connections that are open now."""

    def __init__(
        self, events: EventLog, faults: FaultBook, patience: Patience, links: Callable[[], list[Link]]
    ) -> None:
        self.patience = patience
        self.muted = False
        self._events = events
        self._faults = faults
        self._links = links
        self._turn = 0
        self._sent: dict[str, Delivery] = {}
        self._waiting: list[Delivery] = []
        self._swapping = False
        self._held_back: Delivery | None = None

    def __len__(self) -> int:
        """How many are neither acknowledged nor lost."""
        return len(self._sent) + len(self._waiting)

    def deliver(self, delivery: Delivery) -> None:
        """Tell the app something, with the faults that are in force for it."""
        copies = [delivery]
        call = Call(0, "", ENVELOPE, delivery.chat, delivery.text, {}, time.monotonic())
        if self._faults.take(call, When.AFTER, kinds=(FaultKind.DUPLICATE,)) is not None:
            copies.append(Delivery(delivery.kind, delivery.payload, delivery.chat, delivery.text))
        for one in copies:
            self._in_order(one)

    def swap_next_two(self) -> None:
        """Send the next two envelopes in the other order; the first waits for the second."""
        self._swapping = True

    def _in_order(self, delivery: Delivery) -> None:
        if not self._swapping:
            self._attempt(delivery)
        elif self._held_back is None:
            self._held_back = delivery
        else:
            held, self._held_back, self._swapping = self._held_back, None, False
            self._attempt(delivery)
            self._attempt(held)

    def _attempt(self, delivery: Delivery) -> None:
        if self.muted:
            self._lose(delivery, "muted")
            return
        links = self._links()
        if not links:
            self._failed(delivery, "connection_failed")
            return
        self._turn += 1
        link = links[self._turn % len(links)]
        delivery.envelope_id = str(uuid.uuid4())
        delivery.link = link.number
        self._sent[delivery.envelope_id] = delivery
        delivery.timer = _later(self.patience.ack, lambda: self._timed_out(delivery))
        self._events.emit("envelope", {**delivery.as_json(), "connection": link.number})
        link.send(delivery.envelope())

    def acknowledge(self, envelope_id: str, payload: object) -> None:
        """An acknowledgement has come. One that comes too late counts for nothing."""
        delivery = self._sent.pop(envelope_id, None)
        if delivery is None:
            self._events.emit("ack_unknown", {"envelope_id": envelope_id})
            return
        _stop(delivery)
        self._events.emit("acked", {**delivery.as_json(), "payload": payload})

    def closed(self, link: int) -> None:
        """A connection has gone: what it had not acknowledged has failed."""
        for delivery in [one for one in self._sent.values() if one.link == link]:
            del self._sent[delivery.envelope_id]
            _stop(delivery)
            self._failed(delivery, "connection_failed")

    def _timed_out(self, delivery: Delivery) -> None:
        del self._sent[delivery.envelope_id]
        self._failed(delivery, "timeout")

    def _failed(self, delivery: Delivery, reason: str) -> None:
        delays = self.patience.retries
        if delivery.kind != EVENTS or delivery.attempt >= len(delays):
            self._lose(delivery, reason)
            return
        delay = delays[delivery.attempt]
        delivery.attempt += 1
        delivery.reason = reason
        self._waiting.append(delivery)
        delivery.timer = _later(delay, lambda: self._again(delivery))
        self._events.emit("envelope_failed", delivery.as_json())

    def _again(self, delivery: Delivery) -> None:
        self._waiting.remove(delivery)
        self._attempt(delivery)

    def _lose(self, delivery: Delivery, reason: str) -> None:
        delivery.reason = reason
        self._events.emit("envelope_lost", delivery.as_json())

    def hurry(self) -> int:
        """Time passes: what is awaited is late, every retry is due. How many there were."""
        waiting, sent = list(self._waiting), list(self._sent.values())
        for delivery in sent:
            _stop(delivery)
            self._timed_out(delivery)
        for delivery in waiting:
            _stop(delivery)
            self._again(delivery)
        return len(waiting) + len(sent)

    def forget(self) -> None:
        """The platform goes down: nothing that is under way will be sent again."""
        held = [] if self._held_back is None else [self._held_back]
        gone = [*self._sent.values(), *self._waiting, *held]
        self._sent.clear()
        self._waiting.clear()
        self._held_back, self._swapping = None, False
        for delivery in gone:
            _stop(delivery)
            self._lose(delivery, "outage")


def _later(seconds: float, call: Callable[[], None]) -> asyncio.TimerHandle:
    return asyncio.get_running_loop().call_later(seconds, call)


def _stop(delivery: Delivery) -> None:
    if delivery.timer is not None:
        delivery.timer.cancel()
        delivery.timer = None
