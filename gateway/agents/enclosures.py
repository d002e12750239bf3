"""The files that go with a prompt, as the agent at hand can take them.

An image or a recording is given whole where the agent takes such and it is not too large; everything else is
linked to, which every agent has to take. The file is read for what it is: a name and a type are its sender's,
and a picture that is none would be refused by a model again with every later prompt of the conversation.
"""

import base64
import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from gateway import log
from gateway.model.attachment import AttachmentKind, PromptFile

if TYPE_CHECKING:
    from gateway.agents.connection import Abilities

FILE_LIMIT = 3_750_000
"""Bytes of one file that is given whole: 5 MB as it travels, which is what providers take of an image."""

PROMPT_LIMIT = 15 * 1024 * 1024
"""Bytes of all files that one prompt gives whole: some 20 MB on the wire. The rest is linked to."""

IMAGES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
"""The types of images that models know."""

_log = log.get()


@dataclass(frozen=True, slots=True)
class Media:
    """An image or a recording, whole. `data` is in base64."""

    kind: Literal["image", "audio"]
    uri: str
    mime: str
    data: str


@dataclass(frozen=True, slots=True)
class Link:
    """A file that the agent may look at itself. `size` is in bytes."""

    uri: str
    name: str
    mime: str
    size: int


Block = str | Media | Link
"""A part of a prompt; a text is one as it is."""


def enclose(files: Sequence[PromptFile], abilities: "Abilities") -> tuple[Media | Link, ...]:
    """The files as parts of a prompt. Blocks: it reads them. One that is not there (any more) is left out."""
    room = PROMPT_LIMIT
    enclosed: list[Media | Link] = []
    for file in files:
        kind = _takes(file, abilities)
        found = _read(file.path, min(FILE_LIMIT, room) if kind else 0)
        if found is None:
            _log.warning("agent.file_missing", name=file.name)
            continue
        size, content = found
        uri = Path(file.path).as_uri()
        mime = _image_type(content) if kind == "image" else file.mime
        if kind and content and mime:
            room -= size
            enclosed.append(Media(kind, uri, mime, base64.b64encode(content).decode()))
        else:
            enclosed.append(Link(uri, file.name, file.mime, size))
    return tuple(enclosed)


def _takes(file: PromptFile, abilities: "Abilities") -> Literal["image", "audio", ""]:
    """As what the agent takes the file, empty where it has to be linked to."""
    match file.kind:
        case AttachmentKind.IMAGE if abilities.image and file.mime in {*IMAGES, ""}:
            return "image"
        case AttachmentKind.AUDIO | AttachmentKind.VOICE if abilities.audio:
            return "audio" if file.mime.startswith("audio/") else ""
        case _:
            return ""


def _read(path: str, limit: int) -> tuple[int, bytes] | None:
    """The size of a file, and what is in it unless that is more than the limit.

    The agent may have put something else in its place: what is no plain file is not followed, nor waited for.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(handle, "rb") as file:
            status = os.fstat(handle)
            if not stat.S_ISREG(status.st_mode):
                return None
            content = file.read(limit + 1) if status.st_size <= limit else b""
    except (OSError, ValueError):
        return None
    return (len(content), content) if 0 < len(content) <= limit else (status.st_size, b"")


def _image_type(content: bytes) -> str:
    """What kind of image it really is, empty for none that models know."""
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if content.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if content.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    if content.startswith(b"RIFF") and content[8:12] == b"WEBP":
        return "image/webp"
    return ""
