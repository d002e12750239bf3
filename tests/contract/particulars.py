"""What the people of a platform can do, and see, beyond the Playground: files, signs, drafts, commands.

A platform's own class is `Particulars` in `tests/contract/<platform>_scene.py`. It takes the emulator, and
overrides what the platform has; what it leaves alone is skipped, with the reason named here.
"""

# ruff: noqa: ARG002  (the defaults have no use for what they are given)

import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import ClassVar, NoReturn

import pytest

from adapters.emulators.registry import Emulator


@dataclass(frozen=True)
class SentFile:
    """A file that somebody sends."""

    name: str
    mime: str
    content: bytes


@dataclass(frozen=True)
class ShownFile:
    """A file of the bot as it stands in a chat: `message` is what it belongs to, `text` its caption."""

    message: str
    name: str
    content: bytes
    text: str = ""
    thread: str = ""
    reply_to: str = ""


class Particulars:
    """The defaults are those of a platform that has none of it."""

    upload: ClassVar[str] = ""
    """The call that puts a file into a chat, once its bytes are there; what faults are aimed at."""

    react: ClassVar[str] = ""
    """The call that gives a message a sign."""

    commands: ClassVar[Sequence[str]] = ()
    """The calls that write the list of commands. Empty: the platform takes none from a bot."""

    tells_deletions: ClassVar[bool] = False
    """Whether a bot is told that a message was taken back."""

    shows_names: ClassVar[bool] = True
    """Whether every file, a picture too, is shown with the name that the bot gave it."""

    def __init__(self, emulator: Emulator) -> None:
        self.emulator = emulator
        self.play = emulator.playground

    # What people do

    def give(
        self,
        person: str,
        chat: str,
        files: Sequence[SentFile],
        text: str = "",
        *,
        thread: str = "",
        mention: bool = False,
    ) -> str:
        """A user sends a message with these files; its id. `mention` puts the bot's name before the text."""
        self._lacks("files of people")

    def several(self) -> bool:
        """Whether a message can have several files."""
        return False

    def change(self, person: str, chat: str, message: str, text: str) -> None:
        """A user edits a message of their own; the bot's name in it, if there was one, is kept by `text`."""
        self._lacks("edits")

    def take_back(self, person: str, chat: str, message: str) -> None:
        """A user deletes a message of their own."""
        self._lacks("deletions")

    def invoke(self, person: str, chat: str, command: str, text: str = "", *, thread: str = "") -> None:
        """A user picks one of the gateway's commands from the list that the platform shows, and sends it."""
        self._lacks("commands of its own")

    # What people see

    def files(self, chat: str) -> list[ShownFile]:
        """The files that the bot sent, in order."""
        self._lacks("files of bots")

    def signs(self, chat: str, message: str) -> list[str]:
        """The signs that the bot has at a message now."""
        self._lacks("signs")

    def progress(self, chat: str, message: str, thread: str = "") -> str:
        """Where the progress of the growing message is seen; as a rule its own text."""
        return next(one.text for one in self.play.shown(chat) if one.id == message)

    def drafts(self, chat: str, thread: str = "") -> list[str]:
        """The drafts that stand in a chat."""
        self._lacks("drafts")

    def offered(self) -> Mapping[str, str]:
        """The commands that people are shown, with their descriptions."""
        self._lacks("a list of commands")

    def refuse_markup(self) -> None:
        """Make the platform refuse the next text for its markup."""
        self._lacks("refusals of markup")

    def _lacks(self, what: str) -> NoReturn:
        pytest.skip(f"{self.play.platform} has no {what}")


def particulars(emulator: Emulator) -> Particulars:
    """Those of the emulator's platform."""
    name = f"tests.contract.{emulator.playground.platform}_scene"
    if find_spec(name) is None:
        return Particulars(emulator)
    made = import_module(name).Particulars(emulator)
    assert isinstance(made, Particulars)
    return made


def png(width: int = 3, height: int = 2, filling: int = 0) -> bytes:
    """A picture that is one: a header, pixels of nothing, and `filling` more bytes after its end."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compress(b"\0" * (width + 1) * min(height, 64))
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", rows)
        + chunk(b"IEND", b"")
        + b"x" * filling
    )
