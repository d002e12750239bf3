"""What has to be known of an agent so that it can load a session.

Gemini (0.61) names a session's file by the minute and the first eight characters of its id, and loading makes
a stub of the same kind. In the same minute the stub overwrites the session, and a later start deletes both. A
file dated long ago is safe from that, and stubs are cleared away. It also answers a load before it has
replayed everything.
"""

import contextlib
import json
from pathlib import Path

from gateway import log

_log = log.get()

_LONG_AGO = "2020-01-01T00-00"


def replays_late(preset: str) -> bool:
    """Whether more of a replay may come after the answer to the load, however complete it looks."""
    return preset == "gemini"


def before_load(preset: str, home: Path, agent_session_id: str) -> None:
    """Prepare the agent's files for loading a session. Blocks; what cannot be changed is left alone."""
    if preset != "gemini":
        return
    short = agent_session_id[:8]
    if not short.isalnum():
        return
    for chats in home.glob(".gemini/tmp/*/chats"):
        _make_safe(chats, short)


def _make_safe(chats: Path, short: str) -> None:
    safe = chats / f"session-{_LONG_AGO}-{short}.jsonl"
    with contextlib.suppress(OSError):
        files = sorted(chats.glob(f"session-*-{short}.jsonl"), key=lambda path: path.stat().st_mtime)
        real = [path for path in files if _has_user(path)]
        for path in files:
            if path not in real:
                path.unlink()
        if real and real[-1] != safe:
            # The newest holds everything: a load goes on writing where it began.
            real[-1].replace(safe)
            _log.info("agent.session_file_moved", file=safe.name)


def _has_user(path: Path) -> bool:
    """Whether a session's file holds a message of the user."""
    for line in path.read_text(errors="replace").splitlines():
        try:
            entry: object = json.loads(line)
        except ValueError:
            continue
        if isinstance(entry, dict) and entry.get("type") == "user":  # pyright: ignore[reportUnknownMemberType]
            return True
    return False
