"""A log file that keeps the end of what was written to it.

Standard error of an agent goes here. It must always be read, or an agent that writes much of it stops in the
middle of a turn; and it must never fill the disk.
"""

from pathlib import Path


class TailLog:
    """At most twice `limit` bytes on disk, and never less than the last `limit` bytes that were written."""

    def __init__(self, path: Path | None, limit: int) -> None:
        self._path = path
        self._limit = limit
        self._recent = b""
        try:
            if path is not None:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.touch()
        except OSError:
            self._path = None

    def write(self, data: bytes) -> None:
        """Add output. A disk that does not take it costs the log, not the agent."""
        self._recent = (self._recent + data)[-4096:]
        if self._path is None:
            return
        try:
            if self._path.stat().st_size + len(data) > 2 * self._limit:  # other processes write to it as well
                self._path.write_bytes((self._path.read_bytes() + data)[-self._limit :])
            else:
                with self._path.open("ab") as file:
                    file.write(data)
        except OSError:
            self._path = None

    def last_words(self) -> str:
        """The last line that is not empty, for an error's details."""
        lines = [line for line in self._recent.decode(errors="replace").splitlines() if line.strip()]
        return lines[-1].strip() if lines else ""
