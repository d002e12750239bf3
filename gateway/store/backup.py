"""Backups as files: one tar archive of a ledger and the files that go with it, and last of all a manifest.

The manifest names every other member with its size and hash. It is written last, so an archive that has one
is whole; and an archive gets its name when it was read back and found to be what was written.
"""

import hashlib
import io
import json
import os
import re
import stat
import tarfile
import tempfile
import zlib
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO, cast

from gateway.errors import CarryonError
from gateway.rules.files import INCOMING, OUTGOING
from gateway.store.copying import FLUSH_BYTES, flush
from gateway.store.sqlite import LEDGER_FILE

FORMAT = 1
"""Of the archive. One with a higher number is refused."""

MANIFEST = "manifest.json"
SUFFIXES = (".tar", ".tar.gz", ".tgz")
_LARGEST_MANIFEST = 256 << 20
_BITE = 1 << 20
_IN_MEMORY = 8 << 20
_MEMBER = re.compile(rf"media/({INCOMING}|{OUTGOING})/[^/\0.][^/\0]*|workspaces(/[^/\0]+)+")


class BackupUnusable(CarryonError):  # noqa: N818
    """The file's: it is no backup, or not a whole one, or it was changed. Nothing was restored from it."""

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(f"{path} cannot be used as a backup: {why}; nothing was changed; take another one")


@dataclass(frozen=True, slots=True)
class Member:
    """A file in a backup; its size in bytes."""

    name: str
    size: int
    sha256: str
    executable: bool = False


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup is. `taken_at` is in seconds since the epoch.

    `at_rest`: no gateway was using the ledger while it was copied. `clean`: the last one had stopped and was
    not cut off. `accounts` are names and platforms. `left_out` counts what was not taken along: files
    that the ledger names and that are gone, and links and other things in working directories.
    """

    carryon: str
    schema: int
    taken_at: float
    at_rest: bool
    clean: bool
    accounts: Mapping[str, str]
    counts: Mapping[str, int]
    left_out: int = 0
    members: tuple[Member, ...] = ()
    format: int = FORMAT


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
        text = json.dumps(asdict(whole), indent=1).encode()
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
        info = next((one for one in tar if one.name == MANIFEST), None)
        file = tar.extractfile(info) if info is not None and info.isreg() else None
        if info is None or file is None:
            raise BackupUnusable(path, "it has no manifest, so it was never finished or is something else")
        if info.size > _LARGEST_MANIFEST:
            raise BackupUnusable(path, "its manifest is too large to be one")
        return _parsed(path, file.read())


def unpack(path: Path, into: Path | None = None, wanted: Callable[[str], bool] = lambda _: True) -> Manifest:
    """Read all of a backup, and write its members into an empty directory if one is given.

    Raises `BackupUnusable` unless every member is there once, is named by the manifest and has its hash; what
    was written is worthless then. Raises OSError.
    """
    manifest = manifest_of(path)
    missing = {member.name: member for member in manifest.members}
    with _reading(path) as tar:
        for info in tar:
            if info.name == MANIFEST:
                continue
            member = missing.pop(info.name, None)
            source = tar.extractfile(info) if info.isreg() else None
            if member is None or source is None or not _is_ours(info.name):
                raise BackupUnusable(path, "it holds something that its manifest does not name")
            if info.size != member.size:
                raise BackupUnusable(path, f"{_kind(info.name)} in it was changed or is damaged")
            target = into / info.name if into is not None and wanted(info.name) else None
            if _read(source, target, member) != (member.sha256, member.size):
                raise BackupUnusable(path, f"{_kind(info.name)} in it was changed or is damaged")
    if missing:
        raise BackupUnusable(path, "some of what its manifest names is missing")
    if LEDGER_FILE not in {member.name for member in manifest.members}:
        raise BackupUnusable(path, "there is no ledger in it")
    return manifest


def _read(source: Any, target: Path | None, member: Member) -> tuple[str, int]:  # noqa: ANN401
    if target is None:
        return _copied(source, None)
    make_private(target.parent)
    mode = 0o700 if member.executable else 0o600
    with os.fdopen(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode), "wb") as file:
        found = _copied(source, file)
        file.flush()
        os.fsync(file.fileno())
    return found


def make_private(folder: Path) -> None:
    """Make a directory, and those above it that are missing, for its owner alone. Raises OSError."""
    if not folder.is_dir():
        make_private(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)


def _copied(source: BinaryIO, target: BinaryIO | None) -> tuple[str, int]:
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
    try:
        with tarfile.open(path) as tar:
            yield tar
    except (tarfile.TarError, zlib.error, EOFError):
        raise BackupUnusable(path, "it is no archive, or only a piece of one") from None
    except OSError as error:
        if error.errno is None:  # gzip's own, for what is no gzip
            raise BackupUnusable(path, f"it is damaged ({error})") from None
        raise CarryonError(f"{path}: {error.strerror}") from None
    except ValueError as error:  # names that no file can have
        raise BackupUnusable(path, f"it is damaged ({error})") from None


def _parsed(path: Path, text: bytes) -> Manifest:
    try:
        fields = cast("dict[str, Any]", json.loads(text))
        if int(fields["format"]) > FORMAT:
            raise BackupUnusable(path, f"its format {fields['format']} is newer than this version knows")
        members = tuple(
            Member(str(one["name"]), int(one["size"]), str(one["sha256"]), bool(one["executable"]))
            for one in fields["members"]
        )
        return Manifest(
            str(fields["carryon"]),
            int(fields["schema"]),
            float(fields["taken_at"]),
            bool(fields["at_rest"]),
            bool(fields["clean"]),
            {str(name): str(platform) for name, platform in fields["accounts"].items()},
            {str(name): int(count) for name, count in fields["counts"].items()},
            int(fields["left_out"]),
            members,
            int(fields["format"]),
        )
    except (ValueError, TypeError, KeyError, AttributeError):
        raise BackupUnusable(path, "its manifest is none that Carryon has written") from None
