"""Logs: one line per event on standard error, each with a stable `action`.

`get()` returns a logger that is set up at its first use, so modules may ask for one at import. Lines of
libraries take the same way out, from warning on. Every configured secret is struck out of every text, of
exceptions too, and agent session ids are shortened, because whoever knows one can load that conversation.
Nothing here ever raises into the caller: a gateway whose log has gone away goes on working.
"""

import contextlib
import json
import logging
import os
import re
import select
import stat
import sys
import traceback
from collections.abc import Generator, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Literal, TextIO, cast
from urllib.parse import quote

import structlog
from structlog.typing import EventDict, FilteringBoundLogger, Processor

from gateway.log_file import LogFile

PATIENCE: Final = 1.0
"""Seconds that a reader of standard error may keep the gateway waiting, once."""

_LEVELS: Final = {"debug": 10, "info": 20, "warning": 30, "error": 40}
_COLOURS: Final = {"debug": "2", "info": "32", "warning": "33", "error": "31", "critical": "31"}
_REDACTED: Final = "[redacted]"
_SHORTEST_SECRET: Final = 4  # characters; striking out anything shorter would tear holes into every line
_SHORTENED: Final = ("agent_session_id", "sessionId")  # also with something before it
_KEPT: Final = 8  # characters of an agent session id
_TRACE_LENGTH: Final = 8_000  # characters of a traceback, from its end
_DEEPEST: Final = 4  # levels of a value that are looked into
_UNPRINTABLE: Final = re.compile(
    r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)


def configure(
    format: Literal["auto", "console", "json"],  # noqa: A002  (the key's name in the config)
    level: Literal["debug", "info", "warning", "error"],
    secrets: Iterable[str] = (),
) -> None:
    """Send everything to standard error. `auto` is console on a terminal, else JSON.

    `secrets` are struck out wherever they appear. Called again, it counts for every logger at once.
    """
    terminal = _is_terminal()
    console = format == "console" or (format == "auto" and terminal)
    chain: list[Processor] = [
        structlog.processors.add_log_level,
        _Exceptions(whole=not console or level == "debug"),
        Redaction(secrets),
        _stamp,
        _keep,
        _Console(colours=terminal) if console else _json,
    ]
    structlog.configure(
        processors=chain,
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
        logger_factory=lambda *_: _Output(),
        cache_logger_on_first_use=False,  # so that a reload of the config reaches them
    )
    root = logging.getLogger()
    for old in [handler for handler in root.handlers if isinstance(handler, _Libraries)]:
        root.removeHandler(old)
    root.addHandler(_Libraries(chain))
    root.setLevel(max(_LEVELS[level], logging.WARNING))
    logging.captureWarnings(capture=True)


def get(**context: object) -> FilteringBoundLogger:
    """A logger that adds the context to each of its lines: `get(account=…).info("boot.started", pid=…)`."""
    return cast("FilteringBoundLogger", structlog.get_logger(**context))


class _Output:
    """Writes whole lines to whatever standard error is now, and shrugs when there is none."""

    def msg(self, line: str) -> None:
        with contextlib.suppress(OSError, ValueError, AttributeError, RuntimeError):  # closed, broken or None
            _ERRORS.write(sys.stderr, line + "\n")

    debug = info = warning = error = critical = exception = log = msg


class _Errors:
    """Standard error, which nobody may be reading: a full pipe must not stop the gateway.

    It is waited for once, `PATIENCE` seconds. From then on lines are dropped until there is room again, and
    how many were is said first.
    """

    def __init__(self) -> None:
        self._dropped = 0
        self._halved = False

    def write(self, stream: TextIO, line: str) -> None:
        # Past Python's buffers: what a broken pipe leaves in them fails again at exit and changes the code.
        try:
            file = stream.fileno()
        except (OSError, AttributeError):  # not a file, as under a test runner
            stream.write(line)
            return
        if self._dropped and _has_room(file, 0.0):
            told = f"... {self._dropped} lines were dropped: nobody read them\n"
            line = ("\n" if self._halved else "") + told + line
            self._dropped, self._halved = 0, False
        rest = line.encode(errors="backslashreplace")
        whole = len(rest)
        while rest:
            if not _has_room(file, 0.0 if self._dropped else PATIENCE):
                self._dropped += 1
                self._halved = self._halved or len(rest) < whole
                return
            rest = rest[os.write(file, rest[: select.PIPE_BUF]) :]


_ERRORS: Final = _Errors()


def _has_room(file: int, seconds: float) -> bool:
    """Whether a pipe takes something within so long; anything else always does."""
    mode = os.fstat(file).st_mode
    if not (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)):
        return True
    poll = select.poll()
    poll.register(file, select.POLLOUT)
    return bool(poll.poll(seconds * 1000))


class _Libraries(logging.Handler):
    """Lines of libraries: action `library`, the text under `message`, through the same chain."""

    def __init__(self, chain: Sequence[Processor]) -> None:
        super().__init__(logging.WARNING)
        self._chain = chain
        self._output = _Output()

    def emit(self, record: logging.LogRecord) -> None:
        try:
            message = record.getMessage()
        except (TypeError, ValueError, KeyError):
            message = str(record.msg)  # wrong arguments are the library's mistake
        event: Any = {
            "event": "library",
            "logger": record.name,
            "message": message,
            "exc_info": record.exc_info,
        }
        for process in self._chain:
            event = process(None, record.levelname.lower(), event)
        self._output.msg(event)


