"""How a command ends: with an exit code, and at worst with one line that says why. Never with a traceback,
and never with a secret of the config.
"""

import errno
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Final, NoReturn

import typer

from gateway.errors import CarryonError
from gateway.known import struck_out

EXIT_OUTPUT: Final = 1
_OF_WRITING: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF})


def ending(command: Callable[[], object]) -> NoReturn:
    """Run a command and end the process as it says, unless what it printed could not be written."""
    code: int | str | None = 0
    try:
        command()
    except SystemExit as ended:
        code = ended.code
    except CarryonError as error:
        _tell(str(error))
        code = error.exit_code
    except MemoryError:
        code = EXIT_OUTPUT
        _tell("there was not enough memory for it; free some, or allow more, and run it again")
    except OSError as error:
        code = EXIT_OUTPUT
        if not _lost():
            # A long text fails while it is written, and leaves nothing behind that would fail again.
            printing = error.filename is None and error.errno in _OF_WRITING
            _tell(_unwritten(error) if printing else f"the command could not go on: {error}")
    # What is still held back would fail at the interpreter's end, with words and a code of its own.
    sys.exit(EXIT_OUTPUT if _lost() else code)


def _lost() -> bool:
    """Whether what was printed cannot be written. If so this is said, once, and the rest of it given up."""
    if sys.stdout is None:  # pyright: ignore[reportUnnecessaryComparison]  (it was closed by the caller)
        return False
    try:
        sys.stdout.flush()
    except BrokenPipeError:  # who read it has seen enough
        _give_up()
    except OSError as error:
        _tell(_unwritten(error))
        _give_up()
    else:
        return False
    return True


def _unwritten(error: OSError) -> str:
    return f"the output could not be written: {error.strerror}; make room, or send it elsewhere"


def _give_up() -> None:
    with suppress(OSError):
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, sys.stdout.fileno())
        os.close(nothing)
        sys.stdout.flush()


def _tell(text: str) -> None:
    with suppress(OSError):  # there is nowhere left to say it
        for line in struck_out(text).splitlines():
            typer.echo(f"carryon: {line}", err=True)
