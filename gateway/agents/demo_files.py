"""The files of the demo agent: those that it makes when it is told to, and those that it is given.

What it makes lies in its working directory and nowhere else, is always the same for the same name and size,
and takes the place of nothing that is there already: so a turn that is done again makes nothing twice.
"""

import base64
import hashlib
import os
import re
import stat
import struct
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from gateway.agents.protocol import schema
from gateway.rules.files import local_target, safe_name

DEFAULT_SIZE = 1024
LARGEST = 64 * 1024 * 1024
"""Bytes of a file that it makes at most."""

_MOST_NAMES = 100
_TEXT = frozenset({".txt", ".md", ".log", ".csv"})
_UNLINKABLE = re.compile(r"[\[\]()]")
_LINE = b"The demo agent wrote this line.\n"


def make(cwd: str, name: str, size: int | None) -> str:
    """Make a file; its name, with a number in it where another file has that name. Raises `OSError`."""
    if not Path(cwd).is_absolute():
        raise OSError("there is no working directory")
    plain = Path(_UNLINKABLE.sub("_", safe_name(name)))
    content = _content(plain.suffix.lower(), size)
    for number in range(1, _MOST_NAMES):
        path = Path(cwd) / (plain.name if number == 1 else f"{plain.stem}-{number}{plain.suffix}")
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o644)
        except FileExistsError:
            if _bytes_of(path) == content:
                return path.name
            continue
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        return path.name
    raise OSError(f"there are {_MOST_NAMES} files of that name")


def link(name: str) -> str:
    """A file of the working directory in Markdown."""
    return f"{'!' if name.lower().endswith('.png') else ''}[{name}]({name})"


def picture(size: int | None = None) -> bytes:
    """A valid PNG of eight by eight pixels, of exactly so many bytes where that is possible."""
    rows = (bytes(value for x in range(8) for value in (32 * x, 32 * y, 128)) for y in range(8))
    pixels = b"".join(b"\0" + row for row in rows)
    head = b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", struct.pack(">IIBBBBB", 8, 8, 8, 2, 0, 0, 0))
    body, end = _chunk(b"IDAT", zlib.compress(pixels, 9)), _chunk(b"IEND", b"")
    missing = (size or 0) - len(head + body + end) - len(_chunk(b"paDd", b""))
    return head + (_chunk(b"paDd", bytes(missing)) if missing >= 0 else b"") + body + end


def seen(blocks: Iterable[object]) -> str:
    """What a prompt held besides text, a line for each. Blocks: it looks at what is linked to."""
    return "\n".join(f"- {_seen(block)}" for block in blocks) or "I was given nothing but text."


def names(blocks: Iterable[object]) -> list[dict[str, str]]:
    """The files of a prompt as they are remembered: name and address."""
    return [{"name": _name(block), "uri": _uri(block)} for block in blocks]


def _seen(block: object) -> str:
    match block:
        case schema.ImageContentBlock() | schema.AudioContentBlock():
            return f"{block.type} {_name(block)} {block.mime_type} {_weighed(_decoded(block.data))}"
        case schema.ResourceContentBlock():
            path = local_target(block.uri)
            found = _weighed(_bytes_of(Path(path)) if path else None)
            return f"{block.type} {_name(block)} {block.mime_type or 'unknown'} {found}"
        case schema.EmbeddedResourceContentBlock():
            text: Any = getattr(block.resource, "text", None)
            blob: Any = getattr(block.resource, "blob", "")
            content = text.encode() if isinstance(text, str) else _decoded(blob)
            return f"{block.type} {_name(block)} {block.resource.mime_type or 'unknown'} {_weighed(content)}"
        case _:
            return f"{type(block).__name__}"


def _weighed(content: bytes | None) -> str:
    if content is None:
        return "missing"
    return f"{len(content)} bytes sha256 {hashlib.sha256(content).hexdigest()[:12]}"


def _name(block: object) -> str:
    given = getattr(block, "name", None) or _uri(block).rpartition("/")[2]
    return str(given) or "unnamed"


def _uri(block: object) -> str:
    return str(getattr(getattr(block, "resource", block), "uri", None) or "")


def _decoded(data: str) -> bytes | None:
    try:
        return base64.b64decode(data, validate=True)
    except ValueError:
        return None


def _bytes_of(path: Path) -> bytes | None:
    """What is in a plain file; None for anything else."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(handle, "rb") as file:
            return file.read() if stat.S_ISREG(os.fstat(handle).st_mode) else None
    except OSError:
        return None


def _content(suffix: str, size: int | None) -> bytes:
    if suffix == ".png":
        return picture(None if size is None else min(size, LARGEST))
    size = min(DEFAULT_SIZE if size is None else size, LARGEST)
    pattern = _LINE if suffix in _TEXT else bytes(range(256))
    return (pattern * (size // len(pattern) + 1))[:size]


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
