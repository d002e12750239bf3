"""The resume ladder below `live`: native, bootstrap, fresh.

Native has to be proven. An agent that answers "loaded" and replays nothing of a conversation that has ended
turns has loaded nothing. Every step down has a reason, and the reason is part of the result.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeVar

from gateway import log
from gateway.agents import transcript
from gateway.agents.environment import environment
from gateway.agents.offers import CommandsChanged, ModeChanged, OptionsChanged
from gateway.agents.outcomes import AUTH_REQUIRED, AgentGoneError, AgentRefusedError, one_line, redacted
from gateway.agents.process import AgentProcess
from gateway.agents.settings import SettingRefusedError, apply_settings
from gateway.agents.spec import ResumePolicy
from gateway.agents.updates import Heard, UserSaid
from gateway.agents.workarounds import replays_late
from gateway.model.agent import Opened, OpenFailed, OpenRequest, UsageReport
from gateway.model.permission import PermissionRequest
from gateway.model.session import ResumeMode

T = TypeVar("T")

_log = log.get()

_MADE_UP = "[Request interrupted by user"
"""How Claude notes a cancellation, or its own end: as if the user had said it."""

_FILE_LINK = re.compile(r"\[[^\[\]\n]{0,300}\]\(file://[^\s()]{0,4000}\)\Z")
"""How Claude and Codex write down a file that came with a message: as its last words."""

_MOST_FILES = 50


class Replay:
    """Listens to a session while it is loaded: what the agent's own history has the user saying."""

    def __init__(self) -> None:
        self.messages = 0
        self.last_text: str | None = None
        self.answered = False  # something followed the last user message
        self.stirred = asyncio.Event()
        self._message_id = ""

    def heard(self, update: Heard) -> None:
        """Count messages of the user; chunks of one message belong together."""
        if isinstance(update, ModeChanged | OptionsChanged | CommandsChanged | UsageReport):
            return  # no part of the conversation
        self.stirred.set()
        if not isinstance(update, UserSaid) or update.text.startswith(_MADE_UP):
            self.answered = True
            return
        if self.last_text is None or self.answered or update.message_id != self._message_id:
            self.messages += 1
            self.last_text = ""
        self.last_text += update.text
        self._message_id = update.message_id
        self.answered = False

    async def asked(self, request: PermissionRequest) -> str | None:  # noqa: ARG002  (the port's shape)
        """Nothing is permitted before there is a prompt."""
        return None

    @property
    def last_said(self) -> str | None:
        """The last message of the user in words, without the files that came with it."""
        if self.last_text is None:
            return None
        words = self.last_text.rstrip()
        for _ in range(_MOST_FILES):
            link = _FILE_LINK.search(words, max(0, len(words) - 5000))
            if link is None:
                break
            words = words[: link.start()].rstrip()
        return words

    def complete(self, ended_turns: int) -> bool:
        """Whether nothing more is to be expected: all turns came, with an answer or with a later message."""
        return self.messages > ended_turns or (0 < ended_turns == self.messages and self.answered)


