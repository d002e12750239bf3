"""Files of this Discord: what bots upload, what people attach, and the server that hands them out.

Addresses of files are signed and good for a while only; whoever reads a message again is given fresh ones.
That server is another one than the API and wants no token.
"""

import hashlib
import hmac
import re
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from mimetypes import guess_type
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, cast

from aiohttp import BodyPartReader, web

from adapters.emulators.calls import Call
from adapters.emulators.control import ControlError
from adapters.emulators.discord_params import ApiError, Body, form_error, snowflake
from adapters.emulators.events import JsonObject
from adapters.emulators.server import Reply

if TYPE_CHECKING:
    from adapters.emulators.discord import DiscordEmulator

FILES = "/attachments/"
MOST_FILES = 10
SIZE_LIMIT = 10 * 1024 * 1024
PAYLOAD_LIMIT = 1024 * 1024
VOICE_MESSAGE = 1 << 13  # a flag of messages
_OCTETS = "application/octet-stream"
_FIELD = re.compile(r"files\[(\d{1,4})\]\Z")
_GONE = Reply(404, b"This content is no longer available.", accepted=False, content_type="text/plain")


@dataclass(frozen=True, slots=True)
class Given:
    """A file as somebody gives it. `size` is larger than the data where those were too many to be taken."""

    name: str
    data: bytes
    mime: str = ""
    voice: bool = False
    size: int = 0

    def as_json(self) -> JsonObject:
        return {"name": self.name, "mime": self.mime, "size": max(self.size, len(self.data))}


@dataclass(slots=True)
class StoredFile:
    """A file of a message. Discord takes special characters out of `name`; then `title` has the original."""

    id: int
    channel: int
    name: str
    title: str
    mime: str
    data: bytes
    voice: bool
    store: "FileStore"
    gone: bool = False

    def as_json(self) -> JsonObject:
        url = self.store.address(self)
        shown: JsonObject = {
            "id": str(self.id),
            "filename": self.name,
            "size": len(self.data),
            "url": url,
            "proxy_url": url,
            "content_type": self.mime,
            "content_scan_version": 0,
        }
        if self.title:
            shown["title"] = self.title
        if self.mime.startswith("image/"):
            shown |= {"width": 64, "height": 64}
        if self.voice:
            shown |= {"duration_secs": 1.5, "waveform": "AAAAAAAAAAAA"}
        return shown


class FileStore:
    """All files, and their addresses."""

    def __init__(self, emulator: "DiscordEmulator") -> None:
        self._emulator = emulator
        self._files: dict[int, StoredFile] = {}
        self._key = secrets.token_bytes(16)
        self._skew = time.time() - emulator.options.clock()

    def keep(self, channel: int, given: Sequence[Given]) -> tuple[StoredFile, ...]:
        made = tuple(self._store(channel, one) for one in given)
        self._files.update((one.id, one) for one in made)
        return made

    def forget(self, files: Sequence[StoredFile]) -> None:
        """Their message was deleted."""
        for one in files:
            one.gone = True

    def expire(self) -> None:
        """No address that was given out is good any more."""
        self._key = secrets.token_bytes(16)

    def address(self, file: StoredFile) -> str:
        now = self._now()
        until, since = f"{now + self._emulator.options.file_seconds:x}", f"{now:x}"
        path = f"{FILES}{file.channel}/{file.id}/{file.name}"
        return f"{self._emulator.base_url}{path}?ex={until}&is={since}&hm={self._sign(path, until, since)}&"

    async def serve(self, request: web.BaseRequest) -> web.StreamResponse:
        """Hand a file out."""
        shown: JsonObject = {"path": request.path, "authorized": "Authorization" in request.headers}
        call: Call = self._emulator.calls.open("", "getAttachment", shown, "", "")

        async def effect() -> Reply:
            return self._find(request.path, request.query)

        return await self._emulator.carry_out(request, call, effect)

    def _find(self, path: str, query: Mapping[str, str]) -> Reply:
        until, since, signature = (query.get(name, "") for name in ("ex", "is", "hm"))
        if not hmac.compare_digest(signature.encode(), self._sign(path, until, since).encode()):
            return _GONE
        parts = path.removeprefix(FILES).split("/")
        found = self._files.get(int(parts[1])) if len(parts) == 3 and parts[1].isdecimal() else None
        if found is None or found.gone or int(until, 16) < self._now():
            return _GONE
        return Reply(200, found.data, content_type=found.mime)

    def _store(self, channel: int, given: Given) -> StoredFile:
        number = self._emulator.world.snowflakes.next()
        name, title = tidy(given.name)
        mime = given.mime if given.mime and given.mime != _OCTETS else guess_type(name)[0] or _OCTETS
        return StoredFile(number, channel, name, title, mime, given.data, given.voice, self)

    def _sign(self, *parts: str) -> str:
        return hmac.new(self._key, "\n".join(parts).encode(), hashlib.sha256).hexdigest()

    def _now(self) -> int:
        return int(self._emulator.options.clock() + self._skew)


