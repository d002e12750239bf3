"""Sessions of the gateway: who is told what, in which order, and what a session that comes back has missed.

A session outlives its connection. What it would have been told meanwhile is kept, so that RESUME hands it
over in order; after the window, or beyond what is kept, it is gone for good and so are the events.
"""

import json
import secrets
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from adapters.emulators.calls import Call
from adapters.emulators.events import EventLog, JsonObject
from adapters.emulators.faults import FaultBook, FaultKind, When

GUILDS, MEMBERS, PRESENCES = 1 << 0, 1 << 1, 1 << 8
GUILD_MESSAGES, GUILD_REACTIONS, GUILD_TYPING = 1 << 9, 1 << 10, 1 << 11
DIRECT_MESSAGES, DIRECT_REACTIONS, DIRECT_TYPING = 1 << 12, 1 << 13, 1 << 14
MESSAGE_CONTENT = 1 << 15
KNOWN_INTENTS = 0x1FFFF | 1 << 20 | 1 << 21 | 1 << 24 | 1 << 25
KEPT = 1_000  # events of a session


class Line(Protocol):
    """The connection of a session. Its methods return at once and keep their order."""

    def send(self, text: str) -> None:
        """Send one payload."""
        ...

    def say(self, op: int, data: object = None) -> None:
        """Send one payload that is no event."""
        ...

    def close(self, code: int) -> None:
        """Close after what was sent before."""
        ...

    def abort(self) -> None:
        """Cut the connection, as an outage does."""
        ...


@dataclass(frozen=True, slots=True)
class Dispatch:
    """An event for those who asked for its intent (0 is everybody).

    `bare` is what those without the content of messages are told, when that differs. `chat` is for faults.
    """

    name: str
    data: JsonObject
    intent: int = 0
    bare: JsonObject | None = None
    chat: str = ""
    text: str = ""


@dataclass(slots=True)
class Session:
    """`seq` is that of the last event; `left_at` is when its connection ended (the emulator's clock)."""

    id: str
    intents: int
    line: Line | None
    seq: int = 0
    left_at: float = 0
    kept: deque[tuple[int, str]] = field(default_factory=lambda: deque[tuple[int, str]](maxlen=KEPT))

    def tell(self, name: str, encoded: str) -> None:
        self.seq += 1
        text = f'{{"t":{json.dumps(name)},"s":{self.seq},"op":0,"d":{encoded}}}'
        self.kept.append((self.seq, text))
        if self.line is not None:
            self.line.send(text)

    def missed(self, after: int) -> list[str] | None:
        """The payloads above a number, or None when they are not all there any more."""
        if after < self.seq and (not self.kept or self.kept[0][0] > after + 1):
            return None
        return [text for seq, text in self.kept if seq > after]


class Sessions:
    """All sessions of the bot, and what goes wrong with delivery on command.

    While `deaf` events happen and nobody is ever told. While `frozen` heartbeats stay unanswered.
    """

    def __init__(
        self, events: EventLog, faults: FaultBook, clock: Callable[[], float], window: float
    ) -> None:
        self._events = events
        self._faults = faults
        self._clock = clock
        self._window = window
        self._sessions: dict[str, Session] = {}
        self._swapping = False
        self._kept_back: Dispatch | None = None
        self.deaf = False
        self.frozen = False

    def open(self, line: Line, intents: int) -> Session:
        session = Session(secrets.token_hex(16), intents, line)
        self._sessions[session.id] = session
        return session

    def find(self, session_id: str) -> Session | None:
        """A session that can still be resumed."""
        self._prune()
        return self._sessions.get(session_id)

    def leave(self, session: Session, *, resumable: bool) -> None:
        """Its connection is over."""
        session.line = None
        session.left_at = self._clock()
        if not resumable:
            self.forget(session)

    def forget(self, session: Session) -> None:
        self._sessions.pop(session.id, None)

    def counts(self, session: Session | None) -> bool:
        """Whether a session has not been invalidated."""
        return session is not None and session.id in self._sessions

    def forget_all(self) -> None:
        """Sessions cannot be resumed any more; connections stay."""
        self._sessions = {one.id: one for one in self._sessions.values() if one.line is not None}

    def ask_to_reconnect(self) -> None:
        """Tell every client to come back and resume (op 7)."""
        for line in self.lines():
            line.say(7)

    def invalidate(self, *, resumable: bool = False) -> None:
        """Tell every client that its session is over (op 9); unless resumable, it counts no more."""
        for line in self.lines():
            line.say(9, data=resumable)
        if not resumable:
            self._sessions.clear()

    def close(self, code: int = 4000) -> None:
        """Close every connection with this code."""
        for line in self.lines():
            line.close(code)

    def abort(self) -> None:
        """Cut every connection."""
        for line in self.lines():
            line.abort()

    def lines(self) -> list[Line]:
        """The connections of sessions that are there now."""
        return [one.line for one in self._sessions.values() if one.line is not None]

    def swap_next(self) -> None:
        """The next two messages arrive in the wrong order."""
        self._swapping = True

    def tell(self, dispatch: Dispatch) -> None:
        """An event happened: tell everybody who wants to know."""
        if self.deaf:
            return
        if dispatch.name != "MESSAGE_CREATE":
            self._tell(dispatch)
        elif self._kept_back is not None:
            first, self._kept_back = self._kept_back, None
            self._tell_message(dispatch)
            self._tell_message(first)
        elif self._swapping:
            self._swapping = False
            self._kept_back = dispatch
        else:
            self._tell_message(dispatch)

    def _tell_message(self, dispatch: Dispatch) -> None:
        self._tell(dispatch)
        for method in ("dispatch", "gateway"):
            call = Call(0, "", method, dispatch.chat, dispatch.text, {}, time.monotonic())
            if self._faults.take(call, When.AFTER, kinds=(FaultKind.DUPLICATE,)) is not None:
                self._tell(dispatch)

    def _tell(self, dispatch: Dispatch) -> None:
        self._prune()
        full = bare = ""
        for session in self._sessions.values():
            if dispatch.intent and not session.intents & dispatch.intent:
                continue
            if dispatch.bare is not None and not session.intents & MESSAGE_CONTENT:
                bare = bare or json.dumps(dispatch.bare)
                session.tell(dispatch.name, bare)
            else:
                full = full or json.dumps(dispatch.data)
                session.tell(dispatch.name, full)
        self._events.emit("dispatch", {"name": dispatch.name, "chat": dispatch.chat})

    def _prune(self) -> None:
        oldest = self._clock() - self._window
        for session in [one for one in self._sessions.values() if one.line is None]:
            if session.left_at < oldest:
                self.forget(session)
