"""Whether permissions keep this user from the state, and what is to be done about it."""

import os
import pwd
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from stat import S_IMODE, S_ISDIR, filemode

from gateway.errors import LedgerUnavailable


@dataclass(frozen=True, slots=True)
class Barred:
    """What keeps this user out, and what to do. `own`: it is this user's, and a change of its mode helps."""

    found: str
    advice: str
    own: bool = False


def barred(state_dir: Path, *names: str) -> Barred | None:
    """What of a state directory, and of files in it, this user may not use; None where all may be used.

    It is meant for errors: whoever only reads needs less than is asked for here.
    """
    for path in (state_dir, *(state_dir / name for name in names)):
        try:
            found = path.stat()
        except PermissionError:
            return _barred_above(path)
        except OSError:
            continue
        needed = os.R_OK | os.W_OK | (os.X_OK if S_ISDIR(found.st_mode) else 0)
        if not os.access(path, needed):
            return _judged(state_dir, path, found)
    return None


def unavailable(ledger: Path, error: Exception) -> LedgerUnavailable:
    """An error of a ledger's file, with what permissions have to do with it."""
    beside = (f"{ledger.name}{tail}" for tail in ("", "-wal", "-shm"))
    found = barred(ledger.parent, *beside)
    if found is None:
        return LedgerUnavailable(f"{ledger}: {error}")
    return LedgerUnavailable(found.found, found.advice)


def is_there(ledger: Path) -> bool:
    """Whether there is a ledger. Raises `LedgerUnavailable` where this user may not even look."""
    try:
        return ledger.exists()
    except OSError as error:
        raise unavailable(ledger, error) from None


def _judged(state_dir: Path, path: Path, found: os.stat_result) -> Barred:
    me, here = os.geteuid(), quote(str(path))
    mode, wanted = S_IMODE(found.st_mode), 0o700 if S_ISDIR(found.st_mode) else 0o600
    if found.st_uid != me:
        said = f"{path} belongs to {_user(found.st_uid)}, and {_user(me)} may not use it"
        give = f"chown -R {me} {quote(str(state_dir))}"
        return Barred(said, f"run this as the user that it belongs to, or give it to this one: {give}")
    if mode & wanted == wanted:
        said = f"{path} belongs to {_user(me)}, who may write it by its mode, and cannot"
        return Barred(said, "see whether its file system is mounted read-only")
    said = f"{path} belongs to {_user(me)}, whom its own mode keeps out ({mode:04o})"
    change = "u+rwx" if S_ISDIR(found.st_mode) else "u+rw"
    return Barred(said, f"chmod {change} {here}", own=True)


def _barred_above(path: Path) -> Barred:
    """Giving away what is above a state directory is no advice: it may be a person's home."""
    above = next(one for one in path.absolute().parents if _may_be_looked_at(one))
    found = above.stat()
    said = f"{above} ({filemode(found.st_mode)}, of {_user(found.st_uid)}) keeps {_user(os.geteuid())} out"
    return Barred(said, "run this as the user that the gateway runs as, or write another state_dir")


def _may_be_looked_at(path: Path) -> bool:
    try:
        path.stat()
    except OSError:
        return False
    return True


def _user(ident: int) -> str:
    try:
        return f"{pwd.getpwuid(ident).pw_name} (user id {ident})"
    except KeyError:
        return f"user id {ident}"
