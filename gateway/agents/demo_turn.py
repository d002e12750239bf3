"""One turn of the demo agent: what it says, how fast, and the tools that it pretends to run."""

import asyncio
import base64
import os
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from gateway.agents.demo_files import picture
from gateway.agents.demo_settings import DemoSettings
from gateway.agents.demo_store import SessionFiles
from gateway.agents.protocol import acp, schema

if TYPE_CHECKING:
    from acp.agent.connection import AgentSideConnection

    DemoUpdate = (
        schema.UserMessageChunk
        | schema.AgentMessageChunk
        | schema.AgentThoughtChunk
        | schema.ToolCallStart
        | schema.ToolCallProgress
        | schema.UsageUpdate
    )

CHUNK = 200
"""Characters that are said at once when nothing slows the agent down."""

TICK = 0.05
"""Seconds between two groups of words when the agent is slowed down, at least."""


CONTEXT = 100_000
"""Tokens that it pretends to have room for."""

_LINK = re.compile(r"(!?\[[^\[\]]*\]\([^()]*\))")


class StoppedError(Exception):
    """The client asked for this turn to stop."""


class DemoTurn:
    """One prompt at work: says, pauses and runs tools on one session until it ends or is stopped."""

    def __init__(
        self, client: "AgentSideConnection", session_id: str, files: SessionFiles, settings: DemoSettings
    ) -> None:
        self._client = client
        self.session_id = session_id
        self._files = files
        self.settings = settings
        self._stop = asyncio.Event()
        self._unsaid = ""
        self.given: Sequence[object] = ()  # what came with the prompt besides text
        self.showed = False  # a picture
        self.answer = ""
        self.pace = 0.0  # seconds for each word

    @property
    def has_spoken(self) -> bool:
        """Whether anything was said in this turn."""
        return bool(self.answer or self._unsaid)

    def stop(self) -> None:
        """Make the turn stop at once, whatever it waits for."""
        self._stop.set()

    async def say(self, text: str) -> None:
        """Say something: word by word when the agent is slowed down, else in large pieces."""
        text = _loud(text) if self.settings.loud else text
        if self.pace:
            await self._say_slowly(text)
            return
        self._unsaid += text
        if len(self._unsaid) >= CHUNK:
            await self.flush()

    async def flush(self) -> None:
        """Send what was said and not sent."""
        text, self._unsaid = self._unsaid, ""
        while text:
            cut = len(text) if len(text) <= CHUNK * 5 else text.rfind(" ", 0, CHUNK * 5) + 1 or CHUNK * 5
            self.answer += text[:cut]
            await self._update(acp.update_agent_message_text(text[:cut]))
            text = text[cut:]

    async def _say_slowly(self, text: str) -> None:
        words = text.split(" ")
        group = max(1, round(TICK / self.pace))
        for start in range(0, len(words), group):
            last = start + group >= len(words)
            self._unsaid += " ".join(words[start : start + group]) + ("" if last else " ")
            await self.flush()
            await self.pause(self.pace * len(words[start : start + group]))

    async def pause(self, seconds: float) -> None:
        """Wait. Raises when the turn is to stop."""
        await self.flush()
        if seconds > 0:
            try:
                async with asyncio.timeout(seconds):
                    await self._stop.wait()
            except TimeoutError:
                return
        if self._stop.is_set():
            raise StoppedError

    async def show(self) -> None:
        """Show a small picture."""
        await self.flush()
        block = acp.image_block(base64.b64encode(picture()).decode(), "image/png")
        await self._update(acp.update_agent_message(block))
        self.showed = True

    async def tell_usage(self, tokens: int) -> None:
        """Tell how full the context is."""
        await self._update(
            schema.UsageUpdate(session_update="usage_update", used=tokens, size=max(CONTEXT, tokens))
        )

    async def think(self, seconds: float) -> None:
        """Sleep, and say so."""
        await self.flush()
        await self._update(acp.update_agent_thought_text(f"Thinking for {seconds:g} s."))
        await self.pause(seconds)

    async def run_tool(self, name: str, seconds: float) -> None:
        """Pretend to run a tool. That it began is kept before anyone hears of it."""
        await self.flush()
        self._files.append(self.session_id, {"role": "tool", "name": name})
        await self._tool(name, seconds, "execute", f"{name} finished.")

    async def check_tool(self, name: str) -> None:
        """Look what became of a tool that had begun, in place of running it again."""
        await self.flush()
        await self._tool(f"check {name}", 0, "read", f"{name} had been started before; it is not repeated.")

    async def _tool(self, title: str, seconds: float, kind: schema.ToolKind, outcome: str) -> None:
        call = os.urandom(6).hex()
        await self._update(acp.start_tool_call(call, title, kind=kind, status="in_progress"))
        await self.pause(seconds)
        content = [acp.tool_content(acp.text_block(outcome))]
        await self._update(acp.update_tool_call(call, status="completed", content=content))

    async def ask(self) -> bool:
        """Request a permission; whether it was given."""
        await self.flush()
        call = os.urandom(6).hex()
        title = "a step that needs permission"
        await self._update(acp.start_tool_call(call, title, kind="execute", status="pending"))
        answer = await self._client.request_permission(
            session_id=self.session_id,
            tool_call=schema.ToolCallUpdate(tool_call_id=call, title=title, kind="execute"),
            options=[
                schema.PermissionOption(option_id="yes", name="Allow", kind="allow_once"),
                schema.PermissionOption(option_id="no", name="Refuse", kind="reject_once"),
            ],
        )
        await self.pause(0)
        outcome = answer.outcome
        given = isinstance(outcome, schema.AllowedOutcome) and outcome.option_id == "yes"
        await self._update(acp.update_tool_call(call, status="completed" if given else "failed"))
        return given

    async def _update(self, update: "DemoUpdate") -> None:
        await self._client.session_update(session_id=self.session_id, update=update)


def _loud(text: str) -> str:
    """In capital letters, but for links: they would lead elsewhere."""
    return "".join(part if index % 2 else part.upper() for index, part in enumerate(_LINK.split(text)))
