"""The demo agent: a real Agent Client Protocol agent over stdio that needs no key and no network.

It echoes what it is told and obeys the directives of `demo_script`. What it keeps across a kill is in
`demo_store`. The turns of one session never overlap; those of different sessions do.
"""

import asyncio
import os
import signal
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.agents.demo_files import link, make, names, seen
from gateway.agents.demo_script import (
    Action,
    Ask,
    Count,
    Crash,
    Fail,
    File,
    Long,
    Picture,
    Recall,
    Request,
    Say,
    See,
    Sleep,
    Tool,
    long_text,
    plain,
    read_blocks,
    read_script,
)
from gateway.agents.demo_settings import DemoSettings, commands_update
from gateway.agents.demo_store import Entry, Memory, SessionFiles, blocks_of, files_of, remember
from gateway.agents.demo_turn import DemoTurn, StoppedError
from gateway.agents.protocol import acp, schema

if TYPE_CHECKING:
    from acp.agent.connection import AgentSideConnection

    from gateway.agents.demo_turn import DemoUpdate

NAME = "carryon-demo-agent"
MEMORIES = 1024
"""Sessions whose memory is kept ready; the others are read from their files again."""


class DemoAgent:
    """The agent's side of the protocol."""

    def __init__(self, files: SessionFiles, seconds: float, *, media: bool = True) -> None:
        self._files = files
        self._seconds = seconds
        self._media = media
        self._turns: dict[str, DemoTurn] = {}
        self._memories: OrderedDict[str, Memory] = OrderedDict()
        self._settings: dict[str, DemoSettings] = {}
        self._client: AgentSideConnection | None = None

    def on_connect(self, conn: "AgentSideConnection") -> None:
        """Called by the library once there is a client."""
        self._client = conn

    async def initialize(self, protocol_version: int, **_: object) -> schema.InitializeResponse:
        """Say what this agent can do."""
        return schema.InitializeResponse(
            protocol_version=min(protocol_version, acp.PROTOCOL_VERSION),
            agent_capabilities=schema.AgentCapabilities(
                load_session=True,
                prompt_capabilities=schema.PromptCapabilities(image=self._media, audio=self._media),
                session_capabilities=schema.SessionCapabilities(close=schema.SessionCloseCapabilities()),
            ),
            agent_info=schema.Implementation(name=NAME, version="1"),
        )

    async def new_session(self, cwd: str, **_: object) -> schema.NewSessionResponse:
        """Begin a session."""
        session_id = self._files.create(cwd)
        self._keep(session_id, Memory())
        settings = self._settings[session_id] = DemoSettings()
        await self._tell_commands(session_id)
        return schema.NewSessionResponse(
            session_id=session_id, modes=settings.modes, config_options=settings.options
        )

    async def load_session(self, session_id: str, **_: object) -> schema.LoadSessionResponse:
        """Replay a session from its file, wholly, before answering."""
        if not self._files.knows(session_id):
            raise acp.RequestError.resource_not_found(session_id)
        if turn := self._turns.get(session_id):
            turn.stop()
        entries = self._files.read(session_id)
        for number, entry in enumerate(entries):
            await self._replay(session_id, number, entry)
        self._keep(session_id, remember(entries))
        settings = self._settings[session_id] = DemoSettings()
        await self._tell_commands(session_id)
        return schema.LoadSessionResponse(modes=settings.modes, config_options=settings.options)

    async def set_session_mode(self, mode_id: str, session_id: str, **_: object) -> None:
        """Speak normally or loudly from the next answer on."""
        self._settings_of(session_id).choose("mode", mode_id)

    async def set_config_option(
        self, config_id: str, session_id: str, value: str | bool, **_: object
    ) -> schema.SetSessionConfigOptionResponse:
        """Pretend to use another model. Like other agents' settings, it does not outlive the process."""
        settings = self._settings_of(session_id)
        settings.choose(config_id, str(value))
        return schema.SetSessionConfigOptionResponse(config_options=settings.options)

    def _settings_of(self, session_id: str) -> DemoSettings:
        if not self._files.knows(session_id):
            raise acp.RequestError.resource_not_found(session_id)
        return self._settings.setdefault(session_id, DemoSettings())

    async def _tell_commands(self, session_id: str) -> None:
        assert self._client is not None
        await self._client.session_update(session_id=session_id, update=commands_update())

    async def close_session(self, session_id: str, **_: object) -> schema.CloseSessionResponse:
        """Stop a session and drop it from memory; its file stays."""
        await self.cancel(session_id)
        self._memories.pop(session_id, None)
        self._settings.pop(session_id, None)
        return schema.CloseSessionResponse()

    async def cancel(self, session_id: str, **_: object) -> None:
        """Stop the session's turn."""
        if turn := self._turns.get(session_id):
            turn.stop()

    async def prompt(self, session_id: str, prompt: Sequence[object], **_: object) -> schema.PromptResponse:
        """Work on a prompt. It is kept before anything else happens."""
        assert self._client is not None
        if session_id in self._turns:
            raise acp.RequestError.invalid_request({"details": "this session is busy with another prompt"})
        memory = self._memory(session_id)
        request = read_blocks(block.text for block in prompt if isinstance(block, schema.TextContentBlock))
        given = [block for block in prompt if not isinstance(block, schema.TextContentBlock)]
        blocks = [block for block in (request.preamble, request.note, request.text) if block]
        earlier = tuple(memory.own)
        entry: Entry = {"role": "user", "blocks": blocks}
        self._files.append(session_id, entry | ({"files": names(given)} if given else {}))
        memory.take(request)
        settings = self._settings_of(session_id)
        turn = self._turns[session_id] = DemoTurn(self._client, session_id, self._files, settings)
        turn.given = given
        try:
            await self._answer(turn, request, memory, earlier)
            await turn.flush()
        except StoppedError:
            return schema.PromptResponse(stop_reason="cancelled")
        finally:
            del self._turns[session_id]
        self._files.append(session_id, {"role": "assistant", "text": turn.answer})
        memory.answered(turn.answer)
        await turn.tell_usage(memory.characters // 4)
        return schema.PromptResponse(stop_reason="end_turn", usage=_usage(request, turn.answer))

    async def _answer(
        self, turn: DemoTurn, request: Request, memory: Memory, earlier: tuple[str, ...]
    ) -> None:
        if not memory.unfinished:
            await turn.say("Nothing was left unfinished." if request.note else "You said nothing.")
            return
        scripts = [read_script(text) for text in memory.unfinished]
        self._set_pace(turn, scripts)
        started = frozenset(memory.started)
        new = plain(request.text)
        for number, (text, script) in enumerate(zip(memory.unfinished, scripts, strict=True)):
            opening = "You said:" if new and plain(text) == new else "Going on with:"
            await self._perform(turn, script, ("\n\n" if number else "") + opening, started, memory, earlier)

    def _set_pace(self, turn: DemoTurn, scripts: Sequence[tuple[Action, ...]]) -> None:
        """Spread the default thinking time over the words, unless the request sets times itself."""
        actions = [action for script in scripts for action in script]
        if self._seconds and not any(isinstance(action, Sleep | Tool) for action in actions):
            words = sum(len(action.words.split()) for action in actions if isinstance(action, Say))
            turn.pace = self._seconds / (words + 2)

    async def _perform(  # the vocabulary of the script, one case each
        self,
        turn: DemoTurn,
        script: tuple[Action, ...],
        opening: str,
        started: frozenset[str],
        memory: Memory,
        earlier: tuple[str, ...],
    ) -> None:
        remarks: list[str] = []
        for action in script:
            match action:
                case Say(words):
                    await turn.say(f"{opening} {words}" if opening else f" {words}")
                    opening = ""
                case Sleep(seconds):
                    await turn.think(seconds)
                case Tool(name, seconds):
                    if name in started:
                        await turn.check_tool(name)
                        remarks.append(f"I checked {name} and did not repeat it.")
                    else:
                        await turn.run_tool(name, seconds)
                        remarks.append(f"I ran {name}.")
                case Ask():
                    given = await turn.ask()
                    remarks.append("Permission was given." if given else "Permission was refused.")
                case Count() | Recall() | Long() | File() | See():
                    remarks.append(await self._remark(action, turn, memory, earlier))
                case Picture():
                    await turn.show()
                case Fail():
                    await turn.flush()
                    raise acp.RequestError(-32603, "The demo agent was told to fail")
                case Crash():
                    await turn.flush()
                    os.kill(os.getpid(), signal.SIGKILL)
        for remark in remarks or (["Done."] if opening and not turn.showed else []):
            await turn.say(f"\n\n{remark}" if turn.has_spoken else remark)

    async def _remark(
        self,
        action: Count | Recall | Long | File | See,
        turn: DemoTurn,
        memory: Memory,
        earlier: tuple[str, ...],
    ) -> str:
        match action:
            case Count(words):
                return f"That is {words} words, counted by the {turn.settings.model} model."
            case Recall():
                return _recall(earlier, memory)
            case Long(length):
                return long_text(length)
            case File(name, size):
                return await self._make(turn.session_id, name, size)
            case See():
                return await asyncio.to_thread(seen, turn.given)

    async def _make(self, session_id: str, name: str, size: int | None) -> str:
        try:
            made = await asyncio.to_thread(make, self._files.cwd(session_id), name, size)
        except OSError as error:
            return f"I could not make that file: {error.strerror or error}."
        return f"I made {link(made)}."

    def _memory(self, session_id: str) -> Memory:
        memory = self._memories.get(session_id)
        if memory is None:
            if not self._files.knows(session_id):
                raise acp.RequestError.resource_not_found(session_id)
            memory = remember(self._files.read(session_id))
        self._keep(session_id, memory)
        return memory

    def _keep(self, session_id: str, memory: Memory) -> None:
        self._memories[session_id] = memory
        self._memories.move_to_end(session_id)
        if len(self._memories) > MEMORIES:
            self._memories.popitem(last=False)

    async def _replay(self, session_id: str, number: int, entry: Entry) -> None:
        assert self._client is not None
        message_id = str(number)
        updates: list[DemoUpdate] = []
        match entry.get("role"):
            case "user":
                updates += [
                    schema.UserMessageChunk(
                        session_update="user_message_chunk",
                        content=acp.text_block(block),
                        message_id=message_id,
                    )
                    for block in blocks_of(entry)
                ]
                updates += [
                    schema.UserMessageChunk(
                        session_update="user_message_chunk",
                        content=acp.resource_link_block(name, uri),
                        message_id=message_id,
                    )
                    for name, uri in files_of(entry)
                ]
            case "assistant":
                updates.append(acp.update_agent_message_text(str(entry.get("text", ""))))
            case "tool":
                title = str(entry.get("name", ""))
                updates.append(acp.start_tool_call(f"{session_id[:8]}-{number}", title, kind="execute"))
            case _:
                pass
        for update in updates:
            await self._client.session_update(session_id=session_id, update=update)


def _recall(earlier: tuple[str, ...], memory: Memory) -> str:
    lines: list[str] = []
    if memory.told:
        lines += ["From the transcript that I was given:", *(f"- {text}" for text in memory.told)]
    if earlier:
        lines += ["From my own memory:", *(f"- {text}" for text in earlier)]
    return "\n".join(lines) or "I remember nothing."


def _usage(request: Request, answer: str) -> schema.Usage:
    """Tokens as a rule of thumb has them, so that they are always the same."""
    taken, given = request.length // 4, len(answer) // 4
    return schema.Usage(input_tokens=taken, output_tokens=given, total_tokens=taken + given)


async def _serve() -> None:
    home = os.environ.get("CARRYON_DEMO_HOME")
    files = SessionFiles(Path(home) if home else Path.home() / ".carryon-demo-agent")
    media = os.environ.get("DEMO_AGENT_NO_MEDIA") != "1"
    agent = DemoAgent(files, float(os.environ.get("DEMO_AGENT_SECONDS") or 0), media=media)
    reader, writer = await acp.stdio_streams(limit=50 * 1024 * 1024)
    connection = acp.AgentSideConnection(agent, writer, reader, listening=False, use_unstable_protocol=True)  # pyright: ignore[reportArgumentType]
    await connection.listen()
    # Standard input ended: nobody is left to hear an answer. What matters is in files already, and a polite
    # end could wait for ever for a reader of standard output.
    os._exit(0)


def main() -> None:
    """Serve one client on standard input and output until it hangs up."""
    asyncio.run(_serve())


if __name__ == "__main__":
    main()
