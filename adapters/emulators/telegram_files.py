"""Files as Telegram keeps them: known by a `file_id` for ever, downloaded by a path that ends.

A file id stays good across messages and restarts; getFile makes a path of it, for at least an hour and for
files of at most 20 MB (https://core.telegram.org/bots/api#getfile). What people's apps and Telegram's servers
make of a picture (sizes, refusals) is reduced to what its header says.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass, field

from adapters.emulators.events import JsonObject
from adapters.emulators.telegram_params import ApiError, bad_request

MAX_DOWNLOAD = 20 * 1024 * 1024
MAX_PHOTO = 10 * 1024 * 1024
PATH_SECONDS = 3600.0
"""How long a path can be downloaded from."""

MEDIA = ("photo", "document", "audio", "voice", "video", "video_note", "animation", "sticker")
"""What a message may be in place of a text, as its field in a message is called."""

_FOLDERS = {
    "photo": "photos",
    "document": "documents",
    "audio": "music",
    "voice": "voice",
    "video": "videos",
    "video_note": "video_notes",
    "animation": "animations",
    "sticker": "stickers",
}
_NAMED = frozenset({"document", "audio", "video", "animation"})
_SUFFIXES = {"photo": ".jpg", "voice": ".oga", "video_note": ".mp4", "sticker": ".webp"}


@dataclass(slots=True)
class StoredFile:
    """One file. `size` is what Telegram says, which a test may make a lie; `extra` are fields of its kind."""

    id: str
    unique_id: str
    kind: str
    name: str
    mime: str
    content: bytes
    size: int
    extra: JsonObject = field(default_factory=dict[str, object])

    def as_json(self) -> JsonObject:
        """The Bot API's object of this kind; of a photo, one size."""
        shown: JsonObject = {"file_id": self.id, "file_unique_id": self.unique_id, **self.extra}
        if self.kind in _NAMED and self.name:
            shown["file_name"] = self.name
        if self.kind not in {"photo", "video_note", "sticker"} and self.mime:
            shown["mime_type"] = self.mime
        shown["file_size"] = self.size
        return shown


@dataclass(frozen=True, slots=True)
class Media:
    """What a message shows in place of a text. A photo has several files, the largest last."""

    kind: str
    files: tuple[StoredFile, ...]
    group: str = ""

    @property
    def file(self) -> StoredFile:
        """The file itself."""
        return self.files[-1]

    def as_json(self) -> JsonObject:
        """The fields that it adds to a message."""
        shown: JsonObject = {}
        if self.kind == "photo":
            shown["photo"] = [one.as_json() for one in self.files]
        else:
            shown[self.kind] = self.file.as_json()
            if self.kind == "animation":  # for the sake of old clients
                shown["document"] = self.file.as_json()
        if self.group:
            shown["media_group_id"] = self.group
        return shown

    def as_seen(self) -> JsonObject:
        """What the control API and the events tell of it."""
        one = self.file
        return {
            "kind": self.kind,
            "file_id": one.id,
            "name": one.name,
            "mime": one.mime,
            "size": len(one.content),
            "group": self.group,
        }