class _Exceptions:
    """`exc_info` becomes `error`, one line, and where whole, `traceback`, a text of bounded length."""

    def __init__(self, *, whole: bool) -> None:
        self._whole = whole

    def __call__(self, _logger: object, _method: str, event: EventDict) -> EventDict:
        info = event.pop("exc_info", None)
        error = info if isinstance(info, BaseException) else None
        if info and error is None:
            error = (cast("tuple[object, ...]", info) if isinstance(info, tuple) else sys.exc_info())[1]
        if isinstance(error, BaseException):
            event["error"] = error
            if self._whole:
                event["traceback"] = "".join(traceback.format_exception(error)).rstrip()
        return event


class Redaction:
    """Strikes out secrets, plain and in the spellings of URLs, JSON and Python; shortens agent session ids.

    What leaves it is made of plain values only, so that rendering cannot fail or call back into other code.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        spellings = {
            spelling
            for secret in secrets
            if len(secret) >= _SHORTEST_SECRET
            for spelling in (secret, quote(secret, safe=""), json.dumps(secret)[1:-1], repr(secret)[1:-1])
        }
        longest_first = sorted(spellings, key=len, reverse=True)
        self._secrets = re.compile("|".join(map(re.escape, longest_first))) if spellings else None

    def __call__(self, _logger: object, _method: str, event: EventDict) -> EventDict:
        return {self._text(key): self._value(value, key, 0) for key, value in event.items()}

    def _text(self, text: str) -> str:
        return self._secrets.sub(_REDACTED, text) if self._secrets else text

    def _value(self, value: object, key: str, depth: int) -> object:
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, str):
            shortened = key.endswith(_SHORTENED) and len(value) > _KEPT
            return self._text("…" + value[-_KEPT:] if shortened else value)
        if isinstance(value, int | float) and abs(value) < 1e300:  # which NaN and infinity are not
            # A secret may consist of digits; then the number must go too.
            return value if self._secrets is None or self._text(str(value)) == str(value) else _REDACTED
        if isinstance(value, Mapping) and depth < _DEEPEST:
            inner = cast("Mapping[object, object]", value).items()
            return {self._text(str(k)): self._value(v, str(k), depth + 1) for k, v in inner}
        if isinstance(value, list | tuple | set | frozenset) and depth < _DEEPEST:
            return [self._value(item, key, depth + 1) for item in cast("Iterable[object]", value)]
        return self._text(_describe(cast("object", value)))


def _describe(value: object) -> str:
    try:
        if isinstance(value, BaseException):
            return f"{type(value).__name__}: {value}".removesuffix(": ")
        return str(value)
    except Exception:  # noqa: BLE001  (a foreign object may raise anything when it is asked for a text)
        return f"<{type(value).__name__}>"


def _stamp(_logger: object, _method: str, event: EventDict) -> EventDict:
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    action, level = event.pop("event", ""), event.pop("level", "")
    if trace := event.get("traceback"):
        event["traceback"] = str(trace)[
            -_TRACE_LENGTH:
        ]  # after the redaction: half a secret is not recognised
    return {"timestamp": now, "level": level, "action": action, **event}


_kept: LogFile | None = None


def _keep(_logger: object, _method: str, event: EventDict) -> EventDict:
    if _kept is not None:
        _kept.write(event)
    return event


@contextlib.contextmanager
def kept(folder: Path, size: int | None) -> Generator[None]:
    """Keep every line in `folder` as well, in at most `size` bytes; None keeps nothing.

    A folder that cannot be used is a line in the log, and no reason not to run.
    """
    global _kept  # noqa: PLW0603  there is one log of a process, as there is one standard error
    if size is None:
        yield
        return
    try:
        _kept = LogFile(folder, size)
    except OSError as error:
        get().warning("log.not_kept", folder=str(folder), why=str(error))
    try:
        yield
    finally:
        if _kept is not None:
            _kept.close()
        _kept = None


def _json(_logger: object, _method: str, event: EventDict) -> str:
    return json.dumps(event)


def readable(line: Mapping[str, object], *, colours: bool) -> str:
    """A line that was kept, as a console shows it."""
    event = {"timestamp": "", "level": "", "action": "", **line}
    return _Console(colours=colours)(None, "", event)


class _Console:
    """One readable line; colours only on a terminal. Control characters are shown, never obeyed."""

    def __init__(self, *, colours: bool) -> None:
        self._colours = colours

    def __call__(self, _logger: object, _method: str, event: EventDict) -> str:
        trace = event.pop("traceback", None)
        time, level, action = (_visible(str(event.pop(key))) for key in ("timestamp", "level", "action"))
        shown = f"{level:<7}"
        if self._colours:
            shown = f"\x1b[{_COLOURS.get(level, '0')}m{shown}\x1b[0m"
        pairs = "".join(f" {_visible(key)}={_console_value(value)}" for key, value in event.items())
        line = f"{time} {shown} {action}{pairs}"
        return f"{line}\n{_visible(str(trace))}" if trace else line


def _console_value(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    if isinstance(value, str) and (not text or re.search(r"[\s\"'=]", text)):
        text = json.dumps(text, ensure_ascii=False)
    return _visible(text)


def _visible(text: str) -> str:
    return _UNPRINTABLE.sub(lambda match: ascii(match[0])[1:-1], text)


def _is_terminal() -> bool:
    try:
        return sys.stderr.isatty()
    except (AttributeError, ValueError):  # none at all, or closed
        return False


# Until `configure` is called, as in a command that works on the ledger of a stopped gateway: what such a
# command prints is for programs, too, so lines do not go there.
structlog.configure(logger_factory=lambda *_: _Output())
