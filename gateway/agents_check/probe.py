"""One agent, tried as the gateway would use it: told a word, killed, started again, and asked for the word.

The client is the gateway's own: its process, its resume ladder, its turns. That the agent knows the word is
the only proof that it really loaded its session. Whatever happens, each process is ended before the next
step, with everything that it started; what escapes that is found by its note in the folder of the check.
"""

import asyncio
import contextlib
import secrets
from collections.abc import AsyncGenerator, Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from gateway.agents.demo import NAME as DEMO
from gateway.agents.environment import environment, find_command
from gateway.agents.ladder import Ladder
from gateway.agents.outcomes import AgentGoneError, AgentStartError, one_line, redacted
from gateway.agents.presets import PRESETS
from gateway.agents.process import AgentProcess, Spawn
from gateway.agents.settings import set_mode, set_option
from gateway.agents.spec import AgentSpec, PermissionPolicy, ResumePolicy
from gateway.agents.turn import Turn
from gateway.agents.workarounds import before_load
from gateway.agents_check.family import end, weigh
from gateway.agents_check.findings import (
    BY_HAND,
    Findings,
    TroubleError,
    failed,
    hung,
    not_installed,
    not_logged_in,
    wants_login,
)
from gateway.clock import SystemClock
from gateway.model.agent import (
    AgentFailed,
    AgentUpdate,
    CancelledPrompt,
    Ended,
    Opened,
    OpenFailed,
    OpenRequest,
    TextChunk,
)
from gateway.model.permission import PermissionRequest
from gateway.model.session import ResumeMode
from gateway.model.turn import HistoryTurn, TurnState

T = TypeVar("T")

TELL = "Please remember the codeword {word} and answer only OK."
ASK = "Before this, I told you a word: what was the codeword? Answer with that word only."

_GONE = 1.0
"""Seconds in which killed processes have to be gone."""

PAUSE = 1.0
"""Seconds before the kill: agents write a session down, and tell their commands, just after they answered."""


async def examine(spec: AgentSpec, folder: Path, seconds: float, *, prompting: bool) -> Findings:
    """Try one agent, in at most `seconds` and the time that ending it takes. Never raises for what it does.

    `folder` takes its working directory, its log and its notes.
    """
    spec = replace(spec, cwd=str(folder / "work"), log_dir=folder / "agents")
    spec = replace(spec, permissions=PermissionPolicy.DENY, retry_waits=(), turn_idle_timeout=seconds + 1)
    started: list[asyncio.Task[Any]] = []
    async with asyncio.TaskGroup() as tasks:  # nothing must be raised through it: it would arrive wrapped

        def spawn(work: Coroutine[Any, Any, T]) -> "asyncio.Task[T | None]":
            task = tasks.create_task(work)
            started.append(task)
            return task

        probe = _Probe(spec, folder / "work", spawn)
        try:
            async with asyncio.timeout(seconds):
                await probe.run(prompting=prompting)
        except TimeoutError:
            probe.found.note(hung(probe.step, seconds, "check it with a longer --timeout"))
        except TroubleError as trouble:
            probe.found.note(trouble)
        for task in started:
            task.cancel()  # all have ended, unless a process is stuck in the kernel: nobody waits for that
        if probe.found.left and not probe.found.problem:
            probe.found.note(
                TroubleError(
                    "processes outlived its end, and were ended now", "tell its makers; nothing is left"
                )
            )
    return probe.found