def tidy(name: str) -> tuple[str, str]:
    """The name as the platform keeps it, and the original one where characters were taken out."""
    path = PurePosixPath(name.replace("\\", "/").rpartition("/")[2])
    kept = re.sub(r"[^A-Za-z0-9_.-]", "", path.name.replace(" ", "_"))
    stem, suffix = PurePosixPath(kept).stem, PurePosixPath(kept).suffix
    if not stem or stem.startswith("."):
        stem, suffix = "unknown", suffix or (kept if kept.startswith(".") else "")
    lost = not re.fullmatch(r"[A-Za-z0-9_. -]*", path.name)
    return stem + suffix, path.stem if lost else ""


async def read_parts(request: web.BaseRequest, limit: int) -> tuple[str, list[Given]]:
    """The `payload_json` of a form and its files. What a file has beyond the limit is counted, not kept.

    Raises ApiError for a form that is broken.
    """
    payload, files = "{}", dict[int, Given]()
    try:
        async for part in await request.multipart():
            if not isinstance(part, BodyPartReader):
                continue
            found = _FIELD.match(part.name or "")
            data, size = await _read(part, limit if found else PAYLOAD_LIMIT)
            if part.name == "payload_json":
                payload = data.decode()
            elif found and part.filename is not None:
                mime = part.headers.get("Content-Type", "")
                files[int(found[1])] = Given(part.filename, data, mime, size=size)
    except ValueError:
        raise ApiError(400, 50035, "Invalid Form Body") from None
    return payload, [files[number] for number in sorted(files)]


async def _read(part: BodyPartReader, limit: int) -> tuple[bytes, int]:
    data, size = bytearray(), 0
    while piece := await part.read_chunk(1 << 16):
        size += len(piece)
        if size <= limit:
            data += piece
    return bytes(data), size


def check_files(
    given: Sequence[Given], body: Body, limit: int, present: Sequence[StoredFile] = ()
) -> tuple[list[StoredFile], list[Given]]:
    """The files of a message as its body names them: which of those that it has stay, and what is new.

    Raises ApiError.
    """
    if any(one.size > limit for one in given):
        raise ApiError(413, 40005, "Request entity too large")
    files, known = list(given), {one.id: one for one in present}
    kept = [] if "attachments" in body else list(present)
    for index, one in enumerate(body.listing("attachments")):
        if not isinstance(one, dict):
            raise form_error(f"attachments.{index}", "MODEL_TYPE_CONVERT", "Only dictionaries may be used")
        about = Body(cast("JsonObject", one))
        number = snowflake(about.values.get("id"), f"attachments.{index}.id")
        if number in known:
            kept.append(known[number])
            continue
        if number >= len(files):
            raise form_error(f"attachments.{index}", "ATTACHMENT_NOT_FOUND", "Attachment data not found")
        name = about.text("filename") or files[number].name
        if len(name) > 1024:
            where = f"attachments.{index}.filename"
            raise form_error(where, "BASE_TYPE_MAX_LENGTH", "Must be 1024 or fewer in length.")
        old = files[number]
        files[number] = Given(name, old.data, old.mime, size=old.size)
    if len(kept) + len(files) > MOST_FILES:
        raise ApiError(400, 30015, f"Maximum number of attachments in a message reached ({MOST_FILES})")
    return kept, files


def check_given(files: Sequence[Given], text: str) -> None:
    """What a person can attach. Raises ControlError."""
    if len(files) > MOST_FILES:
        raise ControlError(f"a message has at most {MOST_FILES} files")
    if any(len(one.data) > SIZE_LIMIT for one in files):
        raise ControlError(f"a file has at most {SIZE_LIMIT} bytes", 413)
    if any(one.voice for one in files) and (len(files) > 1 or text):
        raise ControlError("a voice message has one file and no text")
