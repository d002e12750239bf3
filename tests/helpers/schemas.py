"""Ledgers as earlier versions left them: one dump of SQL for each schema that there ever was.

`python -m tests.helpers.schemas` writes those that are missing. One that is there is never written again: it
is what an installation has on its disk. A new migration needs a file of `lives`: rows for what it adds.
"""

import sqlite3
from contextlib import closing
from pathlib import Path

from gateway.store.migrate import migrations

FOLDER = Path(__file__).parents[1] / "store_schemas"


def dump(number: int) -> Path:
    """The ledger of this schema."""
    return FOLDER / f"{number:04d}.sql"


def life(number: int) -> Path:
    """What happened to it, in the tables and columns that it was the first to have."""
    return FOLDER / "lives" / f"{number:04d}.sql"


def put(number: int, path: Path) -> None:
    """Have a ledger of this schema at a path."""
    with closing(sqlite3.connect(path, isolation_level=None)) as raw:
        raw.executescript(dump(number).read_text(encoding="utf-8"))


def _lived(number: int) -> str:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as raw:
        for step in migrations()[:number]:
            raw.executescript(step.path.read_text(encoding="utf-8"))
            raw.executescript(life(step.number).read_text(encoding="utf-8"))
        text = "\n".join(raw.iterdump())
    return f"{text}\nPRAGMA user_version = {number};\n"


def main() -> None:
    """Write what is missing."""
    for step in migrations():
        if not dump(step.number).exists():
            dump(step.number).write_text(_lived(step.number), encoding="utf-8")


if __name__ == "__main__":
    main()
