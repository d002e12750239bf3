"""Looks for secrets in everything that a gateway and its commands let people see.

Every stage plants some: the bots' tokens, a key in the agent's environment, a token for the page. Agents'
session ids are secrets, too: whoever knows one can load that conversation.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, cast

from gateway import log_file
from gateway.store.sqlite import LEDGER_FILE

PLANTED = "sk-planted-in-the-agents-environment-0123456789"
SECRET_KEYS = frozenset({"token", "bot_token", "app_token"})
SHORTEST = 12
"""Characters: anything shorter may be there by chance."""


def secrets_of(values: Mapping[str, Any]) -> frozenset[str]:
    """What a config holds that nobody may see."""
    found = {PLANTED, *_secrets(values)}
    return frozenset(one for one in found if len(one) >= SHORTEST)


def _secrets(node: object) -> Iterator[str]:
    if isinstance(node, Mapping):
        for key, value in cast("Mapping[str, object]", node).items():
            if key in SECRET_KEYS and isinstance(value, str):
                yield value
            else:
                yield from _secrets(value)


def session_ids(state: Path) -> frozenset[str]:
    """The agents' session ids in a ledger, as far as there is one."""
    path = state / LEDGER_FILE
    if not path.is_file():
        return frozenset()
    try:
        raw = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        try:
            rows = raw.execute("SELECT agent_session_id FROM sessions WHERE agent_session_id IS NOT NULL")
            return frozenset(row[0] for row in rows if len(row[0]) >= SHORTEST)
        finally:
            raw.close()
    except sqlite3.Error:  # a test has damaged it
        return frozenset()


def leaks(texts: Mapping[str, str], secrets: Iterable[str]) -> list[str]:
    """Where a secret stands, plain or as JSON spells it, with what is around it."""
    found: list[str] = []
    for secret in secrets:
        for spelling in {secret, json.dumps(secret)[1:-1]}:
            for name, text in texts.items():
                at = text.find(spelling)
                if at >= 0:
                    found.append(f"{name}: …{text[max(0, at - 60) : at + len(spelling) + 10]}…")
    return found


def kept_logs(state: Path) -> dict[str, str]:
    """The logs that a gateway keeps in its state directory."""
    return {
        path.name: path.read_text(encoding="utf-8", errors="replace")
        for path in log_file.files(state / log_file.FOLDER)
    }
