"""A secret of this state directory, made at its first use. It outlives the process; only its owner reads it.

Cookies are sealed with it, and the ids of traces are derived from it, so that both go on after a restart.
"""

import os
import secrets
from pathlib import Path

from gateway import log

_log = log.get()

KEY_FILE = "gateway.key"
_BYTES = 32


def state_key(state_dir: Path) -> bytes:
    """The secret. Where it cannot be kept, one for this process alone. The state directory is locked."""
    path = state_dir / KEY_FILE
    try:
        found = path.read_bytes()
        if len(found) == _BYTES:
            return found
    except FileNotFoundError:
        pass
    except OSError as error:
        _log.warning("key.unreadable", path=str(path), why=str(error))
        return secrets.token_bytes(_BYTES)
    made, new = secrets.token_bytes(_BYTES), path.with_suffix(".new")
    try:
        new.unlink(missing_ok=True)
        handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(made)
            file.flush()
            os.fsync(handle)
        new.replace(path)
    except OSError as error:
        _log.warning("key.not_kept", path=str(path), why=str(error))
    return made
