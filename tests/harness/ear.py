"""The other end of the notification socket: what a service manager would hear, in order."""

import asyncio
import socket
from collections.abc import Callable
from types import TracebackType
from typing import Self

Heard = dict[str, str]
"""The assignments of one message."""


class Ear:
    """A datagram socket at a path, or at an abstract address that begins with @."""

    def __init__(self, address: str, room: int | None = None) -> None:
        self.address = address
        self.heard: list[Heard] = []
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        if room is not None:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, room)
        self._socket.bind("\0" + address[1:] if address.startswith("@") else address)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()

    def listen(self) -> list[Heard]:
        """What lies there right now; nothing is waited for."""
        new: list[Heard] = []
        while True:
            try:
                new.append(_read(self._socket.recv(65536)))
            except BlockingIOError:
                self.heard += new
                return new

    async def until(self, wanted: Callable[[Heard], object]) -> Heard:
        """Wait for such a message."""
        while True:
            message = _read(await asyncio.get_running_loop().sock_recv(self._socket, 65536))
            self.heard.append(message)
            if wanted(message):
                return message

    def all(self, name: str) -> list[str]:
        """Every value of one assignment that was heard."""
        return [message[name] for message in self.heard if name in message]


def _read(data: bytes) -> Heard:
    lines = [line.partition("=") for line in data.decode().splitlines()]
    assert all(equals for _, equals, _ in lines), data
    return {name: value for name, _, value in lines}


def says(name: str, part: str = "") -> Callable[[Heard], bool]:
    """Whether a message assigns a value with `part` in it to `name`."""
    return lambda message: name in message and part in message[name]
