"""Files looked at for changes, by asking the file system now and then.

Not by its notifications: they are silent on network and many container mounts, and stay with a file that an
editor or a swapped link has replaced, while it is the name that counts. A handful of questions a second costs
nothing.
"""

import os
import stat
from collections.abc import Iterable

Stamp = tuple[int, ...]
"""What changes whenever a file does: what it is, how long, when it was written. Empty: it is not there."""

Stamps = dict[str, Stamp]


def stamps(paths: Iterable[str]) -> Stamps:
    """How the files are now, links followed. Blocks; raises nothing."""
    return {path: _stamp(path) for path in paths}


def _stamp(path: str) -> Stamp:
    try:
        found = os.stat(path)  # noqa: PTH116  (a path with NUL is a problem of the config, and told there)
    except (OSError, ValueError):
        return ()
    if not stat.S_ISREG(found.st_mode):
        return (found.st_dev, found.st_ino)  # what passes through a pipe or a device is no change of it
    return (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


def is_pipe(path: str) -> bool:
    """Whether there is a pipe, which gives what it holds but once. Blocks; raises nothing."""
    try:
        return stat.S_ISFIFO(os.stat(path).st_mode)  # noqa: PTH116  (as above)
    except (OSError, ValueError):
        return False
