"""Commands of the pages that cannot be typed here, each with the reason.

What can be seen of them without carrying them out is looked at in `test_excused.py`: their syntax, the paths
and targets that they name, and the options of every `carryon` in them.
"""

import re

LONG = "it runs this very test, or takes minutes"

EXCUSED: dict[str, str] = {
    # Doors and tools of the checkout.
    r"^make \.venv/bin/carryon$": "it makes the very environment in which this runs",
    r"^\. \.venv/bin/activate$": "the program is on the PATH already",
    r"^make (agents|bench|check|clean|crash|demo|docs|format|soak|test)( |$)": LONG,
    r"^\.venv/bin/python -m (pytest|bench)( |$)": LONG,
    r"^\.venv/bin/pip install ": "it changes the environment in which this runs",
    # Questions at a terminal; tests/e2e/test_init.py answers them.
    r"^carryon init$": "it asks a person, and the platforms; the tutorial has it with all answers",
    r"^carryon agents check claude$": "an agent of others' make; `make agents` installs and tries it",
    # What needs another machine, or to be its owner.
    r"^sudo ": "it changes the machine",
    r"^(systemctl|journalctl|systemd-analyze) ": "it speaks to the machine's own systemd",
    r"^docker ": "there need be no Docker",
    r"^kubectl ": "there need be no Kubernetes",
    r"^(createuser|createdb) ": "there need be no database service",
    r"^ssh ": "there is no other machine",
    # What does not end by itself.
    r"^carryon logs --follow$": "it goes on until Ctrl-C; tests/unit/test_log_kept.py follows",
}


def excuse(command: str) -> str:
    """Why a command is not typed; empty if it is."""
    flat = " ".join(command.replace("\\\n", " ").split())
    return next((why for pattern, why in EXCUSED.items() if re.search(pattern, flat)), "")
