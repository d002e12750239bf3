"""The disk under the state directory: is there room, and can a database be kept there?"""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePath

import psutil

from gateway.doctor.context import Context
from gateway.model.finding import Finding, fine, problem, warning

MB = 1_000_000
SCARCE, NEARLY_FULL = 500 * MB, 50 * MB
FEW_INODES, NO_INODES = 5_000, 200

SHARED = frozenset(
    {
        "9p", "afpfs", "afs", "ceph", "cifs", "davfs", "drvfs", "fuse.ceph", "fuse.davfs2", "fuse.gcsfuse",
        "fuse.glusterfs", "fuse.gvfsd-fuse", "fuse.mfs", "fuse.rclone", "fuse.s3fs", "fuse.sshfs", "gfs2",
        "glusterfs", "lustre", "ncpfs", "nfs", "nfs4", "ocfs2", "prl_fs", "smb3", "smbfs", "vboxsf", "vmhgfs",
        "fuse.vmhgfs-fuse", "webdav",
    }
)  # fmt: skip
"""File systems that are another machine's. SQLite's write-ahead log needs memory that all its users share."""


def room(context: Context) -> Iterator[Finding]:
    """There is room for what people write."""
    path = existing(context.state_dir)
    found = os.statvfs(path)
    yield judged(str(path), found.f_bavail * found.f_frsize, found.f_favail if found.f_files else None)


def judged(path: str, free: int, inodes: int | None) -> Finding:
    """What so many free bytes mean, and so many files that can still be made; None is any number."""
    advice = "make room; a ledger that cannot be written stops the gateway from taking messages"
    left = f"{free // MB:,} MB are free at {path}"
    if free < SCARCE:
        return (problem if free < NEARLY_FULL else warning)("disk", f"only {left}", advice)
    if inodes is not None and inodes < FEW_INODES:
        found = f"only {inodes:,} more files can be made at {path} (inodes)"
        return (problem if inodes < NO_INODES else warning)("disk", found, advice)
    return fine("disk", left)


def kind(context: Context) -> Iterator[Finding]:
    """The ledger is on a disk of this machine."""
    if context.ledger is None:
        return
    path = existing(context.state_dir).resolve()
    mounts = [(one.mountpoint, one.fstype) for one in psutil.disk_partitions(all=True)]
    name = file_system(str(path), mounts)
    if name in SHARED:
        found = f"{context.state_dir} is on {name}, where SQLite's write-ahead log is not safe"
        advice = "move the state directory to a disk of this machine, and set state_dir to it"
        yield problem("file system", found, advice)
    elif name:
        yield fine("file system", f"{context.state_dir} is on {name}")


def file_system(path: str, mounts: Sequence[tuple[str, str]]) -> str:
    """The kind of the file system that a path is on. `mounts` are places and kinds; later ones are on top."""
    best, depth = "", -1
    for place, name in mounts:
        if PurePath(path).is_relative_to(place) and len(PurePath(place).parts) >= depth:
            best, depth = name, len(PurePath(place).parts)
    return best


def existing(path: Path) -> Path:
    """The path itself, or what of it there is, as far as this user may see."""
    return next((one for one in (path, *path.parents) if there(one)), Path("/"))


def there(path: Path) -> bool:
    """Whether there is such a path that this user may see. What is wrong otherwise, other checks say."""
    try:
        return path.exists()
    except OSError:
        return False
