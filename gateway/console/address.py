"""Where the control socket of a state directory is. Both ends compute it, so nothing has to be configured."""

import hashlib
import tempfile
from pathlib import Path

SOCKET = "control.sock"
_LONGEST = 100
"""Bytes of a socket's path that every system takes; the kernel's own limit is a little above."""


def socket_path(state_dir: Path) -> Path:
    """The socket's path: in the state directory, or, where that is too deep, in the temporary directory."""
    path = state_dir / SOCKET
    if len(str(path).encode()) <= _LONGEST:
        return path
    digest = hashlib.sha256(str(state_dir).encode()).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"carryon-{digest}.sock"