class _Probe:
    """The steps, one after the other. `step` is the one at work, in words."""

    def __init__(self, spec: AgentSpec, cwd: Path, spawn: Spawn) -> None:
        self.found = Findings(spec.name)
        self.step = "start"
        self._spec = spec
        self._cwd = str(cwd)
        self._spawn = spawn
        self._clock = SystemClock()
        # No word of any language: nobody says it by chance.
        self._word = "".join(secrets.choice("bdfgklmnprstvz") + secrets.choice("aeiou") for _ in range(5))

    async def run(self, *, prompting: bool) -> None:
        """All steps. Raises `TroubleError`."""
        spec, found = self._spec, self.found
        command = find_command(spec, environment(spec, ""))
        if command is None:
            raise not_installed(spec, PRESETS[spec.preset].install if spec.preset in PRESETS else "")
        found.program = command[0]
        async with self._process(replace(spec, mode=None, options={}), kill=True) as process:
            found.abilities = process.abilities
            session = await self._begin(process)
            found.offer = process.offer(session)
            await self._set(process, session)
            answer = await self._tell(process, session) if prompting else ""
            await self._clock.sleep(PAUSE)
            found.offer = process.offer(session)
            found.memory, found.processes = await asyncio.to_thread(weigh, process)
        await asyncio.to_thread(before_load, spec.preset, _home(spec), session)
        # What the config demands is a question of its own; here it would only hide what the agent can do.
        policy = (
            ResumePolicy.BOOTSTRAP if spec.resume is ResumePolicy.BOOTSTRAP else ResumePolicy.NATIVE_PREFERRED
        )
        async with self._process(replace(spec, resume=policy), kill=False) as process:
            opened = await self._reopen(process, session, answer if prompting else None)
            if not prompting:
                self._judge_unprompted(opened)
            elif opened.mode is not ResumeMode.NATIVE:
                self._judge_bootstrap(opened.reason)
            else:
                await self._recall(process, session)

    @contextlib.asynccontextmanager
    async def _process(self, spec: AgentSpec, *, kill: bool) -> AsyncGenerator[AgentProcess]:
        """A process for some steps. With `kill`, its whole tree is ended by SIGKILL."""
        process = AgentProcess(spec, self._spawn, lambda _: None)
        self.step, began = "start", self._clock.monotonic()
        try:
            await process.start(self._cwd)
        except AgentStartError as error:
            took = self._clock.monotonic() - began
            if took >= spec.start_timeout:
                more = f"raise agents.{spec.name}.start_timeout"
                raise hung("answer its start", spec.start_timeout, more) from None
            raise failed(spec, error.message, error.detail) from None
        try:
            if self.found.start is None:
                self.found.start = self._clock.monotonic() - began
            yield process
        except AgentGoneError as error:
            said = f"{error}; {await process.describe_end()}"
            raise TroubleError(f"it stopped answering when it had to {self.step}", BY_HAND, said) from None
        finally:
            self.found.left += await end(process, kill=kill)

    async def _begin(self, process: AgentProcess) -> str:
        self.step, began = "open a session", self._clock.monotonic()
        opened = await Ladder(process, self._request(None, None), self._cwd).climb()
        if isinstance(opened, OpenFailed):
            raise failed(self._spec, opened.message, opened.detail)
        self.found.new = self._clock.monotonic() - began
        self.found.agent_session_id = opened.agent_session_id
        return opened.agent_session_id

    async def _set(self, process: AgentProcess, session: str) -> None:
        """What the config demands. The gateway does not use an agent that does not take it."""
        self.step, name, offer = "take its settings", self._spec.name, process.offer(session)
        for option, value in self._spec.options.items():
            if problem := await set_option(process, session, option, value):
                known = {one.id: [choice.id for choice in one.choices] for one in offer.options}
                allowed = known.get(option, list(known))
                what = f"the values of {option}" if option in known else "the options"
                raise TroubleError(problem, f"correct agents.{name}.options; {_offers(what, allowed)}")
        if self._spec.mode and (problem := await set_mode(process, session, self._spec.mode)):
            modes = [mode.id for mode in offer.modes]
            raise TroubleError(problem, f"correct agents.{name}.mode; {_offers('the modes', modes)}")

    async def _tell(self, process: AgentProcess, session: str) -> str:
        began = self._clock.monotonic()
        ended, answer = await self._prompt(process, session, TELL.format(word=self._word), after_load=False)
        if isinstance(ended, AgentFailed):
            raise failed(self._spec, ended.message, ended.detail)
        if not answer or isinstance(ended, CancelledPrompt):
            how = (
                "stopped by itself"
                if isinstance(ended, CancelledPrompt)
                else f"ended with {ended.stop_reason}"
            )
            raise TroubleError(f"it was given a prompt and said nothing; its turn {how}", BY_HAND)
        if wants_login(answer):
            raise not_logged_in(self._spec, answer)
        self.found.answer = self._clock.monotonic() - began
        return answer

    async def _reopen(self, process: AgentProcess, session: str, answer: str | None) -> Opened:
        self.step, began = "load its session", self._clock.monotonic()
        opened = await Ladder(process, self._request(session, answer), self._cwd).climb()
        if isinstance(opened, OpenFailed):
            raise failed(self._spec, opened.message, opened.detail)
        if opened.mode is ResumeMode.NATIVE:
            self.found.load = self._clock.monotonic() - began
        return opened

    async def _recall(self, process: AgentProcess, session: str) -> None:
        # The demo agent understands no questions; this is how it is asked what it remembers.
        question = f"{ASK} [[recall]]" if process.abilities.name == DEMO else ASK
        ended, answer = await self._prompt(process, session, question, after_load=True)
        if isinstance(ended, AgentFailed):
            self._judge_bootstrap(f"it loaded its session and could not go on: {ended.detail}")
        elif self._word in answer.casefold():
            self.found.rung = "native"
            self.found.why = f"it loaded session {redacted(session)} after SIGKILL and knew the codeword"
        else:
            self.found.rung = "bootstrap"
            self.found.why = "it loaded its session and did not know the codeword"
            advice = f"write resume: bootstrap into agents.{self._spec.name}: it is then given the transcript"
            raise TroubleError(
                "it says that it has loaded its session, and remembers nothing",
                advice,
                f"it answered: {answer}",
            )

    async def _prompt(
        self, process: AgentProcess, session: str, text: str, *, after_load: bool
    ) -> tuple[Ended | CancelledPrompt | AgentFailed, str]:
        self.step, said = "answer a prompt", list[str]()

        def sink(update: AgentUpdate) -> None:
            if isinstance(update, TextChunk):
                said.append(update.text)

        turn = Turn(process, session, sink, _refuse, self._clock, after_load=after_load)
        process.listen(session, turn)
        try:
            outcome = await turn.run([text], self._spawn)
        finally:
            process.ignore(session, turn)
        return outcome.end, "".join(said).strip()

    def _judge_unprompted(self, opened: Opened) -> None:
        if opened.mode is ResumeMode.NATIVE:
            self.found.why = "not proven: it loaded a session in which nothing was said (--no-prompt)"
        elif self._never_loads:
            self.found.rung, self.found.why = "bootstrap", _reason(opened.reason)
        else:  # many keep nothing of a session before its first prompt
            self.found.why = (
                f"not proven: nothing was said in the session (--no-prompt), and {_reason(opened.reason)}"
            )

    def _judge_bootstrap(self, reason: str) -> None:
        self.found.rung, self.found.why = "bootstrap", _reason(reason)
        advice = "it works all the same, by a transcript; docs/agents.md lists what is usual"
        if self._spec.resume is ResumePolicy.NATIVE_REQUIRED:
            advice = (
                "with resume: native_required each restart stops its conversations; write bootstrap instead"
            )
        elif self._never_loads:
            return  # as it says of itself, or as it is configured
        raise TroubleError("it does not go on with its own session after it was killed", advice)

    @property
    def _never_loads(self) -> bool:
        can = self.found.abilities is not None and self.found.abilities.load
        return self._spec.resume is ResumePolicy.BOOTSTRAP or not can

    def _request(self, session: str | None, answer: str | None) -> OpenRequest:
        """As the engine asks for a conversation: a new one, or one with a turn that ended in this answer."""
        asked = TELL.format(word=self._word)
        turns = () if answer is None else (HistoryTurn(1, TurnState.COMPLETED, "", asked, answer),)

        async def history() -> tuple[HistoryTurn, ...]:
            return turns

        return OpenRequest(1, self._spec.name, session, self._cwd, len(turns), history)


async def _refuse(_: PermissionRequest) -> str | None:
    return None


def _home(spec: AgentSpec) -> Path:
    return Path(spec.env.get("HOME") or spec.home or Path.home())


def _offers(what: str, ids: list[str]) -> str:
    return f"{what} that it offers: {one_line(', '.join(ids), 200)}" if ids else f"it offers none of {what}"


def _reason(text: str) -> str:
    """A reason of the ladder, without what the gateway then did about it."""
    return text.partition("; a new session was given")[0].partition("; there was no history")[0]
