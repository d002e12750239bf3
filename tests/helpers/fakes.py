"""A chat platform and agents that do what a test tells them: small honest implementations of the ports."""

import asyncio
from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gateway.model.address import Route
from gateway.model.agent import (
    AgentUpdate,
    CancelledPrompt,
    Ended,
    Opened,
    OpenFailed,
    OpenRequest,
    Prompt,
    PromptEnd,
    TextChunk,
    UpdateSink,
)
from gateway.model.attachment import Attachment, Fetched, FetchFailed, FetchOutcome
from gateway.model.choices import AgentOffer
from gateway.model.command import CommandInfo
from gateway.model.delivery import Delivered, Delivery, Reconciled, SendOutcome, Unknown
from gateway.model.permission import Asker, PermissionRequest
from gateway.model.session import ResumeMode
from gateway.ports import InboundSink, Past

SendResult = SendOutcome | Exception


@dataclass
class ScriptedChat:
    """A `ChatAdapter` whose platform takes everything, except where a script for the chat says otherwise."""

    name: str = "telegram"
    text_limit: int = 4096
    typing_seconds: float = 4.0
    amend_seconds: float = 1.0
    script: dict[str, deque[SendResult]] = field(default_factory=lambda: defaultdict(deque))
    gates: dict[str, asyncio.Event] = field(default_factory=dict)
    paces: dict[str, asyncio.Event] = field(default_factory=dict)
    tried: list[Delivery] = field(default_factory=list)
    delivered: list[Delivery] = field(default_factory=list)
    typed: list[Route] = field(default_factory=list)
    edited: list[tuple[str, str]] = field(default_factory=list)
    amended: list[tuple[str, str]] = field(default_factory=list)
    progress: list[str] = field(default_factory=list)
    """What the agent was shown to be doing, with each amendment and draft."""
    drafted: list[tuple[int, str]] = field(default_factory=list)
    has_drafts: bool = False
    file_limit: int = 10 * 1024 * 1024
    fit_limit: int = 4096
    progress_has_place: bool = False
    remote: dict[str, deque[bytes | FetchFailed]] = field(default_factory=dict)
    """Files that people sent, by ref: what each attempt to fetch one comes to, the last one for ever."""
    fetched: list[str] = field(default_factory=list)
    offered: list[CommandInfo] = field(default_factory=list)
    edits: deque[SendResult] = field(default_factory=deque)
    amends: deque[SendResult] = field(default_factory=deque)
    answers: deque[Reconciled] = field(default_factory=deque)
    """What the platform answers when it is asked what became of a send; without any, it cannot be asked."""
    asked: list[tuple[Delivery, str | None]] = field(default_factory=list)
    closed: bool = False

    async def run(self, sink: InboundSink, past: Past) -> None:
        del past
        await sink.ready(self.name)
        await asyncio.Event().wait()

    async def pace(self, route: Route) -> None:
        if route.chat in self.paces:
            await self.paces[route.chat].wait()

    async def send(self, delivery: Delivery) -> SendOutcome:
        chat = delivery.route.chat
        self.tried.append(delivery)
        if chat in self.gates:
            await self.gates[chat].wait()
        outcome = self.script[chat].popleft() if self.script[chat] else Delivered(f"m{len(self.tried)}")
        if isinstance(outcome, Exception):
            raise outcome
        if isinstance(outcome, Delivered):
            self.delivered.append(delivery)
        return outcome

    async def reconcile(self, delivery: Delivery, after: str | None) -> Reconciled:
        self.asked.append((delivery, after))
        return self.answers.popleft() if self.answers else Unknown("cannot be asked")

    async def edit(self, delivery: Delivery, message_id: str) -> SendOutcome:
        self.tried.append(delivery)
        outcome = self.edits.popleft() if self.edits else Delivered(message_id)
        if isinstance(outcome, Exception):
            raise outcome
        if isinstance(outcome, Delivered):
            self.edited.append((message_id, delivery.body))
        return outcome

    def fits(self, text: str) -> bool:
        return len(text) <= self.fit_limit

    def progress_in_chat(self, route: Route) -> bool:
        del route
        return not self.progress_has_place

    def drafts(self, route: Route) -> bool:
        del route
        return self.has_drafts

    async def draft(self, route: Route, number: int, text: str, progress: str = "") -> SendOutcome:
        del route
        outcome = self.amends.popleft() if self.amends else Delivered("")
        if isinstance(outcome, Exception):
            raise outcome
        if isinstance(outcome, Delivered):
            self.drafted.append((number, text))
            self.progress.append(progress)
        return outcome

    async def fetch(self, attachment: Attachment, into: Path, limit: int) -> FetchOutcome:
        self.fetched.append(attachment.ref)
        if attachment.ref in self.gates:
            await self.gates[attachment.ref].wait()
        tries = self.remote.get(attachment.ref)
        if not tries:
            return FetchFailed("it is gone")
        found = tries.popleft() if len(tries) > 1 else tries[0]
        if isinstance(found, FetchFailed):
            return found
        if len(found) > limit:
            return FetchFailed("it is too large")
        await asyncio.to_thread(into.write_bytes, found)
        return Fetched(len(found))

    async def offer_commands(self, commands: Sequence[CommandInfo]) -> None:
        self.offered = list(commands)

    async def amend(self, route: Route, message_id: str, text: str, progress: str = "") -> SendOutcome:
        del route
        outcome = self.amends.popleft() if self.amends else Delivered(message_id)
        if isinstance(outcome, Exception):
            raise outcome
        if isinstance(outcome, Delivered):
            self.amended.append((message_id, text))
            self.progress.append(progress)
        return outcome

    async def typing(self, route: Route) -> None:
        self.typed.append(route)

    async def close(self) -> None:
        self.closed = True

    def texts(self, chat: str = "1001") -> list[str]:
        """What arrived in a chat."""
        return [delivery.body for delivery in self.delivered if delivery.route.chat == chat]


