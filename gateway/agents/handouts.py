"""What an agent says that is no text: a file within its answer, or a few words where that cannot be. Pure.

Names, types and paths are the agent's, and only made short enough here: whoever uses them confines them.
"""

import base64
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from gateway.agents.outcomes import one_line
from gateway.model.agent import FileChunk, TextChunk
from gateway.rules.files import local_target

if TYPE_CHECKING:
    from acp import schema

    ContentBlock = (
        schema.TextContentBlock
        | schema.ImageContentBlock
        | schema.AudioContentBlock
        | schema.ResourceContentBlock
        | schema.EmbeddedResourceContentBlock
    )

FILE_LIMIT = 20 * 1024 * 1024
"""Bytes of one file that an agent may send as content. Of a larger one only a label is told."""

_PATH_LIMIT = 4096
_NAME_LIMIT = 200
_MIME = re.compile(r"[\w.+-]{1,60}/[\w.+-]{1,60}", re.ASCII)
_UNKNOWN = "application/octet-stream"
_SUFFIXES = {
    "image/png": ".png", "image/jpeg": ".jpg", "image/gif": ".gif", "image/webp": ".webp",
    "image/svg+xml": ".svg", "audio/mpeg": ".mp3", "audio/mp3": ".mp3", "audio/mp4": ".m4a",
    "audio/wav": ".wav", "audio/x-wav": ".wav", "audio/ogg": ".ogg", "audio/flac": ".flac",
    "audio/webm": ".webm", "audio/aac": ".aac",
}  # fmt: skip


def block_text(block: "ContentBlock") -> str:
    """A content block as text; what is no text is named in brackets."""
    match block.type:
        case "text":
            return block.text
        case "resource_link":
            return f"[{block.name}]({block.uri})"
        case "resource":
            text: Any = getattr(block.resource, "text", None)
            return text if isinstance(text, str) else f"[{block.resource.uri}]"
        case _:
            return f"[{block.type}]"


def handed_out(block: "ContentBlock") -> TextChunk | FileChunk | None:
    """A content block of an answer: a file where it holds or names one, else text; None for nothing."""
    match block.type:
        case "image":
            file = _decoded(block.data, block.uri or "", "image", block.mime_type)
        case "audio":
            file = _decoded(block.data, "", "audio", block.mime_type)
        case "resource":
            blob: Any = getattr(block.resource, "blob", None)
            uri, mime = block.resource.uri, block.resource.mime_type
            file = _decoded(blob, uri, "file", mime) if isinstance(blob, str) else None
        case "resource_link":
            file = _linked(block.uri, block.name, block.mime_type)
        case "text":
            file = None
    if file is not None:
        return file
    text = block_text(block)
    return TextChunk(text) if text else None


def _decoded(data: str, uri: str, what: str, mime: str | None) -> FileChunk | None:
    if len(data) > FILE_LIMIT * 3 // 2:  # so much even with line breaks; not decoded to be thrown away
        return None
    try:
        content = base64.b64decode("".join(data.split()), validate=True)
    except ValueError:
        return None
    kind = _mime(mime)
    name = _name_of(uri) or what + _SUFFIXES.get(kind, "")
    return FileChunk(name, kind, content) if 0 < len(content) <= FILE_LIMIT else None


def _linked(uri: str, name: str, mime: str | None) -> FileChunk | None:
    path = local_target(uri) if uri[:5].lower() == "file:" else None
    if path is None or len(path) > _PATH_LIMIT:
        return None
    return FileChunk(one_line(name, _NAME_LIMIT) or _name_of(uri), _mime(mime), path=path)


def _mime(given: str | None) -> str:
    plain = (given or "").partition(";")[0].strip().lower()
    return plain if _MIME.fullmatch(plain) else _UNKNOWN


def _name_of(uri: str) -> str:
    """The last part of an address, empty where that says nothing."""
    try:
        path = urlsplit(uri).path
    except ValueError:
        return ""
    return one_line(unquote(path).rstrip("/").rpartition("/")[2], _NAME_LIMIT)
