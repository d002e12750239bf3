"""One agent's standard input and output as JSON-RPC messages.

The SDK's own line transport ends the connection on a line of JSON that is no object, and logs a traceback
for each line that is no JSON. Agents print such lines (a banner, a library's warning): they are skipped here.
"""

import asyncio
import json
from typing import Any, cast

from gateway import log
from gateway.agents.usage import tidy

LINE_LIMIT = 100 * 1024 * 1024
"""Bytes of one message at most. An agent that sends more is broken, and its connection ends."""

_NOTED = 5
"""Lines of rubbish that are logged; the others are only counted."""

_log = log.get()


class LineTransport:
    """Messages over a pair of pipes.

    `over` is set once there is nothing more to receive, and `fault` tells why if that is the agent's doing.
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, agent: str) -> None:
        self._reader = reader
        self._writer = writer
        self._agent = agent
        self._rubbish = 0
        self.over = asyncio.Event()
        self.fault = ""

    async def send(self, message: dict[str, Any]) -> None:
        """Write one message."""
        if self._writer.is_closing():
            raise ConnectionResetError("the agent's standard input is closed")
        self._writer.write(json.dumps(message, separators=(",", ":")).encode() + b"\n")
        await self._writer.drain()

    async def receive(self) -> dict[str, Any] | None:
        """The next message, None after the last."""
        while True:
            try:
                line = await self._reader.readuntil(b"\n")
            except asyncio.IncompleteReadError:
                self.over.set()
                return None
            except asyncio.LimitOverrunError:
                _log.warning("agent.line_too_long", agent=self._agent)
                self.fault = "it wrote a line that is too long"
                self.over.set()
                return None
            if (message := _parse(line)) is not None:
                return message
            if line.strip():
                self._note_rubbish(line)

    async def close(self) -> None:
        """Hang up."""
        self._writer.close()

    def _note_rubbish(self, line: bytes) -> None:
        self._rubbish += 1
        if self._rubbish <= _NOTED:
            shown = line[:200].decode(errors="replace").strip()
            _log.debug("agent.rubbish", agent=self._agent, line=shown)


def _parse(line: bytes) -> dict[str, Any] | None:
    """A message, or None for anything that is not one. Recursion: absurdly nested rubbish."""
    try:
        message: object = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(message, dict):
        return None
    fields = cast("dict[str, Any]", message)
    if not isinstance(fields.get("method", ""), str) or isinstance(fields.get("id"), list | dict):
        return None
    error = fields.get("error")
    if error is not None and not isinstance(error, dict):
        fields["error"] = {"message": str(error)}  # the SDK would end the connection
    tidy(fields)
    return fields
