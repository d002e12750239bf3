"""Backups as files: one tar archive of a ledger and the files that go with it, and last of all a manifest.

The manifest names every other member with its size and hash. It is written last, so an archive that has one
is whole; and an archive gets its name when it was read back and found to be what was written.
"""

import errno
import gzip
import hashlib
import io
import os
import re
import stat
import tarfile
import tempfile
import zlib
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO, Protocol, cast

from gateway.errors import CarryonError
from gateway.rules.files import INCOMING, OUTGOING
from gateway.store import manifest as manifests
from gateway.store.copying import FLUSH_BYTES, flush
from gateway.store.manifest import BackupUnusable, Manifest, Member, parsed, written
from gateway.store.sqlite import LEDGER_FILE

MANIFEST = "manifest.json"
SUFFIXES = (".tar", ".tar.gz", ".tgz")
_BITE = 1 << 20
_IN_MEMORY = 8 << 20
_GZIP = b"\x1f\x8b"
_MEMBER = re.compile(rf"media/({INCOMING}|{OUTGOING})/[^/\0.][^/\0]*|workspaces(/[^/\0]+)+")


class Writer:
    """Puts members into an archive."""

    def __init__(self, tar: tarfile.TarFile) -> None:
        self._tar = tar
        self.members: list[Member] = []

    def add(self, name: str, path: Path) -> bool:
        """Add a file as it is now, even if it is being changed; false when it is gone or no plain file."""
        try:
            opened = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError as error:
            if path.is_symlink():
                return False
            raise CarryonError(f"{path} cannot be read: {error.strerror or error}") from None
        with os.fdopen(opened, "rb") as file, tempfile.SpooledTemporaryFile(_IN_MEMORY) as steady:
            about = os.fstat(opened)
            if not stat.S_ISREG(about.st_mode):
                return False
            digest, size = _copied(file, cast("BinaryIO", steady))
            steady.seek(0)
            self._put(name, size, cast("BinaryIO", steady))
            self.members.append(Member(name, size, digest, bool(about.st_mode & 0o100)))
        return True

    def add_steady(self, name: str, path: Path) -> None:
        """Add a file that nobody changes, however large."""
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            size = file.tell()
            file.seek(0)
            self._put(name, size, file)
        self.members.append(Member(name, size, digest))

    def close(self, manifest: Manifest) -> Manifest:
        """Write the manifest: the archive is whole. The manifest, with all members."""
        whole = replace(manifest, members=tuple(self.members))
        text = written(whole)
        if len(text) > manifests.LARGEST:
            raise CarryonError(
                f"no backup was made: {len(self.members)} files are too many for one; "
                "make it without working directories, and copy those with any tool"
            )
        self._put(MANIFEST, len(text), io.BytesIO(text))
        return whole

    def _put(self, name: str, size: int, source: BinaryIO) -> None:
        info = tarfile.TarInfo(name)
        info.size, info.mode = size, 0o600
        self._tar.addfile(info, source)


class _Flushing:
    """A file that is flushed all along, so that no large amount is in the way of others at its end."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._written = 0

    def write(self, data: bytes) -> int:
        """Write, and flush from time to time."""
        written = self._file.write(data)
        self._written += written
        if self._written >= FLUSH_BYTES:
            self._written = 0
            self._file.flush()
            os.fsync(self._file.fileno())
        return written

    def tell(self) -> int:
        """Where it is."""
        return self._file.tell()


@contextmanager
def writing(path: Path) -> Generator[Writer]:
    """An archive that does not exist yet, for its owner's eyes; flushed in the end. Raises OSError."""
    mode = "w" if path.suffix == ".tar" else "w:gz"
    with (
        os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600), "w+b") as file,
        tarfile.open(fileobj=cast("Any", _Flushing(file)), mode=mode, format=tarfile.PAX_FORMAT) as tar,
    ):
        yield Writer(tar)
    flush(path)


def manifest_of(path: Path) -> Manifest:
    """What a file says of itself. Raises `BackupUnusable`."""
    with _reading(path) as tar:
        info = next((one for one in _members(path, tar) if one.name == MANIFEST), None)
        file = tar.extractfile(info) if info is not None and info.isreg() else None
        if info is None or file is None:
            raise BackupUnusable(path, "it has no manifest, so it was never finished or is something else")
        if info.size > manifests.LARGEST:
            raise BackupUnusable(path, f"its manifest is too large to be one ({info.size} bytes)")
        return parsed(path, file.read())


