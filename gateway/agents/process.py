"""One agent process: spawned, shaken hands with, listened to, and ended with everything that it started.

The end of the process is noticed by its exit as well as by the end of its output: an orphan that inherited
standard output can hold that open for ever. One that goes on without an output is of no use, and is ended.
"""

import asyncio
import contextlib
import importlib
import json
import secrets
from asyncio.subprocess import PIPE, SubprocessStreamProtocol
from collections.abc import Callable, Coroutine
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import psutil

from gateway import log
from gateway.agents import tree
from gateway.agents.environment import environment, find_command
from gateway.agents.offers import CommandsChanged, ModeChanged, OptionsChanged, changed
from gateway.agents.outcomes import AgentGoneError, AgentRefusedError, AgentStartError, one_line
from gateway.agents.spec import AgentSpec
from gateway.agents.tail import TailLog
from gateway.agents.transport import LINE_LIMIT, LineTransport
from gateway.agents.updates import Heard
from gateway.model.choices import AgentOffer
from gateway.model.permission import PermissionRequest

if TYPE_CHECKING:
    from gateway.agents.connection import Abilities, AgentConnection

T = TypeVar("T")

_log = log.get()

_LAST_OUTPUT = 0.3
"""Seconds that an exited process's output is waited for before its orphans are ended, and the other way."""

_LAST_RESORT = 5.0
"""Seconds that a killed process is waited for. One that survives is stuck in the kernel."""


class Spawn(Protocol):
    """Starts a background task under the pool's supervisor; None is its result after a bug."""

    def __call__(self, work: Coroutine[Any, Any, T]) -> "asyncio.Task[T | None]":
        """Start it."""
        ...


class Ear(Protocol):
    """Who listens to one agent session at the moment: a replay or a turn."""

    def heard(self, update: Heard) -> None:
        """The agent said something. Must not wait."""
        ...

    async def asked(self, request: PermissionRequest) -> str | None:
        """The agent asks for a permission; the chosen option's id, or None."""
        ...


class _Pipes(SubprocessStreamProtocol):
    """The pipes of a process: standard error goes to a log as it comes, so that it never fills up."""

    def __init__(self, tail: TailLog, exited: asyncio.Event) -> None:
        super().__init__(limit=LINE_LIMIT, loop=asyncio.get_running_loop())
        self._tail = tail
        self._exited = exited
        self._muted = False

    def pipe_data_received(self, fd: int, data: bytes | str) -> None:
        assert isinstance(data, bytes)
        if fd == 2:
            self._tail.write(data)
        elif not self._muted:
            super().pipe_data_received(fd, data)

    def process_exited(self) -> None:
        super().process_exited()
        self._exited.set()

    def mute(self) -> None:
        """Hear nothing more, whoever still holds the other end."""
        if not self._muted:
            self._muted = True
            assert self.stdout is not None
            self.stdout.feed_eof()


