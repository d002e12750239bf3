"""Files on the disk: what people sent, and what is owed to chats, below `media` in the state directory.

A file gets its name when it is whole, so whatever is found under a name can be used. What agents hand out is
copied at once: it is sent as it was then, whatever becomes of their working directory.
"""

import contextlib
import errno
import io
import mimetypes
import os
import shutil
import stat
from collections.abc import Collection
from pathlib import Path
from typing import BinaryIO

from gateway.model.attachment import OutFile
from gateway.rules.files import FOLDER, INCOMING, OUTGOING, safe_name

_BITE = 1 << 20


class MediaFolder:
    """The `MediaFiles` port. Every method blocks: call it in a thread. They raise OSError."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def has(self, name: str) -> bool:
        """Whether a file that came in is here, whole."""
        return (self._root / INCOMING / name).is_file()

    def begin(self, name: str) -> Path:
        """Where a file that comes in is to be written. Nothing is there yet."""
        folder = self._root / INCOMING
        folder.mkdir(parents=True, exist_ok=True)
        part = folder / f".{name}.part"
        part.unlink(missing_ok=True)
        return part

    def keep(self, name: str) -> None:
        """What was begun is whole."""
        part = self._root / INCOMING / f".{name}.part"
        _flush(part)
        part.replace(self._root / INCOMING / name)

    def place(self, name: str, cwd: str) -> str:
        """Have a file that came in lie in an agent's working directory as well; its path there."""
        source, folder = self._root / INCOMING / name, Path(cwd) / FOLDER
        folder.mkdir(parents=True, exist_ok=True)
        if folder.is_symlink():  # it would have the gateway write wherever the agent likes
            raise NotADirectoryError(errno.ENOTDIR, f"{FOLDER} is a link", str(folder))
        target = folder / name
        if not (target.is_file() and not target.is_symlink()):
            part = folder / f".{name}.part"
            part.unlink(missing_ok=True)
            shutil.copyfile(source, part)
            part.replace(target)
        return str(target)

    def take(self, path: str, cwd: str, number: str, limit: int) -> OutFile | None:
        """Copy a file of an agent's working directory; None for what is not a plain file there.

        Neither a link nor `..` leads out of it, and what is hidden stays hidden. `number` makes the copy's
        name unique. A file that is larger than `limit` bytes is named and not copied: its path is empty.
        """
        base = Path(cwd).resolve()
        try:
            found = (base / path).resolve(strict=True)
            inside = found.relative_to(base)
        except (OSError, ValueError, RuntimeError):
            return None
        if (
            not inside.parts
            or inside.parts[0] == FOLDER
            or any(part.startswith(".") for part in inside.parts)
        ):
            return None
        try:
            opened = _open_within(base, inside.parts)
        except OSError:
            return None
        about = os.fstat(opened)
        if not stat.S_ISREG(about.st_mode):
            os.close(opened)
            return None
        with os.fdopen(opened, "rb") as file:
            name = safe_name(found.name)
            if about.st_size > limit:
                return OutFile("", name, _mime(name), about.st_size)
            return self._store(number, name, _mime(name), file, limit)

    def write(self, number: str, name: str, mime: str, data: bytes) -> OutFile:
        """Keep bytes that are owed to a chat."""
        kept = self._store(number, safe_name(name), mime or _mime(name), io.BytesIO(data), len(data))
        assert kept is not None
        return kept

    def _store(self, number: str, name: str, mime: str, source: BinaryIO, limit: int) -> OutFile | None:
        folder = self._root / OUTGOING
        folder.mkdir(parents=True, exist_ok=True)
        target, part = folder / f"{number}-{name}", folder / f".{number}.part"
        size = 0
        try:
            with part.open("wb") as file:
                while bite := source.read(_BITE):
                    size += len(bite)
                    if size > limit:  # it grew meanwhile
                        return None
                    file.write(bite)
            _flush(part)
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)
        return OutFile(f"{OUTGOING}/{target.name}", name, mime, size)

    def find(self, file: OutFile) -> Path | None:
        """Where a file that is owed lies; None when it is gone."""
        found = self._root / file.path
        return found if file.path and found.is_file() else None

    def sweep(self, before: float, in_use: Collection[str]) -> int:
        """Delete files that are older than a time, in seconds since the epoch, and not in use; how many."""
        gone = 0
        for folder in (INCOMING, OUTGOING):
            with contextlib.suppress(FileNotFoundError):
                for entry in os.scandir(self._root / folder):
                    if f"{folder}/{entry.name}" in in_use or not entry.is_file(follow_symlinks=False):
                        continue
                    if entry.stat(follow_symlinks=False).st_mtime < before:
                        Path(entry.path).unlink(missing_ok=True)
                        gone += 1
        return gone


def _open_within(base: Path, parts: tuple[str, ...]) -> int:
    """Open a file below a folder, of whose path no part may have become a link since it was looked at."""
    at = os.open(base, os.O_RDONLY | os.O_DIRECTORY)
    for index, part in enumerate(parts):
        last = index == len(parts) - 1
        kind = os.O_NONBLOCK if last else os.O_DIRECTORY
        try:
            below = os.open(part, os.O_RDONLY | os.O_NOFOLLOW | kind, dir_fd=at)
        finally:
            os.close(at)
        at = below
    return at


def _mime(name: str) -> str:
    return mimetypes.guess_type(name)[0] or "application/octet-stream"


def _flush(path: Path) -> None:
    """Have it on the disk before the ledger speaks of it."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