@dataclass(slots=True)
class Ladder:
    """One attempt to have a process hold a conversation.

    `distrust` is why the stored agent session must not be loaded, empty when it may be.
    """

    process: AgentProcess
    request: OpenRequest
    cwd: str
    distrust: str = ""
    _login_failed: bool = field(default=False, init=False)

    async def climb(self) -> Opened | OpenFailed:
        """The best rung that holds. Raises `AgentGoneError` when the process is of no use."""
        spec, stored = self.process.spec, self.request.agent_session_id
        why = "no agent session was recorded"
        if stored is not None:
            why = self._obstacle()
            if not why:
                try:
                    loaded = await self._native(stored)
                except SettingRefusedError as error:
                    return OpenFailed(error.message, error.message)
                if isinstance(loaded, Opened):
                    return loaded
                why = loaded
            if spec.resume is ResumePolicy.NATIVE_REQUIRED:
                return OpenFailed(
                    f"The agent {spec.name} could not load this conversation ({why}), and it is configured "
                    "not to go on without its own memory of it. Send /new to start over.",
                    why,
                )
        try:
            return await self._new(why)
        except SettingRefusedError as error:
            return OpenFailed(error.message, error.message)
        except AgentRefusedError as error:
            return OpenFailed(refusal(spec.name, "would not start a conversation", error), str(error))

    def _obstacle(self) -> str:
        """Why loading is not even tried."""
        if self.process.spec.resume is ResumePolicy.BOOTSTRAP:
            return "loading sessions is switched off for this agent"
        if self.distrust:
            return self.distrust
        if self.request.cwd is not None and self.request.cwd != self.cwd:
            return "the working directory has changed"
        if not self.process.abilities.load:
            return "the agent cannot load sessions"
        return ""

    async def _native(self, stored: str) -> Opened | str:
        """Load the session, or tell why it is not loaded."""
        replay = Replay()
        self.process.listen(stored, replay)
        try:
            async with asyncio.timeout(self.process.spec.start_timeout):
                connection = self.process.connection
                offer = await self._let_in(lambda: connection.load_session(stored, self.cwd))
            await self._settle(replay)
            if self.request.ended_turns and not replay.messages:
                return "the agent loaded the session without any of its history"
            self.process.keep_offer(stored, offer)
            applied = await apply_settings(self.process, stored, self.request.settings)
        except AgentRefusedError as error:
            return f"the agent refused to load the session: {error.said}"
        except TimeoutError:
            raise AgentGoneError("loading the session was not answered in time") from None
        finally:
            self.process.ignore(stored, replay)
        _log.debug("agent.loaded", agent_session=redacted(stored))
        why = (
            "the agent loaded the session and replayed it"
            if replay.messages
            else "the agent loaded the session"
        )
        return Opened(
            ResumeMode.NATIVE,
            why,
            stored,
            self.cwd,
            last_replayed=replay.last_said,
            refused=applied.refused,
            wishes=applied.left,
        )

    async def _settle(self, replay: Replay) -> None:
        """Wait for the rest of a replay that looks incomplete, so that it is not taken for an answer.

        Honest agents replay before they answer and cost nothing here. From one that does not, the turn that
        was cut may follow the complete rest, so that only silence tells the end.
        """
        spec, expected = self.process.spec, self.request.ended_turns
        if replay.complete(expected) and not replays_late(spec.preset):
            return
        patience = spec.replay_timeout if expected and not replay.messages else spec.quiet_time
        try:
            async with asyncio.timeout(spec.replay_timeout + spec.quiet_time):
                while True:
                    replay.stirred.clear()
                    async with asyncio.timeout(patience):
                        await replay.stirred.wait()
                    patience = spec.quiet_time
        except TimeoutError:
            return

    async def _new(self, why: str) -> Opened:
        preamble = transcript.render(await self.request.history())
        try:
            async with asyncio.timeout(self.process.spec.start_timeout):
                connection = self.process.connection
                created, offer = await self._let_in(lambda: connection.new_session(self.cwd))
                self.process.keep_offer(created, offer)
                applied = await apply_settings(self.process, created, self.request.settings)
        except TimeoutError:
            raise AgentGoneError("a new session was not answered in time") from None
        if preamble:
            why = f"{why}; a new session was given the transcript"
            mode = ResumeMode.BOOTSTRAP
            return Opened(
                mode, why, created, self.cwd, preamble, refused=applied.refused, wishes=applied.left
            )
        if self.request.agent_session_id is None:
            why = "this is a new conversation"
        else:
            why = f"{why}; there was no history to give to a new session"
        return Opened(ResumeMode.FRESH, why, created, self.cwd, refused=applied.refused, wishes=applied.left)

    async def _let_in(self, request: Callable[[], Awaitable[T]]) -> T:
        """The answer to a request, where need be and where that is possible after a login."""
        try:
            return await request()
        except AgentRefusedError as error:
            if error.code != AUTH_REQUIRED or self._login_failed or not await self._log_in():
                raise
        return await request()

    async def _log_in(self) -> bool:
        """Have the agent take a key that it has been given. Nothing that would need a person is tried."""
        spec, given = self.process.spec, environment(self.process.spec, "")
        for method, needed in self.process.abilities.keys:
            if not all(given.get(name) for name in needed):
                continue
            try:
                await self.process.connection.authenticate(method)
            except AgentRefusedError as error:
                _log.warning("agent.login_failed", agent=spec.name, why=error.said)
                break
            _log.info("agent.logged_in", agent=spec.name, method=one_line(method, 60))
            return True
        self._login_failed = True
        return False


def refusal(agent: str, what: str, error: AgentRefusedError) -> str:
    """An agent's refusal as one sentence for the person in the chat."""
    if error.code == AUTH_REQUIRED:
        return f"The agent {agent} is not logged in. Whoever runs the gateway has to log it in."
    said = error.said if error.said.endswith((".", "!", "?", "…")) else f"{error.said}."
    return f"The agent {agent} {what}: {said}"
