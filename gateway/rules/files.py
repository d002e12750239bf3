"""Files in words: what one may be called on a disk, how a message names it, and the links of an answer.

A name comes from whoever sent the file. What becomes of it is one plain component of a path, whatever it was.
"""

import re
import unicodedata
from collections.abc import Callable
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from gateway.model.attachment import StoredAttachment

FOLDER = "attachments"
"""Where files lie that people sent, below an agent's working directory."""

INCOMING, OUTGOING = "in", "out"
"""Where the gateway's own copies lie, below media in the state directory."""

NAME_LIMIT = 80
"""Bytes of a name. File systems take 255, and something comes before it."""

_UNSAFE = re.compile(r"[^\w.+=@,()\[\]-]+")
_EDGES = "._- "
_DEVICES = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)(?=\.|$)", re.IGNORECASE)
_LINK = re.compile(r"(!?)\[([^\[\]]*)\]\(\s*<?([^()<>\s]+)>?(?:\s+\"[^\"]*\")?\s*\)")


def safe_name(name: str) -> str:
    """A name that is one component of a path, shows what it is, hides nothing, and is no file to be executed
    by a name such as `.bashrc`.
    """
    plain = unicodedata.normalize("NFC", name).replace("\\", "/").rpartition("/")[2]
    plain = _UNSAFE.sub("_", plain).strip(_EDGES)
    plain = _DEVICES.sub("file", plain, count=1) if _DEVICES.match(plain) else plain
    if not plain:
        return "file"
    stem, dot, suffix = plain.rpartition(".")
    if not dot or not 0 < len(suffix.encode()) <= 12:
        stem, suffix = plain, ""
    room = NAME_LIMIT - len(suffix.encode()) - bool(suffix)
    stem = stem.encode()[:room].decode(errors="ignore").rstrip(_EDGES) or "file"
    return f"{stem}.{suffix}" if suffix else stem


def megabytes(size: int) -> str:
    """A number of bytes, in words."""
    if size < 1024 * 1024:
        return f"{max(1, round(size / 1024))} KB"
    return f"{size / 1024**2:.1f} MB".replace(".0 MB", " MB")


def mention(attachment: StoredAttachment) -> str:
    """How a message names one of its files: by its path in the working directory."""
    path = f"{FOLDER}/{attachment.file_name}"
    said = attachment.attachment.kind
    return f"[{said}: {path}]" if not attachment.error else f"[{said}, which could not be fetched: {path}]"


def with_mentions(text: str, attachments: tuple[StoredAttachment, ...]) -> str:
    """A message as an agent reads it: its words, and a line for each file."""
    lines = [mention(one) for one in attachments]
    return "\n".join([*([text] if text else []), *lines])


def local_target(target: str) -> str | None:
    """The path that a link's target names, None where it leads elsewhere than to a file here."""
    try:
        parts = urlsplit(target)
    except ValueError:
        return None
    if parts.scheme not in ("", "file") or parts.netloc not in ("", "localhost") or target.startswith("#"):
        return None
    path = unquote(parts.path)
    return path if path and PurePosixPath(path).name and "\0" not in path else None


def without_local_links(answer: str, is_sent: Callable[[str], bool]) -> str:
    """An answer in which links to files that are sent along became their words: nobody else can follow them.

    `is_sent` is asked with the link's path. What stands in code is no link.
    """

    def plain(found: re.Match[str]) -> str:
        path = local_target(found[3])
        if path is None or not is_sent(path):
            return found[0]
        return found[2] or PurePosixPath(path).name

    return "".join(
        part if index % 2 else _LINK.sub(plain, part) for index, part in enumerate(_CODE.split(answer))
    )


def local_links(answer: str) -> tuple[str, ...]:
    """The paths to which an answer links, each once, in order."""
    prose = "".join(_CODE.split(answer)[::2])
    paths = (local_target(found[3]) for found in _LINK.finditer(prose))
    return tuple(dict.fromkeys(path for path in paths if path))


_CODE = re.compile(
    r"(^[ \t]*```.*?(?:^[ \t]*```[ \t]*$|\Z)|^[ \t]*~~~.*?(?:^[ \t]*~~~[ \t]*$|\Z)|`[^`\n]+`)",
    re.MULTILINE | re.DOTALL,
)
"""Code in an answer, as the odd parts of a split."""