class FileStore:
    """All files of this Telegram. `clock` (seconds, growing) decides when paths end."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._files: dict[str, StoredFile] = {}
        self._paths: dict[str, tuple[str, float]] = {}
        self._numbers = 0

    def find(self, file_id: str) -> StoredFile | None:
        return self._files.get(file_id)

    def add(
        self,
        kind: str,
        content: bytes,
        *,
        name: str = "",
        mime: str = "",
        size: int | None = None,
    ) -> Media:
        """Keep a file and show it as a kind of media."""
        if kind != "photo":
            extra = _extra(kind)
            return Media(kind, (self._keep(kind, content, name, mime, size, extra),))
        width, height = image_size(content) or (800, 600)
        small = {"width": max(1, width // 10), "height": max(1, height // 10)}
        return Media(
            kind,
            (
                self._keep(kind, b"a thumbnail", "", "image/jpeg", None, dict(small)),
                self._keep(
                    kind, content, name, mime or "image/jpeg", size, {"width": width, "height": height}
                ),
            ),
        )

    def path(self, file_id: str) -> str:
        """A path that can be downloaded from for a while. Raises ApiError."""
        if not file_id:
            raise bad_request("file_id not specified")
        found = self._files.get(file_id)
        if found is None:
            raise bad_request("invalid file_id")
        if found.size > MAX_DOWNLOAD or len(found.content) > MAX_DOWNLOAD:
            raise bad_request("file is too big")
        self._numbers += 1
        suffix = _SUFFIXES.get(found.kind) or "".join(found.name.rpartition(".")[1:])[-16:]
        path = f"{_FOLDERS[found.kind]}/file_{self._numbers}{suffix if suffix.isascii() else ''}"
        self._paths[path] = (file_id, self._clock() + PATH_SECONDS)
        return path

    def read(self, path: str) -> bytes:
        """What lies at a path. Raises ApiError when there is no such path, or no longer."""
        file_id, ends = self._paths.get(path, ("", 0.0))
        if not file_id or self._clock() >= ends:
            raise ApiError(404, "Not Found")
        return self._files[file_id].content

    def expire(self) -> int:
        """End every path now; how many there were."""
        count = len(self._paths)
        self._paths.clear()
        return count

    def _keep(
        self, kind: str, content: bytes, name: str, mime: str, size: int | None, extra: JsonObject
    ) -> StoredFile:
        number = len(self._files) + 1
        file_id = f"AgAC{kind[:2]}{number:06d}-emulated_{number * 7919:x}"
        made = StoredFile(
            file_id,
            f"AQ{number:06d}",
            kind,
            name,
            mime,
            content,
            len(content) if size is None else size,
            extra,
        )
        self._files[file_id] = made
        return made


def check_photo(content: bytes) -> None:
    """What Telegram refuses to show as a photo. Raises ApiError."""
    if len(content) > MAX_PHOTO:
        raise bad_request(
            f"file of size {len(content)} bytes is too big for a photo; the maximum size is {MAX_PHOTO} bytes"
        )
    size = image_size(content)
    if size is None:
        raise bad_request("IMAGE_PROCESS_FAILED")
    width, height = size
    if not width or not height or width + height > 10_000 or max(size) > 20 * min(size):
        raise bad_request("PHOTO_INVALID_DIMENSIONS")


def image_size(content: bytes) -> tuple[int, int] | None:
    """Width and height of a PNG, JPEG, GIF or WebP, from its header; None for everything else."""
    if content[:8] == b"\x89PNG\r\n\x1a\n" and len(content) >= 24:
        width, height = struct.unpack(">II", content[16:24])
        return width, height
    if content[:6] in {b"GIF87a", b"GIF89a"} and len(content) >= 10:
        width, height = struct.unpack("<HH", content[6:10])
        return width, height
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP" and len(content) >= 30:
        return _webp_size(content)
    if content[:2] == b"\xff\xd8":
        return _jpeg_size(content)
    return None


def _webp_size(content: bytes) -> tuple[int, int] | None:
    match content[12:16]:
        case b"VP8X":
            return 1 + int.from_bytes(content[24:27], "little"), 1 + int.from_bytes(content[27:30], "little")
        case b"VP8L":
            bits = int.from_bytes(content[21:25], "little")
            return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
        case b"VP8 ":
            width, height = struct.unpack("<HH", content[26:30])
            return width & 0x3FFF, height & 0x3FFF
        case _:
            return None


def _jpeg_size(content: bytes) -> tuple[int, int] | None:
    at = 2
    while at + 9 < len(content) and content[at] == 0xFF:
        marker, length = content[at + 1], int.from_bytes(content[at + 2 : at + 4], "big")
        if 0xC0 <= marker <= 0xCF and marker not in {0xC4, 0xC8, 0xCC}:
            height, width = struct.unpack(">HH", content[at + 5 : at + 9])
            return width, height
        at += 2 + length
    return None


def _extra(kind: str) -> JsonObject:
    match kind:
        case "audio" | "voice":
            return {"duration": 3}
        case "video" | "animation":
            return {"width": 320, "height": 240, "duration": 3}
        case "video_note":
            return {"length": 240, "duration": 3}
        case "sticker":
            square: JsonObject = {"width": 512, "height": 512, "is_animated": False, "is_video": False}
            return {**square, "type": "regular", "emoji": "👍"}
        case _:
            return {}
