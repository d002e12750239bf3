"""Ways to put something right that several checks share."""

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from stat import S_IMODE

from gateway.doctor.context import Context
from gateway.errors import CarryonError
from gateway.model.finding import Mend, NotMendedError
from gateway.store.lock import hold_state


def chmod(context: Context, path: Path, mode: int) -> Mend | None:
    """Change who may read and write a file; None where that is another user's business."""
    owner = path.stat().st_uid
    return partial(_chmod, path, mode) if owner == os.geteuid() and not stands_in(context) else None


def stands_in(context: Context) -> str:
    """Whose gateway it is, where root looks after another user's; empty otherwise."""
    if os.geteuid() != 0:
        return ""
    try:
        owner = context.state_dir.stat().st_uid
        return "" if owner == 0 else context.state_dir.owner()
    except OSError:
        return ""
    except KeyError:  # a user without a name
        return "another user"


def alone(state_dir: Path, work: Callable[[], str]) -> Mend:
    """Work that must not be done beside a gateway: the state is locked meanwhile, and none can start."""

    def mend() -> str:
        try:
            with hold_state(state_dir):
                return work()
        except (CarryonError, OSError) as error:
            raise NotMendedError(str(error)) from None

    return mend


def _chmod(path: Path, mode: int) -> str:
    try:
        before = S_IMODE(path.stat().st_mode)
        path.chmod(mode)
    except OSError as error:
        raise NotMendedError(f"{path}: {error.strerror}") from None
    return f"{path} had the mode {before:04o} and has {mode:04o} now"
