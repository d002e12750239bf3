"""Texts get to their places, all or none of them, readable for their owner alone.

Everything is first written and tried in a folder beside the config file, which vanishes whatever happens:
what is left of one that was killed, the next one deletes.
Only moving it into place remains then, in a moment in which signals wait.
"""

import os
import re
import signal
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from gateway.config.file import PREFIX, load
from gateway.errors import CarryonError, ConfigError
from gateway.init.answers import Answers
from gateway.init.compose import Composed, compose
from gateway.store.copying import flush
from gateway.store.unfinished import unfinished

_SAFE = re.compile(r"[A-Za-z0-9._-]+", re.ASCII)
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_IGNORE = ".gitignore"


@dataclass(frozen=True, slots=True)
class Written:
    """What was written, and where what had been there before is kept."""

    config: Path
    folder: Path
    backups: tuple[Path, ...]


def write(answers: Answers, config: Path, environ: Mapping[str, str]) -> Written:
    """Write the config file and the files of its secrets.

    Raises `CarryonError` where that is not possible; then everything is as it was before.
    """
    config = config.absolute()
    stem = config.stem if _SAFE.fullmatch(config.stem) else "carryon"
    folder = config.with_name(f"{stem}.secrets")
    composed = compose(answers, folder.name)
    try:
        config.parent.mkdir(parents=True, exist_ok=True)
        with unfinished(config.parent) as place:
            staged = _stage(place, config.name, folder.name, composed)
            _try(staged, config, environ)
            with _undisturbed():
                return Written(config, folder, _move(staged, config, folder, composed))
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        raise CarryonError(f"{config} cannot be written: {where}{error.strerror}") from None


def _stage(place: Path, name: str, folder: str, composed: Composed) -> Path:
    """All of it in `place`, where from the first moment on no `git add` finds any of it."""
    _put(place / _IGNORE, "*\n")
    secrets = place / folder
    secrets.mkdir(mode=0o700)
    _put(secrets / _IGNORE, "*\n")
    for file, value in composed.secrets.items():
        _put(secrets / file, f"{value}\n")
    _put(place / name, composed.config)
    return place / name


def _try(staged: Path, config: Path, environ: Mapping[str, str]) -> None:
    """The gateway will take it. What the environment overrides is none of the file's business."""
    own = {name: value for name, value in environ.items() if not name.startswith(PREFIX)}
    try:
        load(staged, own)
    except ConfigError as error:
        lines = "\n".join(error.problems).replace(str(staged), str(config))
        raise CarryonError(f"nothing was written, as the config could not be used:\n{lines}") from None


def _move(staged: Path, config: Path, folder: Path, composed: Composed) -> tuple[Path, ...]:
    folder.mkdir(mode=0o700, exist_ok=True)
    folder.chmod(0o700)
    backups: list[Path] = []
    for file in (_IGNORE, *composed.secrets):
        _replace(staged.parent / folder.name / file, folder / file, backups)
    _replace(staged, config, backups)
    for directory in (folder, config.parent):
        flush(directory)
    return tuple(backups)


def _replace(new: Path, place: Path, backups: list[Path]) -> None:
    """The new file takes the place of the old one, which is kept if it said something else."""
    if place.is_file() and place.read_bytes() != new.read_bytes():
        kept = next(one for one in _names(place) if not one.exists())
        beside = new.with_name(f"{new.name}.old")
        _put(beside, place.read_bytes())
        beside.replace(kept)
        backups.append(kept)
    new.replace(place)


def _names(place: Path) -> Generator[Path]:
    yield place.with_name(f"{place.name}.bak")
    for number in count(2):
        yield place.with_name(f"{place.name}.bak{number}")


def _put(path: Path, content: str | bytes) -> None:
    data = content.encode() if isinstance(content, str) else content
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(descriptor)


@contextmanager
def _undisturbed() -> Generator[None]:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
