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
        said = {path: _messages(path) for path in chats.glob(f"session-*-{short}.jsonl")}
        for stub in [path for path, count in said.items() if not count]:
            stub.unlink()
            del said[stub]
        # Should two of them hold a conversation, the longer one is the whole.
        whole = max(said, key=lambda path: (said[path], path.stat().st_mtime), default=safe)
        if whole != safe:
            whole.replace(safe)
            _log.info("agent.session_file_moved", file=safe.name)


def _messages(path: Path) -> int:
    """How many messages of the user a session's file holds."""
    count = 0
    for line in path.read_text(errors="replace").splitlines():
        try:
            entry: object = json.loads(line)
        except ValueError:
            continue
        if isinstance(entry, dict) and entry.get("type") == "user":  # pyright: ignore[reportUnknownMemberType]
            count += 1
    return count
