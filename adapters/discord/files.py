"""A file is sent: one request that carries the message and the file, read from the disk as it goes."""

import asyncio
import re
from pathlib import Path

from adapters.discord.messages import mime_of, name_of
from adapters.discord.payloads import Json, mappings, text
from adapters.discord.rest import REQUEST_SECONDS, Reply, Rest, Upload
from gateway.model.attachment import OutFile
from gateway.model.delivery import Rejected

SLOWEST = 64 * 1024
"""Bytes a second that a connection has to manage."""


async def post(rest: Rest, path: str, message: Json, file: OutFile) -> Reply | Rejected:
    """Post a message with its file, once."""
    try:
        opened = await asyncio.to_thread(Path(file.path).open, "rb")
    except OSError:
        return Rejected("the file is not there any more")
    with opened:
        upload = Upload(opened, name_of(file), mime_of(file))
        seconds = REQUEST_SECONDS + file.size / SLOWEST
        return await rest.call("POST", path, message, seconds=seconds, upload=upload)


def carries(message: Json, file: OutFile) -> bool:
    """Whether this message came with this file, and no other."""
    match mappings(message.get("attachments")):
        case [one]:
            return one.get("size") == file.size and _same(one, name_of(file))
        case _:
            return False


def _same(kept: Json, name: str) -> bool:
    """Discord takes special characters out of names; what it leaves of a name of nothing else is its own."""
    if name in (text(kept.get("title")), text(kept.get("filename"))):
        return True
    plain = _plain(name)
    return _plain(text(kept.get("filename"))) == plain or not _plain(Path(name).stem)


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())
