"""Agent processes that a killed gateway left behind.

Each process is noted in a file with its id, its start time and its token. The next gateway ends whatever
still carries one of those tokens. A process id alone would prove nothing: it may be somebody else's by now.
"""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

import psutil

from gateway.agents import tree


def leftovers(log_dirs: Iterable[Path]) -> list[psutil.Process]:
    """The running processes that the notes in these directories name, without ending any. Blocks."""
    tokens, roots = _read(_notes(log_dirs))
    found = [*(root.process for root in roots), *(tree.holders(tokens) if tokens else ())]
    return list({process.pid: process for process in found}.values())


def end_leftovers(log_dirs: Iterable[Path]) -> int:
    """End what the notes in these directories name; how many processes that were. Blocks."""
    notes = _notes(log_dirs)
    tokens, roots = _read(notes)
    # Asked politely, some agents note in their history that the user had stopped them.
    ended = tree.end_trees(roots, at_once=True) if roots else 0
    strays = tree.holders(tokens) if tokens else []
    for process in strays:
        tree.kill_root(tree.Root(process, ""))
    for note in notes:
        note.unlink(missing_ok=True)
    return max(ended, len(strays))


def _notes(log_dirs: Iterable[Path]) -> list[Path]:
    return [note for log_dir in set(log_dirs) for note in (log_dir / "processes").glob("*.json")]


def _read(notes: Sequence[Path]) -> tuple[set[str], list[tree.Root]]:
    """The tokens in these notes, and the processes of theirs that are still what they were."""
    tokens: set[str] = set()
    roots: list[tree.Root] = []
    for note in notes:
        try:
            left = json.loads(note.read_text())
            tokens.add(str(left["token"]))
            process = psutil.Process(int(left["pid"]))
            if abs(process.create_time() - float(left["created"])) < 1.0:
                roots.append(tree.Root(process, str(left["token"])))
        except (OSError, ValueError, KeyError, TypeError, psutil.Error):
            continue  # a torn note, or a process that has ended
    return tokens, roots