@dataclass
class Answer:
    """How an agent behaves in one prompt: it says something, asks for permissions, and ends.

    With `held` it waits before its end, until released or cancelled.
    """

    updates: tuple[AgentUpdate, ...] = (TextChunk("done"),)
    end: PromptEnd | Exception = field(default_factory=lambda: Ended("end_turn"))
    held: asyncio.Event | None = None
    asks: tuple[PermissionRequest, ...] = ()
    on_cancel: PromptEnd | None = field(default_factory=CancelledPrompt)
    """What a cancelled prompt ends with; None for an agent that does not care."""


@dataclass
class ScriptedAgents:
    """The `Agents` port. An agent echoes its prompt unless an answer is scripted."""

    answers: deque[Answer] = field(default_factory=deque)
    openings: deque[Opened | OpenFailed] = field(default_factory=deque)
    prompts: list[tuple[int, Prompt]] = field(default_factory=list)
    opened: list[OpenRequest] = field(default_factory=list)
    cancelled: list[int] = field(default_factory=list)
    forgotten: list[int] = field(default_factory=list)
    permitted: list[str | None] = field(default_factory=list)
    """What the agents were answered when they asked for a permission: the ids of options."""
    offers: dict[int, AgentOffer] = field(default_factory=dict)
    """What can be chosen in conversations that a live process holds."""
    settings: list[tuple[int, str, str]] = field(default_factory=list)
    """Every setting that was made: session, option and value; a mode is the option `mode`."""
    refusals: deque[str] = field(default_factory=deque)
    """Why the next settings are not taken; an empty one is taken."""
    running: dict[int, asyncio.Event] = field(default_factory=dict)
    most_at_once: int = 0
    closed: bool = False
    cwd: str = "/w"
    _live: set[int] = field(default_factory=set)

    def holds(self, session_id: int) -> bool:
        return session_id in self._live

    async def open(self, request: OpenRequest) -> Opened | OpenFailed:
        self.opened.append(request)
        if self.openings:
            return self.openings.popleft()
        mode = ResumeMode.LIVE if request.session_id in self._live else ResumeMode.FRESH
        if request.agent_session_id and mode is ResumeMode.FRESH:
            mode = ResumeMode.NATIVE
        self._live.add(request.session_id)
        return Opened(mode, "scripted", f"agent-{request.session_id}", self.cwd)

    def offer(self, session_id: int) -> AgentOffer | None:
        return self.offers.get(session_id) if session_id in self._live else None

    async def set_mode(self, session_id: int, mode: str) -> str:
        return await self.set_option(session_id, "mode", mode)

    async def set_option(self, session_id: int, option: str, value: str) -> str:
        self.settings.append((session_id, option, value))
        return self.refusals.popleft() if self.refusals else ""

    async def prompt(self, session_id: int, prompt: Prompt, sink: UpdateSink, ask: Asker) -> PromptEnd:
        assert session_id not in self.running, "one prompt in flight per session"
        self.prompts.append((session_id, prompt))
        cancel = self.running[session_id] = asyncio.Event()
        self.most_at_once = max(self.most_at_once, len(self.running))
        try:
            answer = self.answers.popleft() if self.answers else Answer((TextChunk(f"echo {prompt.text}"),))
            for update in answer.updates:
                sink(update)
            for request in answer.asks:
                if await self._gave_up(request, ask, cancel):
                    return CancelledPrompt()
            if answer.held is not None and await self._stopped(answer, cancel):
                assert answer.on_cancel is not None
                return answer.on_cancel
            if isinstance(answer.end, Exception):
                raise answer.end
            return answer.end
        finally:
            del self.running[session_id]

    async def _gave_up(self, request: PermissionRequest, ask: Asker, cancel: asyncio.Event) -> bool:
        """Ask for a permission; whether the prompt was cancelled before there was an answer."""
        asking = asyncio.ensure_future(ask(request))
        cancelling = asyncio.ensure_future(cancel.wait())
        try:
            await asyncio.wait({asking, cancelling}, return_when=asyncio.FIRST_COMPLETED)
            if not asking.done():
                return True
            self.permitted.append(asking.result())
            return False
        finally:
            for waiting in (asking, cancelling):
                waiting.cancel()

    async def _stopped(self, answer: Answer, cancel: asyncio.Event) -> bool:
        """Wait for the release or the cancellation; whether it was the second."""
        assert answer.held is not None
        waits = [asyncio.ensure_future(answer.held.wait())]
        if answer.on_cancel is not None:
            waits.append(asyncio.ensure_future(cancel.wait()))
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        return not answer.held.is_set()

    async def cancel(self, session_id: int) -> None:
        self.cancelled.append(session_id)
        if session_id in self.running:
            self.running[session_id].set()

    async def forget(self, session_id: int) -> None:
        self.forgotten.append(session_id)
        self._live.discard(session_id)

    async def close(self) -> None:
        self.closed = True

    def texts(self) -> list[str]:
        """The text of every prompt."""
        return [prompt.text for _, prompt in self.prompts]

    def hold(self, **more) -> asyncio.Event:
        """Let the next prompt wait; the event lets it go on."""
        answer = Answer(held=asyncio.Event(), **more)
        self.answers.append(answer)
        assert answer.held is not None
        return answer.held
