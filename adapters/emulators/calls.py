"""Every call that a client made, with what became of it; bounded."""

import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

from adapters.emulators.events import EventLog, JsonObject


@dataclass(slots=True)
class Call:
    """One API call. It changes once: from open to its outcome.

    `outcome` is `open`, `ok`, `refused` (the platform's own refusal), `fault` (an injected answer or none)
    or `gone` (the client left first). `status` is the HTTP status answered, None when nothing was. `chat` and
    `text` are the call's target and text as strings, for matching faults. Times are `time.monotonic()`.
    """

    seq: int
    account: str
    method: str
    chat: str
    text: str
    params: Mapping[str, object]
    at: float
    outcome: str = "open"
    status: int | None = None
    detail: str = ""
    done_at: float | None = None

    def as_json(self) -> JsonObject:
        return {
            "seq": self.seq,
            "account": self.account,
            "method": self.method,
            "chat": self.chat,
            "params": self.params,
            "at": self.at,
            "outcome": self.outcome,
            "status": self.status,
            "detail": self.detail,
            "done_at": self.done_at,
        }


class CallLog:
    """The last `keep` calls, numbered from 1, and a count per method that is never cut."""

    def __init__(self, events: EventLog, keep: int = 10_000) -> None:
        self._events = events
        self._calls: deque[Call] = deque(maxlen=keep)
        self._seq = 0
        self.counts: dict[str, int] = {}

    def open(self, account: str, method: str, params: Mapping[str, object], chat: str, text: str) -> Call:
        self._seq += 1
        call = Call(self._seq, account, method, chat, text, params, time.monotonic())
        self._calls.append(call)
        self.counts[method] = self.counts.get(method, 0) + 1
        self._events.emit("call", {"call": call.seq, "account": account, "method": method, "chat": chat})
        return call

    def close(self, call: Call, outcome: str, status: int | None, detail: str = "") -> None:
        call.outcome = outcome
        call.status = status
        call.detail = detail
        call.done_at = time.monotonic()
        self._events.emit(
            "answered",
            {
                "call": call.seq,
                "account": call.account,
                "method": call.method,
                "chat": call.chat,
                "outcome": outcome,
                "status": status,
                "detail": detail,
            },
        )

    def since(self, after: int = 0, method: str = "") -> list[Call]:
        """Calls numbered above `after`, oldest first, of one method (any letter case) or all."""
        wanted = method.lower()
        return [
            call for call in self._calls if call.seq > after and (not wanted or call.method.lower() == wanted)
        ]