class AgentProcess:
    """A process that speaks the protocol.

    `in_use` counts prompts in flight, `claimed_until` protects a process that was opened for a prompt that
    has not come yet, `last_used` orders the others. All three belong to the roster.
    """

    connection: "AgentConnection"
    abilities: "Abilities"

    def __init__(self, spec: AgentSpec, spawn: Spawn, on_end: Callable[["AgentProcess"], None]) -> None:
        self.spec = spec
        self.in_use = 0
        self.claimed_until = 0.0
        self.last_used = 0.0
        self._spawn = spawn
        self._on_end = on_end
        self._ears: dict[str, Ear] = {}
        self._offers: dict[str, AgentOffer] = {}
        self._exited = asyncio.Event()
        self._ending: asyncio.Task[None] | None = None
        self._tail = TailLog(spec.log_dir and spec.log_dir / f"{spec.name}.log", spec.log_bytes)
        self._note: Path | None = None
        self._launched = False
        self._doomed = False

    async def start(self, cwd: str) -> None:
        """Spawn and shake hands. Raises `AgentStartError`, and then nothing is left behind."""
        name = self.spec.name
        await self._launch(cwd)
        self._launched = True
        self._spawn(self._watch())
        if self._doomed:
            await self.end()
            raise AgentStartError("The gateway is stopping.", "stopped while it was starting", retry=False)
        try:
            async with asyncio.timeout(self.spec.start_timeout):
                self.abilities = await self.connection.initialize()
        except (TimeoutError, AgentGoneError, AgentRefusedError) as error:
            ended = await self.describe_end()
            await self.end()
            if isinstance(error, TimeoutError):
                seconds = f"{self.spec.start_timeout:g} s"
                message, retry = f"The agent {name} did not answer within {seconds} of its start.", False
            elif isinstance(error, AgentRefusedError):
                message, retry = f"The agent {name} could not be started: {error.said}", False
            else:
                message, retry = f"The agent {name} stopped while it was starting.", True
            raise AgentStartError(message, ended, retry=retry) from None
        except asyncio.CancelledError:
            await self.end()
            raise
        _log.info("agent.started", agent=name, pid=self.pid)

    async def _launch(self, cwd: str) -> None:
        spec, token = self.spec, secrets.token_hex(16)
        env = environment(spec, token)
        command = find_command(spec, env)
        failed = f"The agent {spec.name} could not be started"
        if command is None:
            raise AgentStartError(
                f"{failed}: its command was not found.", f"no command {spec.command[0]!r}", retry=False
            )
        try:
            for directory in (Path(cwd), *([spec.home] if spec.home else [])):
                directory.mkdir(parents=True, exist_ok=True)
            self._pipe_transport, self._pipes = await asyncio.get_running_loop().subprocess_exec(
                lambda: _Pipes(self._tail, self._exited),
                *command,
                stdin=PIPE,
                stdout=PIPE,
                stderr=PIPE,
                env=env,
                cwd=cwd,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:  # such as a name of a variable that cannot be one
            raise AgentStartError(f"{failed}.", one_line(str(error)), retry=False) from None
        self.pid = self._pipe_transport.get_pid()
        self._root = _root(self.pid, token)
        self._note = _leave_note(spec.log_dir, self._root, self.pid, token)
        try:  # while the agent starts up itself
            sdk = await asyncio.to_thread(importlib.import_module, "gateway.agents.connection")
        except asyncio.CancelledError:
            self._pipe_transport.close()
            raise
        assert self._pipes.stdin is not None
        assert self._pipes.stdout is not None
        self._lines = LineTransport(self._pipes.stdout, self._pipes.stdin, spec.name)
        self.connection = sdk.AgentConnection(self, self._lines)

    @property
    def usable(self) -> bool:
        """Whether the process can be given work."""
        return self._ending is None and not self._exited.is_set() and not self._lines.over.is_set()

    def listen(self, agent_session_id: str, ear: Ear) -> None:
        """Have a session's updates go to this ear from now on."""
        self._ears[agent_session_id] = ear

    def ignore(self, agent_session_id: str, ear: Ear) -> None:
        """Let the ear hear no more, if it is still the one that listens."""
        if self._ears.get(agent_session_id) is ear:
            del self._ears[agent_session_id]

    def heard(self, agent_session_id: str, update: Heard) -> None:
        """An update came. One that nobody waits for is dropped: it is late, or the agent is confused.

        What is offered may change at any time.
        """
        if isinstance(update, ModeChanged | OptionsChanged | CommandsChanged):
            self._offers[agent_session_id] = changed(self.offer(agent_session_id), update)
        ear = self._ears.get(agent_session_id)
        if ear is None:
            _log.debug("agent.update_dropped", agent=self.spec.name, pid=self.pid)
            return
        ear.heard(update)

    async def asked(self, agent_session_id: str, request: PermissionRequest) -> str | None:
        """A permission is asked for."""
        ear = self._ears.get(agent_session_id)
        return None if ear is None else await ear.asked(request)

    def offer(self, agent_session_id: str) -> AgentOffer:
        """What can be chosen in a session, as far as the agent has told."""
        return self._offers.get(agent_session_id, AgentOffer())

    def keep_offer(self, agent_session_id: str, offer: AgentOffer) -> None:
        """What an answer of the agent's says is offered; commands are told by updates alone."""
        known = self.offer(agent_session_id).commands
        self._offers[agent_session_id] = replace(offer, commands=known)

    def forget_offer(self, agent_session_id: str) -> None:
        """The session is not held here any more."""
        self._offers.pop(agent_session_id, None)

    async def describe_end(self) -> str:
        """How the process ended and its last words, for the log."""
        try:
            async with asyncio.timeout(_LAST_OUTPUT):
                await self._exited.wait()
        except TimeoutError:
            state = "still running"
        else:
            state = f"exit status {self._pipe_transport.get_returncode()}"
        words = one_line(self._tail.last_words())
        parts = (state, self._lines.fault, words and f"it last wrote: {words}")
        return "; ".join(part for part in parts if part)

    async def ended(self) -> None:
        """Wait for the exit of the process."""
        await self._exited.wait()

    async def end(self, *, swept: bool = False) -> None:
        """End the process and its descendants; calls beyond the first wait for the first.

        `swept` says that the descendants have been ended already.
        """
        if self._ending is None:
            self._ending = self._spawn(self._end(swept=swept))
        await asyncio.shield(self._ending)

    async def give_up(self) -> None:
        """End the process although it is still starting, now or as soon as that is possible."""
        self._doomed = True
        if self._launched:
            await self.end()

    @property
    def root(self) -> tree.Root | None:
        """The process as the tree module knows it, None when it was gone before it could be looked at."""
        return self._root

    async def _watch(self) -> None:
        exit_and_output = [asyncio.ensure_future(event.wait()) for event in (self._exited, self._lines.over)]
        try:
            await asyncio.wait(exit_and_output, return_when=asyncio.FIRST_COMPLETED)
            await asyncio.wait(exit_and_output, timeout=_LAST_OUTPUT)
        finally:
            for waiting in exit_and_output:
                waiting.cancel()
        if not self._lines.over.is_set():
            _log.warning("agent.orphan", agent=self.spec.name, pid=self.pid)
        if not self._exited.is_set():
            _log.warning("agent.output_closed", agent=self.spec.name, pid=self.pid)
        elif self._ending is None:
            _log.info("agent.exited", agent=self.spec.name, pid=self.pid)
        await self.end()

    async def _end(self, *, swept: bool) -> None:
        if self._root is not None and not swept:
            await asyncio.to_thread(tree.end_trees, [self._root])
        try:
            async with asyncio.timeout(tree.GRACE):
                await self._exited.wait()
        except TimeoutError:
            await self._kill()
        self._pipes.mute()
        await self.connection.close()
        self._pipe_transport.close()
        if self._note is not None:
            with contextlib.suppress(OSError):
                self._note.unlink(missing_ok=True)
        self._on_end(self)

    async def _kill(self) -> None:
        if self._root is not None:
            tree.kill_root(self._root)
        try:
            async with asyncio.timeout(_LAST_RESORT):
                await self._exited.wait()
        except TimeoutError:
            _log.error("agent.unkillable", agent=self.spec.name, pid=self.pid)


def _root(pid: int, token: str) -> tree.Root | None:
    try:
        return tree.Root(psutil.Process(pid), token)
    except psutil.Error:
        return None


def _leave_note(log_dir: Path | None, root: tree.Root | None, pid: int, token: str) -> Path | None:
    """Write down what a later gateway needs to end this process, should this one be killed."""
    if log_dir is None or root is None:
        return None
    try:
        return _written_note(log_dir, root, pid, token)
    except (OSError, psutil.Error) as error:
        _log.warning("agent.note_not_left", pid=pid, why=str(error))
        return None


def _written_note(log_dir: Path, root: tree.Root, pid: int, token: str) -> Path:
    note = log_dir / "processes" / f"{pid}.json"
    note.parent.mkdir(parents=True, exist_ok=True)
    note.write_text(json.dumps({"pid": pid, "created": root.process.create_time(), "token": token}))
    return note
