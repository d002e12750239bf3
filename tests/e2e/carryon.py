"""The `carryon` command beside a stage's gateway, and its control socket."""

import asyncio
import json
from dataclasses import dataclass
from typing import Any

from gateway.console.address import socket_path
from tests.e2e import forked
from tests.harness.settings import write
from tests.harness.stage import Stage
from tests.harness.waiting import within

END = b"\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Said:
    """What a command said and how it ended."""

    code: int
    out: str
    err: str

    @property
    def values(self) -> Any:
        """Its JSON."""
        return json.loads(self.out)


async def carryon(stage: Stage, *arguments: object) -> Said:
    """Run a command to its end."""
    config = write(stage.folder / "gateway.yaml", stage.values)
    said = Said(*await forked.run(config, arguments))
    assert "Traceback" not in said.err, said.err
    stage.saw(f"carryon {arguments[0]}", f"{said.out}\n{said.err}")
    return said


async def request(stage: Stage, verb: str, path: str, body: object = b"") -> tuple[int, Any]:
    """One request to the control socket: its status and its JSON, or its text where it is none."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    head = f"{verb} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {len(data)}\r\n\r\n"
    answer = await raw(stage, head.encode() + data)
    first, _, rest = answer.partition(b"\r\n")
    text = rest.partition(END)[2].decode()
    stage.saw(f"{verb} {path}", text)
    try:
        return int(first.split()[1]), json.loads(text)
    except ValueError:
        return int(first.split()[1]), text


async def raw(stage: Stage, data: bytes) -> bytes:
    """Bytes for the control socket, and what comes back until it closes the connection."""
    path = socket_path(stage.folder / "state")
    reader, writer = await within(asyncio.open_unix_connection(str(path)), "the control socket")
    try:
        writer.write(data)
        return await within(reader.read(), "an answer on the control socket")
    finally:
        writer.close()
        await writer.wait_closed()


async def status(stage: Stage) -> dict[str, Any]:
    """What the gateway says of itself."""
    code, found = await request(stage, "GET", "/status")
    assert code == 200
    return found
