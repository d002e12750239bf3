"""Files in messages: what they are, and how each is found again after a restart. Pure.

The addresses that Discord gives out are good for about a day. So what is kept of a file is where its message
stands as well: reading that again gives a fresh address.
"""

import json
from dataclasses import dataclass
from mimetypes import guess_type
from pathlib import PurePosixPath

from adapters.discord.payloads import Json, as_id, mapping, mappings, text
from gateway.model.attachment import Attachment, AttachmentKind

_VOICE_MESSAGE = 1 << 13
_UNNAMED = "file"


@dataclass(frozen=True, slots=True)
class Ref:
    """Where a file is: the message that it came with, its own id, and the address of late."""

    channel: int
    message: int
    file: int
    url: str

    def written(self) -> str:
        """As an `Attachment` keeps it."""
        return json.dumps([str(self.channel), str(self.message), str(self.file), self.url])


def read_ref(written: str) -> Ref | None:
    """What `Ref.written` gave; None for anything else."""
    try:
        match json.loads(written):
            case [channel, message, file, str(url)]:
                found = Ref(as_id(channel), as_id(message), as_id(file), url)
            case _:
                return None
    except ValueError:
        return None
    return found if found.channel and found.message and found.file else None


def files_in(data: Json) -> list[Json]:
    """The files of a message, and of what it passes on, as Discord tells of them."""
    found = mappings(data.get("attachments"))
    for snapshot in mappings(data.get("message_snapshots")):
        message = mapping(snapshot.get("message"))
        voice = _flags(message) & _VOICE_MESSAGE
        found += [{**one, "voice": voice} for one in mappings(message.get("attachments"))]
    return found


def attachments(data: Json, channel: int) -> tuple[Attachment, ...]:
    """The files of a message in this channel."""
    message = as_id(data.get("id"))
    voice = bool(_flags(data) & _VOICE_MESSAGE)
    return tuple(
        _attachment(one, Ref(channel, message, as_id(one.get("id")), text(one.get("url"))), voice=voice)
        for one in files_in(data)
        if as_id(one.get("id"))
    )


def url_of(data: Json, file: int) -> str:
    """The present address of a file of a message; empty when it has none of this id."""
    found = (text(one.get("url")) for one in files_in(data) if as_id(one.get("id")) == file)
    return next(found, "")


def _attachment(one: Json, ref: Ref, *, voice: bool) -> Attachment:
    name, size = _name(one), one.get("size")
    mime = text(one.get("content_type")).partition(";")[0].strip() or guess_type(name)[0] or ""
    return Attachment(
        ref.written(),
        name,
        mime,
        size if isinstance(size, int) and not isinstance(size, bool) and size >= 0 else None,
        AttachmentKind.VOICE if voice or one.get("voice") or one.get("waveform") else _kind(mime),
    )


def _name(one: Json) -> str:
    """As the sender gave it: Discord takes special characters out of names, and tells of them apart."""
    name, title = text(one.get("filename")), text(one.get("title"))
    if not title:
        return name or _UNNAMED
    suffix = PurePosixPath(name).suffix
    return title if title.endswith(suffix) else title + suffix


def _kind(mime: str) -> AttachmentKind:
    match mime.partition("/")[0]:
        case "image":
            return AttachmentKind.IMAGE
        case "audio":
            return AttachmentKind.AUDIO
        case "video":
            return AttachmentKind.VIDEO
        case _:
            return AttachmentKind.FILE


def _flags(data: Json) -> int:
    flags = data.get("flags")
    return flags if isinstance(flags, int) else 0