def unpack(path: Path, into: Path | None = None, wanted: Callable[[str], bool] = lambda _: True) -> Manifest:
    """Read all of a backup, and write its members into an empty directory if one is given.

    Raises `BackupUnusable` unless every member is there once, is named by the manifest and has its hash; what
    was written is worthless then. Raises `CarryonError` where a member cannot be written.
    """
    manifest = manifest_of(path)
    missing = {member.name: member for member in manifest.members}
    with _reading(path) as tar:
        for info in _members(path, tar):
            if info.name == MANIFEST:
                continue
            member = missing.pop(info.name, None)
            source = tar.extractfile(info) if info.isreg() else None
            if member is None or source is None or not _is_ours(info.name):
                raise BackupUnusable(path, "it holds something that its manifest does not name")
            if info.size != member.size:
                raise BackupUnusable(path, f"{_kind(info.name)} in it was changed or is damaged")
            target = into / info.name if into is not None and wanted(info.name) else None
            if _read(_Source(path, source), target, member) != (member.sha256, member.size):
                raise BackupUnusable(path, f"{_kind(info.name)} in it was changed or is damaged")
    if missing:
        raise BackupUnusable(path, "some of what its manifest names is missing")
    if LEDGER_FILE not in {member.name for member in manifest.members}:
        raise BackupUnusable(path, "there is no ledger in it")
    return manifest


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


class _Source:
    """A member as it is read. What goes wrong here is the archive's; what else does, is of where it goes."""

    def __init__(self, path: Path, file: _Readable) -> None:
        self._path = path
        self._file = file

    def read(self, size: int, /) -> bytes:
        """The next bytes. Raises `CarryonError`."""
        with _in_words(self._path):
            return self._file.read(size)


def _read(source: _Source, target: Path | None, member: Member) -> tuple[str, int]:
    if target is None:
        return _copied(source, None)
    mode = 0o700 if member.executable else 0o600
    try:
        make_private(target.parent)
        with os.fdopen(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode), "wb") as file:
            found = _copied(source, file)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        where = "the ledger" if member.name == LEDGER_FILE else "a file"
        raise CarryonError(
            f"{where} cannot be written in {target.parent}: {error.strerror or error}; nothing was changed; "
            "see to that, and run it again"
        ) from None
    return found


def make_private(folder: Path) -> None:
    """Make a directory, and those above it that are missing, for its owner alone. Raises OSError."""
    if not folder.is_dir():
        make_private(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)


def _copied(source: _Readable, target: BinaryIO | None) -> tuple[str, int]:
    """Hash and size of what was read, and written where there is somewhere to write."""
    digest, size = hashlib.sha256(), 0
    while bite := source.read(_BITE):
        digest.update(bite)
        size += len(bite)
        if target is not None:
            target.write(bite)
    return digest.hexdigest(), size


def _is_ours(name: str) -> bool:
    """Whether a member may be written where its name says: nothing leads out of the directory."""
    return name == LEDGER_FILE or bool(_MEMBER.fullmatch(name) and not {".", ".."} & set(name.split("/")))


def _kind(name: str) -> str:
    return "the ledger" if name == LEDGER_FILE else "a file"


@contextmanager
def _reading(path: Path) -> Generator[tarfile.TarFile]:
    """An archive of the two kinds that are written; others would be unpacked by code that is not needed."""
    with _in_words(path), path.open("rb") as file:
        packed = file.read(len(_GZIP)) == _GZIP
        file.seek(0)
        whole = gzip.GzipFile(fileobj=file) if packed else file
        with tarfile.open(fileobj=cast("Any", _Sparing(cast("BinaryIO", whole))), mode="r:") as tar:
            yield tar


class _Sparing:
    """A file of which no large piece is read at once: a header may ask for more than there is memory."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.seek = file.seek
        self.tell = file.tell

    def read(self, size: int) -> bytes:
        """The next bytes. Raises `tarfile.ReadError`."""
        if size > manifests.LARGEST:
            raise tarfile.ReadError
        return self._file.read(size)


def _members(path: Path, tar: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    """What is in an archive. One that leads back to what was read already has no end."""
    for info in tar:
        if info.size < 0:
            raise BackupUnusable(path, "it is damaged (a size below zero)")
        if info.issparse():  # a few bytes of it are as many as one likes
            raise BackupUnusable(path, "it holds a file with holes, and none that Carryon has written does")
        yield info


@contextmanager
def _in_words(path: Path) -> Generator[None]:
    """What goes wrong while an archive is read, as `CarryonError`."""
    try:
        yield
    except (tarfile.TarError, zlib.error, EOFError, RecursionError, OverflowError):
        raise BackupUnusable(path, "it is no archive (.tar, .tar.gz), or only a piece of one") from None
    except OSError as error:
        if error.errno in (None, errno.EINVAL):  # gzip's own, for no gzip; a place that no file has
            raise BackupUnusable(path, f"it is damaged ({error})") from None
        raise CarryonError(f"{path}: {error.strerror}") from None
    except ValueError as error:  # names that no file can have
        raise BackupUnusable(path, f"it is damaged ({error})") from None
